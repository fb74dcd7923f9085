"""A Splunk in a container: started, waited for in layers, found again, and removed.

Everything of ours bears a label, so that it can be found whoever started it; the password is
made anew for each container and stands in the ledger's folder, which only its user can read.
The reaper of testcontainers stays off: it is an image that cannot be had everywhere, and it would
end a container that is kept or shared.
"""

from __future__ import annotations

import atexit
import re
import secrets
import sys
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.engines.splunk.address import HEC_PORT, REST_PORT, Address, Image
from harness.engines.splunk.app_files import archive, digest_of
from harness.engines.splunk.docker_engine import (
    GIVE_UP,
    ContainerFailed,
    DockerUnavailable,
    docker_client,
    docker_faults,
    in_short,
)
from harness.engines.splunk.instance import _OPEN, Instance
from harness.engines.splunk.ledger import Ledger
from harness.engines.splunk.readiness import (
    CANARY,
    Waiting,
    alive,
    await_ready,
    hints_of,
    last_lines,
)
from harness.errors import HarnessError
from harness.replay import SplunkFault, Tls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker.client import DockerClient
    from docker.models.containers import Container

    from harness.engines.splunk.app_files import AppFiles

LABEL = "detection-harness"
APPS = "/opt/splunk/etc/apps"
TERMS_SINCE = 10
SYNCED, INSTALLED = "apps", "installed"
APPS_ERASER = ("rm", "-rf")
APP_NAME = re.compile(r"\w[\w.-]*")
DYING_SECONDS = 2.0


class ImageMissing(HarnessError):
    """The image is not here, and cannot be pulled."""


_FAILED: dict[str, HarnessError] = {}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens a container's Splunk."""

    password: str
    hec_token: str


def started(image: Image, apps: Sequence[AppFiles]) -> Instance:
    """A ready instance from an image: one for all processes of this machine, found by its label."""
    ledger = Ledger(f"container {image.name}")
    if (found := _OPEN.get(ledger.name)) is not None:
        return found
    if (failed := _FAILED.get(ledger.label)) is not None:
        raise failed  # it fails the same way for the next trial, minutes later
    with docker_client() as client, ledger.waiting():
        try:
            instance = _ready(client, image, ledger, apps)
        except BaseException as error:
            if not ledger.users():
                _remove_all(client, ledger)
            if isinstance(error, HarnessError):
                _FAILED[ledger.label] = error
            raise
    instance.autopsy = lambda: _found_dead(ledger)
    instance.farewell = lambda: released(image, ledger)
    _OPEN[ledger.name] = instance
    atexit.register(instance.close)
    return instance


def _ready(
    client: DockerClient, image: Image, ledger: Ledger, apps: Sequence[AppFiles]
) -> Instance:
    """The instance in the container that runs already, with these apps, or in a new one."""
    digest = digest_of(apps)
    container = _running(client, image, ledger)
    if container is not None and ledger.known(SYNCED) == [digest]:
        return Instance(_address(container, ledger), ledger)
    if container is not None and not _synced(container, ledger, apps):
        _remove(container)
        container = None
    if container is None:
        container = _created(client, image, ledger, apps)
    address = _address(container, ledger)
    names = [one.name for one in apps]
    await_ready(Waiting(container, address, names, shown=sys.stderr.isatty()))
    with ledger.opened() as book:
        book[SYNCED], book[INSTALLED] = [digest], names
    instance = Instance(address, ledger)
    instance.delete_events(f"harness_trial::{CANARY}*")
    return instance


def _remove_all(client: DockerClient, ledger: Ledger) -> None:
    for one in client.containers.list(all=True, filters={"label": _label(ledger)}):
        _remove(one)


def released(image: Image, ledger: Ledger) -> None:
    """Remove the container where this was its last user, unless it is to be kept."""
    if image.keep or ledger.known("kept"):
        return
    try:
        with docker_client() as client:
            _remove_all(client, ledger)
    except HarnessError as error:
        _tell(f"the container stays: {error.message}; `harness splunk clean` removes it")
        return
    ledger.path.unlink(missing_ok=True)


def _found_dead(ledger: Ledger) -> SplunkFault | None:
    """What a container died of; None where it lives."""
    until = time.monotonic() + DYING_SECONDS
    try:
        with docker_client() as client:
            found = client.containers.list(all=True, filters={"label": _label(ledger)})
            if not found:
                return ContainerFailed("the container was removed by somebody")
            while time.monotonic() < until:  # a connection breaks before its process has ended
                alive(found[0])
                time.sleep(0.2)
    except SplunkFault as fault:
        return fault
    except DockerUnavailable as error:
        return SplunkFault(f"the Docker engine has gone: {error.message}", hints=error.hints)
    return None


def clean_containers(*, force: bool = False) -> list[str]:
    """Remove every container of ours, kept ones too; what was removed, for a person."""
    removed: list[str] = []
    with docker_client() as client:
        for one in client.containers.list(all=True, filters={"label": LABEL}):
            image = one.labels.get(f"{LABEL}.image", "")
            ledger = Ledger(f"container {image}")
            if ledger.users() and not force:
                removed.append(f"nothing of {one.name}: a run is using it (--force removes it)")
                continue
            _remove(one)
            ledger.path.unlink(missing_ok=True)
            removed.append(f"container {one.name} ({image})")
    return removed


def _running(client: DockerClient, image: Image, ledger: Ledger) -> Container | None:
    """The container that runs already; what is left of one that died is removed."""
    found = client.containers.list(all=True, filters={"label": _label(ledger)})
    living = [one for one in found if one.status == "running" and ledger.known("password")]
    for one in found:
        if one not in living[:1]:
            _remove(one)
    if image.keep and living:
        with ledger.opened() as book:
            book["kept"] = ["yes"]
    return living[0] if living else None


def _created(
    client: DockerClient, image: Image, ledger: Ledger, apps: Sequence[AppFiles]
) -> Container:
    known = Secrets(f"{secrets.token_urlsafe(24)}aA1!", str(uuid.uuid4()))
    with ledger.opened() as book:
        book.update(password=[known.password], hec_token=[known.hec_token], users=[], indexes=[])
        book["kept"] = ["yes"] if image.keep else []
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - an extra

    testcontainers_config.ryuk_disabled = True
    described = _described(image, ledger, known, archive(apps, under=APPS))
    theirs = described.get_docker_client().client
    try:
        described.start()
        container: Container = client.containers.get(described.get_wrapped_container().id)
    except BaseException as error:
        _remove_all(client, ledger)
        raise _not_started(image, error) from error
    finally:
        theirs.close()
    return container


def _described(image: Image, ledger: Ledger, known: Secrets, apps: bytes) -> Any:
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - an extra

    class SplunkContainer(DockerContainer):  # type: ignore[misc, unused-ignore]
        """A container into which the apps are copied before it starts."""

        def _transfer_into_container(self, *_: Any) -> None:
            self.get_wrapped_container().put_archive("/", apps)

    environment = {
        "SPLUNK_START_ARGS": "--accept-license",
        "SPLUNK_PASSWORD": known.password,
        "SPLUNK_HEC_TOKEN": known.hec_token,
    }
    if needs_terms(image.name):
        environment["SPLUNK_GENERAL_TERMS"] = "--accept-sgt-current-at-splunk-com"
    return SplunkContainer(
        image.name,
        env=environment,
        ports=[HEC_PORT, REST_PORT],
        name=f"harness-splunk-{secrets.token_hex(4)}",
        transferables=[(b"", "/")],
        labels={LABEL: ledger.label, f"{LABEL}.image": image.name},
        detach=True,
    )


def needs_terms(image: str) -> bool:
    """Whether an image asks for Splunk's general terms: 10 and later, and whatever has no number.

    Source: docker-splunk, "SPLUNK_GENERAL_TERMS".
    """
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    found = re.match(r"(\d+)(?:\.|$)", tag)
    return found is None or int(found[1]) >= TERMS_SINCE


def _not_started(image: Image, error: BaseException) -> BaseException:
    from docker.errors import DockerException, ImageNotFound, NotFound  # noqa: PLC0415 - an extra

    text = in_short(error)
    if isinstance(error, ImageNotFound | NotFound) or "pull access denied" in text:
        missing: HarnessError = ImageMissing(
            f"there is no image `{image.name}` here, and it cannot be pulled: {text}",
            hints=[f"docker pull {image.name}", "--splunk-image names another", GIVE_UP],
        )
        return missing
    if not isinstance(error, DockerException | OSError):
        return error
    if any(one in text for one in ("registry", "lookup", "dial tcp", "timeout", "Client.Timeout")):
        return ImageMissing(
            f"the image `{image.name}` cannot be pulled: {text}",
            hints=[f"docker pull {image.name} where there is a network", GIVE_UP],
        )
    hints = [GIVE_UP]
    if "already allocated" in text or "address already in use" in text:
        hints.insert(0, "a port is taken: `docker ps` shows by what")
    if "no space left" in text:
        hints.insert(0, "the disk is full: `docker system prune` frees some of it")
    return ContainerFailed(f"the container did not start: {text}", hints=hints)


def _synced(container: Container, ledger: Ledger, apps: Sequence[AppFiles]) -> bool:
    """Bring the apps of a kept container up to date, and restart it.

    False where it cannot be rid of what earlier runs copied into it: then it takes a new one.
    """
    if ledger.users():
        raise ContainerFailed(
            f"{container.name} serves another run, with other apps",
            hints=["wait until that run has ended, or use another image"],
        )
    earlier = [name for name in ledger.known(INSTALLED) if APP_NAME.fullmatch(name)]
    if earlier and not _erased(container, [f"{APPS}/{name}" for name in earlier]):
        _tell(f"{container.name} cannot be rid of the apps of earlier runs: a new one is started")
        return False
    _tell(f"{container.name} gets the apps of this run and restarts")
    container.put_archive("/", archive(apps, under=APPS))
    container.restart(timeout=60)
    return True


def _erased(container: Container, folders: list[str]) -> bool:
    from docker.errors import APIError  # noqa: PLC0415 - an extra

    try:
        return bool(container.exec_run([*APPS_ERASER, *folders], user="0").exit_code == 0)
    except APIError:
        return False


def _address(container: Container, ledger: Ledger) -> Address:
    from testcontainers.core.docker_client import (  # noqa: PLC0415 - an extra
        DockerClient as TestcontainersClient,
    )

    client = TestcontainersClient()
    host = client.host()
    client.client.close()
    container.reload()
    ports = container.attrs.get("NetworkSettings", {}).get("Ports") or {}
    published: dict[int, str] = {}
    for port in (REST_PORT, HEC_PORT):
        bound = ports.get(f"{port}/tcp")
        if not bound:
            state = container.attrs.get("State", {})
            raise ContainerFailed(
                f"{container.name} died while it started (exit {state.get('ExitCode')}"
                f"{', out of memory' if state.get('OOMKilled') else ''}): {last_lines(container)}",
                hints=hints_of(last_lines(container, 200), oom=bool(state.get("OOMKilled"))),
            )
        published[port] = f"https://{host}:{bound[0]['HostPort']}"
    passwords, tokens = ledger.known("password"), ledger.known("hec_token")
    return Address(
        published[REST_PORT],
        published[HEC_PORT],
        "admin",
        None,
        passwords[0],
        None,
        Tls(insecure=True),
        owned=True,
        seed=tokens[0],
    )


def _remove(container: Container) -> None:
    from docker.errors import NotFound  # noqa: PLC0415 - an extra

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except docker_faults() as error:
        if "already in progress" not in str(error):
            _tell(
                f"{container.name} could not be removed: {in_short(error)};"
                " `harness splunk clean` tries again"
            )


def _label(ledger: Ledger) -> str:
    return f"{LABEL}={ledger.label}"


def _tell(text: str) -> None:
    sys.stderr.write(f"splunk: {text}\n")

"""A Splunk in a container: started, waited for in layers, found again, and removed.

Everything of ours bears a label, so that it can be found whoever started it; the password is
made anew for each container and stands in the ledger's folder, which only its user can read.
The reaper of testcontainers stays off: it is an image that cannot be had everywhere, and it would
end a container that is kept or shared.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.engines.splunk.address import HEC_PORT, REST_PORT, Address, Image
from harness.engines.splunk.app_files import archive, digest_of
from harness.engines.splunk.instance import _OPEN, Instance
from harness.engines.splunk.ledger import Ledger
from harness.engines.splunk.readiness import (
    CANARY,
    Waiting,
    await_ready,
    hints_of,
    last_lines,
)
from harness.errors import HarnessError
from harness.replay import SplunkFault, Tls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docker.client import DockerClient
    from docker.models.containers import Container

    from harness.engines.splunk.app_files import AppFiles

LABEL = "detection-harness"
APPS = "/opt/splunk/etc/apps"
TERMS_SINCE = 10
GIVE_UP = "or go on without Docker: --engine local, or --engine https://… of an existing Splunk"
SYNCED = "apps"
DOCKER_SECONDS = 120


class DockerUnavailable(HarnessError):
    """There is no Docker engine to start a Splunk with."""


class ImageMissing(HarnessError):
    """The image is not here, and cannot be pulled."""


class ContainerFailed(SplunkFault):
    """The container did not start, or died."""


_FAILED: dict[str, HarnessError] = {}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens a container's Splunk."""

    password: str
    hec_token: str


@contextmanager
def docker_client() -> Iterator[DockerClient]:
    """The Docker engine that the environment names."""
    try:
        from docker.client import DockerClient as Client  # noqa: PLC0415 - an extra, and heavy
        from docker.errors import DockerException  # noqa: PLC0415 - the same
    except ImportError as error:
        raise DockerUnavailable(
            "the Python package `docker` is not installed",
            hints=["pip install 'detection-harness[splunk]'", GIVE_UP],
        ) from error
    client = None
    try:
        client = Client.from_env(timeout=DOCKER_SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        if client is not None:
            client.close()
        where = os.environ.get("DOCKER_HOST", "the default socket")
        raise DockerUnavailable(
            f"no Docker engine answers at {where}: {_short(error)}",
            hints=["is it running, and may this user reach it?", GIVE_UP],
        ) from error
    try:
        yield client
    finally:
        client.close()


def started(image: Image, apps: Sequence[AppFiles]) -> Instance:
    """A ready instance from an image: one for all processes of this machine, found by its label."""
    ledger = Ledger(f"container {image.name}")
    if (found := _OPEN.get(ledger.name)) is not None:
        return found
    if (failed := _FAILED.get(ledger.label)) is not None:
        raise failed  # it fails the same way for the next trial, minutes later
    with docker_client() as client, ledger.waiting():
        container = _running(client, image, ledger)
        fresh = container is None
        digest = digest_of(apps)
        try:
            if container is None:
                container = _created(client, image, ledger, apps)
            elif ledger.known(SYNCED) != [digest]:
                _synced(container, apps, shared=bool(ledger.users()))
                fresh = True
            address = _address(container, ledger)
            if fresh:
                names = [one.name for one in apps]
                await_ready(Waiting(container, address, names, shown=sys.stderr.isatty()))
                with ledger.opened() as book:
                    book[SYNCED] = [digest]
            instance = Instance(address, ledger)
            if fresh:
                instance.delete_events(f"harness_trial::{CANARY}*")
        except BaseException as error:
            if container is not None and not ledger.users():
                _remove(container)
            if isinstance(error, HarnessError):
                _FAILED[ledger.label] = error
            raise
    instance.farewell = lambda: released(image, ledger)
    _OPEN[ledger.name] = instance
    atexit.register(instance.close)
    return instance


def released(image: Image, ledger: Ledger) -> None:
    """Remove the container where this was its last user, unless it is to be kept."""
    if image.keep or ledger.known("kept"):
        return
    with docker_client() as client:
        for one in client.containers.list(all=True, filters={"label": _label(ledger)}):
            _remove(one)
    ledger.path.unlink(missing_ok=True)


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
        for one in client.containers.list(all=True, filters={"label": _label(ledger)}):
            _remove(one)
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

    text = _short(error)
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


def _synced(container: Container, apps: Sequence[AppFiles], *, shared: bool) -> None:
    """Bring the apps of a kept container up to date, and restart it."""
    if shared:
        raise ContainerFailed(
            f"{container.name} serves another run, with other apps",
            hints=["wait until that run has ended, or use another image"],
        )
    _tell(f"{container.name} gets the apps of this run and restarts")
    container.put_archive("/", archive(apps, under=APPS))
    container.restart(timeout=60)


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
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - an extra

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if "already in progress" not in str(error):
            _tell(f"{container.name} could not be removed: {_short(error)}")


def _label(ledger: Ledger) -> str:
    return f"{LABEL}={ledger.label}"


def _tell(text: str) -> None:
    sys.stderr.write(f"splunk: {text}\n")


def _short(error: BaseException) -> str:
    text = getattr(error, "explanation", None) or str(error)
    return " ".join(str(text).split())[:400]

"""Containers on a real Docker engine: `.ci/docker.sh` gives it, with an image of our own."""

from __future__ import annotations

import gc
import io
import os
import shutil
import subprocess
import tarfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.splunk import SplunkEngine, close_instances, readiness
from harness.engines.splunk import container as containers
from harness.engines.splunk.address import Image
from harness.engines.splunk.app_files import AppFiles
from harness.engines.splunk.jobs import Window
from harness.errors import HarnessError
from harness.model import EventBatch
from harness.replay import SplunkFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGE = os.environ.get("HARNESS_TEST_IMAGE", "")
FAKE = Path(__file__).parents[2] / "splunk_fake.py"
APP = AppFiles("TA_test", made={"default/app.conf": b"[launcher]\nversion = 1\n"})
EVENTS = [EventBatch("main", "s", "st", ["one", "two"], [1.0, 2.0], ["h", "h"])]
PYTHON = "/usr/local/bin/python3"
with_docker = pytest.mark.skipif(not IMAGE, reason="needs .ci/docker.sh: HARNESS_TEST_IMAGE")


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    yield
    close_instances()


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Callable[..., Image]]:
    """Make an image out of ours, with another program in it."""
    stack = ExitStack()

    def make(*program: str, keep: bool = False) -> Image:
        client = stack.enter_context(containers.docker_client())
        name = f"harness-test/{tmp_path.name.lower().replace('_', '-')[:40]}:9.4"
        made = client.containers.create(IMAGE)
        certificate = tmp_path / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=SplunkServerDefaultCert",
             "-keyout", certificate, "-out", tmp_path / "public.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        with certificate.open("a") as file:
            file.write((tmp_path / "public.pem").read_text())
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(FAKE, "opt/fake.py")
            tar.add(certificate, "opt/certificate.pem")
        made.put_archive("/", buffer.getvalue())
        command = program or (PYTHON, "/opt/fake.py", "/opt/certificate.pem")
        entry = ", ".join(f'"{one}"' for one in command)
        made.commit(*name.rsplit(":", 1), changes=f"ENTRYPOINT [{entry}]")
        made.remove(force=True)
        stack.callback(client.images.remove, name, force=True)
        return Image(name, keep)

    with stack:
        yield make


def ours() -> list[str]:
    with containers.docker_client() as client:
        listed = client.containers.list(all=True, filters={"label": "detection-harness"})
        return [one.name for one in listed]


def the_only(action: Callable[[Any], Any]) -> Any:
    with containers.docker_client() as client:
        (one,) = client.containers.list(filters={"label": "detection-harness"})
        return action(one)


@with_docker
def test_a_trial_in_a_container_that_is_removed_afterwards(image: Any) -> None:
    instance = containers.started(image(), [APP])
    engine = SplunkEngine(instance)
    assert engine.load(EVENTS).events == 2
    engine.close()
    assert len(ours()) == 1
    instance.close()
    assert ours() == []


@with_docker
def test_a_kept_container_is_found_again_and_gets_new_apps(image: Any) -> None:
    kept = image(keep=True)
    containers.started(kept, [APP]).close()
    (name,) = ours()
    started = time.monotonic()
    containers.started(kept, [APP]).close()
    assert time.monotonic() - started < 3
    assert ours() == [name]
    changed = AppFiles("TA_new", made={"default/app.conf": b"[launcher]\nversion = 2\n"})
    instance = containers.started(kept, [APP, changed])
    listed = instance.rest.get("/services/apps/local", count=0)["entry"]
    assert {one["name"] for one in listed} >= {"TA_test", "TA_new"}
    instance.close()
    assert ours() == [name]
    assert containers.clean_containers() == [f"container {name} ({kept.name})"]
    assert ours() == []


@with_docker
def test_the_password_is_made_anew_and_never_shown(image: Any) -> None:
    instance = containers.started(image(), [APP])
    password = instance.address.password or ""
    assert len(password) > 20
    assert password not in repr(instance.address)
    assert password not in the_only(readiness.last_lines)


@with_docker
def test_a_container_that_dies_while_it_starts(image: Any) -> None:
    program = (
        "import time; print(chr(110) + 'o space left on device', flush=True);"
        " time.sleep(1); exit(4)"
    )
    dies = image(PYTHON, "-c", program)
    with pytest.raises(SplunkFault, match="exit 4") as error:
        containers.started(dies, [APP])
    assert "no space left on device" in str(error.value)
    assert "the disk is full" in str(error.value)
    assert ours() == []


@with_docker
def test_terms_that_are_not_accepted(image: Any) -> None:
    dies = image(PYTHON, "-c", "print('License not accepted, please adjust SPLUNK_START_ARGS')")
    with pytest.raises(SplunkFault, match=r"died|stopped") as error:
        containers.started(dies, [APP])
    assert "licence terms" in str(error.value)
    assert ours() == []


@with_docker
def test_a_container_that_is_never_ready(image: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(readiness.LAYER_SECONDS, "playbook", 1.0)
    slow = image(PYTHON, "-c", "import time; print('TASK one', flush=True); time.sleep(600)")
    with pytest.raises(SplunkFault, match="playbook was not ready in 1 s") as error:
        containers.started(slow, [APP])
    assert "TASK one" in str(error.value)
    assert ours() == []


@with_docker
def test_a_container_that_dies_while_it_searches(image: Any) -> None:
    instance = containers.started(image(), [APP])
    engine = SplunkEngine(instance)
    engine.load(EVENTS)
    the_only(lambda one: one.kill())
    with pytest.raises(SplunkFault, match=r"cannot be reached|ended"):
        engine._jobs.run("| tstats count", Window())
    engine.close()
    instance.close()
    assert ours() == []


@with_docker
def test_a_killed_run_is_cleaned_up(image: Any) -> None:
    from harness.engines.splunk.instance import _OPEN

    instance = containers.started(image(), [APP])
    with instance.ledger.opened() as book:
        book["users"] = []  # as if its process had been killed
    _OPEN.clear()
    assert len(containers.clean_containers()) == 1
    assert ours() == []


@with_docker
def test_clean_leaves_what_is_in_use(image: Any) -> None:
    instance = containers.started(image(), [APP])
    with instance.ledger.opened() as book:
        book["users"] = [os.getppid()]
    assert "a run is using it" in containers.clean_containers()[0]
    assert len(ours()) == 1
    with instance.ledger.opened() as book:
        book["users"] = []


@with_docker
def test_an_image_that_is_missing() -> None:
    with pytest.raises(containers.ImageMissing, match="harness-test/none") as error:
        containers.started(Image("harness-test/none:9.4"), [APP])
    assert "--engine local" in str(error.value)
    assert ours() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_docker_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("docker")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(containers.DockerUnavailable, match=r"none\.sock") as error:
        containers.started(Image("splunk/splunk:9.4"), [APP])
    assert "--engine local" in str(error.value)
    del error
    gc.collect()  # docker's client leaves the socket open that it failed with


def test_a_port_that_is_taken_and_a_full_disk() -> None:
    errors = pytest.importorskip("docker.errors")
    taken = errors.APIError("Bind for 0.0.0.0:8089 failed: port is already allocated")
    found = containers._not_started(Image("x:1"), taken)
    assert isinstance(found, HarnessError)
    assert "a port is taken" in str(found)
    full = containers._not_started(Image("x:1"), errors.APIError("no space left on device"))
    assert "the disk is full" in str(full)


@pytest.mark.parametrize(
    ("image", "needed"),
    [
        ("splunk/splunk:9.4", False),
        ("splunk/splunk:9.4.1", False),
        ("splunk/splunk:10.0", True),
        ("splunk/splunk:latest", True),
        ("registry.local:5000/splunk", True),
        ("splunk/splunk", True),
    ],
)
def test_general_terms_from_version_10(image: str, needed: bool) -> None:
    assert containers.needs_terms(image) is needed


def test_apps_in_a_tar_have_folders_and_no_files_from_elsewhere(tmp_path: Path) -> None:
    from harness.engines.splunk.app_files import archive, digest_of

    app = tmp_path / "TA_x"
    (app / "default").mkdir(parents=True)
    (app / "default" / "app.conf").write_text("[launcher]\n")
    (tmp_path / "secret").write_text("secret")
    (app / "default" / "stolen.conf").symlink_to(tmp_path / "secret")
    made = AppFiles("TA_x", app)
    with tarfile.open(fileobj=io.BytesIO(archive([made], under="/opt/splunk/etc/apps"))) as tar:
        names = tar.getnames()
    assert names == [
        "opt/splunk/etc",
        "opt/splunk/etc/apps",
        "opt/splunk/etc/apps/TA_x",
        "opt/splunk/etc/apps/TA_x/default",
        "opt/splunk/etc/apps/TA_x/default/app.conf",
    ]
    before = digest_of([made])
    (app / "default" / "app.conf").write_text("[launcher]\nversion = 2\n")
    assert digest_of([made]) != before


def test_openssl_is_there_for_certificates() -> None:
    assert not IMAGE or shutil.which("openssl")

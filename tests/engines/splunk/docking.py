"""Images and containers of tests on a real Docker engine, which `.ci/docker.sh` gives."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.splunk import close_instances
from harness.engines.splunk import container as containers
from harness.engines.splunk.address import Image
from harness.engines.splunk.app_files import AppFiles
from harness.engines.splunk.docker_engine import docker_client
from harness.model import EventBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGE = os.environ.get("HARNESS_TEST_IMAGE", "")
FAKE = Path(__file__).parents[2] / "splunk_fake.py"
APP = AppFiles("TA_test", made={"default/app.conf": b"[launcher]\nversion = 1\n"})
EVENTS = [EventBatch("main", "s", "st", ["one", "two"], [1.0, 2.0], ["h", "h"])]
PYTHON = "/usr/local/bin/python3"
RM = b"""#!/usr/local/bin/python3
import shutil, sys
for one in sys.argv[2:]:
    shutil.rmtree(one)
"""
"""What other images have, and ours of nothing but Python has not."""
with_docker = pytest.mark.skipif(not IMAGE, reason="needs .ci/docker.sh: HARNESS_TEST_IMAGE")


@pytest.fixture(autouse=True)
def own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    yield
    close_instances()


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Callable[..., Image]]:
    """Make an image out of ours, with another program in it."""
    stack = ExitStack()

    def make(*program: str, keep: bool = False) -> Image:
        client = stack.enter_context(docker_client())
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
            remove = tarfile.TarInfo("usr/local/bin/rm")
            remove.size, remove.mode = len(RM), 0o755
            tar.addfile(remove, io.BytesIO(RM))
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
    with docker_client() as client:
        listed = client.containers.list(all=True, filters={"label": "detection-harness"})
        return [one.name for one in listed]


def the_only(action: Callable[[Any], Any]) -> Any:
    with docker_client() as client:
        (one,) = client.containers.list(filters={"label": "detection-harness"})
        return action(one)

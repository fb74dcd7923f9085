"""What goes wrong with containers, on a real Docker engine that `.ci/docker.sh` gives."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docking import APP, EVENTS, IMAGE, PYTHON, image, ours, own_ledger, the_only, with_docker

from harness.engines.base import SearchRequest
from harness.engines.splunk import SplunkEngine, readiness
from harness.engines.splunk import container as containers
from harness.engines.splunk.address import Image
from harness.engines.splunk.app_files import AppFiles
from harness.engines.splunk.docker_engine import DockerUnavailable
from harness.errors import HarnessError
from harness.model import TimeRange
from harness.replay import SplunkFault

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SEARCH = SearchRequest("| tstats count", 2_000.0, TimeRange(None, None))
FAKED = (PYTHON, "/opt/fake.py", "/opt/certificate.pem")
EATS = (
    "import time; print('TASK one', flush=True); time.sleep(3); held = [];"
    " [held.append(bytearray(b'x' * 1000000)) for _ in range(100000)]"
)
DETECTION = """\
name: Mine
id: 11111111-2222-4333-8444-555555555558
version: 1
date: '2026-01-01'
author: Somebody
type: Hunting
description: Anything at all.
search: SEARCH
tags: {analytic_story: [Testing], product: [Splunk Enterprise], security_domain: endpoint}
"""
COUNTING = "index=main sourcetype=lines | stats count"
ENDLESS = (
    "index=main | eval x=mvrange(0,1000) | mvexpand x | eval y=mvrange(0,1000) | mvexpand y"
    " | eval a=md5(x.y.random()) | sort 0 a | streamstats count | eval b=sha256(a) | sort 0 b"
    " | stats dc(b)"
)


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
    begun = time.monotonic()
    with pytest.raises(
        SplunkFault, match=r"the container stopped \(state exited, exit 137\)"
    ) as why:
        engine.search(SEARCH)
    assert "Ansible playbook complete" in str(why.value)
    with pytest.raises(SplunkFault, match="the container stopped"):
        SplunkEngine(instance).load(EVENTS)
    engine.close()
    instance.close()
    assert time.monotonic() - begun < 20
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
    with pytest.raises(DockerUnavailable, match=r"none\.sock") as error:
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


def limit_memory() -> None:
    """Give the container of the test little memory as soon as there is one."""
    for _ in range(200):
        with suppress(ValueError):
            the_only(lambda one: one.update(mem_limit="64m", memswap_limit="64m"))
            return
        time.sleep(0.05)


@with_docker
def test_too_little_memory_while_it_starts(image: Any) -> None:
    eats = image(PYTHON, "-c", EATS)
    limiting = threading.Thread(target=limit_memory)
    limiting.start()
    with pytest.raises(SplunkFault, match="out of memory") as error:
        containers.started(eats, [APP])
    limiting.join()
    assert "too little memory: give Docker 4 GB" in str(error.value)
    assert ours() == []


@with_docker
def test_too_little_memory_while_it_searches(image: Any) -> None:
    instance = containers.started(image(), [APP])
    engine = SplunkEngine(instance)
    engine.load(EVENTS)
    limit_memory()
    with pytest.raises(SplunkFault):
        instance.rest.transport.request("POST", "/control/eat")
    with pytest.raises(SplunkFault, match="out of memory") as error:
        engine.search(SEARCH)
    assert "too little memory: give Docker 4 GB" in str(error.value)
    engine.close()
    instance.close()
    assert ours() == []


@with_docker
def test_an_app_that_does_not_install(image: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(readiness.LAYER_SECONDS, "apps", 1.0)
    with pytest.raises(SplunkFault, match=r"apps was not ready in 1 s .*TA_test") as error:
        containers.started(image(*FAKED, "TA_test"), [APP])
    assert "does this version of Splunk take the app?" in str(error.value)
    assert ours() == []


@with_docker
def test_a_playbook_that_fails(image: Any) -> None:
    told = "fatal: [localhost]: FAILED! => install app\\nlocalhost : ok=40 failed=1"
    program = f"import time; print('{told}', flush=True); time.sleep(600)"
    with pytest.raises(SplunkFault, match="the image's playbook failed") as error:
        containers.started(image(PYTHON, "-c", program), [APP])
    assert "install app" in str(error.value)
    assert ours() == []


@with_docker
def test_ports_that_are_taken_on_the_machine_do_not_matter(image: Any) -> None:
    with ExitStack() as stack:
        for port in (8088, 8089):
            with suppress(OSError):  # somebody else's, as well
                stack.enter_context(socket.create_server(("0.0.0.0", port)))
        instance = containers.started(image(), [APP])
        assert instance.version
        instance.close()
    assert ours() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@with_docker
def test_a_docker_engine_that_goes_away_in_the_middle(
    image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = containers.started(image(), [APP])
    real = os.environ["DOCKER_HOST"]
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    instance.close()
    gc.collect()  # docker's client leaves the socket open that it failed with
    assert "the container stays: no Docker engine answers" in capsys.readouterr().err
    monkeypatch.setenv("DOCKER_HOST", real)
    assert len(ours()) == 1
    assert len(containers.clean_containers()) == 1
    assert ours() == []


# Kept containers


@pytest.mark.parametrize("erases", [True, False])
@with_docker
def test_a_kept_container_loses_apps_that_are_named_no_more(
    image: Any, erases: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = image(keep=True)
    other = AppFiles("TA_other", made={"default/app.conf": b"[launcher]\nversion = 1\n"})
    containers.started(kept, [APP, other]).close()
    before = ours()
    if not erases:
        monkeypatch.setattr(containers, "APPS_ERASER", ("/nothing/rm",))
    instance = containers.started(kept, [APP])
    there = {one["name"] for one in instance.rest.get("/services/apps/local")["entry"]}
    assert there == {"TA_test"}
    instance.close()
    assert (ours() == before) is erases
    assert len(containers.clean_containers()) == 1
    assert ours() == []


# Whole runs


def project(folder: Path, search: str) -> tuple[list[str], dict[str, str]]:
    """A folder with one detection, and how a run of it is started there."""
    (folder / "lines.log").write_text("2026-01-01T00:00:00Z a=1\n2026-01-01T00:00:01Z a=2\n")
    (folder / "mine.yml").write_text(DETECTION.replace("SEARCH", search))
    command = [sys.executable, "-m", "harness", "run", "mine.yml", "--engine", "splunk", "--json"]
    command += ["--splunk-image", IMAGE, "--data", "lines.log", "--sourcetype", "lines"]
    return command, {**os.environ, "PYTHONPATH": str(ROOT)}


@with_docker
def test_two_runs_on_one_kept_container(tmp_path: Path) -> None:
    command, environment = project(tmp_path, COUNTING)
    runs = [
        subprocess.Popen(
            [*command, "--keep-splunk"], cwd=tmp_path, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for one in runs:
        told, said = one.communicate(timeout=200)
        (trial,) = json.loads(told)["trials"]
        assert trial["verdict"] == "pass", (trial, said)
        assert trial["results"] == [{"count": "2"}]
    assert len(ours()) == 1
    assert len(containers.clean_containers()) == 1
    assert ours() == []


@with_docker
@pytest.mark.parametrize("phase", ["starting", "searching"])
def test_ctrl_c_leaves_no_container(tmp_path: Path, phase: str) -> None:
    command, environment = project(tmp_path, ENDLESS)
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while time.monotonic() < until and not ours():
        time.sleep(0.1)
    books = tmp_path / "cache" / "splunk"
    if phase == "searching":
        while time.monotonic() < until and not any(
            '"apps"' in one.read_text() for one in books.glob("*.json")
        ):
            time.sleep(0.1)
        time.sleep(3)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert ours() == []

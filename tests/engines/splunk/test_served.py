"""The same trials on the embedded evaluator and, as on a Splunk, on `harness serve`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.splunk import Address
from harness.engines.splunk.rest import Rest, entries
from harness.replay import Tls

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
NAME = "excessive_distinct_processes_from_windows_temp"
OLD = """\
name: Old
id: 11111111-2222-4333-8444-555555555556
version: 1
date: '2026-01-01'
author: Somebody
type: Hunting
description: Anything at all.
search: sourcetype=lines | stats count by sourcetype
tags: {analytic_story: [Testing], product: [Splunk Enterprise], security_domain: endpoint}
"""
HARNESS = [sys.executable, "-m", "harness"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server as it starts: its administrator may not delete events, but make who may."""
    pytest.importorskip("uvicorn")
    pytest.importorskip("cryptography")
    folder = tmp_path_factory.mktemp("served")
    environment = {
        **os.environ,
        "HARNESS_SERVE_PASSWORD": "a-password",
        "HARNESS_CACHE_DIR": str(folder / "cache"),
        "HARNESS_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [*HARNESS, "serve", "--port", "0", "--hec-port", "0", "--state", str(folder / "s")]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder
    )
    assert server.stdout is not None
    found: dict[str, str] = {}
    for line in server.stdout:
        name, _, value = line.strip().partition(" ")
        found[name] = value
        if name == "ready":
            break
    address = Address(
        found["REST"], found["HEC"], password="a-password", tls=Tls(ca=Path(found["certificate"]))
    )
    yield {
        **environment,
        "HARNESS_SPLUNK_URL": found["REST"],
        "HARNESS_SPLUNK_HEC_URL": found["HEC"],
        "HARNESS_SPLUNK_CA": found["certificate"],
        "HARNESS_SPLUNK_PASSWORD": "a-password",
    }
    assert left(address) == []
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=20)
    server.stdout.close()


def left(address: Address) -> list[str]:
    """What trials left on the server: users, roles, tokens, jobs, indexes and events."""
    rest = Rest(address)
    found = []
    for path in (
        "/services/authentication/users",
        "/services/authorization/roles",
        "/services/data/inputs/http",
        "/services/search/jobs",
    ):
        listed = entries(rest.get(path, count=0))
        found += [one["name"] for one in listed if "harness" in one["name"]]
    for one in entries(rest.get("/services/data/indexes", count=0)):
        if int(one["content"]["totalEventCount"]):
            found.append(f"events in {one['name']}")
    rest.close()
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "detections").mkdir()
    for ending in (".yml", ".expected.yaml"):
        shutil.copy(ROOT / "detections" / "endpoint" / f"{NAME}{ending}", tmp_path / "detections")
    shutil.copytree(ROOT / "datasets", tmp_path / "datasets")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def ran(
    project: Path, environment: dict[str, str], *words: str, name: str = "wintemp"
) -> dict[str, Any]:
    done = subprocess.run(
        [*HARNESS, "run", name, "--json", *words],
        cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_both_engines_agree(project: Path, served: dict[str, str]) -> None:
    told = ran(project, served, "--engine", "local", "--engine", "splunk")
    by_engine: dict[str, list[Any]] = {"local": [], "splunk": []}
    for one in told["trials"]:
        by_engine[one["engine"]].append(
            (one["trial"], one["verdict"], one["events"], one["result_count"], [
                (risk["risk_object"], risk["risk_score"], risk["risk_message"])
                for risk in one["risk_events"]
            ])
        )  # fmt: skip
    assert by_engine["local"] == by_engine["splunk"]
    assert [one[1] for one in by_engine["splunk"]].count("pass") == 12


def test_trials_in_parallel_see_their_own_events_alone(
    project: Path, served: dict[str, str]
) -> None:
    """Two processes of the harness at once, each with two workers, on one server."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-k", "wintemp", "--engine", "splunk",
             "-n", "2", "-p", "no:cacheprovider"],
            cwd=project, env=served, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for one in running:
        told, _ = one.communicate(timeout=300)
        assert "12 passed" in told, told
        assert "of other trials" not in told


def test_compare_finds_no_difference(served: dict[str, str]) -> None:
    """The trials that this repository ships, on the evaluator and over the network."""
    done = subprocess.run(
        [*HARNESS, "compare", "local", served["HARNESS_SPLUNK_URL"], "--json"],
        cwd=ROOT, env=served, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["summary"]["differs"] == 0
    assert told["summary"]["same"] > 10
    for one in told["trials"]:
        assert not [text for text in one["warnings_only_b"] if "view" in text or "stay" in text]


def test_a_token_opens_the_instance_as_a_password_does(
    project: Path, served: dict[str, str]
) -> None:
    address = Address(
        served["HARNESS_SPLUNK_URL"], served["HARNESS_SPLUNK_HEC_URL"], password="a-password",
        tls=Tls(ca=Path(served["HARNESS_SPLUNK_CA"])),
    )  # fmt: skip
    rest = Rest(address)
    made = rest.post("/services/authorization/tokens", name="admin", audience="Tests")
    rest.close()
    told = {name: value for name, value in served.items() if name != "HARNESS_SPLUNK_PASSWORD"}
    told["HARNESS_SPLUNK_TOKEN"] = entries(made)[0]["content"]["token"]
    found = ran(project, told, "--engine", "splunk")["trials"]
    assert [one["verdict"] for one in found].count("pass") == 12


def test_pytest_runs_each_trial_on_each_engine(project: Path, served: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "wintemp and stand and XML",
         "--engine", "local", "--engine", "splunk", "-p", "no:cacheprovider"],
        cwd=project, env=served, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("engine", ["local", "splunk"])
def test_events_move_to_now(project: Path, served: dict[str, str], engine: str) -> None:
    (project / "detections" / "old.yml").write_text(OLD)
    (project / "old.log").write_text("".join(f"2020-01-01T00:00:0{n}Z event {n}\n" for n in "123"))
    words = ("--engine", engine, "--data", "old.log", "--sourcetype", "lines", "--earliest", "-1d")
    for extra, count in (((), 3), (("--shift-time", "--now", f"{time.time() + 60:.0f}"), 3)):
        (one,) = ran(project, served, *words, *extra, name="detections/old.yml")["trials"]
        assert one["results"][0]["count"] in (count, str(count)), one
    # Its clock is not the events': without moving them, the last day holds none.
    (one,) = ran(project, served, *words, "--now", f"{time.time():.0f}", name="detections/old.yml")[
        "trials"
    ]
    assert one["result_count"] == 0


def test_an_interrupted_run_leaves_nothing(project: Path, served: dict[str, str]) -> None:
    running = subprocess.Popen(
        [*HARNESS, "run", "wintemp", "--engine", "splunk"], cwd=project, env=served,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(4)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) in (130, 0)
    done = subprocess.run(
        [*HARNESS, "splunk", "clean"], cwd=project, env=served, check=True,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "removed nothing\n"


def test_the_apps_for_an_instance_are_written(project: Path, served: dict[str, str]) -> None:
    import tarfile

    macro = project / "macros"
    macro.mkdir()
    (macro / "mine.yml").write_text("name: mine\ndefinition: index=$x$\narguments: [x]\n")
    subprocess.run(
        [*HARNESS, "splunk", "app", "dist"], cwd=project, env=served, check=True, timeout=60,
        capture_output=True,
    )  # fmt: skip
    names = {path.stem for path in (project / "dist").glob("*.tgz")}
    assert {"SA_harness_content", "SA_harness_cim", "TA_harness_sysmon"} <= names
    with tarfile.open(project / "dist" / "SA_harness_content.tgz") as tar:
        file = tar.extractfile("SA_harness_content/default/macros.conf")
        assert file is not None
        text = file.read().decode()
    assert "[mine(1)]\ndefinition = index=$x$\nargs = x\n" in text
    assert f"[{NAME}_filter]\ndefinition = search *\n" in text


def test_raw_texts_are_broken_and_dated_by_the_instance(served: dict[str, str]) -> None:
    """The same over HEC's raw endpoint, each trial in an index of its own."""
    done = subprocess.run(
        [*HARNESS, "compare", "local", served["HARNESS_SPLUNK_URL"], "--splunk-raw", "--json"],
        cwd=ROOT, env=served, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["summary"]["differs"] == 0
    assert told["summary"]["same"] > 10


def test_raw_texts_that_are_broken_otherwise_are_told_with_both_numbers(
    project: Path, served: dict[str, str]
) -> None:
    """The instance breaks lines that an add-on, which it does not have, keeps together."""
    app = project / "TA_lines" / "default"
    app.mkdir(parents=True)
    (app / "app.conf").write_text("[launcher]\nversion = 1\n")
    (app / "props.conf").write_text(
        "[merged]\nSHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)(?=\\d{4}-)\n"
    )
    (project / "detections" / "old.yml").write_text(OLD.replace("lines", "merged"))
    (project / "old.log").write_text(
        "2020-01-01T00:00:01Z event\n and more\n2020-01-01T00:00:02Z event\n and more\n"
    )
    words = ("--data", "old.log", "--sourcetype", "merged", "--app", "TA_lines")
    told = {}
    for engine in ("local", "splunk"):
        (one,) = ran(
            project, served, *words, "--engine", engine, "--splunk-raw", name="detections/old.yml"
        )["trials"]
        told[engine] = (one["events"], one["warnings"])
    assert told["local"] == (2, [])
    assert told["splunk"][0] == 4
    assert "made 4 events of what are 2 here" in " ".join(told["splunk"][1])


def test_raw_texts_keep_their_times(project: Path, served: dict[str, str]) -> None:
    done = subprocess.run(
        [*HARNESS, "run", "wintemp", "--engine", "splunk", "--splunk-raw", "--shift-time"],
        cwd=project, env=served, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "leave one of them out" in done.stdout + done.stderr

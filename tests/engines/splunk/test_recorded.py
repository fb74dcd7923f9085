"""What Enterprise Security records on an instance, held against what is computed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from harness.engines.splunk import SplunkEngine, close_instances
from harness.trials import Project, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.trials import TrialResult

pytest.importorskip("uvicorn")
pytest.importorskip("cryptography")

ROOT = Path(__file__).parents[3]
TOKEN = "11111111-2222-3333-4444-555555555555"
PASSWORD = "a-password"
NAME = "ESCU - Noisy Users - Rule"
DETECTION = """\
name: Noisy Users
id: 11111111-2222-4333-8444-555555555557
version: 1
date: '2026-01-01'
author: Somebody
type: TTP
description: Anything at all.
search: sourcetype=lines | rex "user=(?<user>\\\\w+)" | stats count by user
rba:
  message: $user$ was noisy $count$ times
  risk_objects: [{field: user, type: user, score: 30}]
  threat_objects: []
tags: {analytic_story: [Testing], product: [Splunk Enterprise], security_domain: endpoint}
"""


def stash(told: dict[str, Any]) -> str:
    """An event as Enterprise Security's actions write it: the time, then quoted pairs."""
    pairs = ", ".join(f'{name}="{value}"' for name, value in told.items())
    return f"{time.time():.0f}, {pairs}"


def risk(user: str, score: int = 30, message: str = "", name: str = NAME) -> tuple[str, str]:
    return "risk", stash({
        "search_name": name,
        "risk_object": user,
        "risk_object_type": "user",
        "risk_score": score,
        "risk_message": message or f"{user} was noisy {2 if user == 'ada' else 1} times",
        "orig_time": 1577836800,
        "orig_sourcetype": "lines",
        "analyticstories": "Testing",
    })  # fmt: skip


def notable(user: str) -> tuple[str, str]:
    return "notable", stash({
        "search_name": NAME,
        "rule_name": "Noisy Users",
        "rule_title": f"{user} was noisy",
        "security_domain": "endpoint",
        "severity": "high",
        "orig_time": 1577836800,
        "user": user,
    })  # fmt: skip


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("served")
    environment = {
        **os.environ, "HARNESS_SERVE_PASSWORD": PASSWORD, "HARNESS_SERVE_HEC_TOKEN": TOKEN,
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", "--port", "0", "--hec-port", "0", "--no-tls"],
        stdout=subprocess.PIPE, text=True, env=environment, cwd=folder,
    )  # fmt: skip
    assert server.stdout is not None
    found: dict[str, str] = {}
    for line in server.stdout:
        name, _, value = line.strip().partition(" ")
        found[name] = value
        if name == "ready":
            break
    yield found
    server.terminate()
    server.wait(timeout=20)
    server.stdout.close()


@pytest.fixture
def run(ports: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run the detection, while the instance records what the test says."""
    (tmp_path / "noisy.yml").write_text(DETECTION)
    (tmp_path / "noisy.log").write_text(
        "2020-01-01T00:00:00Z user=ada\n2020-01-01T00:00:01Z user=ada\n"
        "2020-01-01T00:00:02Z user=bob\n"
    )
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_SPLUNK_PASSWORD", PASSWORD)
    searched = SplunkEngine.search

    def ran(*recorded: tuple[str, str]) -> TrialResult:
        def search(engine: SplunkEngine, request: Any) -> Any:
            write(ports, *recorded)
            return searched(engine, request)

        monkeypatch.setattr(SplunkEngine, "search", search)
        settings = Settings(
            root=tmp_path, engine=ports["REST"], splunk_hec_url=ports["HEC"],
            data=(tmp_path / "noisy.log",), sourcetype="lines",
        )  # fmt: skip
        project = Project(settings)
        (trial,) = project.trials(tmp_path / "noisy.yml")
        return trial.run(project)

    yield ran
    close_instances()


def write(ports: dict[str, str], *recorded: tuple[str, str]) -> None:
    for index, text in recorded:
        answer = requests.post(
            f"{ports['HEC']}/services/collector/event",
            headers={"Authorization": f"Splunk {TOKEN}"},
            json={"index": index, "sourcetype": "stash", "source": NAME, "event": text},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text


def test_what_agrees_is_not_mentioned(run: Any) -> None:
    found = run(risk("ada"), risk("bob"), notable("ada"), notable("bob"))
    assert str(found.verdict) == "pass", found.reason
    assert len(found.risk_events) == found.notables == 2
    assert found.warnings == ()


def test_absence_is_no_error(run: Any) -> None:
    time.sleep(2.1)  # what the tests before wrote lies before this run, by the server's clock
    found = run()
    assert (str(found.verdict), found.warnings) == ("pass", ())


def test_differences_are_said(run: Any) -> None:
    time.sleep(2.1)
    found = run(
        risk("ada", score=70), risk("bob", message="bob was silent"), notable("ada"),
        risk("eve", name="ESCU - Another - Rule"),
    )  # fmt: skip
    assert str(found.verdict) == "pass"
    assert found.warnings == (
        f"{NAME}: user `ada` with score 30 is not in index=risk",
        f"{NAME}: user `ada` with score 70 is only in index=risk",
        (
            f"{NAME}: the message of user `bob` is `bob was silent` in index=risk,"
            " `bob was noisy 1 times` computed"
        ),
        f"{NAME}: 1 notables are in index=notable, 2 were computed",
    )


def test_events_of_earlier_runs_do_not_count(run: Any, ports: dict[str, str]) -> None:
    write(ports, risk("zoe"), notable("zoe"))
    time.sleep(2.1)
    assert run(risk("ada"), risk("bob")).warnings == ()

"""What goes wrong on an instance, each with a real `harness serve` behind a proxy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from behind import (
    INDEX,
    ROOT,
    SERVE_PASSWORD,
    Behind,
    behind,
    events,
    quick,
    ran,
    served,
)

from harness.engines.splunk import Instance, SplunkEngine
from harness.engines.splunk.jobs import SearchFailed, SearchTooLong, Window
from harness.engines.splunk.rest import entries
from harness.replay import Denied, NoAnswer, Rejected, Uncertain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOBS = "/services/search/v2/jobs"
ENDLESS = (
    "| makeresults count=900 | eval x=mvrange(0,1000) | mvexpand x | eval a=md5(x.random())"
    " | sort 0 a | streamstats count | eval b=sha256(a) | sort 0 b | stats dc(b)"
)
DETECTION = f"""\
name: Mine
id: 11111111-2222-4333-8444-555555555557
version: 1
date: '2026-01-01'
author: Somebody
type: Hunting
description: Anything at all.
search: index={INDEX} | stats count
tags: {{analytic_story: [Testing], product: [Splunk Enterprise], security_domain: endpoint}}
"""


@contextmanager
def loaded(behind: Behind) -> Iterator[SplunkEngine]:
    """An engine with events, taken down in the end."""
    instance = Instance(behind.address())
    engine = SplunkEngine(instance)
    try:
        engine.load(events())
        yield engine
    finally:
        engine.close()
        instance.close()


def test_an_answer_that_trickles_has_an_end(behind: Behind) -> None:
    behind.rest.arm("GET", "/server/info$", "trickle", times=100, seconds=0.05)
    started = time.monotonic()
    with pytest.raises(Uncertain, match=r"did not finish its answer in 1\.5 s"):
        Instance(behind.address(timeout=0.3))
    assert time.monotonic() - started < 12


def test_a_wrong_password_and_a_wrong_token(behind: Behind) -> None:
    with pytest.raises(Denied, match="does not let `admin` in") as error:
        Instance(behind.address(password="nonsense word"))
    assert "HARNESS_SPLUNK_PASSWORD" in str(error.value)
    assert "nonsense word" not in str(error.value)
    with pytest.raises(Denied, match="not properly authenticated") as error:
        Instance(behind.address(token="nonsense word"))
    assert "expired" in str(error.value)
    instance = Instance(behind.address(hec_token="11111111-0000-0000-0000-000000000000"))
    engine = SplunkEngine(instance)
    with pytest.raises(Denied, match="token is not valid") as error:
        engine.load(events())
    assert "HARNESS_SPLUNK_HEC_TOKEN" in str(error.value)
    engine.close()
    instance.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/server/info$"),
        ("POST", "/data/inputs/http$"),
        ("POST", "/data/indexes$"),
        ("DELETE", "/data/indexes/"),
        ("POST", "/jobs$"),
        ("GET", "/results$"),
    ],
)
def test_a_session_that_expires_in_the_middle_is_renewed(
    behind: Behind, method: str, path: str
) -> None:
    fault = behind.rest.arm(method, path, 401)
    ran(behind)
    assert fault.times == 0
    assert behind.rest.log.count(("POST", "/services/auth/login")) == 3  # the trial's user, too


def test_ports_that_are_taken_for_each_other(behind: Behind) -> None:
    with pytest.raises(Rejected, match="is no Splunk's REST port") as error:
        Instance(behind.address(url=behind.hec.url))
    assert "8089" in str(error.value)
    instance = Instance(behind.address(hec_url=behind.rest.url))
    with pytest.raises(Rejected, match="takes no events") as error:
        _ = instance.hec
    assert "--splunk-hec-url" in str(error.value)
    instance.close()


def test_a_collector_that_does_not_listen(behind: Behind) -> None:
    instance = Instance(behind.address(hec_url="http://127.0.0.1:1"))
    with pytest.raises(NoAnswer, match="cannot be reached") as error:
        _ = instance.hec
    assert "is HEC enabled?" in str(error.value)
    instance.close()


def test_a_collector_that_is_disabled(behind: Behind) -> None:
    behind.hec.arm("GET", "/services/collector/health", 404)
    instance = Instance(behind.address())
    with pytest.raises(Rejected, match="takes no events") as error:
        _ = instance.hec
    assert "Global Settings" in str(error.value)
    instance.close()


def test_a_wrong_token_of_the_collector(behind: Behind) -> None:
    instance = Instance(behind.address(hec_token="00000000-0000-4000-8000-000000000000"))
    engine = SplunkEngine(instance)
    with pytest.raises(Denied, match="token"):
        engine.load(events())
    engine.close()
    instance.close()


def test_a_port_that_says_nothing(behind: Behind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Uncertain, match=r"did not answer in 0\.2 s") as error:
            Instance(behind.address(url=url, timeout=0.2))
    assert "--splunk-timeout" in str(error.value)


def test_a_full_queue_at_the_start_and_in_the_middle(behind: Behind) -> None:
    full = b'{"text":"Server is busy","code":9}'
    for method, path in (("GET", "/health/1.0$"), ("POST", "/event$")):
        fault = behind.hec.arm(method, path, 503, times=2, body=full)
        ran(behind)
        assert fault.times == 0
    behind.hec.arm("POST", "/event$", 429, times=10**6, body=full)
    instance = Instance(behind.address(hec_token=SERVE_PASSWORD))
    instance.hec.busy_seconds = 0.2
    engine = SplunkEngine(instance)
    with pytest.raises(Rejected, match=r"the queue of HEC at .* was full") as error:
        engine.load(events())
    assert "disk" in str(error.value)
    engine.close()
    instance.close()


def test_a_job_that_somebody_cancels(behind: Behind) -> None:
    with loaded(behind) as engine:
        behind.rest.arm("GET", f"{JOBS}/[^/]+$", "slow", seconds=0.3)
        canceller = threading.Thread(target=cancelled_jobs, args=(behind,))
        canceller.start()
        with pytest.raises(SearchFailed, match="somebody cancelled it"):
            engine._jobs.run(ENDLESS, Window())
        canceller.join()


def cancelled_jobs(behind: Behind) -> None:
    for _ in range(200):
        for one in entries(behind.direct.get("/services/search/jobs", count=0)):
            behind.direct.delete(f"/services/search/jobs/{one['content']['sid']}")
            return
        time.sleep(0.02)


def test_a_job_that_never_ends_is_cancelled(behind: Behind) -> None:
    with loaded(behind) as engine:
        engine._jobs.seconds = 0.5
        with pytest.raises(SearchTooLong, match=r"did not end in 0\.5 s"):
            engine._jobs.run(ENDLESS, Window())


def test_a_job_that_cannot_be_run_says_why(behind: Behind) -> None:
    with loaded(behind) as engine, pytest.raises(SearchFailed, match="unknown command `nosuch`"):
        engine._jobs.run("| nosuch", Window())


def test_rows_come_in_pages_and_a_page_that_breaks_is_asked_for_again(behind: Behind) -> None:
    with loaded(behind) as engine:
        engine._jobs.page = 3
        behind.rest.arm("GET", "/results$", "half")
        rows = engine._jobs.run("| makeresults count=8 | streamstats count as n", Window()).rows
        assert [row["n"] for row in rows.rows] == [str(n) for n in range(1, 9)]
        assert len([one for one in behind.rest.log if one[1].endswith("/results")]) >= 4


def test_a_trial_whose_end_is_interrupted_is_ended_with_the_run(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Instance(behind.address())
    engine = SplunkEngine(instance)
    engine.load(events())

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(instance, "delete_events", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.close()
    assert behind.left() != []
    instance.close()
    assert behind.left() == []


def test_two_runs_at_once_on_one_instance(behind: Behind, tmp_path: Path) -> None:
    (tmp_path / "lines.log").write_text("2026-01-01T00:00:00Z a=1\n2026-01-01T00:00:01Z a=2\n")
    (tmp_path / "mine.yml").write_text(DETECTION)
    environment = {
        **os.environ,
        "HARNESS_SPLUNK_URL": behind.rest.url,
        "HARNESS_SPLUNK_HEC_URL": behind.hec.url,
        "HARNESS_SPLUNK_PASSWORD": SERVE_PASSWORD,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "harness", "run", "mine.yml", "--engine", "splunk", "--json"]
    command += ["--data", "lines.log", "--sourcetype", "lines", "--index", INDEX]
    runs = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in runs:
        told, _ = one.communicate(timeout=60)
        (trial,) = json.loads(told)["trials"]
        assert trial["verdict"] == "pass", trial
        assert trial["results"] == [{"count": "2"}]

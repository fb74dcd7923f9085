"""A real server behind a proxy that breaks things, and a run from its first call to its last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from proxy import Proxy

from harness.engines.base import SearchRequest
from harness.engines.splunk import Address, Instance, SplunkEngine
from harness.engines.splunk import engine as engine_module
from harness.engines.splunk import instance as instance_module
from harness.engines.splunk import jobs as jobs_module
from harness.engines.splunk import rest as rest_module
from harness.engines.splunk.rest import Rest, entries
from harness.model import EventBatch, TimeRange
from harness.replay import hec as hec_module

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SERVE_PASSWORD = "a long password"
LIMIT = 0.6
"""Seconds that an answer may take: short, so that slow ones cost a test little."""
INDEX = "own"
EVENTS = 5
SEARCH = SearchRequest("sourcetype=st | stats count", 3_000.0, TimeRange(None, None))
INPUTS = "/servicesNS/nobody/splunk_httpinput/data/inputs/http"


class Behind:
    """A server process, and a proxy before each of its ports."""

    def __init__(self, rest: int, hec: int) -> None:
        self.rest, self.hec = Proxy(rest), Proxy(hec)
        self.direct = Rest(
            Address(f"http://127.0.0.1:{rest}", "http://127.0.0.1:1", password=SERVE_PASSWORD)
        )

    def address(self, **changes: Any) -> Address:
        told = {"password": SERVE_PASSWORD, "timeout": LIMIT, **changes}
        return Address(told.pop("url", self.rest.url), told.pop("hec_url", self.hec.url), **told)

    def proxy_of(self, path: str) -> Proxy:
        return self.hec if path.startswith("/services/collector") else self.rest

    def heal(self) -> None:
        self.rest.heal()
        self.hec.heal()

    def left(self) -> list[str]:
        """What of ours is on the instance."""
        found, held = [], 0
        for path in (
            "/services/authentication/users",
            "/services/authorization/roles",
            INPUTS,
            "/services/search/jobs",
            "/services/data/indexes",
        ):
            for one in entries(self.direct.get(path, count=0)):
                sid = one.get("content", {}).get("sid")
                name = str(sid or one["name"])
                if "harness-" in name or name == INDEX:
                    found.append(f"{path} {name}")
                held += int(one.get("content", {}).get("totalEventCount") or 0)
        return [*found, f"{held} events"] if held else found

    def close(self) -> None:
        self.rest.close()
        self.hec.close()
        self.direct.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A `harness serve` in a process of its own."""
    pytest.importorskip("uvicorn")
    pytest.importorskip("cryptography")
    folder = tmp_path_factory.mktemp("behind")
    environment = {
        **os.environ,
        "HARNESS_SERVE_PASSWORD": SERVE_PASSWORD,
        "HARNESS_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", "--no-tls", "--port", "0", "--hec-port", "0"],
        stdout=subprocess.PIPE, text=True, env=environment, cwd=folder,
    )  # fmt: skip
    told: dict[str, int] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready":
            break
        name, _, url = line.strip().partition(" ")
        told[name] = int(url.rsplit(":", 1)[1])
    found = Behind(told["REST"], told["HEC"])
    found.direct.post("/services/authorization/roles/admin", imported_roles=["power", "can_delete"])
    yield found
    found.close()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    process.stdout.close()


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    for module in (rest_module, instance_module, jobs_module, engine_module, hec_module):
        monkeypatch.setattr(module, "FIRST_WAIT", 0.005)


@pytest.fixture
def behind(served: Behind) -> Iterator[Behind]:
    """The server, whole before a test and clean after it."""
    served.heal()
    yield served
    served.heal()
    assert served.left() == []


def events(count: int = EVENTS) -> list[EventBatch]:
    raw = [f"event {n}" for n in range(count)]
    times: list[float | None] = [1_000.0 + n for n in range(count)]
    return [EventBatch(INDEX, "s", "st", raw, times, ["h"] * count)]


def ran(behind: Behind, *, raw: bool = False, **changes: Any) -> None:
    """A whole run, from the first call to the last."""
    instance = Instance(behind.address(**changes))
    try:
        instance.hec.ack_seconds = instance.hec.busy_seconds = 1.0
        engine = SplunkEngine(instance, raw=raw)
        try:
            engine.load(events())
            rows = engine.search(SEARCH).rows.rows
            engine.recorded("ESCU - Some - Rule")
        finally:
            engine.close()
    finally:
        instance.close()
    assert rows == [{"count": str(EVENTS)}]

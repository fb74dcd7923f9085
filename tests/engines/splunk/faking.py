from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.splunk import Address, Instance, close_instances, instance_of
from harness.replay import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAKE = Path(__file__).parents[2] / "splunk_fake.py"
PASSWORD, TOKEN, HEC_TOKEN = "right-password", "right-token", "right-hec-token"


class Fake:
    """The fake's process, and what a test says to it."""

    def __init__(self, *certificate: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(FAKE), *certificate], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.scheme = "https" if certificate else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"

    def tell(self, what: str, told: Any = None) -> dict[str, Any]:
        data = json.dumps({} if told is None else told).encode()
        request = urllib.request.Request(f"{self.url}/control/{what}", data, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def fault(self, path: str, do: Any, times: int = 1, method: str = "POST") -> None:
        self.tell("fault", {"path": path, "do": do, "times": times, "method": method})

    def options(self, **told: Any) -> None:
        self.tell("options", told)

    def state(self) -> dict[str, Any]:
        return self.tell("state")

    def address(self, **changes: Any) -> Address:
        known: dict[str, Any] = {"password": PASSWORD, "tls": Tls(), **changes}
        return Address(known.pop("url", self.url), known.pop("hec_url", self.url), **known)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    server = Fake()
    try:
        yield server
    finally:
        close_instances()
        server.stop()


@pytest.fixture
def connected(fake: Fake) -> Callable[..., Instance]:
    def connect(**changes: Any) -> Instance:
        return instance_of(fake.address(**changes))

    return connect


def left_over(fake: Fake) -> list[str]:
    """What of ours is still on the instance."""
    state = fake.state()
    found = [f"event {one['event']}" for one in state["events"]]
    found += [
        one for kind in ("users", "roles", "tokens") for one in state[kind] if "harness" in one
    ]
    found += [one for one in state["indexes"] if one != "main"]
    return found + [sid for sid, cancelled in state["jobs"].items() if not cancelled]

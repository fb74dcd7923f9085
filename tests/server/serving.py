"""A server as a process of its own, as clients meet it: fixtures for tests of the server."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("uvicorn")
pytest.importorskip("cryptography")

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
TOKEN = "11111111-2222-3333-4444-555555555555"
CHANNEL = "01234567-89ab-cdef-0123-456789abcdef"


@dataclass
class Served:
    """A running server, and the shortest way to ask it something."""

    state: Path | None
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    rest: int = 0
    hec: int = 0
    lines: list[str] = field(default_factory=list)
    before: str = ""
    """Python that is run first: shorter limits, a slower disk."""
    most_bytes: int = 0
    """Of a file that it writes, as if the disk were so large; 0 is no limit."""

    def start(self) -> Served:
        environment = {
            **os.environ,
            "HARNESS_SERVE_PASSWORD": PASSWORD,
            "HARNESS_SERVE_HEC_TOKEN": TOKEN,
            "PYTHONPATH": str(ROOT),
        }
        program = f"{self.before}\nfrom harness.cli import main; main()"
        command = [sys.executable, "-c", program, "serve"]
        command += ["--port", "0", "--hec-port", "0", *self.options]
        command += ["--state", str(self.state)] if self.state else []
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if self.most_bytes:
            limit = (self.most_bytes, self.most_bytes)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limit)
        assert self.process.stdout is not None
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("REST"):
                self.rest = int(line.rsplit(":", 1)[1])
            elif line.startswith("HEC"):
                self.hec = int(line.rsplit(":", 1)[1])
            elif line.strip() == "ready":
                return self
        raise AssertionError("".join(self.lines))

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=40)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("auth", ("admin", PASSWORD))
        url = f"https://127.0.0.1:{self.rest}{path}"
        return requests.request(method, url, verify=False, timeout=60, **options)

    def send(
        self,
        body: bytes | str,
        what: str = "event",
        *,
        token: str | None = TOKEN,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        **params: str,
    ) -> requests.Response:
        told = dict(headers or {})
        if token is not None:
            told.setdefault("Authorization", f"Splunk {token}")
        url = f"https://127.0.0.1:{self.hec}/services/collector/{what}"
        data = body.encode() if isinstance(body, str) else body
        return requests.request(
            method, url, data=data, headers=told, params=params, verify=False, timeout=60
        )

    def search(self, text: str, **form: str) -> list[dict[str, Any]]:
        data = {"search": text, "exec_mode": "oneshot", "output_mode": "json", "count": "0", **form}
        answer = self.ask("POST", "/services/search/jobs", data=data)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = json.loads(answer.text)["results"]
        return found

    def count(self, text: str) -> int:
        return int(self.search(f"search {text} | stats count")[0]["count"])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    server = Served(None).start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def stateful(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "state").start()
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()

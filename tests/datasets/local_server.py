"""A real HTTP server on this machine, whose answers each test scripts, and a store to ask it."""

from __future__ import annotations

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from harness.datasets import DatasetFile, Limits, Store, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answer = Callable[["Handler"], None]

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Handler(BaseHTTPRequestHandler):
    """Answers a GET with the next answer that the test put on its path; the last one stays."""

    protocol_version = "HTTP/1.1"
    server: LocalServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.server.guard:
            self.server.requests.append((path, dict(self.headers)))
            answers = self.server.answers[path]
            answer = answers.popleft() if len(answers) > 1 else answers[0]
        answer(self)

    def log_message(self, *args: object) -> None:
        pass

    def reply(self, body: bytes, status: int = 200, /, **headers: str) -> None:
        """Send a whole answer; `Content_Length` overrides the true one."""
        self.send_response(status)
        sent = {"Content_Length": str(len(body)), **headers}
        for name, value in sent.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def break_off(self) -> None:
        """Close the connection in the middle of whatever was being sent."""
        self.wfile.flush()
        self.close_connection = True


class LocalServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.guard = threading.Lock()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, deque[Answer]] = {}
        self.seen_errors: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def on(self, path: str, *answers: Answer) -> str:
        """Put answers on a path, and give its address."""
        self.answers[path] = deque(answers)
        return self.url(path)

    def gets(self, path: str) -> list[dict[str, str]]:
        """The headers of each GET of a path."""
        with self.guard:
            return [headers for asked, headers in self.requests if asked == path]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is part of these tests."""


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def limits() -> Limits:
    return Limits(
        connect_timeout_seconds=2.0,
        read_timeout_seconds=5.0,
        total_seconds=10.0,
        attempts=4,
        first_wait_seconds=0.01,
        longest_wait_seconds=2.0,
    )


@pytest.fixture
def settings(tmp_path: Path, limits: Limits, no_proxy: None) -> StoreSettings:
    return StoreSettings(cache_dir=tmp_path / "cache", allow_local_addresses=True, limits=limits)


@pytest.fixture
def store(settings: StoreSettings) -> Store:
    return Store(settings)


@pytest.fixture
def slot_files(settings: StoreSettings) -> Callable[[], list[str]]:
    """The names of what lies in the cache, locks left out."""

    def listed() -> list[str]:
        found = (path for path in settings.cache_dir.rglob("*") if path.is_file())
        return sorted(path.name for path in found if "lock" not in path.name)

    return listed


@pytest.fixture
def file_at() -> Callable[..., DatasetFile]:
    def made(url: str, **promises: Any) -> DatasetFile:
        return DatasetFile(url=url, **promises)

    return made

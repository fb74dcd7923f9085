from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.datasets import DatasetFile, DatasetMismatch, Store, Unreachable
from harness.datasets import connection as connection_module
from harness.datasets.connection import first_to_connect, resolve
from harness.datasets.reachability import Reachability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_server import LocalServer

    from harness.datasets import StoreSettings

pytest_plugins = ("local_server",)

FILE = DatasetFile(url="https://data.example/a.log")


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A resolver that knows no name, and the names that it was asked for."""
    asked: list[str] = []

    def knows_nothing(host: str, port: int, timeout_seconds: float) -> list[str]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(connection_module, "resolve", knows_nothing)
    return asked


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue is full, so that connecting to it waits."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = int(listening.getsockname()[1])
        waiting = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        time.sleep(0.05)
        yield port
        for client in waiting:
            client.close()


def test_a_host_without_address_is_asked_once_in_ten_minutes(
    settings: StoreSettings, questions: list[str]
) -> None:
    with pytest.raises(Unreachable, match=r"data\.example cannot be reached") as first:
        Store(settings).obtain(FILE)
    assert "Name or service not known" in str(first.value)
    with pytest.raises(Unreachable, match="could not be reached a while ago") as second:
        Store(settings).obtain(FILE)
    assert questions == ["data.example"]
    assert "it is asked again in 10 min" in str(second.value)
    assert "harness datasets fetch --retry" in str(second.value)
    assert "\n" not in str(second.value)


def test_another_file_of_the_same_host_is_not_asked_for_either(
    settings: StoreSettings, questions: list[str]
) -> None:
    for name in ("a", "b"):
        with pytest.raises(Unreachable):
            Store(settings).obtain(DatasetFile(url=f"https://data.example/{name}"))
    assert questions == ["data.example"]


def test_retry_now_asks_again(settings: StoreSettings, questions: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(Unreachable, match="cannot be reached"):
            Store(replace(settings, retry_now=True)).obtain(FILE)
    assert questions == ["data.example", "data.example"]


def test_the_memory_ends(settings: StoreSettings, questions: list[str]) -> None:
    with pytest.raises(Unreachable):
        Store(settings).obtain(FILE)
    memory = settings.cache_dir / "unreachable.json"
    stored = json.loads(memory.read_text())
    stored["hosts"]["data.example"]["at"] -= 601
    memory.write_text(json.dumps(stored))
    with pytest.raises(Unreachable):
        Store(settings).obtain(FILE)
    assert len(questions) == 2


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"hosts": 1}', '{"hosts": {"data.example": {"at": "x", "reason": "y"}}}',
     '{"hosts": {"data.example": {"at": 99999999999, "reason": "from the future"}}}'],
)  # fmt: skip
def test_a_damaged_memory_remembers_nothing(
    settings: StoreSettings, questions: list[str], text: str
) -> None:
    settings.cache_dir.mkdir(parents=True)
    (settings.cache_dir / "unreachable.json").write_text(text)
    with pytest.raises(Unreachable, match="cannot be reached"):
        Store(settings).obtain(FILE)
    assert questions == ["data.example"]


def test_this_machine_is_never_remembered(settings: StoreSettings, server: LocalServer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.log"
        for _ in range(2):
            with pytest.raises(Unreachable, match="Connection refused"):
                Store(settings).obtain(DatasetFile(url=url))
    assert not (settings.cache_dir / "unreachable.json").exists()


def test_a_host_that_answers_is_forgotten(settings: StoreSettings) -> None:
    memory = Reachability(settings)
    memory.remember("data.example", "no answer")
    memory.remember("other.example", "no answer")
    memory.forget("data.example")
    assert memory.failure("data.example") is None
    reason, seconds = memory.failure("other.example") or ("", 0.0)
    assert reason == "no answer"
    assert 590 < seconds <= 600


def test_a_silent_host_costs_the_connect_timeout(settings: StoreSettings, silent_port: int) -> None:
    limits = replace(settings.limits, connect_timeout_seconds=0.3)
    store = Store(replace(settings, limits=limits))
    started = time.monotonic()
    with pytest.raises(Unreachable, match="no connection in time"):
        store.obtain(DatasetFile(url=f"http://127.0.0.1:{silent_port}/a.log"))
    assert 0.25 < time.monotonic() - started < 1.0


def test_a_silent_resolver_costs_no_more_than_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        time.sleep(1.5)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="the resolver does not answer"):
        resolve("data.example", 443, 0.1)
    assert time.monotonic() - started < 1.0


def test_a_dead_address_does_not_hide_a_live_one(server: LocalServer, silent_port: int) -> None:
    """All addresses are tried at once: 127.0.0.2 has the server's port free, or refuses it."""
    port = int(server.server_address[1])
    assert first_to_connect(["127.0.0.2", "127.0.0.1"], port, 1.0) == "127.0.0.1"


def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(
    settings: StoreSettings,
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)
        limits = replace(settings.limits, read_timeout_seconds=0.2, attempts=2)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/a.log"
        with pytest.raises(Unreachable, match="no answer within"):
            Store(replace(settings, limits=limits)).obtain(DatasetFile(url=url))


def test_offline_the_network_is_not_asked(settings: StoreSettings, questions: list[str]) -> None:
    with pytest.raises(Unreachable, match="HARNESS_OFFLINE forbids"):
        Store(replace(settings, offline=True)).obtain(FILE)
    assert questions == []


def test_offline_the_cache_still_serves(settings: StoreSettings, server: LocalServer) -> None:
    url = server.on("/a.log", lambda handler: handler.reply(b"data\n"))
    path = Store(settings).obtain(DatasetFile(url=url))
    offline = Store(replace(settings, offline=True))
    assert offline.obtain(DatasetFile(url=url)) == path
    with pytest.raises(DatasetMismatch, match="instead of sha256 0000"):
        offline.obtain(DatasetFile(url=url, sha256="0" * 64))


def test_a_proxy_that_cannot_be_reached_is_unreachable(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"data\.example cannot be reached"):
            Store(settings).obtain(FILE)
    with pytest.raises(Unreachable, match="a while ago"):
        Store(settings).obtain(FILE)


def test_a_proxy_from_the_environment_is_used(
    settings: StoreSettings, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is left to the proxy, which gets the whole address to ask for."""
    target = "http://data.example/a.log"
    server.on(target, lambda handler: handler.reply(b"through the proxy\n"))
    monkeypatch.setenv("http_proxy", server.url(""))
    path = Store(settings).obtain(DatasetFile(url=target))
    assert path.read_bytes() == b"through the proxy\n"
    assert server.gets(target)[0]["Host"] == "data.example"

"""What clients that are slow, many or hostile can and cannot do to a server.

The servers here have shorter limits than real ones, so that a test need not wait for them.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests
from serving import PASSWORD, TOKEN, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    # Clients leave their sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SHORT = """
import harness.server.connections as connections, harness.server.hec as hec
connections.HEAD_SECONDS, connections.READING_SECONDS = 1.0, 1.0
hec.MOST_IN_FLIGHT = 1_000_000
"""
SLOW_DISK = """
import time, harness.server.indexing as indexing, harness.server.store as store
indexing.MOST_WAITING, indexing.MOST_TOGETHER = 1, 1
add = store.Store.add
store.Store.add = lambda self, batches: (time.sleep(0.7), add(self, batches))[1]
"""
ENDLESS = (
    "| makeresults count=900 | eval x=mvrange(0,1000) | mvexpand x | eval a=md5(x.random())"
    " | sort 0 a | streamstats count | sort 0 - a | eval b=sha256(a) | sort 0 b | stats dc(b)"
)
LINES = "\n".join(f"2026-01-01T00:00:00Z n={n} " + "x" * 500 for n in range(1000))


@pytest.fixture(scope="module")
def short() -> Iterator[Served]:
    server = Served(None, before=SHORT).start()
    yield server
    assert server.stop() == 0


def connected(port: int) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    return ssl._create_unverified_context().wrap_socket(plain)


def codes(answer: requests.Response) -> tuple[int, int]:
    return answer.status_code, json.loads(answer.text)["code"]


def everything(connection: ssl.SSLSocket) -> bytes:
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return found


@pytest.mark.parametrize("port", ["rest", "hec"])
@pytest.mark.parametrize("head", [b"", b"GET /services/server/info HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_end_ends_the_connection(
    short: Served, port: str, head: bytes
) -> None:
    started = time.monotonic()
    with connected(getattr(short, port)) as connection:
        connection.sendall(head)
        assert everything(connection).startswith(b"HTTP/1.1 408 ")
    assert 0.5 < time.monotonic() - started < 6


def test_a_head_that_comes_byte_by_byte_ends_too_on_a_connection_that_is_kept(
    short: Served,
) -> None:
    whole = b"GET /services/server/info HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(short.rest) as connection:
        connection.sendall(whole)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        with suppress(ConnectionError, ssl.SSLError):
            for number in range(200):
                connection.sendall(whole[number % 20 : number % 20 + 1])
                time.sleep(0.1)
        assert time.monotonic() - started < 10


def test_a_thousand_heads_that_do_not_end_leave_room_for_others(short: Served) -> None:
    with ExitStack() as stack:
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", short.rest), timeout=10)
            stack.enter_context(one)
        assert short.ask("GET", "/services/server/info").status_code == 200


def test_an_answer_that_nobody_reads_is_given_up(short: Served) -> None:
    for _ in range(10):
        assert short.send(LINES, "raw", sourcetype="long").status_code == 200
    form = "search=search+sourcetype%3Dlong&exec_mode=oneshot&output_mode=json&count=0"
    basic = requests.auth._basic_auth_str("admin", PASSWORD)
    head = (
        "POST /services/search/jobs HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {basic}\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    )
    with connected(short.rest) as connection:
        connection.sendall(head.encode())
        time.sleep(8)
        read = everything(connection)
    told = int(read.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(read) < told
    assert short.count("sourcetype=long") == 10_000


def test_what_a_request_says_of_its_length_holds_no_place_and_what_came_does(
    short: Served,
) -> None:
    head = (
        "POST /services/collector/raw HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Splunk {TOKEN}\r\nContent-Length: 200000000\r\n\r\n"
    ).encode()
    body = b"x" * 600_000
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connected(short.hec)).sendall(head)
        time.sleep(0.3)
        assert codes(short.send(body, "raw")) == (200, 0)
        stack.enter_context(connected(short.hec)).sendall(head + body)
        time.sleep(0.5)
        assert codes(short.send(body, "raw")) == (503, 9)
    time.sleep(0.3)
    assert codes(short.send(body, "raw")) == (200, 0)


def test_a_search_ends_when_its_client_has_gone(short: Served) -> None:
    data = {"search": ENDLESS, "exec_mode": "oneshot", "output_mode": "json"}
    with pytest.raises(requests.Timeout):
        requests.post(
            f"https://127.0.0.1:{short.rest}/services/search/jobs",
            data=data, auth=("admin", PASSWORD), verify=False, timeout=0.7,
        )  # fmt: skip
    until = time.monotonic() + 10
    while short.ask("GET", "/services/search/jobs?output_mode=json").json()["entry"]:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_queue_that_is_full_says_so_and_takes_more_later() -> None:
    server = Served(None, before=SLOW_DISK).start()
    try:
        found: list[tuple[int, int]] = []

        def send() -> None:
            found.append(codes(server.send("x=1", "raw", source="queue")))

        threads = [threading.Thread(target=send) for _ in range(6)]
        for one in threads:
            one.start()
        time.sleep(0.35)
        health = codes(server.send("", "health", token=None, method="GET"))
        for one in threads:
            one.join()
        assert set(found) == {(200, 0), (503, 9)}
        assert health == (503, 18)
        assert codes(server.send("", "health", token=None, method="GET")) == (200, 17)
        assert server.count("source=queue") == found.count((200, 0))
    finally:
        server.stop()


def test_a_server_that_ends_keeps_what_it_takes_and_refuses_the_rest(tmp_path: Path) -> None:
    server = Served(tmp_path / "state", before=SLOW_DISK).start()
    url = f"https://127.0.0.1:{server.hec}/services/collector/raw?source=ending"
    found: list[tuple[int, int]] = []

    def send() -> None:
        with requests.Session() as session:
            for _ in range(50):
                try:
                    answer = session.post(
                        url, data=b"x=1", verify=False, timeout=10,
                        headers={"Authorization": f"Splunk {TOKEN}"},
                    )  # fmt: skip
                except requests.RequestException:
                    return
                found.append(codes(answer))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for one in threads:
        one.start()
    time.sleep(1.0)
    assert server.stop() == 0
    for one in threads:
        one.join()
    assert (200, 0) in found
    assert set(found) <= {(200, 0), (503, 9), (503, 23)}
    server.before = ""
    server.start()
    try:
        assert server.count("source=ending") >= found.count((200, 0))
    finally:
        server.stop()


def test_a_full_disk_is_an_internal_error_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    server = Served(tmp_path / "state", most_bytes=4_000_000).start()
    found: list[Any] = []
    try:
        for _ in range(60):
            found.append(codes(server.send(LINES, "raw", sourcetype="long")))
            if found[-1] != (200, 0):
                break
    except requests.RequestException:
        found.append(None)
    server.stop(signal.SIGTERM)
    assert found[-1] in ((500, 8), None), found
    server.most_bytes = 0
    server.start()
    try:
        assert server.count("sourcetype=long") == 1000 * found.count((200, 0))
        assert codes(server.send(LINES, "raw", sourcetype="long")) == (200, 0)
    finally:
        server.stop()

"""The Event Collector: what is sent is found, and every code has its cause.

Source: Getting Data In, "Format events for HTTP Event Collector", "About HTTP Event Collector
Indexer Acknowledgment", "Troubleshoot HTTP Event Collector" (status codes).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import ssl
import threading
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
import requests
from serving import CHANNEL, TOKEN, Served, served, stateful

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    # Clients leave their sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def codes(answer: requests.Response) -> tuple[int, int]:
    return answer.status_code, json.loads(answer.text)["code"]


def token_of(served: Served, name: str, **said: str) -> str:
    data = {"name": name, "output_mode": "json", **said}
    answer = served.ask("POST", "/services/data/inputs/http", data=data)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["entry"][0]["content"]["token"]
    return found


def test_raw_lines_are_events_with_their_times_and_are_found_at_once(served: Served) -> None:
    body = "2026-01-02T03:04:05Z first=1\n2026-01-02T03:04:06Z first=2\n"
    answer = served.send(body, "raw", source="raw1", sourcetype="mine", host="web1")
    assert codes(answer) == (200, 0)
    rows = served.search("search source=raw1 | table _time first host sourcetype index")
    assert rows == [
        {
            "_time": f"2026-01-02T03:04:0{second}.000+00:00",
            "first": str(second - 4),
            "host": "web1",
            "sourcetype": "mine",
            "index": "main",
        }
        for second in (6, 5)
    ]


def test_envelopes_follow_each_other_with_and_without_space(served: Served) -> None:
    body = (
        '{"event":"one n=1","source":"env","time":1700000000}'
        '{"event":{"n":2,"deep":{"a":[1,2]}},"source":"env","sourcetype":"_json",'
        '"time":"1700000001.5"}\n  {"event":"three n=3","source":"env","time":1700000002,'
        '"host":"h3","fields":{"colour":"red","several":["a","b"]}}'
    )
    assert codes(served.send(body)) == (200, 0)
    rows = served.search("search source=env | table _time n host colour several deep.a{} _raw")
    assert [row["n"] for row in rows] == ["3", "2", "1"]
    assert rows[0]["colour"] == "red"
    assert rows[0]["several"] == ["a", "b"]
    assert rows[0]["host"] == "h3"
    assert rows[1]["_time"] == "2023-11-14T22:13:21.500+00:00"
    assert rows[1]["deep.a{}"] == ["1", "2"]


def test_gzip_is_unpacked_and_a_bomb_is_not(served: Served) -> None:
    packed = gzip.compress(b'{"event":"packed","source":"gz"}')
    assert codes(served.send(packed, headers={"Content-Encoding": "gzip"})) == (200, 0)
    assert served.count("source=gz") == 1
    bomb = gzip.compress(b" " * 300_000_000)
    assert codes(served.send(bomb, headers={"Content-Encoding": "gzip"})) == (413, 27)
    cut = packed[:-12]
    assert codes(served.send(cut, headers={"Content-Encoding": "gzip"})) == (400, 6)
    assert codes(served.send(b"plain", headers={"Content-Encoding": "gzip"})) == (400, 6)
    assert codes(served.send(b"{}", headers={"Content-Encoding": "zstd"})) == (400, 6)


@pytest.mark.parametrize(
    ("body", "code", "number"),
    [
        ("", 5, None),
        ("   ", 5, None),
        ("no json", 6, 0),
        ("[1]", 6, 0),
        ('{"event":"good"} {"event"', 6, 1),
        ('{"event":"x","time":"soon"}', 6, 0),
        ('{"event":"x","host":5}', 6, 0),
        ("[" * 100_000, 6, 0),
        ('{"event":"x","index":"no_such"}', 7, 0),
        ('{"source":"x"}', 12, 0),
        ('{"event":null}', 12, 0),
        ('{"event":"good"}{"event":""}', 13, 1),
        ('{"event":"x","fields":{"a":{"b":1}}}', 15, 0),
        ('{"event":"x","fields":"text"}', 15, 0),
    ],
)
def test_what_is_wrong_with_a_body_has_its_code_and_its_event(
    served: Served, body: str, code: int, number: int | None
) -> None:
    answer = served.send(body)
    assert codes(answer) == (400, code)
    assert answer.json().get("invalid-event-number") == number


def test_a_request_with_one_wrong_event_leaves_none(served: Served) -> None:
    served.send('{"event":"a","source":"half"}{"event":""}')
    assert served.count("source=half") == 0


def test_tokens_are_asked_for_and_checked(served: Served) -> None:
    one = '{"event":"x","source":"tok"}'
    assert codes(served.send(one, token=None)) == (401, 2)
    assert codes(served.send(one, headers={"Authorization": "Splunk"})) == (401, 3)
    assert codes(served.send(one, headers={"Authorization": "Nothing x"})) == (401, 3)
    assert codes(served.send(one, token="00000000-0000-0000-0000-000000000000")) == (403, 4)
    basic = b64encode(f"x:{TOKEN}".encode()).decode()
    assert codes(served.send(one, headers={"Authorization": f"Basic {basic}"})) == (200, 0)
    off = token_of(served, "off")
    served.ask("POST", "/services/data/inputs/http/off/disable")
    assert codes(served.send(one, token=off)) == (403, 1)
    served.ask("POST", "/services/data/inputs/http/off/enable")
    assert codes(served.send(one, token=off)) == (200, 0)


def test_a_token_in_the_query_counts_where_the_token_says_so(served: Served) -> None:
    query = token_of(served, "query", allowQueryStringAuth="1")
    url = f"https://127.0.0.1:{served.hec}/services/collector/event"
    data = b'{"event":"q"}'
    refused = requests.post(url, data=data, params={"token": TOKEN}, verify=False, timeout=30)
    assert codes(refused) == (400, 16)
    taken = requests.post(url, data=data, params={"token": query}, verify=False, timeout=30)
    assert codes(taken) == (200, 0)


def test_a_token_may_send_to_its_indexes_only(served: Served) -> None:
    served.ask("POST", "/services/data/indexes", data={"name": "allowed"})
    served.ask("POST", "/services/data/indexes", data={"name": "other"})
    token = token_of(served, "bound", index="allowed", indexes="allowed")
    assert codes(served.send('{"event":"x"}', token=token)) == (200, 0)
    assert codes(served.send('{"event":"x","index":"other"}', token=token)) == (400, 7)
    assert codes(served.send("x", "raw", token=token, index="other")) == (400, 7)
    assert served.count("index=allowed") == 1


def test_acknowledgements_count_up_and_are_told_once(served: Served) -> None:
    token = token_of(served, "acks", useACK="1")
    headers = {"X-Splunk-Request-Channel": CHANNEL}
    assert codes(served.send('{"event":"x"}', token=token)) == (400, 10)
    wrong = {"X-Splunk-Request-Channel": "mine"}
    assert codes(served.send('{"event":"x"}', token=token, headers=wrong)) == (400, 11)
    numbers = [
        served.send('{"event":"x"}', token=token, headers=headers).json()["ackId"] for _ in range(3)
    ]
    assert numbers == [0, 1, 2]
    asked = '{"acks":[0,2,9]}'
    first = served.send(asked, "ack", token=token, headers=headers).json()
    assert first == {"acks": {"0": True, "2": True, "9": False}}
    again = served.send(asked, "ack", token=token, headers=headers).json()
    assert again == {"acks": {"0": False, "2": False, "9": False}}
    assert codes(served.send(asked, "ack", headers=headers)) == (400, 14)
    assert codes(served.send("nonsense", "ack", token=token, headers=headers)) == (400, 6)


def test_health_and_what_is_not_there(served: Served) -> None:
    assert codes(served.send("", "health", token=None, method="GET")) == (200, 17)
    assert codes(served.send("", "health/1.0", token=None, method="GET")) == (200, 17)
    assert served.send("", "event", method="GET").status_code == 405
    assert served.send("x", "nothing").status_code == 404
    assert served.send("x", "../../etc/passwd").status_code == 404


def test_index_time_settings_of_apps_count(tmp_path: Path) -> None:
    app = tmp_path / "rules"
    (app / "default").mkdir(parents=True)
    (app / "metadata").mkdir()
    (app / "metadata" / "default.meta").write_text("[]\nexport = system\n")
    (app / "default" / "props.conf").write_text(
        "[masked]\nSEDCMD-card = s/card=\\d+/card=x/\nTIME_PREFIX = at:\nTIME_FORMAT = %s\n"
    )
    server = Served(None, ("--app", str(app))).start()
    try:
        server.send("card=123 at:1700000000", "raw", sourcetype="masked")
        server.send('{"event":"card=456","sourcetype":"masked","time":1700000001}')
        rows = server.search("search sourcetype=masked | table _time _raw")
        assert [row["_raw"] for row in rows] == ["card=x", "card=x at:1700000000"]
        assert rows[1]["_time"] == "2023-11-14T22:13:20.000+00:00"
    finally:
        server.stop()


def test_a_killed_server_has_every_event_that_it_acknowledged(stateful: Served) -> None:
    stateful.ask("POST", "/services/data/indexes", data={"name": "kept"})
    token = token_of(stateful, "kept", index="kept")
    sent: list[int] = []

    def send(first: int) -> None:
        for number in range(first, first + 1000):
            try:
                answer = stateful.send(f"n={number}", "raw", token=token, source="killed")
            except requests.RequestException:
                return
            if answer.status_code == 200:
                sent.append(number)

    threads = [threading.Thread(target=send, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while len(sent) < 60:
        threads[0].join(0.05)
    stateful.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()
    stateful.start()
    rows = stateful.search("search index=kept source=killed | table n")
    found = [int(row["n"]) for row in rows]
    assert len(found) == len(set(found))
    assert set(sent) <= set(found)
    assert (
        json.loads(stateful.ask("GET", "/services/data/inputs/http/kept?output_mode=json").text)[
            "entry"
        ][0]["content"]["token"]
        == token
    )
    assert codes(stateful.send("later", "raw", token=token)) == (200, 0)


def test_a_thousand_senders_at_once(served: Served) -> None:
    context = ssl._create_unverified_context()

    async def send(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.hec, ssl=context)
        body = f"many={number}".encode()
        head = (
            "POST /services/collector/raw?source=many HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Splunk {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status = int((await reader.readline()).split()[1])
        writer.transport.abort()
        return status

    async def all_of_them() -> list[int]:
        async with asyncio.timeout(120):
            return await asyncio.gather(*(send(number) for number in range(1000)))

    answers = asyncio.run(all_of_them())
    taken = answers.count(200)
    assert set(answers) <= {200, 503}
    assert taken > 900
    assert served.count("source=many") == taken

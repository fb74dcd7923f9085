"""The REST interface: who may ask, what is answered, and what strangers cannot do.

Source: REST API Reference (access, search, configuration endpoints); Admin Manual.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from serving import PASSWORD, ROOT, Served, served, stateful

if TYPE_CHECKING:
    from pathlib import Path

    import requests

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def filled(served: Served) -> Served:
    served.ask("POST", "/services/data/indexes", data={"name": "rest"})
    body = "\n".join(f'2026-01-01T00:00:{n:02}Z n={n} text="<&\u00e9>"' for n in range(10))
    served.send(body, "raw", index="rest", sourcetype="lines", host="h", source="s")
    return served


def login(served: Served, **more: str) -> requests.Response:
    data = {"username": "admin", "password": PASSWORD, **more}
    return served.ask("POST", "/services/auth/login", auth=None, data=data)


def test_a_session_is_a_header_a_bearer_or_a_cookie(served: Served) -> None:
    answer = login(served, cookie="1")
    key = ET.fromstring(answer.text).findtext("./sessionKey")
    path = "/services/data/indexes"
    for headers in ({"Authorization": f"Splunk {key}"}, {"Authorization": f"Bearer {key}"}):
        assert served.ask("GET", path, auth=None, headers=headers).status_code == 200
    cookies = dict(answer.cookies)
    assert served.ask("GET", path, auth=None, cookies=cookies).status_code == 200
    as_json = login(served, output_mode="json").json()
    assert set(as_json) == {"sessionKey"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Splunk wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic ????"},
        {"Authorization": "Basic YWRtaW46d3Jvbmc="},
        {"Cookie": "splunkd_8089=wrong"},
    ],
)
def test_nobody_is_let_in_without_a_session(served: Served, headers: dict[str, str]) -> None:
    for path in ("/services/data/indexes", "/servicesNS/nobody/search/search/jobs"):
        answer = served.ask("GET", path, auth=None, headers=headers)
        assert answer.status_code == 401
        assert "call not properly authenticated" in answer.text


def test_results_in_every_form(filled: Served) -> None:
    search = "search index=rest n<2 | table n text host missing"

    def asked(mode: str) -> requests.Response:
        data = {"search": search, "exec_mode": "oneshot", "output_mode": mode}
        return filled.ask("POST", "/services/search/jobs", data=data)

    found = asked("json").json()
    assert found["results"][0] == {"n": "1", "text": "<&\u00e9>", "host": "h"}
    assert [field["name"] for field in found["fields"]] == ["n", "text", "host", "missing"]
    assert asked("json_rows").json()["rows"][0] == ["1", "<&\u00e9>", "h", None]
    assert asked("json_cols").json()["columns"][0] == ["1", "0"]
    assert asked("csv").text.splitlines()[:2] == ["n,text,host,missing", "1,<&\u00e9>,h,"]
    root = ET.fromstring(asked("xml").content)
    values = [node.text for node in root.findall("./result/field[@k='text']/value/text")]
    assert values == ["<&\u00e9>"] * 2
    assert asked("nonsense").status_code == 400


def test_export_streams_a_line_for_each_row(filled: Served) -> None:
    data = {"search": "search index=rest | table n", "output_mode": "json"}
    for path in ("/services/search/jobs/export", "/services/search/v2/jobs/export"):
        lines = filled.ask("POST", path, data=data).text.splitlines()
        assert [json.loads(line)["result"]["n"] for line in lines] == [
            str(n) for n in range(9, -1, -1)
        ]
        assert json.loads(lines[-1])["lastrow"] is True


def test_a_job_from_beginning_to_end(filled: Served) -> None:
    data = {"search": "search index=rest", "output_mode": "json", "id": "mine.1"}
    assert filled.ask("POST", "/services/search/v2/jobs", data=data).json() == {"sid": "mine.1"}
    path = "/services/search/v2/jobs/mine.1"
    end = time.monotonic() + 20
    content: dict[str, Any] = {}
    while not content.get("isDone"):
        assert time.monotonic() < end
        content = filled.ask("GET", f"{path}?output_mode=json").json()["entry"][0]["content"]
    assert content["dispatchState"] == "DONE"
    assert content["resultCount"] == content["eventCount"] == 10
    root = ET.fromstring(filled.ask("GET", path).text)
    assert root.tag == "{http://www.w3.org/2005/Atom}entry"
    page = filled.ask("GET", f"{path}/results?output_mode=json&offset=8&f=n").json()
    assert page["results"] == [{"n": "1"}, {"n": "0"}]
    assert page["init_offset"] == 8
    summary = filled.ask("GET", f"{path}/summary?output_mode=json").json()
    assert summary["fields"]["host"]["modes"][0]["value"] == "h"
    timeline = filled.ask("GET", f"{path}/timeline?output_mode=json").json()
    assert timeline["event_count"] == 10
    assert filled.ask("POST", f"{path}/control", data={"action": "cancel"}).status_code == 200
    assert filled.ask("GET", path).status_code == 404


def test_new_events_are_found_by_a_search_that_ran_before(served: Served) -> None:
    search = "source=again | stats values(user) as user"
    served.send("user=one", "raw", source="again", sourcetype="a1")
    assert served.search(f"search {search}") == [{"user": "one"}]
    served.send("user=two", "raw", source="again", sourcetype="a1")
    served.send('{"user":"three"}', "raw", source="again", sourcetype="a2")
    served.send('{"event":"x","source":"again","fields":{"user":"four"}}')
    assert served.search(f"search {search}") == [{"user": ["four", "one", "three", "two"]}]
    assert served.search("search source=again | table user | head 1") != []


def test_the_time_range_is_that_of_the_request(filled: Served) -> None:
    found = filled.search(
        "search index=rest | table n",
        earliest_time="1767225603",
        latest_time="2026-01-01T00:00:05Z",
    )
    assert [row["n"] for row in found] == ["4", "3"]
    data = {"search": "search index=rest", "earliest_time": "nonsense"}
    assert filled.ask("POST", "/services/search/jobs", data=data).status_code == 400
    data = {"search": "search index=rest", "earliest_time": "rt-5m"}
    assert filled.ask("POST", "/services/search/jobs", data=data).status_code == 400


@pytest.mark.parametrize(
    "search",
    [
        "",
        "search index=rest | nosuch",
        "search index=rest | eval x=",
        "| inputcsv ../../../../etc/passwd",
        "| script python x",
        "| delete",
        "search " + "(" * 5000,
        "search a=1 " + "| eval a=1 " * 20_000,
        '| makeresults | eval s="a" ' + "| eval s=s.s " * 40,
        "| makeresults " + "| eval x=mvappend(x,x,x,x,1) " * 15,
        "| makeresults | eval x=mvrange(0,1000000000)",
        "| makeresults count=100000000",
        '| makeresults | eval x=printf("%1000000000s", 1)',
    ],
)
def test_what_a_stranger_writes_is_refused_and_the_server_lives(
    filled: Served, search: str
) -> None:
    data = {"search": search, "exec_mode": "oneshot", "output_mode": "json"}
    answer = filled.ask("POST", "/services/search/jobs", data=data)
    assert answer.status_code == 400, answer.text[:300]
    assert answer.json()["messages"][0]["type"] in ("FATAL", "ERROR")
    assert "root:" not in answer.text
    assert filled.count("index=rest") == 10


def test_a_lookup_is_never_a_file_of_the_machine(filled: Served) -> None:
    assert filled.search("| inputlookup /etc/passwd") == []
    assert filled.search("| inputlookup ../../../../etc/passwd") == []


def test_one_long_search_does_not_stop_the_others_and_can_be_cancelled(filled: Served) -> None:
    endless = (
        "| makeresults count=900 | eval x=mvrange(0,1000) | mvexpand x | eval a=md5(x.random())"
        " | sort 0 a | streamstats count"
        " | sort 0 - a | eval b=sha256(a) | sort 0 b | stats dc(b)"
    )
    sid = filled.ask(
        "POST", "/services/search/jobs", data={"search": endless, "output_mode": "json"}
    ).json()["sid"]
    started = time.monotonic()
    assert filled.count("index=rest") == 10
    assert time.monotonic() - started < 10
    assert filled.ask("DELETE", f"/services/search/jobs/{sid}").status_code == 200
    assert filled.count("index=rest") == 10


def test_paths_are_names_and_nothing_else(served: Served) -> None:
    for path in (
        "/services/properties/..%2F..%2Fetc%2Fpasswd",
        "/services/configs/conf-..%2Fsecret",
        "/services/configs/conf-/etc/passwd",
        "/services/apps/local/..%2F..",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/services/../../etc/passwd",
        "/",
    ):
        answer = served.ask("GET", path)
        assert answer.status_code in (400, 404), path
        assert "root:" not in answer.text


def test_configuration_is_read_and_written(served: Served) -> None:
    path = "/servicesNS/nobody/Splunk_SA_CIM/configs/conf-datamodels"
    feed = served.ask("GET", path, params={"output_mode": "json", "count": "0"}).json()
    assert "Endpoint" in {entry["name"] for entry in feed["entry"]}
    key = "/servicesNS/nobody/Splunk_SA_CIM/properties/datamodels/Endpoint/acceleration"
    assert served.ask("POST", key, data={"value": "true"}).status_code == 200
    assert served.ask("GET", key).text == "true"


def test_a_macro_written_by_a_client_of_the_state_stays(stateful: Served) -> None:
    stateful.ask("POST", "/services/saved/searches", data={"name": "s", "search": "| makeresults"})
    stateful.ask("POST", "/services/data/indexes", data={"name": "kept"})
    assert stateful.stop() == 0
    stateful.start()
    assert stateful.ask("GET", "/services/saved/searches/s").status_code == 200
    assert stateful.ask("GET", "/services/data/indexes/kept").status_code == 200


def test_bodies_are_bounded_and_halves_do_not_hurt(served: Served) -> None:
    answer = served.ask("POST", "/services/search/jobs", data=b"x" * (17 * 1024 * 1024))
    assert answer.status_code == 413
    for text in (b"GET", b"\x16\x03\x01", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab"):
        with socket.create_connection(("127.0.0.1", served.rest), timeout=5) as connection:
            connection.sendall(text)
    assert served.ask("GET", "/services/server/info").status_code == 200


def told(*options: str, password: str = PASSWORD, state: Path | None = None) -> tuple[int, str]:
    command = [sys.executable, "-c", "from harness.cli import main; main()", "serve", *options]
    done = subprocess.run(
        [*command, *(["--state", str(state)] if state else [])],
        env={"HARNESS_SERVE_PASSWORD": password, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_what_is_wrong_at_the_start_is_said(served: Served, tmp_path: Path) -> None:
    code, text = told("--port", str(served.rest), "--hec-port", "0")
    assert code == 3
    assert "cannot listen on" in text
    code, text = told("--port", "0", "--hec-port", "0", password="short")
    assert code == 2
    assert "8 characters" in text
    (tmp_path / "file").write_text("x")
    code, text = told("--port", "0", "--hec-port", "0", state=tmp_path / "file")
    assert code == 3
    code, text = told("--host", "0.0.0.0", "--no-tls")
    assert code == 2


def test_two_servers_do_not_share_a_state(stateful: Served) -> None:
    code, text = told("--port", "0", "--hec-port", "0", state=stateful.state)
    assert code == 3
    assert "another server may be using it" in text

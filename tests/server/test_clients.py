"""Clients that are no library: curl as docs/server.md writes it, and attack_data's replay.py."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
import requests
from serving import PASSWORD, ROOT, TOKEN, Served, served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def written() -> list[str]:
    """The curl commands of docs/server.md, in their order."""
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.startswith("    curl ")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_does_what_the_documentation_says(served: Served, tmp_path: Path) -> None:
    (tmp_path / "file.log").write_text("2026-01-01T00:00:00Z a=1\n2026-01-01T00:00:01Z a=2\n")
    told = {
        **os.environ,
        "TOKEN": TOKEN,
        "PASSWORD": PASSWORD,
        "HARNESS_SERVE_PASSWORD": PASSWORD,
    }
    answers = []
    for command in written():
        here = command.replace(":8088", f":{served.hec}").replace(":8089", f":{served.rest}")
        done = subprocess.run(
            ["bash", "-c", here.replace("curl -k", "curl -sS --fail-with-body -k", 1)],
            cwd=tmp_path, env=told, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        answers.append(done.stdout)
    assert len(answers) == 9
    index, raw, event, counted, role, user, seen, delete_role, deleted = answers
    assert "<title>test</title>" in index
    assert json.loads(raw)["code"] == json.loads(event)["code"] == 0
    (row,) = (json.loads(line)["result"] for line in counted.splitlines())
    assert row == {"sourcetype": "mine", "count": "3"}
    assert "<title>team_red</title>" in role
    assert "<title>ada</title>" in user
    assert json.loads(seen)["result"] == {"count": "3"}
    assert "<s:item>can_delete</s:item>" in delete_role
    assert "__ALL__" in deleted


def test_replay_sends_a_file_in_one_request(served: Served) -> None:
    """The request of attack_data's bin/replay.py (2025): a file to the raw endpoint.

    It names index, source, sourcetype and host in the query, a fresh channel in a header, reads
    the file as bytes, and takes an answer below 400 for good.
    """
    host = str(uuid.uuid4())
    assert served.ask("POST", "/services/data/indexes", data={"name": "test2"}).status_code == 201
    events = [
        f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<EventID>{number}</EventID><Computer>c</Computer></System></Event>"
        for number in (1, 3)
    ]
    source = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"
    answer = requests.post(
        f"https://127.0.0.1:{served.hec}/services/collector/raw",
        params={"index": "test2", "source": source, "sourcetype": "XmlWinEventLog", "host": host},
        data="\n".join(events).encode(),
        allow_redirects=True,
        headers={
            "Authorization": f"Splunk {TOKEN}",
            "X-Splunk-Request-Channel": str(uuid.uuid4()),
        },
        verify=False,
        timeout=60,
    )
    answer.raise_for_status()
    rows = served.search(f'search index=test2 host="{host}" source="{source}" | table EventCode')
    assert sorted(row["EventCode"] for row in rows) == ["1", "3"]


def test_replay_is_told_of_a_wrong_token_and_a_missing_index(served: Served) -> None:
    for token, index in (("wrong", "main"), (TOKEN, "nowhere")):
        answer = served.send("a\nb", "raw", token=token, index=index, source="s", host="h")
        assert not answer.ok
        assert re.search("Invalid token|Incorrect index", answer.text)

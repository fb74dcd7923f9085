"""`harness compare` as its users call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.cli import main

ROOT = Path(__file__).parents[2]
DETECTION = """\
name: {name}
id: 11111111-2222-4333-8444-55555555555{digit}
version: 1
date: '2026-01-01'
author: Somebody
status: experimental
type: Anomaly
search: >-
  {search}
  | `{macro}_filter`
tags:
  analytic_story: [Testing]
  confidence: 50
  impact: 60
  message: $user$ was seen.
  observable:
  - {{name: user, type: User, role: [Victim]}}
  security_domain: endpoint
"""
NAMES = ("ann", "alexander", "bob", "christine", "eve")
EVENTS = "\n".join(f"2022-01-01T00:00:0{n}Z n={n} user={name}" for n, name in enumerate(NAMES))
SIDECAR = """\
alias: {alias}
timezone: UTC
trials:
- name: {trial}
  events:
    raw: |
{raw}
    sourcetype: my:type
  expect: {{fires: true}}
"""
SEARCHES = {
    "each": "index=main sourcetype=my:type | table n account user",
    "many": "index=main sourcetype=my:type | stats values(user) as user count by sourcetype",
    "other": "index=main sourcetype=my:type | stats count as user",
    "fitted": "index=main sourcetype=my:type | fit DensityFunction x",
}
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """The command in a folder with four detections and two apps, the second less greedy."""
    folder = tmp_path / "detections"
    folder.mkdir()
    for digit, (alias, search) in enumerate(SEARCHES.items()):
        text = DETECTION.format(name=alias.title(), digit=digit, search=search, macro=alias)
        (folder / f"{alias}.yml").write_text(text)
        raw = textwrap.indent(EVENTS, "      ")
        (folder / f"{alias}.expected.yaml").write_text(
            SIDECAR.format(alias=alias, trial=f"{alias} trial", raw=raw)
        )
    for name, pattern in (("wide", r"\w+"), ("short", r"\w{1,5}")):
        app = tmp_path / name
        (app / "default").mkdir(parents=True)
        (app / "metadata").mkdir()
        (app / "metadata" / "default.meta").write_text("[]\nexport = system\n")
        (app / "default" / "props.conf").write_text(
            f"[my:type]\nKV_MODE = none\nEXTRACT-n = n=(?<n>\\d+)\n"
            f"EXTRACT-user = user=(?<user>{pattern})\n"
            "EXTRACT-account = user=(?<account>\\w+)\n"
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def called(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["compare", *map(str, arguments)])
        found = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, found.out, found.err

    return called


WIDE_AND_SHORT = ("local", "local", "--app-a", "wide", "--app-b", "short")


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {one["trial"]: one["status"] for one in document["trials"]}


def test_all_shipped_trials_are_the_same_on_the_same_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", "compare", "local", "local"],
        cwd=ROOT,
        env={**os.environ, "HARNESS_OFFLINE": "1", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "different" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_one_changed_extraction_is_that_field_in_those_rows(call: Call) -> None:
    code, out, err = call(*WIDE_AND_SHORT, "each", "--json")
    assert (code, err) == (1, "")
    document = json.loads(out)
    (trial,) = document["trials"]
    assert trial["status"] == "differs"
    results = trial["results"]
    assert results["by_field"] == {"user": 2}
    found = {
        one["where"]["account"]: (one["fields"][0]["a"], one["fields"][0]["b"])
        for one in results["differences"]
    }
    assert found == {"alexander": ("alexander", "alexa"), "christine": ("christine", "chris")}
    assert all(len(one["fields"]) == 1 for one in results["differences"])
    risk = trial["risk_events"]
    assert risk["by_field"] == {"risk_object": 2, "risk_message": 2}
    assert trial["outcome"] == []
    assert document["apps_that_differ"] == ["short", "wide"]
    assert "_indextime" in document["not_compared"]


def test_an_ignored_field_is_not_compared(call: Call) -> None:
    code, out, _ = call(*WIDE_AND_SHORT, "each", "--ignore", "user", "--ignore", "risk_*", "--json")
    assert code == 0
    assert json.loads(out)["not_compared"]["risk_*"] == "--ignore"


def test_for_people_at_80_columns(call: Call) -> None:
    code, out, err = call(*WIDE_AND_SHORT, "each", "many", "other")
    assert (code, err) == (1, "")
    assert max(map(len, out.splitlines())) <= 80
    lines = [line.strip() for line in out.splitlines()]
    assert "user differs in 2 results" in lines
    assert "A alexander" in lines
    assert "B alexa" in lines
    assert "A 5 values, only here: alexander, christine" in lines
    assert lines[-1] == "3 trials: 1 the same, 2 different"
    assert "\x1b" not in out


def test_a_shipped_trial_with_one_calculated_field_changed(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short" / "default" / "props.conf").write_text(
        '[source::XmlWinEventLog:Security]\nEVAL-user = SubjectUserName."!"\n'
    )
    monkeypatch.chdir(ROOT)
    code, out, _ = call(
        "local", "local", "wintemp", "--app-b", tmp_path / "short", "--offline", "--json"
    )
    assert code == 1
    document = json.loads(out)
    differ = [one for one in document["trials"] if one["status"] == "differs"]
    assert {one["trial"] for one in differ} >= {"stand-in XML", "38 distinct commands"}
    assert all(one["results"]["by_field"] == {"user": 1} for one in differ)
    assert statuses(document)["stand-in text"] == "same"
    assert statuses(document)["stand-in Sysmon"] == "same"


def test_what_cannot_run_is_no_difference_and_no_success(call: Call) -> None:
    code, out, _ = call("local", "local", "--app", "wide", "--json")
    document = json.loads(out)
    assert code == 3
    assert statuses(document) == {
        "each trial": "same", "many trial": "same", "other trial": "same",
        "fitted trial": "neither",
    }  # fmt: skip
    assert document["summary"] == {
        "same": 3, "differs": 0, "only A": 0, "only B": 0, "neither": 1,
    }  # fmt: skip
    assert call("local", "local", "each", "--app", "wide")[0] == 0


def test_a_detection_that_cannot_be_read_does_not_end_the_others(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "detections" / "bad.yml").write_text("name: [\n")
    code, out, _ = call("local", "local", "--app", "wide")
    assert code == 3
    assert "A and B error: " in out
    assert "bad.yml:2" in out
    assert out.rstrip().endswith("5 trials: 3 the same, 2 that neither could run")


def test_a_saved_run_against_a_later_one(call: Call, tmp_path: Path) -> None:
    code, out, err = call("local", "-", "each", "other", "--app", "wide", "--save", "before.json")
    assert (code, err) == (0, "")
    assert out == "2 of 2 trials ran on local\n"
    code, out, _ = call("before.json", "local", "--app", "wide")
    assert code == 0
    assert "2 trials: 2 the same" in out
    assert "2 trials are not in the saved run" in out
    code, out, _ = call("before.json", "local", "each", "--app", "short", "--json")
    document = json.loads(out)
    assert (code, statuses(document)) == (1, {"each trial": "differs"})
    assert document["apps_that_differ"] == ["short", "wide"]
    code, _, _ = call("before.json", "local", "--app", "wide", "--save", "after.json")
    assert code == 0
    code, out, _ = call("before.json", "after.json", "OTHER", "--json")
    assert (code, statuses(json.loads(out))) == (0, {"other trial": "same"})
    (tmp_path / "detections" / "other.yml").unlink()
    (tmp_path / "detections" / "other.expected.yaml").unlink()
    code, out, _ = call("before.json", "local", "--app", "wide")
    assert code == 3
    assert "B the run has no such trial" in out
    code, out, _ = call("local", "before.json", "many", "--app", "wide")
    assert code == 3
    assert "only A" in out


def test_a_search_that_was_changed_is_told(call: Call, tmp_path: Path) -> None:
    call("local", "-", "other", "--app", "wide", "--save", "before.json")
    path = tmp_path / "detections" / "other.yml"
    path.write_text(path.read_text().replace("stats count", "stats dc(n)"))
    code, out, _ = call("before.json", "local", "--app", "wide")
    assert code == 0
    assert "the search itself is not the same in both runs" in out


def test_junit(call: Call, tmp_path: Path) -> None:
    code, out, _ = call(*WIDE_AND_SHORT, "--junit", "out.xml", "--json")
    assert code == 1
    json.loads(out)
    suite = ET.parse(tmp_path / "out.xml").getroot()[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "2", "errors": "1", "skipped": "0",
    }  # fmt: skip
    cases = {case.get("name"): case for case in suite}
    failure = cases["each trial"].find("failure")
    assert failure is not None
    assert "user differs in 2 results" in str(failure.text)
    assert cases["other trial"].find("failure") is None
    error = cases["fitted trial"].find("error")
    assert error is not None
    assert "unsupported" in str(error.get("message"))
    told = {one.get("name"): one.get("value") for one in cases["each trial"].iter("property")}
    assert told["status"] == "differs"
    assert told["a_results"] == told["b_results"] == "5"


def test_hostile_values_are_written_out(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "detections" / "each.expected.yaml"
    path.write_text(path.read_text().replace("user=alexander", 'user=a<b>&"x'))
    for app, pattern in (("wide", "urldecode"), ("short", "lower")):
        path = tmp_path / app / "default" / "props.conf"
        value = '"]]>%1b[31m%1b]0;x%07%00%EF%BF%BE[red]"'
        path.write_text(f"{path.read_text()}EVAL-user = {pattern}({value})\n")
    code, out, err = call(*WIDE_AND_SHORT, "each", "--junit", "out.xml")
    assert code == 1, err
    assert "\x1b" not in out
    assert "\\x1b[31m" in out
    assert "[red]" in out
    text = (tmp_path / "out.xml").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\x00" not in text
    ET.fromstring(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("local",), "Missing argument 'B'"),
        (("local", "locl"), "unknown engine `locl`"),
        (("locl", "local"), "or a file that `harness compare --save` wrote"),
        (("local", "absent.json"), "absent.json: no such file"),
        (("local", "detections/each.yml"), "no JSON, or cut short"),
        (("local", "local", "eech"), "did you mean `each`"),
        (("before.json", "before.json", "eech"), "has no detection `eech` (did you mean `each`?)"),
        (("local", "before.json", "--app-b", "wide"), "--app-b is for an engine, and"),
        (("before.json", "before.json", "--save", "x.json"), "A and B are saved already"),
        (("local", "-"), "`-` as B keeps A's run"),
        (("before.json", "-", "--save", "x.json"), "A is an engine"),
        (("local", "local", "--save", "no/x.json"), "`no/x.json` cannot be written"),
        (("local", "local", "--junit", "detections"), "`detections` cannot be written"),
        (("local", "local", "--app-a", "absent"), "absent"),
        (("local", "local", "--content", "wide"), "there are no trials to compare"),
        (("local", "-", "--content", "wide", "--save", "x.json"), "there are no trials to run"),
    ],
)
def test_what_cannot_be_meant(call: Call, arguments: tuple[str, ...], message: str) -> None:
    call("local", "-", "each", "--app", "wide", "--save", "before.json")
    code, out, err = call(*arguments)
    assert message in err
    assert out == ""
    assert code == 2


def test_apps_cannot_be_put_on_an_instance(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_SPLUNK_PASSWORD", "any")
    monkeypatch.setenv("HARNESS_SPLUNK_URL", "https://s.example:8089")
    for arguments in (
        ("https://s.example", "local", "each", "--app-a", "wide"),
        ("local", "splunk", "each", "--app-b", "wide"),
    ):
        code, _, err = call(*arguments)
        assert (code, "cannot be installed on an instance" in " ".join(err.split())) == (2, True)
        assert "splunk:9.4" in err


def test_events_are_moved_to_the_same_moment_on_both_sides(call: Call, tmp_path: Path) -> None:
    text = (tmp_path / "detections" / "each.yml").read_text()
    moved = text.replace("| table n account user", "| table _time n")
    assert moved != text
    (tmp_path / "detections" / "each.yml").write_text(moved)
    code, out, err = call("local", "local", "each", "--app", "wide", "--shift-time")
    assert (code, err) == (0, ""), out


def test_a_damaged_file_has_its_place(call: Call, tmp_path: Path) -> None:
    call("local", "-", "each", "--app", "wide", "--save", "before.json")
    path = tmp_path / "before.json"
    path.write_text(path.read_text()[:500])
    code, _, err = call("before.json", "local")
    assert code == 2
    assert "error: before.json:" in err
    assert "hint: compare takes a file that `--save` wrote" in err

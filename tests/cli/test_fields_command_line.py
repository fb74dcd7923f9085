"""`harness fields` as its users call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = "from harness.cli import main; main()"
APP = ROOT / "tests" / "fields" / "TA_features"


def called(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return harness("fields", *arguments, cwd=folder)


def harness(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        check=False,
        capture_output=True,
        text=True,
    )


def test_an_event_of_a_file_with_an_app(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("one=1\none=4 two=2\n", encoding="utf-8")
    done = called(
        tmp_path, "x.log", "--app", str(APP), "--sourcetype", "extract:order", "--event", "2"
    )
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("x "))
    assert line.split()[:3] == ["x", "2", "EXTRACT-B"]
    assert "sourcetype extract:order" in done.stdout
    assert "settings that gave nothing" not in done.stdout


def test_all_shows_the_settings_that_gave_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("two=2\n", encoding="utf-8")
    done = called(tmp_path, "x.log", "--app", str(APP), "--sourcetype", "extract:order", "--all")
    assert "EXTRACT-a" in done.stdout.partition("settings that gave nothing")[2]


def test_a_source_type_nobody_knows_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("a=1\n", encoding="utf-8")
    done = called(tmp_path, "x.log", "--sourcetype", "nobody:knows")
    assert "no stanza of any app is about `nobody:knows`" in done.stdout
    assert "only automatic key=value was" in done.stdout


def test_a_program_gets_json(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("a=1\n", encoding="utf-8")
    done = called(tmp_path, "x.log", "--sourcetype", "nobody:knows", "--json")
    document = json.loads(done.stdout)
    (a,) = (one for one in document["fields"] if one["name"] == "a")
    assert a["origin"] | {"file": ""} == {
        "kind": "KV_MODE", "name": "KV_MODE=auto", "stanza": "default", "file": "", "line": 4,
    }  # fmt: skip
    assert document["known"] is False


def test_a_host_chooses_its_stanzas(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("x\n", encoding="utf-8")
    flags = ("--app", str(APP), "--sourcetype", "none")
    assert "site" in called(tmp_path, "x.log", *flags, "--host", "web1").stdout
    assert "site" not in called(tmp_path, "x.log", *flags, "--host", "other").stdout


def test_too_large_a_number(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("a=1\n", encoding="utf-8")
    done = called(tmp_path, "x.log", "--event", "7")
    assert done.returncode == 2
    assert done.stderr == "error: x.log has no event 7\nhint: it has 1 event\n"


def test_what_of_an_app_cannot_be_applied_is_told_by_apps_show_and_fields(tmp_path: Path) -> None:
    default = tmp_path / "odd" / "default"
    default.mkdir(parents=True)
    (default / "props.conf").write_text(
        "[my:type]\n"
        "EXTRACT-a = port=(?<port>\\d+\n"
        "EVAL-b = lowr(user)\n"
        "REPORT-c = nowhere\n"
        "LOOKUP-d = no_table user OUTPUT dept\n"
        "[source::*.odd]\n"
        "EVAL-e = 1 +\n"
        "[other:type]\n"
        "LINE_BREAKER = ([\n"
    )
    (default / "eventtypes.conf").write_text("[bad]\nsearch = (user=*\n")
    (tmp_path / "x.log").write_text("user=ann port=1\n")
    shown = harness("apps", "show", "odd", "--app", "odd", "--json", cwd=tmp_path)
    warnings = dict(json.loads(shown.stdout)["warnings"])
    assert warnings["default/props.conf:2"] == "`EXTRACT-a`: the regex does not compile: missing )"
    assert warnings["default/props.conf:3"] == (
        "`EVAL-b`: unknown function `lowr` in an expression (did you mean `lower` or `floor`?)"
    )
    assert warnings["default/props.conf:4"] == "no transform `nowhere` in any app's transforms.conf"
    assert "no app has a lookup `no_table`" in warnings["default/props.conf:5"]
    assert warnings["default/props.conf:7"].startswith("`EVAL-e`: ")
    assert warnings["default/props.conf:9"].startswith("the regex does not compile")
    assert warnings["default/eventtypes.conf:2"] == (
        "the event type `bad`: a parenthesis is not closed (add a `)`)"
    )
    told = ("--app", "odd", "--sourcetype", "my:type", "--all", "--json")
    found = json.loads(harness("fields", "x.log", *told, cwd=tmp_path).stdout)["silent"]
    reasons = {one["origin"]["name"]: one["reason"] for one in found}
    assert reasons["EXTRACT-a"] == "the regex does not compile: missing )"
    assert reasons["EVAL-b"] == "unknown function `lowr` in an expression"

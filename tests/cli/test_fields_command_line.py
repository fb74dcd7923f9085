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
    return subprocess.run(
        [sys.executable, "-c", CODE, "fields", *arguments],
        cwd=folder,
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
    assert done.stderr == "error: x.log has no event 7\nhint: --event counts from 1\n"

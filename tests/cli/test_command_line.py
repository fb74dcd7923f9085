from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='P'/><EventID>7</EventID><TimeCreated SystemTime='2022-01-01T00:00:0{n}Z'/>"
    "<Channel>Test</Channel><Computer>H</Computer></System><EventData>"
    "<Data Name='Word'>{word}</Data></EventData></Event>\n"
)


def harness(
    *arguments: str, cwd: Path = ROOT, columns: int = 80, **environment: str
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HARNESS_OFFLINE": "1", "COLUMNS": str(columns), **environment}
    return subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
        timeout=120,
        check=False,
    )


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.xml"
    words = ("one", "two &amp; three", "\x1b[31mred\x1b]0;title\x07")
    path.write_text("".join(EVENT.format(n=n, word=word) for n, word in enumerate(words)))
    return path


def test_run_prints_one_json_object() -> None:
    done = harness("run", "wintemp", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["summary"] == {
        "pass": 12, "fail": 0, "error": 0, "unsupported": 0, "skip": 2,
    }  # fmt: skip
    trial = next(one for one in document["trials"] if one["trial"] == "stand-in XML")
    assert trial["detection"] == "Excessive distinct processes from Windows Temp"
    assert trial["id"] == "23587b6a-c479-11eb-b671-acde48001122"
    assert (trial["verdict"], trial["result_count"], trial["engine"]) == ("pass", 1, "local")
    assert len(trial["results"][0]["process"]) == 45
    (risk,) = trial["risk_events"]
    assert risk["risk_object"] == "WIN-STANDIN.standin.example"
    assert (risk["risk_object_type"], risk["risk_score"]) == ("system", 80)
    assert risk["search_name"] == ("ESCU - Excessive distinct processes from Windows Temp - Rule")


def test_run_says_plainly_that_stand_ins_were_used() -> None:
    done = harness("run", "wintemp")
    assert "12 passed, 2 skipped" in done.stdout
    assert "What is marked synthetic ran on" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_data_without_a_sidecar_must_fire(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.log"
    quiet.write_text("2022-01-01T00:00:00Z nothing\n")
    done = harness("run", "wintemp", "--data", str(quiet), "--json")
    assert done.returncode == 1
    (trial,) = json.loads(done.stdout)["trials"]
    assert trial["verdict"] == "fail"
    assert trial["reason"] == "results: expected at least 1, got 0 results"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "wintmep"), 2, "did you mean `wintemp`?"),
        (("rnu",), 2, "did you mean `run`?"),
        (("run", "wintemp", "--engine", "splnk"), 2, "unknown engine `splnk`"),
        (("run", "wintemp", "--data", "/no/such.log", "--json"), 3, ""),
        (("run", "wintemp", "--content", "/no/such"), 2, "no such folder"),
        (("search", "search x"), 2, "--data"),
        (("search", "| stats cuont", "--data", "EVENTS"), 3, "^^^^^"),
        (("search", "| eval x=strftme(1)", "--data", "EVENTS"), 3, "did you mean `strftime`"),
        (("search", "| foo", "--data", "EVENTS"), 3, "unknown command `foo`"),
        (("search", "`nope`", "--data", "EVENTS"), 3, "unknown macro `nope`"),
        (("search", "| tstats count from datamodel=Endpont.Processes", "--data", "EVENTS"), 3,
         "did you mean `Endpoint`?"),
        (("search", "index=x", "--data", "/no/such.log"), 2, "no such file"),
        (("datasets", "path", "nope"), 2, "unknown dataset `nope`"),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_remedy(
    events: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = harness(*(str(events) if one == "EVENTS" else one for one in arguments))
    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_search_formats(events: Path) -> None:
    spl = "search EventID=7 | table _time Word | sort _time"
    lines = harness("search", spl, "--data", str(events), "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["Word"] for line in lines][:2] == ["one", "two & three"]
    assert json.loads(lines[0])["_time"] == 1640995200
    csv = harness("search", spl, "--data", str(events), "--format", "csv").stdout.splitlines()
    assert csv[:2] == ["_time,Word", "1640995200,one"]


def test_terminal_escapes_in_log_values_are_written_out(events: Path) -> None:
    done = harness("search", "search EventID=7 | table Word", "--data", str(events))
    assert "\x1b" not in done.stdout
    assert r"\x1b[31mred" in done.stdout


def test_a_pipe_that_closes_early_is_no_error(events: Path) -> None:
    env = {**os.environ, "HARNESS_OFFLINE": "1"}
    code = "from harness.cli import main; main()"
    spl = "search EventID=7 | table Word"
    command = [
        sys.executable,
        "-c",
        code,
        "search",
        spl,
        "--data",
        str(events),
        "--format",
        "jsonl",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_datasets_list_shows_every_manifest() -> None:
    done = harness("datasets", "list", columns=120)
    assert done.returncode == 0
    assert "windows_temp_official_text" in done.stdout
    assert "128,279" in done.stdout
    assert "synthetic" in done.stdout


def test_doctor_says_what_is_there() -> None:
    done = harness("doctor", columns=120)
    assert done.returncode == 0
    assert "duckdb" in done.stdout
    assert "HARNESS_OFFLINE is set" in done.stdout


def test_help_lists_the_commands_without_their_imports() -> None:
    code = (
        "import sys\nfrom harness.cli import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n"
        "    print(sorted({'duckdb', 'rich.console', 'yaml'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Run the trials of detections." in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_data_may_be_an_archive(events: Path, tmp_path: Path) -> None:
    archive = tmp_path / "events.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(events, "deep/events.xml")
    spl = "search EventID=7 | stats count"
    cache = str(tmp_path / "cache")
    done = harness(
        "search", spl, "--data", str(archive), "--format", "csv", HARNESS_CACHE_DIR=cache
    )
    assert done.stdout.splitlines() == ["count", "3"], done.stderr


def test_an_archive_that_climbs_out_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.txt", "x")
    cache = str(tmp_path / "cache")
    done = harness("search", "index=main", "--data", str(archive), HARNESS_CACHE_DIR=cache)
    assert done.returncode == 3
    assert "evil.zip" in done.stderr
    assert not list(tmp_path.rglob("evil.txt"))

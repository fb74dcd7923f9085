"""`harness check`, `explain` and `batch` as their users call them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from harness.cli import cli

ROOT = Path(__file__).parents[2]
CODE = "from harness.cli import main; main()"
EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='P'/><EventID>7</EventID><TimeCreated SystemTime='2022-01-01T00:00:0{n}Z'/>"
    "<Channel>Test</Channel><Computer>H</Computer></System><EventData>"
    "<Data Name='Word'>{word}</Data></EventData></Event>\n"
)
DETECTION = """\
name: {name}
id: 11111111-2222-4333-8444-55555555555{digit}
version: 1
date: '2026-01-01'
author: Somebody
status: experimental
type: Hunting
search: >-
  {search}
  | `{macro}_filter`
tags:
  analytic_story: [Testing]
  security_domain: endpoint
"""


def call(*arguments: str | Path, cwd: Path, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(columns),
        timeout=120,
        check=False,
    )


def environment(columns: int = 80) -> dict[str, str]:
    return {
        **os.environ, "HARNESS_OFFLINE": "1", "COLUMNS": str(columns), "PYTHONPATH": str(ROOT),
    }  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A content folder, a file of events and a Parquet file, in the folder that is worked in."""
    words = ("one", "two", "\x1b[31mred\x1b]0;title\x07")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "events.xml").write_text(
        "".join(EVENT.format(n=n, word=word) for n, word in enumerate(words))
    )
    target = tmp_path / "data" / "table.parquet"
    query = "SELECT 7 AS EventID, 'P' AS Word, 1640995209.0 AS _time"
    duckdb.sql(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
    folder = tmp_path / "content" / "detections"
    folder.mkdir(parents=True)
    searches = {
        "seven": "index=main EventID=7 | stats count by Word",
        "eight": "index=main EventID=8 | stats count by Word | where count > 1",
        "broken": "index=main | stats cuont",
        "fitted": "index=main | fit DensityFunction x",
    }
    for digit, (name, search) in enumerate(searches.items()):
        text = DETECTION.format(name=name.title(), digit=digit, search=search, macro=name)
        (folder / f"{name}.yml").write_text(text)
    return tmp_path


def widest(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


# check


def test_check_for_people(project: Path) -> None:
    done = call("check", "--content", "content", cwd=project)
    assert done.returncode == 1, done.stderr
    assert "4 checked, 2 compiled, 1 unsupported, 1 errors" in done.stdout
    assert "content/detections/broken.yml:9:22" in done.stdout
    assert "hint: did you mean `count`?" in done.stdout
    assert widest(done.stdout) <= 80
    assert "\x1b" not in done.stdout + done.stderr


def test_check_for_programs(project: Path) -> None:
    done = call("check", "--content", "content", "--json", cwd=project)
    report = json.loads(done.stdout)
    assert (report["checked"], report["compiled"]) == (4, 2)
    (wrong,) = report["errors"]
    assert wrong == {
        "file": "content/detections/broken.yml", "reason": wrong["reason"],
        "line": 9, "column": 22, "hints": ["did you mean `count`?"],
    }  # fmt: skip
    (missing,) = report["unsupported"]
    assert (missing["line"], missing["column"]) == (9, 16)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "checked"),
    [
        (("content",), 4),
        (("content/detections",), 4),
        (("content/detections/seven.yml",), 1),
        (("content/detections/seven.yml", "content/detections/seven.yml"), 1),
        (("content/detections/seven.yml", "content/detections", "--content", "content"), 4),
        (("seven", "--content", "content"), 1),
    ],
)
def test_what_check_takes(project: Path, arguments: tuple[str, ...], checked: int) -> None:
    done = call("check", *arguments, "--json", cwd=project)
    assert json.loads(done.stdout)["checked"] == checked


def test_a_good_file_exits_with_0(project: Path) -> None:
    done = call("check", "content/detections/seven.yml", "--content", "content", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == ("1 checked, 1 compiled, 0 unsupported, 0 errors, 0 warnings")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "nope.yml"), "there is no file `nope.yml`"),
        (("check", "sevn", "--content", "content"), "did you mean `seven`?"),
        (("check", "data"), "there are no detections in the folder `data`"),
        (("run", "data"), "there are no detections in the folder `data`"),
        (("run", "seven", "--content", "content", "--engine", "splnk"), "did you mean `splunk`"),
        (
            ("search", "*", "--data", "data", "--earliest", "now", "--latest", "-1d"),
            "the time range ends (`-1d`) before it begins (`now`)",
        ),
        (("run", "nine"), "there is no folder detections: --content names the folder"),
        (("check",), "there are no detections to check"),
        (("check", "--content", "contnt"), "no such folder"),
        (("explain", "seven"), "name at least one file with --data"),
        (("explain", "sevn", "--content", "content", "--data", "data"), "did you mean `seven`?"),
        (("explain", "index=a", "--data", "nope.xml"), "no such file"),
        (("batch", "--content", "content"), "name at least one file with --data"),
        (("batch", "--data", "data"), "there are no searches to run"),
        (("batch", "--data", "nope", "--content", "content"), "no such file"),
        (("batch", "--data", "data", "--searches", "nope.jsonl"), "cannot be read"),
        (
            ("batch", "--data", "data", "--searches", "content"),
            "error: content: the searches cannot be read: Is a directory",
        ),
        (("batch", "--data", "data", "--content", "content", "--detections", "x*"), "`x*`"),
        (("batch", "--data", "data", "--content", "content", "--jobs", "0"), "--jobs"),
        (("batch", "--data", "data", "--content", "content", "--memory", "1KB"), "too little"),
        (("batch", "--data", "data", "--content", "content", "--memory", "200%"), "no share"),
        (("batch", "--data", "data", "--content", "content", "--memory", "much"), "no size"),
    ],
)
def test_what_cannot_be_meant(project: Path, arguments: tuple[str, ...], message: str) -> None:
    done = call(*arguments, cwd=project)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# explain


def test_explain_says_why_it_did_not_fire(project: Path) -> None:
    done = call("explain", "eight", "--content", "content", "--data", "data", cwd=project)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "4 events"
    assert "4 rows in, 0 rows out  nothing is left after this stage" in lines
    assert '0 of 4 meet  EventID="8"' in lines
    assert '4 of 4 meet  index="main"' in lines
    assert done.stdout.count("nothing is left") == 1
    assert widest(done.stdout) <= 80


def test_explain_takes_a_search_and_escapes_what_it_shows(project: Path) -> None:
    done = call("explain", "index=main Word=*red*", "--data", "data/events.xml", cwd=project)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mred" in done.stdout


def test_explain_names_the_fields_and_values_that_there_are(project: Path) -> None:
    done = call(
        "explain", "Wrd=x Word=nowhere | stats count by Wrod", "--data", "data", cwd=project
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "`Wrd` is empty in all; did you mean `Word`?" in lines
    assert any(line.startswith("the values there are: ") for line in lines)
    done = call("explain", "* | stats count by Wrod", "--data", "data", cwd=project)
    assert "without `Wrod`; did you mean `Word`?" in done.stdout


def test_explain_takes_words_after_search(project: Path) -> None:
    done = call("explain", "search nowhere else", "--data", "data", cwd=project)
    assert done.returncode == 0, done.stderr
    assert '"nowhere"' in done.stdout
    done = call("explain", "nowhere else", "--data", "data", cwd=project)
    assert done.returncode == 2
    assert "or write a search: 'search …'" in done.stderr


def test_explain_shows_plan_and_sql(project: Path) -> None:
    spl = "index=main | stats count by Word"
    done = call("explain", spl, "--data", "data/events.xml", "--plan", "--sql", cwd=project)
    assert "\nplan\nAggregate count = count() BY Word\n  Filter" in done.stdout
    assert "\nSQL\nSELECT" in done.stdout or "\nSQL\nWITH" in done.stdout


def test_explain_for_programs(project: Path) -> None:
    done = call("explain", "eight", "--content", "content", "--data", "data", "--json", cwd=project)
    found = json.loads(done.stdout)
    first = found["stages"][0]
    assert (found["events"], first["rows_in"], first["rows_out"]) == (4, 4, 0)
    assert {one["text"]: one["met"] for one in first["conditions"]} == {
        'index="main"': 4, 'EventID="8"': 0,
    }  # fmt: skip
    assert found["plan"]
    assert found["sql"]


# batch


def test_batch_for_people(project: Path) -> None:
    done = call("batch", "--content", "content", "--data", "data", cwd=project)
    assert done.returncode == 3, done.stderr
    assert "       4   Seven" in done.stdout
    assert "1 of 4 searches fired on 4 events; 2 ran, 1 unsupported, 1 errors" in done.stdout
    assert "  Broken  content/detections/broken.yml:9:22\n  hint: did you mean `count`?" in (
        done.stdout
    )
    assert widest(done.stdout) <= 80
    assert "\x1b" not in done.stdout + done.stderr


def test_batch_for_programs(project: Path) -> None:
    done = call("batch", "--content", "content", "--data", "data", "--json", cwd=project)
    found = json.loads(done.stdout)
    rows: dict[str, Any] = {one["name"]: one for one in found["results"]}
    assert {name: (one["status"], one["result_count"]) for name, one in rows.items()} == {
        "Broken": ("error", 0), "Eight": ("ok", 0), "Fitted": ("unsupported", 0),
        "Seven": ("ok", 4),
    }  # fmt: skip
    assert rows["Seven"]["id"] == "11111111-2222-4333-8444-555555555550"
    assert rows["Broken"]["reason"]
    assert rows["Broken"]["hints"] == ["did you mean `count`?"]
    assert found["summary"]["fired"] == 1
    assert done.stderr == ""


def test_batch_takes_searches_a_glob_and_several_files(project: Path) -> None:
    searches = project / "searches.jsonl"
    searches.write_text('{"id": "a", "spl": "index=main EventID=7 Word=P"}\n')
    files = ("data/events.xml", "data/table.parquet")
    done = call("batch", "--searches", searches, "--data", *files, "--json", cwd=project)
    assert done.returncode == 0
    (one,) = json.loads(done.stdout)["results"]
    assert (one["id"], one["result_count"]) == ("a", 1)
    flags = ("--content", "content", "--detections", "s*", "--json")
    done = call("batch", *flags, "--data", "data", cwd=project)
    assert [one["name"] for one in json.loads(done.stdout)["results"]] == ["Seven"]


def test_a_detection_that_cannot_be_read_is_a_result(project: Path) -> None:
    (project / "content" / "detections" / "bad.yml").write_text("name: [\n")
    done = call("batch", "--content", "content", "--data", "data", "--json", cwd=project)
    last = json.loads(done.stdout)["results"][-1]
    assert (last["id"], last["status"]) == ("bad", "error")
    assert "bad.yml:2:1" in last["place"]


def test_batch_says_that_a_table_is_bad(project: Path) -> None:
    (project / "data" / "bad.parquet").write_text("no table")
    done = call("batch", "--content", "content", "--data", "data", cwd=project)
    assert done.returncode == 3
    assert "bad.parquet: the table cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


SLOW = "| makeresults count=9000 | eval x=mvrange(0,300) | mvexpand x | eventstats dc(x) by _time"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_an_interrupt_leaves_no_process(project: Path) -> None:
    searches = project / "searches.jsonl"
    lines = (json.dumps({"id": n, "spl": SLOW}) for n in range(100))
    searches.write_text("\n".join(lines))
    command = [
        sys.executable, "-c", CODE, "batch", "--searches", str(searches),
        "--data", "data/events.xml", "--jobs", "2",
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    ) as process:  # fmt: skip
        children = _children(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert len(children) == 2
    assert process.returncode == 130
    assert (out, err.strip()) == ("", "interrupted")
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def _children(parent: int) -> list[int]:
    """The processes that a batch has started, once there are two."""
    deadline = time.monotonic() + 60
    found: list[int] = []
    while len(found) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        found = [int(pid) for pid in text.split()]
    time.sleep(0.5)
    return found


# pipes and words


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "* | eval x=mvrange(1,3000) | mvexpand x", "--data", "data"),
        ("search", "* | eval x=mvrange(1,3000) | mvexpand x", "--data", "data", "--format", "csv"),
    ],
)
def test_a_reader_that_leaves_is_no_verdict_and_no_traceback(
    project: Path, arguments: tuple[str, ...]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments], cwd=project, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_what_is_unsupported_is_called_so(project: Path) -> None:
    done = call("search", "* | fit DensityFunction x", "--data", "data", cwd=project)
    assert done.returncode == 3
    assert done.stderr.startswith("unsupported: search:1:5: the command `fit`")


# trials


def test_run_takes_a_folder_and_leaves_out_what_has_nothing_to_run_on(project: Path) -> None:
    folder = project / "content/detections"
    trial = "trials:\n- name: none\n  events: {raw: nothing}\n  expect: {fires: false}\n"
    (folder / "seven.expected.yaml").write_text(trial)
    macro = project / "content/macros/seven_filter.yml"
    macro.parent.mkdir()
    macro.write_text("name: seven_filter\ndefinition: search *\ndescription: all\n")
    done = call("run", "content", "--content", "content", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    told = done.stderr.splitlines()
    assert len(told) == 3
    assert "eight.yml has no expectations, no tests and no data" in done.stderr


def test_run_shows_what_is_odd_in_the_files_and_what_limits_cut(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.detection-harness.limits]\nsubsearch_rows = 1\n")
    folder = project / "content" / "detections"
    search = "index=main [search index=main | table Word] | stats count by Word"
    text = DETECTION.format(name="Nine", digit=9, search=search, macro="nine")
    (folder / "nine.yml").write_text(f"{text}nonsense: 1\n")
    (folder / "nine.accepted.yaml").write_text("trials:\n  gone:\n    results: 1\n")
    events = "{raw: 'Word=one', sourcetype: text}"
    (folder / "nine.expected.yaml").write_text(
        f"trials:\n- name: one\n  events: {events}\n  expect: {{fires: true}}\n"
        f'- name: two\n  events: {{raw: "Word=one\\nWord=two", sourcetype: text}}\n'
        "  expect: {fires: true}\n"
    )
    done = call("run", "nine", "--content", "content", cwd=project, columns=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("unknown key `nonsense`") == 1
    assert done.stdout.count("what was accepted of `gone` does not count") == 1
    assert done.stdout.count("a subsearch gave more than 1 rows") == 1
    document = json.loads(call("run", "nine", "--content", "content", "--json", cwd=project).stdout)
    warnings = [one["warnings"] for one in document["trials"]]
    assert [len(one) for one in warnings] == [2, 3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("subsearch_row = 3", "did you mean `subsearch_rows`?"),
        ("subsearch_rows = 0", "`subsearch_rows` is a whole number, 1 or more"),
        ('subsearch_rows = "3"', "is a whole number"),
        ("subsearch_rows = true", "is a whole number"),
    ],
)
def test_limits_that_cannot_be_meant(project: Path, line: str, message: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.detection-harness.limits]\n{line}\n")
    done = call("search", "index=main", "--data", "data", cwd=project)
    assert done.returncode == 2
    assert message in done.stderr
    assert "pyproject.toml:2:1" in done.stderr


def test_saved_searches_of_an_app_by_name(tmp_path: Path) -> None:
    app = tmp_path / "searches"
    (app / "default").mkdir(parents=True)
    (app / "default/savedsearches.conf").write_text(
        "[Odd Login]\nsearch = odd | table user\naction.notable = 1\n[Bad]\nsearch = | tabel x\n"
    )
    events = tmp_path / "events.log"
    events.write_text("2024-05-01T10:00:00Z odd user=ann\n")
    runner = CliRunner()
    told = ["--app", str(app)]
    named = ["run", "odd login", *told, "--data", str(events)]
    ran = runner.invoke(cli, named, standalone_mode=False)
    assert ran.return_value == 0, ran.output
    named[0] = "explain"
    explained = runner.invoke(cli, named, standalone_mode=False)
    assert "search odd" in explained.output, explained.output
    checked = runner.invoke(cli, ["check", "Bad", *told], standalone_mode=False)
    assert checked.return_value == 1
    assert "savedsearches.conf:5:12" in checked.output.replace("\n", "")
    everything = runner.invoke(cli, ["check", *told, "--json"], standalone_mode=False)
    assert json.loads(everything.output)["checked"] >= 2


def test_data_in_an_empty_folder_is_no_silence(project: Path) -> None:
    (project / "empty").mkdir()
    done = call("search", "*", "--data", "empty", cwd=project)
    assert done.returncode != 0
    assert done.stderr.startswith("error: empty: the folder holds no files")


def test_a_project_file_that_is_no_toml_is_named_once(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.detection-harness\n")
    done = call("search", "*", "--data", "data", cwd=project)
    assert done.stderr.startswith("error: pyproject.toml: this is no TOML: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "* | table _time", "--data", "data/events.xml"),
        ("explain", "*", "--data", "data/events.xml"),
        ("fields", "data/events.xml"),
    ],
)
def test_people_see_times_as_a_clock_shows_them(project: Path, arguments: tuple[str, ...]) -> None:
    done = call(*arguments, "--timezone", "Asia/Kolkata", cwd=project)
    assert "2022-01-01 05:30:00" in done.stdout
    assert "1640995200" not in done.stdout


def test_an_unknown_dataset_is_placed_in_the_sidecar(project: Path) -> None:
    sidecar = project / "content/detections/seven.expected.yaml"
    sidecar.write_text("trials:\n- dataset: nothere\n  expect: {fires: true}\n")
    (project / "content/macros").mkdir()
    macro = "name: seven_filter\ndefinition: search *\ndescription: all\n"
    (project / "content/macros/seven_filter.yml").write_text(macro)
    done = call("run", "seven", "--content", "content", "--json", cwd=project)
    (trial,) = json.loads(done.stdout)["trials"]
    place = "content/detections/seven.expected.yaml:2:3"
    assert trial["reason"] == (
        f"{place}: unknown dataset `nothere` (`harness datasets list` lists them)"
    )


def test_the_caret_of_a_long_search_stands_on_a_line_of_its_own(project: Path) -> None:
    long = "index=main " + " ".join(f"field{n}=value{n}" for n in range(40))
    spl = f"{long} | stats cuont by {long.replace('=', '')}"
    done = call("search", spl, "--data", "data", cwd=project)
    _, excerpt, caret, hint = done.stderr.splitlines()
    assert widest(done.stderr.partition("\n")[2]) <= 80
    assert excerpt[caret.index("^") : caret.rindex("^") + 1] == "cuont"
    assert hint == "hint: did you mean `count`?"


def test_batch_shows_what_limits_cut(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.detection-harness]\nlimits = {append_rows = 1}\n"
    )
    searches = project / "searches.jsonl"
    line = json.dumps({"id": "cut", "spl": "* | append [search *]"})
    searches.write_text(line)
    done = call("batch", "--searches", "searches.jsonl", "--data", "data", cwd=project)
    assert "\nwarning: " in done.stdout


def test_an_asked_column_without_a_value_is_a_column(project: Path) -> None:
    done = call("search", "* | table Word Wrod", "--data", "data", cwd=project)
    assert "Word" in done.stdout.splitlines()[1]
    assert "Wrod" in done.stdout.splitlines()[1]


def test_a_command_without_its_pipe_is_a_warning(project: Path) -> None:
    said = "warning: `stats` is a word that events are searched for: the command is `| stats`\n"
    done = call("search", "stats count by Word", "--data", "data", cwd=project)
    assert done.stderr == said
    for fine in ("search stats", "stats=1", "stats OR count", "* | stats count"):
        assert call("search", fine, "--data", "data", cwd=project).stderr == ""


def test_where_there_is_no_dataset_it_is_said(project: Path) -> None:
    for command in ("list", "verify", "fetch"):
        done = call("datasets", command, cwd=project)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == (
            "there are no datasets: their manifests are the files datasets/*.yml\n"
        )


def test_files_after_the_search_are_data_and_a_first_command_needs_none(project: Path) -> None:
    told = ("--data", "data/events.xml", "data/table.parquet", "--format", "jsonl")
    done = call("search", "* | stats count", *told, cwd=project)
    assert json.loads(done.stdout) == {"count": 4}
    done = call("explain", "*", "data/events.xml", "data/table.parquet", cwd=project)
    assert done.stdout.startswith("4 events\n")
    done = call("search", "| makeresults", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1970" not in done.stdout
    done = call("search", "index=main", cwd=project)
    assert (done.returncode, "name at least one file with --data" in done.stderr) == (2, True)

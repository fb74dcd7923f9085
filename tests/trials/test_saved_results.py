from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.trials import Project, Settings
from harness.trials.comparison import compare_runs
from harness.trials.saved_results import (
    AppStamp,
    BadSavedRun,
    Run,
    TrialRecord,
    read_run,
    run_trials,
    save_run,
)
from harness.trials.verdict import Verdict

ROOT = Path(__file__).parents[2]
RISK = {
    "risk_object": "H", "risk_score": 3, "annotations": {"mitre_attack": ["T1"]},
    "threat_objects": [{"threat_object": "x", "threat_object_type": "url"}], "orig_time": 1.5,
}  # fmt: skip
RECORD = TrialRecord(
    "D\x1b[31m", "t", Verdict.PASS, id="i", dataset="set", synthetic=True, search="s",
    expanded="e", events=3, columns=("a", "b"), rows=[{"a": 1, "b": ["x", "é"]}, {"a": 1.5}],
    risk_events=[RISK], notables=1, warnings=("w",), timings_ms={"total": 1.5},
)  # fmt: skip
RUN = Run("local", "0.1.0", "2026-01-01T00:00:00+00:00", (AppStamp("one", "ab"),), (RECORD,))


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_run(RUN, path)
    assert read_run(path) == RUN
    assert list(tmp_path.iterdir()) == [path]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["format"], document["version"]) == ("detection-harness run", 1)


def test_a_run_of_the_shipped_trials_against_a_later_one(tmp_path: Path) -> None:
    project = Project(Settings.read(ROOT, {"offline": True}, {}))
    path = project.content.find("wintemp")
    first = run_trials(project, project.trials(path))
    save_run(first, tmp_path / "run.json")
    again = Project(Settings.read(ROOT, {"offline": True}, {}))
    second = run_trials(again, again.trials(path))
    found = compare_runs(read_run(tmp_path / "run.json"), second)
    assert found.exit_code == 0
    assert found.counts()["same"] >= 12
    assert found.apps_that_differ() == []
    assert all(one.a and one.a.expanded and "`" not in one.a.expanded for one in found.trials)


def test_an_address_s_user_is_not_kept() -> None:
    project = Project(Settings.read(ROOT, {}, {}))
    object.__setattr__(project.settings, "engine", "https://admin:secret@splunk.example:8089")
    assert run_trials(project, ()).engine == "https://splunk.example:8089"


def test_a_run_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="file"):
        save_run(RUN, tmp_path / "file" / "run.json")


def changed(*keys: Any, to: Any) -> bytes:
    data = json.loads(json.dumps(RUN.to_json()))
    at = data
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = to
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        (b"", "no JSON, or cut short: Expecting value", ":1:1"),
        (json.dumps(RUN.to_json(), indent=1).encode()[:-40], "no JSON, or cut short", ":64:4"),
        (b'{"format": "detection-harness run"', "no JSON, or cut short: Expecting ','", ":1:35"),
        (b"\xff\xfe\x00", "not UTF-8 text", ""),
        (b"[" * 200_000, "no JSON that can be read", ""),
        (b'{"x": NaN}', "no JSON that can be read: `NaN` is no JSON", ""),
        (b"[]", "this is JSON, but no saved run of the harness", ""),
        (b'{"format": "another", "version": 1}', "no saved run of the harness", ""),
        (b'{"trials": [], "summary": {}}', "no saved run of the harness", ""),
        (changed("version", to=2), "has version 2 of the format, and 1 is the last one known", ""),
        (changed("version", to=True), "`version` must be a whole number from 1", ""),
        (changed("engine", to=None), "`engine` must be text", ""),
        (changed("trials", to={}), "`trials` must be a list", ""),
        (changed("trials", 0, to=3), "`trials[0]` must be a mapping", ""),
        (changed("trials", 0, "verdict", to="good"), "`trials[0].verdict` must be one of", ""),
        (changed("trials", 0, "synthetic", to=1), "`trials[0].synthetic` must be true", ""),
        (changed("trials", 0, "events", to=-1), "`trials[0].events` must be a whole", ""),
        (changed("trials", 0, "rows", to=None), "`trials[0].rows` must be a list", ""),
        (changed("trials", 0, "rows", 1, to=[]), "`trials[0].rows[1]` must be a mapping", ""),
        (changed("trials", 0, "rows", 1, "a", to={}), "`trials[0].rows[1].a` must be text", ""),
        (changed("trials", 0, "rows", 0, "b", to=[[]]), "`trials[0].rows[0].b` must be", ""),
        (changed("trials", 0, "columns", to="a"), "`trials[0].columns` must be a list of", ""),
        (changed("trials", 0, "timings_ms", to=[]), "`trials[0].timings_ms` must be a map", ""),
        (changed("trials", 0, "timings_ms", "total", to="x"), "`trials[0].timings_ms.total`", ""),
        (
            changed("trials", 0, "risk_events", 0, "annotations", to=[]),
            "`trials[0].risk_events[0].annotations` must be a mapping", "",
        ),
        (
            changed("trials", 0, "risk_events", 0, "threat_objects", to=["x"]),
            "`trials[0].risk_events[0].threat_objects[0]` must be a mapping", "",
        ),
        (
            changed("trials", 0, "risk_events", 0, "risk_object", to={}),
            "`trials[0].risk_events[0].risk_object` must be text", "",
        ),
        (changed("apps", 0, "name", to=3), "`apps[0].name` must be text", ""),
    ],
)  # fmt: skip
def test_a_foreign_or_damaged_file(
    tmp_path: Path, content: bytes, message: str, place: str
) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(BadSavedRun) as caught:
        read_run(path)
    assert message in caught.value.message
    assert str(caught.value.place).startswith(f"{path}{place}")
    assert caught.value.exit_code == 2


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSavedRun, match="no such file"):
        read_run(tmp_path / "absent.json")
    with pytest.raises(BadSavedRun, match="not a plain file"):
        read_run(tmp_path)
    save_run(RUN, tmp_path / "run.json")
    monkeypatch.setattr("harness.trials.saved_results.MAX_BYTES", 100)
    with pytest.raises(BadSavedRun, match="larger than 100 bytes"):
        read_run(tmp_path / "run.json")

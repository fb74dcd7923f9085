from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DETECTIONS = ROOT / "detections" / "endpoint"
NAME = "excessive_distinct_processes_from_windows_temp"


@pytest.fixture
def content(pytester: pytest.Pytester) -> Path:
    folder = pytester.path / "detections"
    folder.mkdir()
    for suffix in (".yml", ".expected.yaml"):
        text = (DETECTIONS / f"{NAME}{suffix}").read_text(encoding="utf-8")
        (folder / f"{NAME}{suffix}").write_text(text, encoding="utf-8")
    data = pytester.path / "datasets"
    data.mkdir()
    for path in (ROOT / "datasets").glob("*.yml"):
        (data / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    pytester.makeini("[pytest]\n")
    return folder


def test_trials_run_under_xdist_and_are_chosen_by_alias(
    pytester: pytest.Pytester, content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(pytester.path / "cache"))
    result = pytester.runpytest_subprocess("-n", "2", "-k", "wintemp", "-q")
    result.assert_outcomes(passed=12, skipped=2)


@pytest.mark.parametrize(
    "choice",
    [
        ("-k", "wintemp and stand-in and XML"),
        ("-k", "23587b6a-c479-11eb-b671-acde48001122 and stand-in and XML"),
        ("-m", "T1059", "-k", "stand-in and XML"),
        ("-m", "Meterpreter", "-k", "stand-in and XML"),
        ("-k", "Excessive and stand-in and XML"),
    ],
)
def test_a_trial_is_found_by_name_id_technique_and_story(
    pytester: pytest.Pytester, content: Path, choice: tuple[str, ...]
) -> None:
    words = [word.replace("stand-in and XML", "stand") for word in choice]
    result = pytester.runpytest_subprocess("--collect-only", "-q", *words)
    result.stdout.fnmatch_lines([f"*{NAME}.expected.yaml::wintemp?stand-in XML?"])


def test_a_failed_trial_shows_what_was_there_instead(
    pytester: pytest.Pytester, content: Path
) -> None:
    sidecar = content / f"{NAME}.expected.yaml"
    text = sidecar.read_text(encoding="utf-8")
    sidecar.write_text(text.replace("distinct_process_count: 45", "distinct_process_count: 46"))
    result = pytester.runpytest_subprocess("-k", "stand and XML", "-q")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "fail: Excessive distinct processes from Windows Temp on standin_windows_temp_xml",
            f"*{NAME}.expected.yaml:*`distinct_process_count` of row 1: expected '46', got '45'",
            "*rows after each stage:",
            "*1  | tstats *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_junit_has_the_trial_s_properties(pytester: pytest.Pytester, content: Path) -> None:
    pytester.runpytest_subprocess("-k", "stand and Sysmon", "--junitxml", "out.xml")
    tree = ET.parse(pytester.path / "out.xml")
    properties = {one.get("name"): one.get("value") for one in tree.iter("property")}
    assert properties["detection_id"] == "23587b6a-c479-11eb-b671-acde48001122"
    assert properties["techniques"] == "T1059"
    assert properties["engine"] == "local"
    assert properties["dataset"] == "standin_windows_temp_sysmon"
    assert properties["synthetic"] == "true"
    assert (properties["results"], properties["risk_events"]) == ("1", "1")
    assert int(properties["milliseconds"] or "") >= 0


def test_accept_pins_what_was_seen_and_a_change_then_fails(
    pytester: pytest.Pytester, content: Path
) -> None:
    pytester.runpytest_subprocess("--harness-accept", "-k", "stand and XML").assert_outcomes(
        passed=1
    )
    accepted = content / f"{NAME}.accepted.yaml"
    assert "WIN-STANDIN.standin.example" in accepted.read_text(encoding="utf-8")
    pytester.runpytest_subprocess("-k", "stand and XML").assert_outcomes(passed=1)
    accepted.write_text(accepted.read_text(encoding="utf-8").replace("score: 80", "score: 70"))
    pytester.runpytest_subprocess("-k", "stand and XML").assert_outcomes(failed=1)


def test_a_sidecar_with_an_unknown_key_is_an_error_with_its_place(
    pytester: pytest.Pytester, content: Path
) -> None:
    (content / f"{NAME}.expected.yaml").write_text("alias: a\ntrails: []\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{NAME}.expected.yaml:2:1: unknown key `trails`*"])


def test_data_gives_one_trial_on_that_data(pytester: pytest.Pytester, content: Path) -> None:
    data = pytester.path / "one.log"
    data.write_text("nothing of interest\n")
    path = content / f"{NAME}.yml"
    result = pytester.runpytest_subprocess("--harness-data", "one.log", str(path))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*results: expected at least 1, got 0 results*"])


def test_somebody_else_s_project_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(
        """
        import sys

        def test_nothing_heavy_was_imported():
            heavy = {"duckdb", "sqlglot", "rich.console", "numpy", "harness.trials", "yaml"}
            assert not heavy & sys.modules.keys()
        """
    )
    (pytester.path / "docker-compose.yml").write_text("services: {}\n")
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(passed=1)


def test_fixtures_run_trials_from_python(pytester: pytest.Pytester, content: Path) -> None:
    pytester.makepyfile(
        """
        def test_it(run_trials):
            results = run_trials("wintemp")
            assert {str(one.verdict) for one in results} <= {"pass", "skip"}
            assert sum(len(one.risk_events) for one in results) == 5
        """
    )
    pytester.runpytest_subprocess("-k", "test_it", "--harness-offline").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (("-k", "wintmep"), "no trial is called `wintmep`: did you mean `wintemp`?"),
        (("-m", "T1509"), "no trial is called `T1509`: did you mean `T1059`?"),
    ],
)
def test_a_name_that_no_trial_has_gets_the_nearest(
    pytester: pytest.Pytester, content: Path, choice: tuple[str, ...], said: str
) -> None:
    result = pytester.runpytest_subprocess("-q", *choice)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert said in result.outlines

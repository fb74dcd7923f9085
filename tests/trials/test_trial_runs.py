from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.datasets import Refused
from harness.trials import Project, Settings, TrialResult, Verdict
from harness.trials.settings import BadSetting
from harness.trials.verdict import exit_code, summary

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
DETECTION = """\
name: Temp start
id: 11111111-2222-4333-8444-555555555555
version: 1
date: '2026-01-01'
author: Somebody
type: Anomaly
description: A process starts from a folder.
search: >-
  {search}
tags:
  analytic_story: [Testing]
  confidence: 50
  impact: 60
  message: Started on $dest$ by $user$.
  mitre_attack_id: [T1059]
  observable:
  - {{name: dest, type: Hostname, role: [Victim]}}
  - {{name: user, type: User, role: [Victim]}}
  product: [Splunk Enterprise]
  security_domain: endpoint
"""
SEARCH = (
    '| tstats count from datamodel=Endpoint.Processes where Processes.process_path="*\\\\Temp\\\\*"'
    " by Processes.dest Processes.user | `drop_dm_object_name(Processes)` | `temp_start_filter`"
)
EVENTS = """\
kind: sysmon_1_xml
start: 2022-02-28T10:00:00Z
events:
- {count: 3, fields: {host: H1, user: bob, domain: D, process_path: 'C:\\Temp\\a.exe'}}
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[TrialResult]]:
    def write_and_run(
        expect: str, *, search: str = SEARCH, extra: str = "", events: str = EVENTS
    ) -> list[TrialResult]:
        folder = tmp_path / "detections"
        folder.mkdir(exist_ok=True)
        (folder / "temp_start.yml").write_text(DETECTION.format(search=search))
        recipe = textwrap.indent(events, "    ")
        (folder / "temp_start.expected.yaml").write_text(
            f"alias: temp\ntrials:\n- name: one\n{extra}  events:\n{recipe}  expect: {expect}\n"
        )
        project = Project(Settings.read(tmp_path, {}, {}))
        path = project.content.find("temp")
        return [trial.run(project) for trial in project.trials(path)]

    return write_and_run


def test_every_risk_object_of_every_row_is_checked(run: Callable[..., list[TrialResult]]) -> None:
    (result,) = run(
        "{results: 1, risk: ["
        "{object: H1, type: system, score: 30, message: 'Started on H1 by bob.'},"
        " {object: 'bob', type: user, score: 30, message: 'Started on H1 by bob.'}]}"
    )
    assert result.verdict is Verdict.PASS, result.details
    assert result.rows.rows == [{"dest": "H1", "user": "bob", "count": 3}]
    assert result.synthetic
    assert set(result.timings_ms) == {"ingest", "compile", "run", "risk", "total"}


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ("{fires: false}", "expected the detection not to fire, got 1 result"),
        ("{results: 2}", "expected exactly 2, got 1 result"),
        ("{every_row: {count: 4}}", "`count` of row 1"),
        (
            "{risk: [{object: H1, type: system, score: 31, message: x}]}",
            "risk",
        ),
    ],
)
def test_what_does_not_hold_fails_with_the_rows_after_each_stage(
    run: Callable[..., list[TrialResult]], expect: str, reason: str
) -> None:
    (result,) = run(expect)
    assert result.verdict is Verdict.FAIL
    assert reason in result.reason
    assert [stage.count for stage in result.stages] == [1, 1, 1]
    assert result.stages[0].sample.rows == [
        {"Processes.dest": "H1", "Processes.user": "bob", "count": 3}
    ]


def test_a_message_token_that_no_row_has_fails(run: Callable[..., list[TrialResult]]) -> None:
    (result,) = run("{fires: true}", search=f"{SEARCH} | fields - user")
    assert result.verdict is Verdict.FAIL
    assert "user" in result.reason


@pytest.mark.parametrize(
    ("search", "verdict", "reason"),
    [
        ("| tstats count | fit x", Verdict.UNSUPPORTED, "`fit`"),
        ("| tstats cuont", Verdict.ERROR, "did you mean `count`?"),
        ("search `no_such_macro`", Verdict.ERROR, "unknown macro `no_such_macro`"),
    ],
)
def test_a_search_that_cannot_run_is_no_failure(
    run: Callable[..., list[TrialResult]], search: str, verdict: Verdict, reason: str
) -> None:
    (result,) = run("{fires: true}", search=search)
    assert result.verdict is verdict
    assert reason in result.reason
    assert "temp_start.yml" in result.reason


def test_the_clock_is_just_after_the_newest_event_or_what_the_trial_says(
    run: Callable[..., list[TrialResult]],
) -> None:
    search = "search earliest=-2s | stats count as n values(host) as dest values(User) as user"
    (result,) = run("{every_row: {n: 2}}", search=search)
    assert result.verdict is Verdict.PASS, result.details  # events at :00, :01 and :02, now :03
    (result,) = run(
        "{every_row: {n: 1}}", search=search, extra="  now: 2022-02-28T10:00:02Z\n  latest: now\n"
    )
    assert result.verdict is Verdict.FAIL  # :00 and :01 lie in the two seconds before :02
    assert "n=" in result.details or "`n`" in result.reason


def test_earliest_and_latest_bound_what_the_search_sees(
    run: Callable[..., list[TrialResult]],
) -> None:
    extra = "  earliest: 2022-02-28T10:00:01Z\n  latest: 2022-02-28T10:00:02Z\n"
    (result,) = run("{every_row: {count: 1}}", extra=extra)
    assert result.verdict is Verdict.PASS, result.details


def test_a_correlation_sees_the_risk_events_of_other_detections(tmp_path: Path) -> None:
    folder = tmp_path / "detections"
    folder.mkdir()
    (folder / "temp_start.yml").write_text(DETECTION.format(search=SEARCH))
    correlation = DETECTION.replace("Temp start", "Many risks").replace("Anomaly", "Correlation")
    search = (
        "search index=risk | stats sum(risk_score) as total values(analyticstories) as stories"
        " values(search_name) as sources by risk_object risk_object_type"
    )
    (folder / "many_risks.yml").write_text(correlation.format(search=search))
    recipe = textwrap.indent(EVENTS, "    ")
    (folder / "many_risks.expected.yaml").write_text(
        "trials:\n- name: one\n  risk_from: [Temp start]\n  events:\n"
        f"{recipe}  expect:\n    results: 2\n    some_row:\n"
        "    - {risk_object: H1, risk_object_type: system, total: 30, stories: Testing,"
        " sources: 'ESCU - Temp start - Rule'}\n"
    )
    project = Project(Settings.read(tmp_path, {}, {}))
    (trial,) = project.trials(project.content.find("Many risks"))
    result = trial.run(project)
    assert result.verdict is Verdict.PASS, result.details
    assert result.risk_events == ()


def test_a_risk_event_s_values_come_back_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "detections"
    folder.mkdir()
    odd = "a \"b\" 'c', d=e\nf"
    recipe = textwrap.indent(EVENTS.replace("user: bob", f"user: {json.dumps(odd)}"), "    ")
    (folder / "temp_start.yml").write_text(DETECTION.format(search=SEARCH))
    correlation = DETECTION.replace("Temp start", "Many risks").replace("Anomaly", "Correlation")
    search = "search index=risk risk_object_type=user | table risk_object risk_message"
    (folder / "many_risks.yml").write_text(correlation.format(search=search))
    (folder / "many_risks.expected.yaml").write_text(
        f"trials:\n- name: one\n  risk_from: [Temp start]\n  events:\n{recipe}"
        "  expect: {results: 1}\n"
    )
    project = Project(Settings.read(tmp_path, {}, {}))
    (trial,) = project.trials(project.content.find("Many risks"))
    (row,) = trial.run(project).rows.rows
    assert row == {"risk_object": f"{odd}", "risk_message": f"Started on H1 by {odd}."}


def test_nothing_leaks_from_one_trial_to_the_next(run: Callable[..., list[TrialResult]]) -> None:
    (first,) = run("{fires: true}")
    other = EVENTS.replace("H1", "H2")
    (second,) = run("{every_row: {dest: H2}}", events=other)
    assert first.rows.rows[0]["dest"] == "H1"
    assert second.verdict is Verdict.PASS, second.details


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_all_trials_of_the_first_detection_hold_in_any_zone(zone: str) -> None:
    project = Project(Settings.read(ROOT, {"offline": True}, {"TZ": zone}))
    results = [trial.run(project) for trial in project.trials(project.content.find("wintemp"))]
    verdicts = {result.trial: result.verdict for result in results}
    assert verdicts.pop("official text") in (Verdict.PASS, Verdict.SKIP)
    assert verdicts.pop("official XML") in (Verdict.PASS, Verdict.SKIP)
    assert set(verdicts.values()) == {Verdict.PASS}
    assert len(verdicts) == 12


def test_the_real_mixed_file_fires_22_times(corpus: Path) -> None:
    """11 Sysmon events and 11 Security events match, counted in the raw text."""
    raw = corpus / "attack_data/attack_techniques/T1552.004"
    raw = next(raw.rglob("*.raw"))
    text = raw.read_text(encoding="utf-8")
    events = [f"<Event {part}" for part in text.split("<Event ")[1:]]
    export = [one for one in events if "-exportpfx" in one.lower() and "certutil" in one.lower()]
    starts = [
        one
        for one in export
        if "<EventID>4688</EventID>" in one or ("Sysmon" in one and "<EventID>1</EventID>" in one)
    ]
    content = corpus / "security_content"
    settings = Settings.read(ROOT, {"content": content, "data": (raw,)}, {})
    project = Project(settings)
    path = content / "detections/endpoint/certutil_exe_certificate_extraction.yml"
    (trial,) = project.trials(path)
    result = trial.run(project)
    assert result.verdict is Verdict.PASS, result.details
    assert sum(int(str(row["count"])) for row in result.rows.rows) == 22
    security = [row for row in result.rows.rows if str(row["process_id"]).startswith("0x")]
    assert sum(int(str(row["count"])) for row in security) == 11
    assert len(starts) >= 22


def _result(verdict: Verdict) -> TrialResult:
    return TrialResult("t", "d", None, None, (), "x", "local", verdict)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.PASS, Verdict.SKIP], 0),
        ([Verdict.SKIP], 3),
        ([], 3),
        ([Verdict.PASS, Verdict.FAIL, Verdict.ERROR], 1),
        ([Verdict.PASS, Verdict.ERROR], 3),
        ([Verdict.PASS, Verdict.UNSUPPORTED], 3),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: int) -> None:
    results = [_result(verdict) for verdict in verdicts]
    assert exit_code(results) == code
    assert sum(summary(results).values()) == len(verdicts)


def test_flag_over_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.detection-harness]\nindex = 'file'\nengine = 'local'\ncontent = 'c'\n"
    )
    environment = {"HARNESS_INDEX": "environment", "HARNESS_OFFLINE": "1", "TZ": "Europe/Berlin"}
    settings = Settings.read(tmp_path, {"index": None}, environment)
    assert (settings.index, settings.offline, settings.timezone) == (
        "environment",
        True,
        "Europe/Berlin",
    )
    assert settings.content == tmp_path / "c"
    assert Settings.read(tmp_path, {"index": "flag"}, environment).index == "flag"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("indx = 'x'", "unknown key `indx` in [tool.detection-harness] (did you mean `index`?)"),
        ("offline = 'x'", "`offline` is true or false"),
        ("apps = 3", "`apps` is a list of paths"),
        ("allow_local_addresses = true", "unknown key `allow_local_addresses`"),
    ],
)
def test_unknown_and_bad_settings_fail_with_their_line(
    tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.detection-harness]\n{table}\n")
    with pytest.raises(BadSetting) as caught:
        Settings.read(tmp_path, {}, {})
    assert message in str(caught.value)
    assert ":2:1:" in str(caught.value)


@pytest.mark.parametrize(("official", "verdict"), [(True, Verdict.SKIP), (False, Verdict.ERROR)])
def test_an_official_file_that_upstream_moved_is_skipped(
    monkeypatch: pytest.MonkeyPatch, official: bool, verdict: Verdict
) -> None:
    def gone(*_: object) -> None:
        raise Refused("the server answers 404 Not Found", hints=["name a commit"])

    monkeypatch.setattr("harness.datasets.Store.obtain_all", gone)
    monkeypatch.setattr("harness.datasets.Manifest.official", official)
    project = Project(Settings.read(ROOT, {}, {}))
    trials = project.trials(project.content.find("wintemp"))
    trial = next(one for one in trials if one.name == "official XML")
    result = trial.run(project)
    assert result.verdict is verdict
    assert "404 Not Found" in result.reason

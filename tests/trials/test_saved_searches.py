"""Saved searches of apps as detections."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.apps import load_apps
from harness.content import UnknownDetection
from harness.errors import HarnessError
from harness.trials import Project, Settings, Verdict
from harness.trials.checking import Checker
from harness.trials.project import NothingToRun
from harness.trials.saved_searches import detection_of

if TYPE_CHECKING:
    from harness.content import Detection
    from harness.trials import TrialResult

WRITING = Path(__file__).resolve().parents[1] / "apps" / "app_writing.py"
RISKS = [
    {"risk_object_field": "dest", "risk_object_type": "system", "risk_score": 40},
    {"risk_object_field": "user", "risk_object_type": "user", "risk_score": "25"},
    {"threat_object_field": "process", "threat_object_type": "process_name"},
]
ANNOTATIONS = {
    "analytic_story": ["Odd Logins"],
    "mitre_attack": ["T1078"],
    "kill_chain_phases": ["Exploitation"],
    "nist": ["DE.CM"],
}
STANZA = f"""
[ESCU - Odd Login - Rule]
action.correlationsearch.enabled = 1
action.correlationsearch.label = Odd Login
action.correlationsearch.annotations = {json.dumps(ANNOTATIONS)}
action.correlationsearch.metadata = {{"detection_id": "7b1c", "detection_version": "3"}}
action.notable = 1
action.notable.param.rule_title = Odd login on $dest$
action.notable.param.security_domain = access
action.risk = 1
action.risk.param._risk_message = $user$ logged in oddly on $dest$
action.risk.param._risk = {json.dumps(RISKS)}
action.risk.param._risk_score = 0
alert.digest_mode = 1
alert.suppress = 1
alert.suppress.fields = dest
alert.suppress.period = 1d
counttype = number of events
relation = greater than
quantity = 0
cron_schedule = 0 * * * *
disabled = true
dispatch.earliest_time = -10m
dispatch.latest_time = now
search = odd \\
| rex "user=(?<user>\\S+) dest=(?<dest>\\S+) process=(?<process>\\S+)" \\
| table _time user dest process
"""
EVENTS = """2024-05-01T10:00:00Z odd user=ann dest=h1 process=a.exe
2024-05-01T10:55:00Z odd user=bob dest=h2 process=b.exe
2024-05-01T10:56:00Z odd user=bob dest=h2 process=c.exe
2024-05-01T10:57:00Z plain user=cid dest=h3 process=d.exe
"""


def write_app(folder: Path, stanzas: str) -> Path:
    spec = importlib.util.spec_from_file_location("app_writing", WRITING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path: Path = module.write_app(folder, "searches", {"default/savedsearches.conf": stanzas})
    return path


def detection(folder: Path, stanzas: str, name: str = "ESCU - Odd Login - Rule") -> Detection:
    apps = load_apps([write_app(folder, stanzas)])
    return detection_of(apps.saved_searches[name])


def project(folder: Path, stanzas: str, **settings: Any) -> Project:
    events = folder / "events.log"
    events.write_text(EVENTS)
    app = write_app(folder, stanzas)
    return Project(Settings(root=folder, apps=(app,), data=(events,), **settings))


def run(found: Project, name: str) -> TrialResult:
    (trial,) = found.trials(found.named(name))
    return trial.run(found)


def test_a_saved_search_is_a_detection(tmp_path: Path) -> None:
    found = detection(tmp_path, STANZA)
    assert (found.name, found.search_name) == ("ESCU - Odd Login - Rule",) * 2
    assert (found.id, found.version, found.type) == ("7b1c", "3", "TTP")
    assert (found.stories, found.techniques) == (("Odd Logins",), ("T1078",))
    assert (found.kill_chain_phases, found.security_domain) == (("Exploitation",), "access")
    assert (found.earliest, found.latest, found.warnings) == ("-10m", "now", ())
    assert found.annotations == (("nist", ("DE.CM",)),)
    objects = [(one.field, one.type, one.score) for one in found.risk.objects]
    assert objects == [("dest", "system", 40), ("user", "user", 25)]
    assert [(one.field, one.type) for one in found.risk.threat_objects] == [
        ("process", "process_name")
    ]


def test_it_runs_over_its_time_range_and_creates_risk(tmp_path: Path) -> None:
    result = run(project(tmp_path, STANZA), "ESCU - Odd Login - Rule")
    assert result.verdict is Verdict.PASS, result.details
    assert [row["user"] for row in result.rows.rows] == ["bob", "bob"]
    risks = [(e.risk_object, e.risk_object_type, e.risk_score) for e in result.risk_events]
    assert risks == [("h2", "system", 40), ("bob", "user", 25)] * 2
    first = result.risk_events[0]
    assert first.risk_message == "bob logged in oddly on h2"
    assert first.annotations["nist"] == ("DE.CM",)
    assert first.search_name == "ESCU - Odd Login - Rule"
    assert result.notables == 2
    assert any("only -10m to now is searched" in one for one in result.remarks)


def test_a_time_that_was_told_wins(tmp_path: Path) -> None:
    result = run(project(tmp_path, STANZA, earliest="0"), "odd login")
    assert [row["user"] for row in result.rows.rows] == ["ann", "bob", "bob"] or [
        row["user"] for row in result.rows.rows
    ] == ["bob", "bob", "ann"]
    assert not any("is searched" in one for one in result.remarks)


def test_alerts_on_each_result_are_throttled(tmp_path: Path) -> None:
    # Alerting Manual, "Throttle alerts": per result, later ones with the same values are suppressed
    each = STANZA.replace("alert.digest_mode = 1", "alert.digest_mode = 0")
    result = run(project(tmp_path, each), "Odd Login")
    assert [event.risk_object for event in result.risk_events] == ["h2", "bob"]
    assert (len(result.rows.rows), result.notables) == (2, 1)


def test_a_trigger_that_is_not_met(tmp_path: Path) -> None:
    # savedsearches.conf.spec, counttype, relation, quantity
    more = STANZA.replace("quantity = 0", "quantity = 2")
    result = run(project(tmp_path, more), "Odd Login")
    assert (len(result.rows.rows), result.risk_events, result.notables) == (2, (), 0)


@pytest.mark.parametrize(
    ("said", "warned"),
    [
        ("action.email = 1", "the action `email` is not run here"),
        ("counttype = number of hosts", "the trigger `number of hosts greater than 0` is not"),
        ("alert_condition = search x", "alert_condition = search x: the condition is not checked"),
        ("dispatch.earliest_time = rt-5m", "`rt-5m` is of real time: all of the data is searched"),
        ("dispatch.sample_ratio = 10", "dispatch.sample_ratio = 10: every event is searched"),
        ("action.risk.param._risk = [{", "`action.risk.param._risk` is no JSON"),
        ('action.risk.param._risk = {"a": 1}', "is no JSON list of objects"),
        ("action.risk.param._risk = []", "the risk action names no risk object"),
        ("action.risk.param._risk = [{}]", "an entry names neither a risk object nor"),
        ("action.correlationsearch.annotations = 7", "is no JSON object"),
        ("alert.digest_mode = 0\nalert.suppress.fields =", "throttled by no field"),
        (
            'action.risk.param._risk = [{"risk_object_field": "a", "risk_object_type": "tool"}]',
            "the risk object type `tool` is none of system, user, other",
        ),
    ],
)
def test_what_cannot_be_honoured_is_told_by_name(tmp_path: Path, said: str, warned: str) -> None:
    found = detection(tmp_path, f"{STANZA}\n{said}\n")
    (remark,) = [one for one in found.warnings if warned in one.message]
    assert remark.place.path is not None
    assert remark.place.path.endswith("savedsearches.conf")


def test_the_older_form_of_one_risk_object(tmp_path: Path) -> None:
    stanza = """[s]
search = x
action.risk = 1
action.risk.param._risk_object = src
action.risk.param._risk_object_type = system
action.risk.param._risk_score = 60
"""
    (rule,) = detection(tmp_path, stanza, "s").risk.objects
    assert (rule.field, rule.type, rule.score) == ("src", "system", 60)


def test_default_is_below_every_stanza(tmp_path: Path) -> None:
    found = detection(tmp_path, f"[default]\ndispatch.earliest_time = -1d\n{STANZA}\n[s]\nsearch=x")
    assert found.earliest == "-10m"
    apps = load_apps([tmp_path / "searches"])
    assert apps.saved_searches["s"].earliest == "-1d"


def test_names_that_there_are_not(tmp_path: Path) -> None:
    with pytest.raises(UnknownDetection, match=r"did you mean `ESCU - Odd Login - Rule`"):
        project(tmp_path, STANZA).named("ESCU - Odd Logon - Rule")


def test_without_data_there_is_nothing_to_run(tmp_path: Path) -> None:
    found = Project(Settings(root=tmp_path, apps=(write_app(tmp_path, STANZA),)))
    with pytest.raises(NothingToRun, match=r"comes without data.*--data"):
        list(found.trials(found.named("Odd Login")))


def test_an_error_in_a_search_is_told_at_its_line(tmp_path: Path) -> None:
    wrong = STANZA.replace("| table _time user", "| tabel _time user")
    found = project(tmp_path, wrong)
    report = Checker(found).run([], knowledge=False, saved=found.given_saved_searches())
    (error,) = report.errors
    conf = tmp_path / "searches/default/savedsearches.conf"
    line = next(n for n, text in enumerate(conf.read_text().split("\n"), 1) if "tabel" in text)
    assert (error.file, error.line, error.column) == (str(conf), line, 3)
    first = wrong.replace("search = odd \\", "search = odd ( \\")
    conf.write_text(first)
    (error,) = (
        Checker(found := Project(found.settings))
        .run([], knowledge=False, saved=found.given_saved_searches())
        .errors
    )
    assert error.column is not None
    assert first.split("\n")[(error.line or 0) - 1][error.column - 1] == "("


def test_a_field_that_does_not_come_out(tmp_path: Path) -> None:
    wrong = STANZA.replace("| table _time user dest process", "| table _time user process")
    found = project(tmp_path, wrong)
    report = Checker(found).run([], knowledge=False, saved=found.given_saved_searches())
    assert "the risk object's field `dest` does not come out" in report.errors[0].reason


def test_a_stanza_without_a_search(tmp_path: Path) -> None:
    apps = load_apps([write_app(tmp_path, "[s]\ncron_schedule = * * * * *\n")])
    assert "s" not in apps.saved_searches
    assert [str(one) for one in apps.warnings if "has no search" in one.message] == [
        f"{tmp_path}/searches/default/savedsearches.conf:1: the saved search `s` has no search"
    ]


def test_risk_from_a_saved_search(tmp_path: Path) -> None:
    found = project(tmp_path, STANZA)
    assert found.detection("Odd Login").risk.creates_risk
    with pytest.raises(HarnessError):
        found.detection("Odd Logout")


def test_a_saved_search_runs_in_its_app(tmp_path: Path) -> None:
    # Admin Manual, "Configuration file precedence": the running app counts over all others.
    found = project(tmp_path, "[s]\nsearch = `mine` | table user\n")
    app = tmp_path / "searches"
    (app / "metadata/default.meta").write_text("[]\nexport = none\n")
    (app / "default/macros.conf").write_text('[mine]\ndefinition = odd | eval user="own"\n')
    other = tmp_path / "zzz"
    (other / "default").mkdir(parents=True)
    (other / "metadata").mkdir()
    (other / "metadata/default.meta").write_text("[]\nexport = system\n")
    (other / "default/macros.conf").write_text('[mine]\ndefinition = odd | eval user="other"\n')
    found = Project(Settings(root=tmp_path, apps=(app, other), data=found.settings.data))
    result = run(found, "s")
    assert {row["user"] for row in result.rows.rows} == {"own"}
    assert found.knowledge.find("mine", 0) == load_apps([app, other]).macros["mine", 0]
    report = Checker(found).run([], knowledge=False, saved=found.given_saved_searches())
    assert (report.compiled, report.errors) == (1, [])

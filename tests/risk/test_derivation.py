"""Risk events and notables from rows: one for each row and risk object, messages filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.content import (
    Detection,
    RiskObjectRule,
    RiskRule,
    ThreatObjectRule,
    read_detection,
)
from harness.model import Rows, Value
from harness.risk import ThreatObject, derive, notables, to_event_fields
from harness.risk.derivation import values_of

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus" / "security_content"
MESSAGE = "$process_name$ ran on $dest$ for $user$"


def detection(kind: str = "TTP", message: str = MESSAGE, score: float = 80.0) -> Detection:
    return Detection(
        name="Odd Child",
        id="x",
        path=Path("odd_child.yml"),
        generation="v5",
        type=kind,
        search="index=main",
        risk=RiskRule(
            message=message,
            objects=(
                RiskObjectRule("dest", "system", score, message),
                RiskObjectRule("user", "user", 12.5, message),
            ),
            threat_objects=(ThreatObjectRule("process_name", "process_name"),),
            creates_risk=kind in ("TTP", "Anomaly"),
            notable=kind in ("TTP", "Correlation"),
        ),
        stories=("Macros", "Phishing"),
        techniques=("T1204", "T1059"),
        kill_chain_phases=("Exploitation",),
        security_domain="endpoint",
    )


def rows(*found: dict[str, Value]) -> Rows:
    return Rows(tuple(dict.fromkeys(name for row in found for name in row)), list(found))


ROW: dict[str, Value] = {
    "_time": 1646049600.0, "dest": "WIN-1", "user": "bob", "process_name": "cmd.exe", "count": 3.0,
}  # fmt: skip


def test_one_event_for_each_row_and_risk_object() -> None:
    outcome = derive(detection(), rows(ROW, {**ROW, "dest": "WIN-2"}))
    assert [(event.row, event.risk_object, event.risk_object_type) for event in outcome.events] == [
        (0, "WIN-1", "system"), (0, "bob", "user"), (1, "WIN-2", "system"), (1, "bob", "user"),
    ]  # fmt: skip
    first = outcome.events[0]
    assert first.risk_message == "cmd.exe ran on WIN-1 for bob"
    assert (first.risk_score, str(first.risk_score)) == (80, "80")
    assert outcome.events[1].risk_score == 12.5
    assert first.search_name == "ESCU - Odd Child - Rule"
    assert first.threat_objects == (ThreatObject("cmd.exe", "process_name"),)
    assert first.orig_time == first.time == 1646049600.0
    assert (outcome.failures, outcome.warnings) == ((), ())


def test_several_values_are_several_objects_and_lines_of_one_message() -> None:
    outcome = derive(detection(), rows({**ROW, "dest": ["WIN-1", "WIN-2"]}))
    assert [event.risk_object for event in outcome.events] == ["WIN-1", "WIN-2", "bob"]
    assert {event.risk_message for event in outcome.events} == {
        "cmd.exe ran on WIN-1\nWIN-2 for bob"
    }


@pytest.mark.parametrize("kind", ["Hunting", "Correlation"])
def test_types_without_risk(kind: str) -> None:
    outcome = derive(detection(kind), rows({"nothing": "here"}))
    assert (outcome.events, outcome.failures, outcome.warnings) == ((), (), ())


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"user": None}, "risk field `user`: the field has no value"),
        ({"user": []}, "risk field `user`: the field has no value"),
        ({"user": ""}, "risk field `user`: the field is empty"),
        ({"user": "  "}, "risk field `user`: the field is empty"),
        ({"user": "null"}, "risk field `user`: the field is the text `null`"),
        ({"user": ["bob", "NULL"]}, "risk field `user`: the field is the text `NULL`"),
        ({"process_name": ""}, "`$process_name$` of the message: the field is empty"),
    ],
)
def test_a_value_that_is_none_is_a_failure(change: dict[str, Value], failure: str) -> None:
    outcome = derive(detection(), rows(ROW, {**ROW, **change}))
    assert any(said.endswith(failure) for said in outcome.failures)
    assert all(said.startswith("result row 2 (dest=WIN-1") for said in outcome.failures)
    assert "bob" in {event.risk_object for event in outcome.events if event.row == 0}


def test_a_field_that_the_row_lacks_names_the_nearest() -> None:
    lacking = {name: value for name, value in ROW.items() if name != "user"} | {"src_user": "bob"}
    outcome = derive(detection(), rows(lacking))
    assert outcome.failures[0] == (
        "result row 1 (dest=WIN-1, process_name=cmd.exe, count=3): `$user$` of the message:"
        " the row has no field `user` (did you mean `src_user`?)"
    )
    assert outcome.events[0].risk_message == "cmd.exe ran on WIN-1 for $user$"


def test_unknown_is_a_warning() -> None:
    outcome = derive(detection(), rows({**ROW, "user": "unknown"}))
    assert outcome.failures == ()
    assert len(outcome.events) == 2
    assert [said.rpartition("): ")[2] for said in outcome.warnings] == [
        "`$user$` of the message: the field is `unknown`",
        "risk field `user`: the field is `unknown`",
    ]


def test_a_threat_field_without_a_value_is_a_warning() -> None:
    ttp = detection(message="fixed text")
    outcome = derive(ttp, rows({**ROW, "process_name": None}))
    assert outcome.failures == ()
    assert outcome.warnings[0].endswith("threat field `process_name`: there is no value")
    assert outcome.events[0].threat_objects == ()


@pytest.mark.parametrize(
    ("message", "rendered"),
    [
        (r"the share \\h\C$ on $dest$", r"the share \\h\C$ on WIN-1"),
        ("$Threat Name$ and $a{}.b$", "Bad and deep"),
        ("costs $5 on $dest$", "costs $5 on WIN-1"),
        ("$dest$$user$", "WIN-1bob"),
        ("$count$ times", "3 times"),
        ("no token", "no token"),
        (r"back\1slash $dest$", r"back\1slash WIN-1"),
    ],
)
def test_tokens(message: str, rendered: str) -> None:
    row: dict[str, Value] = {**ROW, "Threat Name": "Bad", "a{}.b": "deep"}
    outcome = derive(detection(message=message), rows(row))
    assert outcome.failures == ()
    assert outcome.events[0].risk_message == rendered


def test_what_a_value_holds_is_not_filled_in_again() -> None:
    outcome = derive(detection(message="$dest$"), rows({**ROW, "dest": "$user$"}))
    assert outcome.events[0].risk_message == "$user$"


def test_rows_without_a_time_are_at_now() -> None:
    timeless = {name: value for name, value in ROW.items() if name != "_time"}
    event = derive(detection(), rows(timeless), now=1700000000.0).events[0]
    assert (event.time, event.orig_time) == (1700000000.0, None)


def test_the_fields_of_the_event_in_the_index() -> None:
    row: dict[str, Value] = {**ROW, "host": "h", "source": "s", "risk_score": 1, "empty": None}
    event = derive(detection(), rows(row)).events[0]
    assert to_event_fields(event) == {
        "_time": 1646049600.0,
        "source": "ESCU - Odd Child - Rule",
        "search_name": "ESCU - Odd Child - Rule",
        "risk_object": "WIN-1",
        "risk_object_type": "system",
        "risk_score": 80,
        "risk_message": "cmd.exe ran on WIN-1 for bob",
        "threat_object": "cmd.exe",
        "threat_object_type": "process_name",
        "analyticstories": ["Macros", "Phishing"],
        "annotations.mitre_attack": ["T1204", "T1059"],
        "annotations.kill_chain_phases": "Exploitation",
        "annotations.analytic_story": ["Macros", "Phishing"],
        "annotations._all": ["T1204", "T1059", "Exploitation", "Macros", "Phishing"],
        "orig_time": 1646049600.0,
        "dest": "WIN-1",
        "user": "bob",
        "process_name": "cmd.exe",
        "count": 3.0,
        "orig_host": "h",
        "orig_source": "s",
        "orig_risk_score": 1,
    }


@pytest.mark.parametrize(("kind", "count"), [("TTP", 2), ("Correlation", 2), ("Anomaly", 0)])
def test_notables(kind: str, count: int) -> None:
    found = notables(detection(kind), rows(ROW, ROW), now=1.0)
    assert len(found) == count
    for notable in found:
        assert (notable.title, notable.security_domain) == ("Odd Child", "endpoint")
        assert notable.time == 1646049600.0


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda text: text.strip() != "" and text.casefold() not in ("null", "unknown")
)


@given(st.lists(st.tuples(st.lists(words, min_size=1, max_size=4), words), max_size=5))
def test_the_number_of_events_is_the_number_of_values(found: list[tuple[list[str], str]]) -> None:
    made = [{**ROW, "dest": list(hosts), "user": user} for hosts, user in found]
    outcome = derive(detection(), rows(*made))
    assert len(outcome.events) == sum(len(hosts) + 1 for hosts, _ in found)
    assert (outcome.failures, outcome.warnings) == ((), ())


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, []), (5.0, ["5"]), (5.25, ["5.25"]), (7, ["7"]), ("5.0", ["5.0"]), (["a"], ["a"])],
)  # fmt: skip
def test_values_are_shown_as_splunk_shows_them(value: Value, shown: list[str]) -> None:
    assert values_of(value) == shown


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not here")
def test_every_real_message_is_rendered_without_a_token_left() -> None:
    """Each field that a real detection names gets a value; nothing with `$` may be left."""
    for path in sorted((CORPUS / "detections").rglob("*.yml")):
        real = read_detection(path)
        names = re.findall(r"\$([^$\s]+(?: [^$\s]+)?)\$", real.risk.message)
        fields = [*names, *(rule.field for rule in real.risk.objects)]
        fields += [rule.field for rule in real.risk.threat_objects]
        row: dict[str, Value] = dict.fromkeys(fields, "value")
        outcome = derive(real, rows(row))
        assert outcome.failures == (), path
        expected = len(real.risk.objects) if real.type in ("TTP", "Anomaly") else 0
        assert len(outcome.events) == expected
        closed = real.risk.message.count("$") % 2 == 0
        assert any("with one `$`" in one.message for one in real.warnings) != closed, path
        for event in outcome.events:
            assert ("$" in event.risk_message) != closed, path

"""Expectations against rows and risk events: what holds, and what is said when one does not."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.content import Bound, Expectation, ExpectedRisk, FieldRule, NamedInRaw
from harness.errors import Place
from harness.model import Rows, Value
from harness.risk import Mismatch, RiskEvent, RiskOutcome, check

if TYPE_CHECKING:
    from collections.abc import Iterable

RAW = ("LogName=Security\nComputerName=WIN-1\n", "ComputerName=WIN-2\n")


def raw() -> Iterable[str]:
    return RAW


def unread() -> NoReturn:
    pytest.fail("nothing asks what the raw data names")


def event(
    risk_object: str = "WIN-1", kind: str = "system", score: float = 80, message: str = "m WIN-1"
) -> RiskEvent:
    return RiskEvent(risk_object, kind, score, message, "ESCU - X - Rule")


def rows(*found: dict[str, Value]) -> Rows:
    return Rows(tuple(dict.fromkeys(name for row in found for name in row)), list(found))


ROWS = rows(
    {"dest": "WIN-1", "user": "bob", "count": 40.0, "process": ["a.exe", "b.exe"]},
    {"dest": "WIN-2", "user": "eve", "count": 41, "process": ["c.exe"], "note": None},
)
WISH = ExpectedRisk("WIN-1", "system", 80, "m WIN-1", Place("s.yaml", 9, 3))


def checked(
    expectation: Expectation, found: Rows = ROWS, events: Iterable[RiskEvent] = ()
) -> Mismatch | None:
    return check(expectation, found, RiskOutcome(tuple(events)), unread)


def failed(
    expectation: Expectation, found: Rows = ROWS, events: Iterable[RiskEvent] = ()
) -> Mismatch:
    mismatch = checked(expectation, found, events)
    assert mismatch is not None
    return mismatch


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (Bound(1, 1), "results: expected exactly 1, got 2 results"),
        (Bound(3, None), "results: expected at least 3, got 2 results"),
        (Bound(0, 1), "results: expected at most 1, got 2 results"),
        (Bound(0, 0), "results: expected the detection not to fire, got 2 results"),
        (Bound(2, 2), None),
        (Bound(1, None), None),
        (Bound(1, 2), None),
    ],
)
def test_number_of_results(bound: Bound, text: str | None) -> None:
    mismatch = checked(Expectation(bound))
    assert (str(mismatch) if mismatch else None) == text


def test_a_detection_that_should_fire_and_does_not() -> None:
    assert str(failed(Expectation(), rows())) == "results: expected at least 1, got 0 results"


def test_rows_are_shown_where_none_was_wanted() -> None:
    lines = failed(Expectation(Bound(0, 0))).render().splitlines()
    assert lines[1] == "  row 1: dest='WIN-1', user='bob', count='40', process='a.exe' (+1)"


def test_a_failure_of_the_risk_events_is_a_mismatch() -> None:
    outcome = RiskOutcome((), ("result row 1: no `user`", "result row 2: no `user`"))
    mismatch = check(Expectation(), ROWS, outcome, unread)
    assert mismatch is not None
    assert mismatch.actual == "result row 1: no `user`"
    assert mismatch.details == ("result row 2: no `user`",)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (FieldRule("dest", equals=("WIN-1",)), "`dest` of row 2: expected 'WIN-1', got 'WIN-2'"),
        (
            FieldRule("process", equals=("a.exe", "b.exe")),
            "`process` of row 2: expected 'a.exe', 'b.exe', got 'c.exe'",
        ),
        (
            FieldRule("process", equals=("b.exe", "a.exe")),
            "`process` of row 1: expected 'b.exe', 'a.exe', got 'a.exe', 'b.exe'",
        ),
        (
            FieldRule("process", contains=("b.exe",)),
            "`process` of row 2: expected with 'b.exe' among its values, got 'c.exe'",
        ),
        (
            FieldRule("dest", matches=re.compile("WIN")),
            "`dest` of row 1: expected to match `WIN`, got 'WIN-1'",
        ),
        (FieldRule("count", at_least=41), "`count` of row 1: expected at least 41, got '40'"),
        (FieldRule("count", at_most=40), "`count` of row 2: expected at most 40, got '41'"),
        (FieldRule("dest", at_most=40), "`dest` of row 1: expected at most 40, got 'WIN-1'"),
        (FieldRule("absent", equals=("x",)), "`absent` of row 1: expected 'x', got no such field"),
        (FieldRule("dest", absent=True), "`dest` of row 1: expected absent, got 'WIN-1'"),
        (FieldRule("note", absent=True), None),
        (FieldRule("dest", matches=re.compile(r"WIN-\d")), None),
        (FieldRule("count", at_least=40, at_most=41), None),
    ],
)
def test_each_row(rule: FieldRule, text: str | None) -> None:
    mismatch = checked(Expectation(every_row=(rule,)))
    assert (str(mismatch) if mismatch else None) == text


def test_numbers_are_equal_as_numbers() -> None:
    found = rows({"count": 40.0}, {"count": "40.0"}, {"count": 40})
    assert checked(Expectation(every_row=(FieldRule("count", equals=("40",)),)), found) is None


def test_some_row() -> None:
    wanted = (FieldRule("dest", equals=("WIN-2",)), FieldRule("user", equals=("eve",)))
    assert checked(Expectation(some_row=(wanted,))) is None
    crossed = (FieldRule("dest", equals=("WIN-1",)), FieldRule("user", equals=("eve",)))
    assert str(failed(Expectation(some_row=(wanted, crossed)))) == (
        "some row: expected one with `dest` 'WIN-1', `user` 'eve', got none in 2;"
        " the nearest, row 1, has `user` 'bob'"
    )


def test_exact_risk_in_any_order() -> None:
    other = ExpectedRisk("bob", "user", 20, "m")
    events = [event("bob", "user", 20, "m"), event()]
    assert checked(Expectation(risk=(WISH, other)), events=events) is None


def test_exact_risk_counts_repetitions() -> None:
    assert checked(Expectation(risk=(WISH, WISH)), events=[event(), event()]) is None
    assert str(failed(Expectation(risk=(WISH, WISH)), events=[event()])) == (
        "risk: expected 2 risk events, got 1"
    )
    mismatch = failed(Expectation(risk=(WISH,)), events=[event(), event()])
    assert str(mismatch) == "risk: expected 1 risk event, got 2"
    assert mismatch.details == (
        "not expected: object 'WIN-1', type system, score 80, message 'm WIN-1'",
    )
    assert str(failed(Expectation(risk=()), events=[event()])) == (
        "risk: expected 0 risk events, got 1"
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (event("WIN-7"), "risk: expected object 'WIN-1', got 'WIN-7'"),
        (event(kind="user"), "risk: expected type system, got user"),
        (event(score=64), "risk: expected score 80, got 64"),
        (event(score=80.5), "risk: expected score 80, got 80.5"),
        (event(message="m WIN-7"), "risk: expected message 'm WIN-1', got 'm WIN-7'"),
        (
            event("WIN-7", message="m WIN-7"),
            "risk: expected object 'WIN-1' and message 'm WIN-1', got 'WIN-7' and 'm WIN-7'",
        ),
    ],
)
def test_near_misses_are_told_apart(found: RiskEvent, text: str) -> None:
    mismatch = failed(Expectation(risk=(WISH,)), events=[found])
    assert str(mismatch) == text
    assert mismatch.render().startswith("s.yaml:9:3: risk: expected ")
    assert mismatch.details[0].startswith("missing: object 'WIN-1', type system")


def test_the_nearest_of_several_is_shown() -> None:
    events = [event("eve", "user", 1, "other"), event(score=79)]
    mismatch = failed(Expectation(risk=(WISH, WISH)), events=events)
    assert str(mismatch) == "risk: expected score 80, got 79"


EVERY = ExpectedRisk(
    NamedInRaw(re.compile(r"^ComputerName=(\S+)", re.MULTILINE)), "system", 80, "m $object$"
)


def test_every_risk_event_names_what_the_raw_data_names() -> None:
    events = [event(), event("WIN-2", message="m WIN-2")]
    wanted = Expectation(every_risk=EVERY)
    assert check(wanted, ROWS, RiskOutcome(tuple(events)), raw) is None
    stranger = event("WIN-3", message="m WIN-3")
    mismatch = check(wanted, ROWS, RiskOutcome((*events, stranger)), raw)
    assert str(mismatch) == (
        "risk: expected an object that the raw data names by `^ComputerName=(\\S+)`"
        " ('WIN-1', 'WIN-2'), got 'WIN-3'"
    )
    mismatch = check(wanted, ROWS, RiskOutcome(), raw)
    assert mismatch is not None
    assert mismatch.actual == "none"
    wrong = check(wanted, ROWS, RiskOutcome((event(message="m"),)), raw)
    assert str(wrong) == "risk: expected message 'm WIN-1', got 'm'"


def test_the_raw_data_is_read_once() -> None:
    reads = 0

    def counted() -> Iterable[str]:
        nonlocal reads
        reads += 1
        return RAW

    events = tuple(event("WIN-2", message="m WIN-2") for _ in range(20))
    assert check(Expectation(every_risk=EVERY), ROWS, RiskOutcome(events), counted) is None
    assert reads == 1


def test_a_pattern_does_not_take_the_event_of_an_exact_object() -> None:
    pattern = ExpectedRisk(EVERY.object, "system", 80, "m $object$")
    events = (event(), event("WIN-2", message="m WIN-2"))
    for wanted in itertools.permutations((pattern, WISH)):
        assert check(Expectation(risk=wanted), ROWS, RiskOutcome(events), raw) is None
    assert check(Expectation(risk=(WISH, WISH)), ROWS, RiskOutcome(events), raw) is not None


names = st.sampled_from(["a", "b", "c"])
pattern_of = st.sampled_from(["[ab]", "[bc]", "[abc]", "a", "b", "c"])


@given(st.lists(pattern_of, max_size=5), st.lists(names, max_size=5))
def test_the_pairing_is_the_largest_there_is(patterns: list[str], found: list[str]) -> None:
    """Against trying every order of the events."""
    wanted = tuple(ExpectedRisk(NamedInRaw(re.compile(pattern))) for pattern in patterns)
    events = tuple(event(name) for name in found)
    possible = len(patterns) == len(found) and any(
        all(re.fullmatch(pattern, name) for pattern, name in zip(patterns, order, strict=True))
        for order in itertools.permutations(found)
    )
    mismatch = check(Expectation(risk=wanted), ROWS, RiskOutcome(events), lambda: ["a b c"])
    assert (mismatch is None) == possible

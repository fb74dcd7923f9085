from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trials.comparison import Comparison, Status, compare_runs, compare_trials
from harness.trials.row_differences import RowsCompared, compare_rows
from harness.trials.saved_results import AppStamp, Run, TrialRecord
from harness.trials.search_order import Ordering, ordering_of
from harness.trials.tolerances import DIFFERENT_BY_NATURE, Tolerance, present, same
from harness.trials.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]
NONE = Ordering()


def rows(a: Sequence[Row], b: Sequence[Row], ordering: Ordering = NONE) -> RowsCompared:
    return compare_rows(a, b, ordering, Tolerance())


def differing(found: RowsCompared) -> list[tuple[int | None, int | None, list[str]]]:
    return [(one.row_a, one.row_b, [f.field for f in one.fields]) for one in found.differences]


# Values


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (5, 5.0, True),
        (5, "5", True),
        (5, "5.0", True),
        (5, "5.00", True),
        (5, "005", False),  # no number is printed so
        (5, 6, False),
        (5, "five", False),
        (1.5, 1.5000000001, True),  # 7e-11 of it
        (1.5, 1.500001, False),
        (1e-20, 0.0, False),
        (123456789012, 123456789013, False),  # whole numbers are exact
        ("123456789012", "123456789013", False),
        (1646042400.0005, 1646042400.0015, False),  # a millisecond between two times
        (1646042400.25, "1646042400.250", True),
        ("0.3333333333333", "0.33333333333333333", True),
        ("1.10", "1.1", False),  # a version
        ("1e5", "100000", False),
        ("a", "A", False),
        ("", None, False),
        (None, None, True),
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["b", "a"], False),
        (["a"], "a", True),
        ([], None, True),
        (["a", "b"], "a", False),
        ([1, 2.0], ["1", "2"], True),
    ],
)
def test_values(one: Any, other: Any, expected: bool) -> None:
    assert same("field", present(one), present(other), ordered=True) is expected
    assert same("field", present(other), present(one), ordered=True) is expected


def test_times_are_epoch_or_iso() -> None:
    iso = "2022-02-28T10:00:00.000+00:00"
    assert same("_time", iso, 1646042400, ordered=True)
    assert same("_time", "2022-02-28T11:00:00.000+01:00", "1646042400.000", ordered=True)
    assert not same("_time", iso, 1646042401, ordered=True)
    assert not same("other", iso, 1646042400, ordered=True)
    assert not same("_time", "2022-02-28T10:00:00", 1646042400, ordered=True)  # in which zone?


def test_every_tolerated_field_has_its_reason() -> None:
    assert all(len(reason) > 10 for reason in DIFFERENT_BY_NATURE.values())
    row = dict.fromkeys(DIFFERENT_BY_NATURE, "one")
    assert rows([{"x": 1, **row}], [{"x": 1}]).same
    assert not rows([{"linecount": 1}], [{"linecount": 2}]).same


def test_a_person_s_own_ignored_fields() -> None:
    tolerance = Tolerance(["date_*", "sid"])
    a, b = {"x": 1, "date_hour": 4, "sid": "s"}, {"x": 1, "date_hour": 5}
    assert compare_rows([a], [b], NONE, tolerance).same


# Rows


def test_results_are_multisets() -> None:
    one, two = {"user": "bob", "n": 1}, {"user": "eve", "n": 2}
    assert rows([one, two, two], [two, one, two]).same
    found = rows([one, two, two], [one, one, two])
    assert not found.same


def test_one_field_in_the_rows_in_which_it_differs_and_in_no_other() -> None:
    a = [{"host": f"h{n}", "user": "alexander" if n % 10 == 3 else "bob"} for n in range(50)]
    b = [{**row, "user": str(row["user"])[:4]} for row in reversed(a)]
    found = rows(a, b)
    assert differing(found) == [(n, 49 - n, ["user"]) for n in (3, 13, 23, 33, 43)]
    assert found.by_field() == {"user": 5}
    assert found.differences[0].where == {"host": "h3"}
    (field,) = found.differences[0].fields
    assert (field.a, field.b) == ("alexander", "alex")


def test_a_field_that_one_side_lacks() -> None:
    found = rows([{"a": 1, "b": "x"}], [{"a": 1}])
    (field,) = found.differences[0].fields
    assert (field.field, field.a, field.b) == ("b", "x", None)
    assert rows([{"a": 1, "b": None}], [{"a": 1}]).same


def test_rows_that_only_one_side_has() -> None:
    a = [{"user": name, "n": n, "host": "h"} for n, name in enumerate(("ann", "bob", "eve"))]
    found = rows(a, [a[2], a[0]])
    assert differing(found) == [(1, None, [])]
    assert found.differences[0].where == a[1]
    assert differing(rows([], a[:1])) == [(None, 0, [])]


def test_different_fields_in_different_rows_are_paired() -> None:
    a = [{"k": n, "x": "x", "y": "y", "z": "z"} for n in range(6)]
    b = [dict(row) for row in a]
    b[1]["x"] = b[2]["y"] = b[3]["z"] = "other"
    found = rows(a, b[::-1])
    assert differing(found) == [(1, 4, ["x"]), (2, 3, ["y"]), (3, 2, ["z"])]


def test_rows_that_have_little_in_common_are_not_paired() -> None:
    a = [{"user": "ann", "host": "h1", "n": 1}, {"user": "bob", "host": "h2", "n": 2}]
    b = [{"user": "eve", "host": "h3", "n": 3}, {"user": "sam", "host": "h4", "n": 2}]
    assert differing(rows(a, b)) == [(0, None, []), (1, None, []), (None, 0, []), (None, 1, [])]
    assert differing(rows([{"count": 5}], [{"count": 6}])) == [(0, 0, ["count"])]


def test_floats_within_the_tolerance_are_no_difference_even_in_rows_alike() -> None:
    a = [{"user": "ann", "score": n / 7} for n in range(200)]
    b = [{"user": "ann", "score": n / 7 * (1 + 1e-12)} for n in reversed(range(200))]
    assert rows(a, b).same


def test_many_rows_that_all_differ_take_no_square_of_time() -> None:
    a = [{"k": n, "x": f"a{n}", "y": n % 7} for n in range(20_000)]
    b = [{"k": n, "x": f"b{n}", "y": n % 7} for n in range(20_000)]
    found = rows(a, b)
    assert found.by_field() == {"x": 20_000}
    assert len(found.differences) == 20_000


VALUES = st.sampled_from([None, 1, 2.0, "1", "a", "b", ["a", "b"], ["b", "a"], []])
TABLES = st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3), max_size=8)


@given(TABLES, st.randoms(use_true_random=False))
def test_any_result_is_the_same_in_any_order(a: list[Row], random: Any) -> None:
    b = list(a)
    random.shuffle(b)
    assert rows(a, b).same


@given(TABLES, TABLES)
def test_every_row_is_counted_once_and_both_ways_alike(a: list[Row], b: list[Row]) -> None:
    there, back = rows(a, b), rows(b, a)
    assert there.same == back.same
    for found, mine, theirs in ((there, a, b), (back, b, a)):
        of_a = [one.row_a for one in found.differences if one.row_a is not None]
        of_b = [one.row_b for one in found.differences if one.row_b is not None]
        assert len(set(of_a)) == len(of_a)
        assert len(set(of_b)) == len(of_b)
        assert len(mine) - len(of_a) == len(theirs) - len(of_b)  # the others are the same


# Order


@pytest.mark.parametrize(
    ("search", "ordered", "keys"),
    [
        ("index=main", False, ()),
        ("index=main | stats count by user", False, ()),
        ("index=main | sort user | stats count by user", False, ()),
        ("index=main | stats count by user | sort - count, +user", True, ("count", "user")),
        ("index=main | stats count by user | sort 10 -count desc", True, ("count",)),
        ('index=main | sort limit=5 num("a b") str(c) d', True, ("a b", "c")),
        ("index=main | sort d", True, ("d",)),
        ("index=main | sort count | where count > 2 | table count", True, ("count",)),
        ("index=main | sort Processes.dest | rename Processes.* as *", True, ("dest",)),
        ('index=main | sort a | rename a as "b c" | head 3', True, ("b c",)),
        ("index=main | sort a | dedup a sortby b", False, ()),
        ("index=main | head 3", True, ()),
        ("index=main | tail 3 | eval x=1", True, ()),
        ("index=main | sort a | reverse", True, ("a",)),
        ("index=main | append [search index=b | sort a]", False, ()),
        ('index=main | eval x="| sort a"', False, ()),
        ("index=main | `unknown` | sort a", True, ("a",)),
        ("index=main | sort a | `unknown`", False, ()),
        ("not ] a search", False, ()),
    ],
)  # fmt: skip
def test_whether_rows_have_an_order(search: str, ordered: bool, keys: tuple[str, ...]) -> None:
    found = ordering_of(search)
    assert (found.rows, found.keys) == (ordered, keys)


def test_rows_that_tie_in_what_sorts_them_may_come_in_any_order() -> None:
    ordering = ordering_of("index=main | stats count by user | sort - count")
    a = [{"user": "ann", "count": 2}, {"user": "bob", "count": 1}, {"user": "eve", "count": 1}]
    assert rows(a, [a[0], a[2], a[1]], ordering).same
    assert rows(a, [a[1], a[2], a[0]], ordering).out_of_order == 0
    assert rows(a, [a[1], a[2], a[0]]).same
    without = ordering_of("index=main | sort - _indextime")
    assert rows(a, [a[1], a[2], a[0]], without).same


def test_the_order_of_values() -> None:
    search = "index=main | stats values(u) as u list(Processes.p) by h | rename Processes.* as *"
    ordering = ordering_of(search)
    assert not ordering.of_values("u")
    assert ordering.of_values("list(Processes.p)")
    assert ordering_of("index=main | table x").of_values("x")
    renamed = ordering_of("index=a | stats values(u) as u list(p) as D.p | rename D.* as *")
    assert renamed.of_values("p")
    a, b = {"u": ["x", "y"], "p": ["x", "y"]}, {"u": ["y", "x"], "p": ["y", "x"]}
    assert rows([a], [{**a, "u": b["u"]}], renamed).same
    assert differing(rows([a], [b], renamed)) == [(0, 0, ["p"])]


# Trials


def record(name: str = "t", verdict: Verdict = Verdict.PASS, **told: Any) -> TrialRecord:
    return TrialRecord("Detection", name, verdict, id="id", **told)


def run(*records: TrialRecord, apps: tuple[AppStamp, ...] = ()) -> Run:
    return Run("local", "0.1.0", "2026-01-01T00:00:00+00:00", apps, records)


def compared(a: TrialRecord | None, b: TrialRecord | None) -> Status:
    return compare_trials(a, b, Tolerance()).status


def test_status_of_a_trial() -> None:
    good, error = record(rows=[{"a": 1}]), record(verdict=Verdict.ERROR, reason="broken")
    assert compared(good, good) is Status.SAME
    assert compared(good, record(rows=[{"a": 2}])) is Status.DIFFERS
    assert compared(good, error) is Status.ONLY_A
    assert compared(record(verdict=Verdict.UNSUPPORTED), good) is Status.ONLY_B
    assert compared(error, error) is Status.NEITHER
    assert compared(None, good) is Status.ONLY_B
    assert compared(good, None) is Status.ONLY_A
    found = compare_trials(good, error, Tolerance())
    assert found.reasons() == [("B", "error: broken")]
    assert compare_trials(error, error, Tolerance()).reasons() == [("A and B", "error: broken")]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"events": 4}, "events"),
        ({"notables": 4}, "notables"),
        ({"verdict": Verdict.FAIL}, "verdict"),
    ],
)
def test_the_outcome_counts_too(changed: dict[str, Any], field: str) -> None:
    found = compare_trials(record(), record(**changed), Tolerance())
    assert found.status is Status.DIFFERS
    assert [one.field for one in found.outcome] == [field]


def test_warnings_and_times_are_shown_and_are_no_difference() -> None:
    a = record(warnings=("both", "of A"), timings_ms={"total": 5.0})
    b = record(warnings=("both", "of B"), timings_ms={"total": 50.0}, search="x")
    found = compare_trials(a, b, Tolerance())
    assert found.status is Status.SAME
    assert (found.warnings_a, found.warnings_b) == (("of A",), ("of B",))
    assert found.search_changed


def risk(**told: Any) -> dict[str, Any]:
    return {
        "risk_object": "H1", "risk_object_type": "system", "risk_score": 30,
        "risk_message": "m", "search_name": "s", "analyticstories": ["x", "y"],
        "annotations": {"mitre_attack": ["T1", "T2"]},
        "threat_objects": [{"threat_object": "u", "threat_object_type": "url"}],
        "orig_time": None, **told,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({}, None),
        ({"analyticstories": ["y", "x"]}, None),
        ({"risk_score": 30.0}, None),
        ({"risk_score": 31}, "risk_score"),
        ({"annotations": {"mitre_attack": ["T1"]}}, "annotations.mitre_attack"),
        ({"threat_objects": []}, "threat_objects"),
    ],
)
def test_risk_events(changed: dict[str, Any], field: str | None) -> None:
    a = record(risk_events=[risk(), risk(risk_object="H2")])
    b = record(risk_events=[risk(risk_object="H2"), risk(**changed)])
    found = compare_trials(a, b, Tolerance())
    assert found.status is (Status.DIFFERS if field else Status.SAME)
    assert differing(found.risk) == ([(0, 1, [field])] if field else [])


def test_trials_are_paired_by_detection_name_and_dataset() -> None:
    a = run(record("one"), record("two"), record("one", rows=[{"x": 1}]))
    b = run(record("three"), record("one"), record("one", rows=[{"x": 1}]))
    found = compare_runs(a, b)
    assert [(one.either.trial, str(one.status)) for one in found.trials] == [
        ("one", "same"), ("two", "only A"), ("one", "same"), ("three", "only B"),
    ]  # fmt: skip


def code(*pairs: tuple[TrialRecord | None, TrialRecord | None]) -> int:
    a = [replaced(one, n) for n, (one, _) in enumerate(pairs) if one]
    b = [replaced(other, n) for n, (_, other) in enumerate(pairs) if other]
    comparison: Comparison = compare_runs(run(*a), run(*b))
    return comparison.exit_code


def replaced(one: TrialRecord, number: int) -> TrialRecord:
    return record(f"t{number}", one.verdict, rows=one.rows)


def test_exit_codes() -> None:
    good, other = record(rows=[{"a": 1}]), record(rows=[{"a": 2}])
    error, skip = record(verdict=Verdict.ERROR), record(verdict=Verdict.SKIP)
    assert code((good, good)) == 0
    assert code((good, good), (skip, skip)) == 0
    assert code((good, good), (good, other), (good, error)) == 1
    assert code((good, good), (good, error)) == 3
    assert code((good, good), (skip, good)) == 3
    assert code((good, good), (error, error)) == 3
    assert code((good, good), (good, None)) == 3
    assert code((skip, skip)) == 3
    assert code() == 3


def test_apps_that_are_not_the_same() -> None:
    a = run(apps=(AppStamp("one", "1"), AppStamp("two", "2"), AppStamp("big")))
    b = run(apps=(AppStamp("one", "1"), AppStamp("two", "3"), AppStamp("new", "4")))
    assert compare_runs(a, b).apps_that_differ() == ["big", "new", "two"]

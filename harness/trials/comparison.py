"""Two runs of the same trials held against each other: same, differs, or only one could run."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.trials.row_differences import FieldDifference, RowsCompared, compare_rows
from harness.trials.search_order import Ordering, ordering_of
from harness.trials.tolerances import DIFFERENT_BY_NATURE, Tolerance
from harness.trials.verdict import EXIT_FAIL, EXIT_NOTHING, EXIT_PASS, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model import Value
    from harness.trials.row_differences import RowDifference
    from harness.trials.saved_results import Run, TrialRecord

MOST_IN_JSON = 10_000
"""So many differing rows of a trial are listed; how many there are is always said."""
SET = Ordering(has_values=True)
"""Lists of a risk event are sets."""
ABSENT = "the run has no such trial"


class Status(enum.StrEnum):
    """What holding a trial's two results against each other came to."""

    SAME = "same"
    DIFFERS = "differs"
    ONLY_A = "only A"
    ONLY_B = "only B"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class TrialComparison:
    """One trial on both sides; a side is None where its run has no such trial.

    `outcome` are what differs beside rows and risk events: the verdict, the number of events and
    of notables. `warnings_a` and `warnings_b` are those that only one side gave: engines word
    them in their own way, so they are shown and are no difference.
    """

    a: TrialRecord | None
    b: TrialRecord | None
    status: Status
    outcome: tuple[FieldDifference, ...] = ()
    results: RowsCompared = field(default_factory=lambda: RowsCompared(0, 0))
    risk: RowsCompared = field(default_factory=lambda: RowsCompared(0, 0))
    warnings_a: tuple[str, ...] = ()
    warnings_b: tuple[str, ...] = ()
    search_changed: bool = False

    @property
    def either(self) -> TrialRecord:
        """The trial, whichever side has it."""
        found = self.a or self.b
        if found is None:
            raise TypeError(self)
        return found

    def reasons(self) -> list[tuple[str, str]]:
        """Why a side could not run: `A`, `B` or both, and the verdict with the reason."""
        found: list[tuple[str, str]] = []
        for side, record in (("A", self.a), ("B", self.b)):
            if record is None:
                found.append((side, ABSENT))
            elif not record.ran:
                found.append((side, f"{record.verdict}: {record.reason}"))
        if len(found) == 2 and found[0][1] == found[1][1]:
            return [("A and B", found[0][1])]
        return found

    @property
    def open_question(self) -> bool:
        """Whether nothing was compared though it should have been; skipped on both sides is not."""
        if self.status in (Status.SAME, Status.DIFFERS):
            return False
        return not all(one and one.verdict is Verdict.SKIP for one in (self.a, self.b))

    def to_json(self) -> dict[str, Any]:
        """The comparison of the trial as plain data."""
        one = self.either
        return {
            "detection": one.detection,
            "id": one.id,
            "trial": one.trial,
            "dataset": one.dataset,
            "synthetic": one.synthetic,
            "status": str(self.status),
            "a": _side_json(self.a),
            "b": _side_json(self.b),
            "search_changed": self.search_changed,
            "outcome": [_field_json(one) for one in self.outcome],
            "results": _rows_json(self.results),
            "risk_events": _rows_json(self.risk),
            "warnings_only_a": list(self.warnings_a),
            "warnings_only_b": list(self.warnings_b),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All trials of two runs; `left_out` counts those that a saved run does not have."""

    a: Run
    b: Run
    trials: tuple[TrialComparison, ...]
    ignored: tuple[str, ...] = ()
    left_out: int = 0

    def counts(self) -> dict[str, int]:
        """How many trials there are of each status."""
        found = Counter(one.status for one in self.trials)
        return {str(status): found[status] for status in Status}

    @property
    def exit_code(self) -> int:
        """0 when all that could be compared is the same, 1 on a difference, else 3."""
        counts = self.counts()
        if counts["differs"]:
            return EXIT_FAIL
        if not counts["same"] or any(one.open_question for one in self.trials):
            return EXIT_NOTHING
        return EXIT_PASS

    def apps_that_differ(self) -> list[str]:
        """The names of the apps that only one run had, or that were not the same in both."""
        one = {app.name: app.digest for app in self.a.apps}
        other = {app.name: app.digest for app in self.b.apps}
        names = dict.fromkeys((*one, *other))
        return sorted(name for name in names if one.get(name, "") != other.get(name, ""))

    def to_json(self) -> dict[str, Any]:
        """The comparison as it stands in `--json`."""
        return {
            "a": _run_json(self.a),
            "b": _run_json(self.b),
            "apps_that_differ": self.apps_that_differ(),
            "not_compared": {**DIFFERENT_BY_NATURE, **dict.fromkeys(self.ignored, "--ignore")},
            "left_out": self.left_out,
            "trials": [one.to_json() for one in self.trials],
            "summary": self.counts(),
        }


def compare_runs(a: Run, b: Run, ignored: Iterable[str] = (), left_out: int = 0) -> Comparison:
    """Hold two runs against each other, trial by trial."""
    tolerance = Tolerance(ignored)
    pairs = [compare_trials(one, other, tolerance) for one, other in _paired(a.trials, b.trials)]
    return Comparison(a, b, tuple(pairs), tolerance.ignored, left_out)


def _paired(
    a: Sequence[TrialRecord], b: Sequence[TrialRecord]
) -> list[tuple[TrialRecord | None, TrialRecord | None]]:
    """The records of the same trial, in A's order, then those that only B has."""
    of_b: dict[Any, list[TrialRecord]] = defaultdict(list)
    for record in reversed(b):
        of_b[record.key].append(record)
    found: list[tuple[TrialRecord | None, TrialRecord | None]] = [
        (record, of_b[record.key].pop() if of_b[record.key] else None) for record in a
    ]
    left = {id(record) for records in of_b.values() for record in records}
    return [*found, *((None, record) for record in b if id(record) in left)]


def compare_trials(
    a: TrialRecord | None, b: TrialRecord | None, tolerance: Tolerance
) -> TrialComparison:
    """Hold the two records of a trial against each other."""
    changed = a is not None and b is not None and a.search != b.search
    if a is None or b is None or not a.ran or not b.ran:
        could_a, could_b = a is not None and a.ran, b is not None and b.ran
        status = Status.ONLY_A if could_a else Status.ONLY_B if could_b else Status.NEITHER
        return TrialComparison(a, b, status, search_changed=changed)
    ordering = ordering_of(a.expanded or b.expanded or a.search)
    results = compare_rows(a.rows, b.rows, ordering, tolerance)
    risk = compare_rows(_flat(a.risk_events), _flat(b.risk_events), SET, tolerance)
    outcome = tuple(
        FieldDifference(name, one, other)
        for name, one, other in (
            ("verdict", str(a.verdict), str(b.verdict)),
            ("events", a.events, b.events),
            ("notables", a.notables, b.notables),
        )
        if one != other
    )
    is_same = results.same and risk.same and not outcome
    return TrialComparison(
        a,
        b,
        Status.SAME if is_same else Status.DIFFERS,
        outcome,
        results,
        risk,
        tuple(one for one in a.warnings if one not in b.warnings),
        tuple(one for one in b.warnings if one not in a.warnings),
        changed,
    )


def _flat(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Value]]:
    """Risk events as rows: annotations by name, and each threat object with its type."""
    rows: list[dict[str, Value]] = []
    for event in events:
        row = {
            name: value
            for name, value in event.items()
            if name not in ("annotations", "threat_objects")
        }
        annotations = event.get("annotations", {})
        row |= {f"annotations.{name}": values for name, values in annotations.items()}
        row["threat_objects"] = [
            f"{one.get('threat_object_type')}: {one.get('threat_object')}"
            for one in event.get("threat_objects", ())
        ]
        rows.append(row)
    return rows


def _run_json(run: Run) -> dict[str, Any]:
    apps = [{"name": app.name, "digest": app.digest} for app in run.apps]
    return {
        "engine": run.engine, "harness": run.harness, "created": run.created, "apps": apps,
    }  # fmt: skip


def _side_json(record: TrialRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "verdict": str(record.verdict),
        "reason": record.reason,
        "events": record.events,
        "result_count": len(record.rows),
        "risk_event_count": len(record.risk_events),
        "notables": record.notables,
        "warnings": list(record.warnings),
        "timings_ms": record.timings_ms,
    }


def _field_json(one: FieldDifference) -> dict[str, Any]:
    return {"field": one.field, "a": one.a, "b": one.b}


def _row_json(one: RowDifference) -> dict[str, Any]:
    return {
        "row_a": one.row_a,
        "row_b": one.row_b,
        "where": dict(one.where or {}),
        "fields": [_field_json(each) for each in one.fields],
    }


def _rows_json(rows: RowsCompared) -> dict[str, Any]:
    return {
        "count_a": rows.count_a,
        "count_b": rows.count_b,
        "difference_count": len(rows.differences),
        "by_field": dict(rows.by_field()),
        "out_of_order": rows.out_of_order,
        "differences": [_row_json(one) for one in rows.differences[:MOST_IN_JSON]],
    }

"""addinfo: what is known of the search itself, in every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import (
    Aggregate,
    Explode,
    Extend,
    Filter,
    Limit,
    Project,
    Relation,
    Reverse,
    Scan,
    Sort,
    Window,
    Windowed,
)
from harness.registry import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

PASSING = (Aggregate, Explode, Extend, Limit, Project, Reverse, Sort, Window, Windowed)
WITHOUT_START, WITHOUT_END = "0.000", "+Infinity"


@command("addinfo")
@dataclass(frozen=True, slots=True)
class Addinfo:
    """addinfo: the fields info_min_time, info_max_time, info_sid and info_search_time.

    The times are those of the search's range, `earliest=` and `latest=` in it included; without
    bounds they are 0.000 and +Infinity. The search runs at the trial's clock; its id is made of
    that. Source: Search Reference, `addinfo`.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """There is nothing to read."""
        stage.arguments.finish()
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the fields."""
        if rows is None:
            self.stage.fail("`addinfo` cannot begin a search")
        bounds = list(_bounds(rows))
        known = context.time_range
        earliest = max((n for op, n in bounds if op == ">="), default=known.earliest)
        latest = min((n for op, n in bounds if op == "<"), default=known.latest)
        fields = (
            ("info_min_time", _time(earliest, WITHOUT_START)),
            ("info_max_time", _time(latest, WITHOUT_END)),
            ("info_sid", Const(f"{context.now:.0f}.1")),
            ("info_search_time", _time(context.now, "")),
        )
        return Extend(rows, fields)


def _time(moment: float | None, otherwise: str) -> Const:
    return Const(otherwise if moment is None else f"{moment:.3f}")


def _bounds(rows: Relation) -> Iterator[tuple[str, float]]:
    """The bounds of time that the filters right over the events set."""
    filters: list[Expr] = []
    while not isinstance(rows, Scan):
        if isinstance(rows, Filter):
            filters.append(rows.predicate)
        elif isinstance(rows, PASSING):
            filters.clear()
        else:
            return
        rows = rows.input
    for predicate in filters:
        yield from _parts(predicate)


def _parts(predicate: Expr) -> Iterator[tuple[str, float]]:
    if not isinstance(predicate, Call):
        return
    if predicate.name == "and":
        for part in predicate.arguments:
            yield from _parts(part)
    elif predicate.name in (">=", "<"):
        left, right = predicate.arguments
        if left == Field("_time") and isinstance(right, Const) and isinstance(right.value, float):
            yield predicate.name, right.value

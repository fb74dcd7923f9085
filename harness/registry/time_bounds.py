"""The bounds of time of the search so far, as addinfo and `aligntime=earliest` mean them."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.registry.context import Context

PASSING = (Aggregate, Explode, Extend, Limit, Project, Reverse, Sort, Window, Windowed)


def time_bounds(rows: Relation, context: Context) -> tuple[float | None, float | None]:
    """The earliest and the latest time: the search's range, `earliest=` in the search included."""
    bounds, known = list(_bounds(rows)), context.time_range
    earliest = max((n for op, n in bounds if op == ">="), default=known.earliest)
    latest = min((n for op, n in bounds if op == "<"), default=known.latest)
    return earliest, latest


def _bounds(rows: Relation) -> Iterator[tuple[str, float]]:
    """The bounds that the filters right over the events set."""
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

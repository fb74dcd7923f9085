"""Statistics to be finished by a later command: the prestats form of tstats and mstats.

The later command sees the rows that the statistics are about, each with its BY fields and, in
hidden columns, what each function was asked of. It can ask for the same functions only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.plan.expressions import Const, Expr, Field
from harness.plan.nodes import Explode, Extend, Project
from harness.registry.functions import known_stats_function

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.plan.nodes import Aggregation, Relation
    from harness.registry.aggregations import Statistic
    from harness.spl.pipeline import Stage

HIDDEN = "\0prestats "
SAME = {"c": "count", "distinct_count": "dc", "estdc": "dc", "mean": "avg", "p": "perc"} | {
    f"per_{unit}": "sum" for unit in ("second", "minute", "hour", "day")
}
READERS = frozenset({"chart", "mstats", "stats", "timechart", "tstats"})
PASSING = frozenset(
    "bin bucket eval fillnull lookup makemv regex rename replace rex search where".split()
)
"""Commands that change or leave out rows by their own fields: they may stand between."""


def is_prestats(columns: Sequence[str] | None) -> bool:
    """Whether rows of these columns are in the prestats form."""
    return columns is not None and any(name.startswith(HIDDEN) for name in columns)


def may_be_prestats(stages: Iterable[Stage]) -> bool:
    """Whether a search speaks of the prestats form at all."""
    return any("prestats" in stage.raw.lower() for stage in stages)


def check_follower(stage: Stage, rows: Relation | None) -> None:
    """Refuse a command that would show, count or choose among rows in the prestats form."""
    if rows is None or stage.name.lower() in READERS | PASSING or not is_prestats(rows.columns):
        return
    stage.unsupported(
        f"`{stage.name}` of results in the prestats form",
        None,
        "stats, chart or timechart finish them",
    )


def check_end(stage: Stage, rows: Relation) -> None:
    """Refuse to show rows in the prestats form, whose columns are Splunk's own."""
    if is_prestats(rows.columns):
        stage.unsupported(
            "results in the prestats form that no command finishes",
            None,
            "add stats, chart or timechart, or leave out prestats=true",
        )


def unfinished(
    rows: Relation,
    by: Sequence[tuple[str, str]],
    results: Sequence[Aggregation],
    asked: Mapping[str, str],
) -> Relation:
    """Rows in the prestats form; `by` are the BY fields as (name, column), one value a row.

    `asked` says by its name what a result was asked of where that is no plain field.
    """
    for _, column in by:
        rows = Explode(rows, column)
    hidden: dict[str, Expr] = {}
    for one in results:
        field = one.argument.name if isinstance(one.argument, Field) else asked.get(one.name, "")
        hidden[_column(one, field)] = Const("1") if one.argument is None else one.argument
    needed = {name for one in results for name in known_stats_function(one.function).needs}
    kept = [*by, *((name, name) for name in needed if name not in dict(by))]
    rows = Extend(rows, tuple(hidden.items()))
    return Project(rows, (*kept, *((name, name) for name in hidden)))


def finishing(statistics: Sequence[Statistic], columns: Sequence[str]) -> list[Statistic]:
    """The statistics over rows in the prestats form, each of its hidden column."""
    return [_finishing(one, columns) for one in statistics]


def _finishing(one: Statistic, columns: Sequence[str]) -> Statistic:
    column = _column(one, one.field or "")
    evaluated = one.argument is not None and one.field is None
    timeless = one.inner is not None and "_time" not in columns
    if evaluated or timeless or column not in columns:
        what = f"{one.function}({one.field})" if one.field else one.function
        raise Unsupported(
            f"`{what}` of results in the prestats form, which were made for other functions",
            hints=("ask the command before it for the same function of the same field",),
        )
    argument: Expr = Field(column)
    return replace(one, field=None, argument=argument)


def _column(one: Aggregation | Statistic, field: str) -> str:
    """The hidden column of a function of a field; `count` alone has one as well."""
    function = SAME.get(one.inner or one.function, one.inner or one.function)
    parameter = "" if one.parameter is None else f"{one.parameter:g}"
    return f"{HIDDEN}{function}{parameter} {field}"


def at_span(results: Sequence[Aggregation]) -> str | None:
    """A function that needs the rows' own times, which a span of `_time` takes from them."""
    for one in results:
        if "_time" in known_stats_function(one.function).needs:
            return one.function
    return None

"""appendcols: the fields of a subsearch beside those of the search, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Aggregate, Aggregation, Combine, Project, Relation, Window
from harness.registry import command
from harness.registry.subsearches import TIMES, most_rows, subsearch_rows, take_subsearch

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span


@command("appendcols")
@dataclass(frozen=True, slots=True)
class Appendcols:
    """appendcols [override=<bool>] [maxout=<n>] [maxtime=<n>] [timeout=<n>] <subsearch>.

    The first row takes the fields of the subsearch's first row, the second those of its second,
    and so on; a field that both have stays, or with override=true is replaced. Rows of the
    subsearch beyond those of the search are left out, with a warning. Source: Search Reference,
    appendcols.
    """

    stage: Stage
    subsearch: Span
    most: int | None
    override: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the subsearch."""
        arguments = stage.arguments
        options = arguments.options(("override", "extendtimerange", "maxout", *TIMES))
        flags = {
            name: arguments.boolean(options[name], name)
            for name in ("override", "extendtimerange")
            if name in options
        }
        if flags.get("extendtimerange"):
            stage.unsupported(
                "appendcols with extendtimerange=true", options["extendtimerange"].span
            )
        for name in TIMES:
            if name in options:
                arguments.integer(options[name], name)
        most = most_rows(arguments, options, 0) or None
        subsearch = take_subsearch(arguments)
        arguments.finish()
        return cls(stage, subsearch, most, flags.get("override", False))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Combine the rows that have the same number."""
        if rows is None:
            self.stage.fail("`appendcols` cannot begin a search")
        most = self.most or context.limits.join_rows
        right = context.closed(subsearch_rows(self.stage, self.subsearch, most, context))
        rows = context.kept(rows) if rows.columns is None else rows
        if _count(right, context) > _count(rows, context):
            context.warn("appendcols left out the subsearch's rows beyond those of the search")
        number = context.spare("number")
        joined = Combine(
            Window(rows, number, ()),
            Window(right, number, ()),
            (number,),
            outer=True,
            only_missing=not self.override,
        )
        names = dict.fromkeys((*(rows.columns or ()), *(right.columns or ())))
        return Project(joined, tuple((name, name) for name in names))


def _count(rows: Relation, context: Context) -> float:
    counted = Aggregate(rows, (), (Aggregation("count", "count"),))
    count = context.fetched(counted).rows[0].get("count")
    return count if isinstance(count, int | float) else 0

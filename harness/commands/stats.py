"""stats: one row of statistics for each combination of the BY fields' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Aggregate, Relation
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.names import is_wild, matching

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("allnum", "delim", "partitions")


@command("stats")
@dataclass(frozen=True, slots=True)
class Stats:
    """stats <function>(<field>) [AS <name>]… [BY <field>…]: rows without a BY field are dropped."""

    stage: Stage
    statistics: tuple[Statistic, ...]
    by: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the functions and the BY fields."""
        arguments = stage.arguments
        for name, token in arguments.options(OPTIONS).items():
            if name == "allnum" and arguments.boolean(token, name):
                stage.unsupported("stats with allnum=true", token.span)
            if name == "delim":
                stage.unsupported("stats with delim", token.span)
        statistics = parse_statistics(arguments, "by")
        by: list[str] = []
        if arguments.accept_word("by"):
            by = arguments.fields()
            if not by:
                arguments.fail("BY needs a field")
        arguments.finish()
        return cls(stage, tuple(statistics), tuple(dict.fromkeys(by)))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Aggregate the rows; patterns of fields need the columns to be known."""
        if rows is None:
            self.stage.fail("`stats` cannot begin a search")
        if wild(self.statistics) or any(is_wild(name) for name in self.by):
            rows = context.closed(rows)
        columns = rows.columns
        by = [
            found
            for name in self.by
            for found in (matching(name, columns or ()) if is_wild(name) else [name])
        ]
        return Aggregate(rows, tuple(by), aggregations(self.statistics, columns, by))

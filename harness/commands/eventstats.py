"""eventstats: every row with statistics over all rows of its group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Relation, Windowed
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("eventstats")
@dataclass(frozen=True, slots=True)
class Eventstats:
    """eventstats <function>(<field>) [AS <name>]… [BY <field>…]: stats, beside the rows.

    The rows and their order stay. A row that lacks a BY field gets no statistics.
    Source: Splunk Search Reference, `eventstats`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    by: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the functions and the BY fields."""
        arguments = stage.arguments
        for name, token in arguments.options(("allnum",)).items():
            if arguments.boolean(token, name):
                stage.unsupported("eventstats with allnum=true", token.span)
        statistics = parse_statistics(arguments, "by")
        by: list[str] = []
        if arguments.accept_word("by"):
            by = arguments.fields()
            if not by:
                arguments.fail("BY needs a field")
        arguments.finish()
        return cls(stage, tuple(statistics), tuple(dict.fromkeys(by)))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Window functions over the groups; patterns of fields need the columns to be known."""
        if rows is None:
            self.stage.fail("`eventstats` cannot begin a search")
        if wild(self.statistics):
            rows = context.closed(rows)
        return Windowed(rows, self.by, aggregations(self.statistics, rows.columns, self.by))

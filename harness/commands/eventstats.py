"""eventstats: every row with statistics over all rows of its group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Relation, Windowed
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.numeric_fields import of_numbers_alone

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("eventstats")
@dataclass(frozen=True, slots=True)
class Eventstats:
    """eventstats [allnum=<bool>] <function>(<field>) [AS <name>]… [BY …]: stats, beside the rows.

    The rows and their order stay. A row that lacks a BY field gets no statistics. allnum=true
    gives numerical statistics of those fields alone that hold only numbers.
    Source: Splunk Search Reference, `eventstats`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    by: tuple[str, ...]
    allnum: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the functions and the BY fields."""
        arguments = stage.arguments
        options = arguments.options(("allnum",))
        allnum = "allnum" in options and arguments.boolean(options["allnum"], "allnum")
        statistics = parse_statistics(arguments, "by")
        by: list[str] = []
        if arguments.accept_word("by"):
            by = arguments.fields()
            if not by:
                arguments.fail("BY needs a field")
        arguments.finish()
        return cls(stage, tuple(statistics), tuple(dict.fromkeys(by)), allnum)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Window functions over the groups; patterns of fields need the columns to be known."""
        if rows is None:
            self.stage.fail("`eventstats` cannot begin a search")
        if wild(self.statistics):
            rows = context.closed(rows)
        found = aggregations(self.statistics, rows.columns, self.by)
        if self.allnum:
            found = of_numbers_alone(found, rows, context)
        return Windowed(rows, self.by, found)

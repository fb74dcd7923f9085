"""stats: one row of statistics for each combination of the BY fields' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Field
from harness.plan.nodes import Aggregate, Extend, Relation, Values
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.delimiters import with_delimiter
from harness.registry.names import is_wild, spread
from harness.registry.numeric_fields import of_numbers_alone
from harness.registry.sparklines import sparkline_starts

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

LISTS = ("list", "values")
OPTIONS = ("allnum", "delim", "partitions")


@command("stats")
@dataclass(frozen=True, slots=True)
class Stats:
    """stats [<option>=<value>]… <function>(<field>) [AS <name>]… [BY <field>…] [dedup_splitvals=].

    Rows without a BY field are dropped; one with several values counts once for each of them,
    or for each different one with dedup_splitvals=true. `delim` shows where nomv follows.
    `partitions` changes nothing. At the beginning of a search there are no rows to count.
    Source: Search Reference, `stats`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    by: tuple[str, ...]
    delimiter: str | None = None
    different: bool = False
    allnum: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the functions and the BY fields."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        allnum = "allnum" in options and arguments.boolean(options["allnum"], "allnum")
        if "partitions" in options:
            arguments.integer(options["partitions"], "partitions")
        delimiter = options["delim"].value if "delim" in options else None
        statistics = parse_statistics(arguments, "by")
        by: list[str] = []
        grouped = arguments.accept_word("by")
        if grouped:
            while not arguments.done and not arguments.at_option():
                if not arguments.accept(","):
                    by.append(arguments.field())
        last = arguments.options(("dedup_splitvals",))
        if grouped and not by:
            arguments.fail("BY needs a field")
        different = "dedup_splitvals" in last and arguments.boolean(
            last["dedup_splitvals"], "dedup_splitvals"
        )
        arguments.finish()
        names = tuple(dict.fromkeys(by))
        return cls(stage, tuple(statistics), names, delimiter, different, allnum)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Aggregate the rows; patterns of fields need the columns to be known."""
        if rows is None:
            rows = Values((), ())
        if wild(self.statistics) or any(is_wild(name) for name in self.by):
            rows = context.closed(rows)
        columns = rows.columns
        by = spread(self.by, columns)
        if self.different:
            rows = Extend(rows, tuple((name, Call("mvdedup", (Field(name),))) for name in by))
        starts = sparkline_starts(self.statistics, rows, context, self.stage)
        results = aggregations(self.statistics, columns, by, starts)
        if self.allnum:
            results = of_numbers_alone(results, rows, context)
        grouped: Relation = Aggregate(rows, tuple(by), results)
        for one in results:
            if one.function in LISTS:
                grouped = with_delimiter(grouped, one.name, self.delimiter)
        return grouped

"""chart: statistics as a table, rows by one field and columns by another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Aggregate, Extend, Project
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.computed import Computed, at_computed, parse_computed
from harness.registry.extents import BIN_OPTIONS, Bins, chosen_span, parse_bins
from harness.registry.series import (
    SERIES_OPTIONS,
    Layout,
    SeriesOptions,
    parse_series_options,
    parse_where,
)
from harness.registry.sparklines import sparkline_starts

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = SERIES_OPTIONS | {"cont", "dedup_splitvals"}


@dataclass(frozen=True, slots=True)
class Split:
    """A field to divide by, its values put into spans if options of spans follow it."""

    field: str
    bins: Bins | None = None

    def value(self, rows: Relation, context: Context, stage: Stage) -> Expr:
        """What the rows are divided by."""
        if self.bins is None:
            return Field(self.field)
        span = chosen_span(self.bins, self.field, rows, context, stage)
        return Field(self.field) if span is None else span.expression(self.field)


@command("chart")
@dataclass(frozen=True, slots=True)
class Chart:
    """chart [<option>=<value>]… <function>… [OVER <field>] [BY <field> [<field>]] [where …].

    The first field makes the rows, in the order of its values, the second the columns: each
    called by its value, or `function: value` with several functions. Values beyond `limit`
    (10, by their sum, or with several functions by their frequency) are one column OTHER, rows
    without the column field one column NULL. Values are put into spans only where `span=`
    follows their field. Source: Splunk Search Reference, `chart`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    computed: tuple[Computed, ...]
    splits: tuple[Split, ...]
    series: SeriesOptions
    different: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options, functions and the fields of rows and columns."""
        arguments = stage.arguments
        tokens: dict[str, Token] = {}
        computed: list[Computed] = []
        statistics = _statistics(arguments, tokens, computed)
        splits: list[Split] = []
        if arguments.accept_word("over"):
            splits += _splits(arguments, tokens, 1)
        if arguments.accept_word("by"):
            splits += _splits(arguments, tokens, 2 - len(splits))
        where = parse_where(arguments) if arguments.accept_word("where") else None
        tokens.update(arguments.options(OPTIONS))
        arguments.finish()
        flags = {
            name: name in tokens and arguments.boolean(tokens[name], name)
            for name in ("dedup_splitvals", "cont")
        }
        if flags["cont"]:
            stage.unsupported("chart with cont=true", tokens["cont"].span)
        series = parse_series_options(arguments, tokens)
        if where is not None:
            series = replace(series, choice=where)
        return cls(
            stage,
            tuple(statistics),
            tuple(computed),
            tuple(splits),
            series,
            flags["dedup_splitvals"],
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """One row of statistics, or a table."""
        if rows is None:
            self.stage.fail("`chart` cannot begin a search")
        if wild(self.statistics):
            rows = context.closed(rows)
        names = [split.field for split in self.splits]
        starts = sparkline_starts(self.statistics, rows, context, self.stage)
        found = aggregations(self.statistics, rows.columns, names, starts)
        series, computed = self.series, self.computed
        if not self.splits:
            results = Layout(context, "", Const(None), None, found, series, computed).results
            values = tuple((one.name, one.value) for one in results)
            kept = tuple((one.name, one.name) for one in results)
            return Project(Extend(Aggregate(rows, (), found), values), kept)
        if self.different:
            rows = Extend(rows, tuple((name, Call("mvdedup", (Field(name),))) for name in names))
        key, *others = (split.value(rows, context, self.stage) for split in self.splits)
        split = others[0] if others else None
        layout = Layout(context, names[0], key, split, found, series, computed)
        events = rows
        return context.applied(layout.cells(rows), lambda cells: layout.table(events, cells).rows)


def _statistics(
    arguments: Arguments, tokens: dict[str, Token], computed: list[Computed]
) -> list[Statistic]:
    """Take functions and expressions over some, with options before, between and after them."""
    found: list[Statistic] = []
    while not arguments.done and not arguments.at_word("over", "by"):
        if arguments.at_option():
            tokens.update(arguments.options(OPTIONS))
        elif not arguments.accept(","):
            if at_computed(arguments):
                computed.append(parse_computed(arguments))
                found += computed[-1].parts
            else:
                found += parse_statistics(arguments, "over", "by", "eval")
    if not found:
        arguments.fail("`chart` needs a function", "for example count")
    return found


def _splits(arguments: Arguments, tokens: dict[str, Token], most: int) -> list[Split]:
    """Take fields, each with the span that follows it."""
    stage, found = arguments.stage, list[Split]()
    while not arguments.done and not arguments.at_word("by", "where"):
        if arguments.accept(","):
            continue
        if not arguments.at_option():
            if len(found) == most:
                arguments.fail("`chart` divides by two fields at most")
            name = arguments.field()
            found.append(Split(name))
            continue
        here = arguments.here()
        taken = arguments.options({*OPTIONS, *BIN_OPTIONS})
        binned = {name: taken.pop(name) for name in BIN_OPTIONS if name in taken}
        if binned:
            if not found:
                stage.fail("a span follows the field that it is for", here)
            name = found[-1].field
            found[-1] = Split(name, parse_bins(arguments, binned, name))
        tokens.update(taken)
    if not found:
        arguments.fail("a field is expected here")
    return found

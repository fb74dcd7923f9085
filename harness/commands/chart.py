"""chart: statistics as a table, rows by one field and columns by another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Const, Expr, Field
from harness.plan.nodes import Aggregate, Extend, Project
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.computed import Computed, at_computed, parse_computed
from harness.registry.series import (
    SERIES_OPTIONS,
    Layout,
    SeriesOptions,
    parse_series_options,
    parse_where,
)
from harness.registry.spans import parse_number_span, parse_time_span
from harness.registry.sparklines import sparkline_starts

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

BINS = ("aligntime", "bins", "end", "minspan", "start")
OPTIONS = SERIES_OPTIONS | {"cont", "dedup_splitvals"}


@dataclass(frozen=True, slots=True)
class Split:
    """A field to divide by, its values put into spans if one is given."""

    field: str
    value: Expr


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
        for name in ("dedup_splitvals", "cont"):
            if name in tokens and arguments.boolean(tokens[name], name):
                stage.unsupported(f"chart with {name}=true", tokens[name].span)
        series = parse_series_options(arguments, tokens)
        if where is not None:
            series = replace(series, choice=where)
        return cls(stage, tuple(statistics), tuple(computed), tuple(splits), series)

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
        split = self.splits[1].value if len(self.splits) > 1 else None
        key = self.splits[0].value
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
            found.append(Split(name, Field(name)))
            continue
        taken = arguments.options({*OPTIONS, *BINS, "span"})
        for option in BINS:
            if option in taken:
                stage.unsupported(f"chart with {option}", taken[option].span)
        if (span := taken.pop("span", None)) is not None:
            if not found:
                stage.fail("a span follows the field that it is for", span.span)
            found[-1] = _in_spans(found[-1], span, stage)
        tokens.update(taken)
    if not found:
        arguments.fail("a field is expected here")
    return found


def _in_spans(split: Split, span: Token, stage: Stage) -> Split:
    numbers = None if split.field == "_time" else parse_number_span(span, stage)
    found = numbers or parse_time_span(span, stage)
    return Split(split.field, found.expression(split.field))

"""timechart: statistics over buckets of time, a column for each function or series."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.plan.expressions import Call, Field
from harness.plan.nodes import Aggregate, Aggregation, Extend
from harness.registry import command
from harness.registry.aggregations import (
    Statistic,
    aggregations,
    parse_statistics,
    spanned,
    wild,
)
from harness.registry.computed import Computed, at_computed, parse_computed
from harness.registry.extents import aligned
from harness.registry.series import (
    SERIES_OPTIONS,
    Layout,
    SeriesOptions,
    Table,
    parse_series_options,
    parse_where,
)
from harness.registry.spans import DAY, TimeSpan, chosen_time_span, parse_time_span
from harness.registry.time_bounds import time_bounds
from harness.registry.timelines import Timeline, rounded

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

BUCKETS = 100
INSTANT = 1e-6
FLAGS = ("cont", "dedup_splitvals", "fixedrange", "partial")
UNSUPPORTED = ("end", "start")
WEEKS = re.compile(r"\d*w(eeks?)?", re.IGNORECASE)
OPTIONS = SERIES_OPTIONS | {*FLAGS, *UNSUPPORTED, "aligntime", "bins", "minspan", "span"}


@dataclass(frozen=True, slots=True)
class Axis:
    """How time is laid out; without `span` the range and `bins` decide."""

    span: TimeSpan | None = None
    bins: int = BUCKETS
    least: float = 0.0
    cont: bool = True
    fixedrange: bool = True
    partial: bool = True
    partial_span: Span | None = None
    different: bool = False
    align: Token | None = None
    weeks: Token | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """The time that the table covers; a `bounded` end is the range's, which is left out."""

    first: float
    last: float
    bounded: bool


@command("timechart")
@dataclass(frozen=True, slots=True)
class Timechart:
    """timechart [<option>=<value>]… <function>… [BY <field> [where <choice>]].

    A row for each bucket from the beginning of the search's time range to its end, or of the
    events' times where it has none; `cont=false` leaves out empty ones. Without a span it is the
    shortest usual one that needs no more than `bins` (100) buckets. A series' column is called
    by its value. Values beyond `limit` (10, by their sum, or with several functions by their
    frequency) are one series OTHER, events without the field one series NULL. No events, no rows.
    `aligntime` moves spans shorter than a day. Unsupported: agg, start, end, and spans of weeks
    that say no day to begin at (`1w@w1`) where the search has a first time.
    Source: Splunk Search Reference, `timechart`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    computed: tuple[Computed, ...]
    split: str | None
    series: SeriesOptions
    axis: Axis

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options, which may stand anywhere, functions and the split field."""
        arguments = stage.arguments
        tokens: dict[str, Token] = {}
        statistics: list[Statistic] = []
        computed: list[Computed] = []
        split, where = None, None
        while not arguments.done:
            if arguments.at_option():
                tokens.update(arguments.options(OPTIONS))
            elif split is None and arguments.accept_word("by"):
                split = arguments.field()
            elif split is not None and arguments.accept_word("where"):
                where = parse_where(arguments)
            elif split is not None:
                arguments.finish()
            elif not arguments.accept(","):
                statistics += _statistics(arguments, computed)
        if not statistics:
            arguments.fail("`timechart` needs a function", "for example count")
        series = parse_series_options(arguments, tokens)
        if where is not None:
            series = replace(series, choice=where)
        axis = _axis(arguments, tokens)
        return cls(stage, tuple(statistics), tuple(computed), split, series, axis)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Aggregate by bucket and series, then lay the rows out."""
        if rows is None:
            self.stage.fail("`timechart` cannot begin a search")
        bounds = time_bounds(rows, context)
        events = context.closed(rows) if wild(self.statistics) else rows
        if self.split and self.axis.different:
            unique = Call("mvdedup", (Field(self.split),))
            events = Extend(events, ((self.split, unique),))
        self._check_weeks(bounds[0])
        ends = tuple(Aggregation(name, name, Field("_time")) for name in ("min", "max"))
        return context.applied(
            Aggregate(events, (), ends),
            lambda times: self._laid_out(self._extent(times, bounds), events, context),
        )

    def _laid_out(self, extent: Extent | None, rows: Relation, context: Context) -> Rows:
        """The table over the rows."""
        axis = self.axis
        if extent is None:
            return Rows(("_time",), [])
        last = extent.last - INSTANT if extent.bounded else extent.last
        span = axis.span or chosen_time_span(extent.first, last, axis.bins, axis.least)
        if axis.align is not None:
            span = aligned(span, axis.align, rows, context, self.stage)
        timeline = Timeline(context.timezone, span)
        taken = ("_time", self.split) if self.split else ("_time",)
        found = aggregations(self.statistics, rows.columns, taken)
        split = Field(self.split) if self.split else None
        key = span.expression("_time")
        statistics = spanned(found, None if span.months else span.seconds, self.stage)
        layout = Layout(context, "_time", key, split, statistics, self.series, self.computed)
        table = layout.table(rows, context.fetched(layout.cells(rows)))
        return self._filled(table, timeline, extent)

    def _check_weeks(self, earliest: float | None) -> None:
        """Weeks without a day begin on the epoch's, or where the search's range does."""
        if self.axis.weeks is not None and earliest:
            self.stage.unsupported(
                "a span of weeks without a day to begin at, of a search with a first time",
                self.axis.weeks.span,
                f"write span={self.axis.weeks.value}@w0",
            )

    def _extent(self, times: Rows, bounds: tuple[float | None, float | None]) -> Extent | None:
        """What the table covers; None where no row has a time."""
        (row,) = times.rows
        if row.get("min") is None:
            return None
        try:
            first, last = (float(str(row[name])) for name in ("min", "max"))
        except ValueError:
            self.stage.fail(
                "timechart needs times, and `_time` is a text here",
                None,
                "write times as a text behind it, or into another field",
            )
        earliest, latest = bounds if self.axis.fixedrange else (None, None)
        if not self.axis.partial and (not earliest or latest is None):
            self.stage.unsupported("partial=false without a time range", self.axis.partial_span)
        bounded = latest is not None and last < latest
        start = min(first, earliest) if earliest else first
        return Extent(start, latest if latest is not None and bounded else last, bounded)

    def _filled(self, table: Table, timeline: Timeline, extent: Extent) -> Rows:
        """The rows with the empty buckets between them, the broken ones left out if asked."""
        found = {rounded(float(str(row["_time"]))): row for row in table.rows.rows}
        wanted = sorted(found)
        if self.axis.cont:
            wanted = timeline.starts(extent.first, extent.last, inclusive=not extent.bounded)
        if not self.axis.partial:
            wanted = [
                start
                for start in wanted
                if start >= extent.first and timeline.following(start) <= extent.last
            ]
        rows: list[dict[str, Value]] = [
            found.get(start) or {"_time": start, **table.empty} for start in wanted
        ]
        return Rows(table.rows.columns, rows)


def _statistics(arguments: Arguments, computed: list[Computed]) -> list[Statistic]:
    """Take functions, or an expression over some."""
    if not at_computed(arguments):
        return parse_statistics(arguments, "by", "eval")
    computed.append(parse_computed(arguments))
    return list(computed[-1].parts)


def _axis(arguments: Arguments, tokens: dict[str, Token]) -> Axis:
    stage = arguments.stage
    for name in UNSUPPORTED:
        if name in tokens:
            stage.unsupported(f"timechart with {name}", tokens[name].span)
    flags = {name: arguments.boolean(tokens[name], name) for name in FLAGS if name in tokens}
    span = parse_time_span(tokens["span"], stage) if "span" in tokens else None
    least = parse_time_span(tokens["minspan"], stage) if "minspan" in tokens else None
    bins = arguments.integer(tokens["bins"], "bins", minimum=1) if "bins" in tokens else BUCKETS
    return Axis(
        span,
        bins,
        (least.seconds or least.months * 30 * DAY) if least else 0.0,
        flags.get("cont", True),
        flags.get("fixedrange", True),
        flags.get("partial", True),
        tokens["partial"].span if "partial" in tokens else None,
        flags.get("dedup_splitvals", False),
        tokens.get("aligntime"),
        tokens["span"] if "span" in tokens and WEEKS.fullmatch(tokens["span"].value) else None,
    )

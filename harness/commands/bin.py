"""bin: a field's values put into spans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Field
from harness.plan.nodes import Aggregate, Aggregation, Extend, Relation
from harness.registry import command
from harness.registry.spans import (
    DAY,
    NumberSpan,
    TimeSpan,
    chosen_number_span,
    chosen_time_span,
    parse_number_span,
    parse_time_span,
)
from harness.registry.time_bounds import time_bounds
from harness.spl.time_modifiers import parse_time

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = ("span", "bins", "minspan", "start", "end", "aligntime")
DEFAULT_BINS = 100


@command("bin", "bucket", "discretize")
@dataclass(frozen=True, slots=True)
class Bin:
    """bin [span=<span>] [bins=<count>] [minspan=] [start=] [end=] [aligntime=] <field> [AS <name>].

    A time is replaced by its span's start, a number by `low-high`. Spans of time begin at
    multiples from the epoch, days and longer ones at local midnight; `aligntime` (earliest,
    latest or a time) moves shorter ones. Without a span the data decides: times get the least of
    Splunk's spans that gives at most `bins` (100), numbers the least power of ten. A span of time
    over a field other than _time gives starts as well.

    Source: Search Reference, `bin`; Search Manual, "Search using time bins and spans".
    """

    stage: Stage
    field: str
    name: str
    span: TimeSpan | NumberSpan | None
    least: TimeSpan | NumberSpan | None
    bins: int
    extent: tuple[float | None, float | None]
    align: Token | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, the field and its new name, in any order."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        field = arguments.field()
        options.update(arguments.options(OPTIONS))
        name = arguments.field("a name") if arguments.accept_word("as") else field
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        bins = DEFAULT_BINS
        if "bins" in options:
            bins = arguments.integer(options["bins"], "bins", minimum=1)
        spans = {
            option: cls._span(options[option], stage, field) if option in options else None
            for option in ("span", "minspan")
        }
        extent = [
            arguments.number(options[option], option) if option in options else None
            for option in ("start", "end")
        ]
        return cls(
            stage,
            field,
            name,
            spans["span"],
            spans["minspan"],
            bins,
            (extent[0], extent[1]),
            options.get("aligntime"),
        )

    @staticmethod
    def _span(token: Token, stage: Stage, field: str) -> TimeSpan | NumberSpan:
        numbers = None if field == "_time" else parse_number_span(token, stage)
        return numbers or parse_time_span(token, stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Replace the field, or add the new one."""
        if rows is None:
            self.stage.fail(f"`{self.stage.name}` cannot begin a search")
        span = self.span
        if span is None:
            span = self._chosen(rows, context)
            if span is None:
                return rows if self.name == self.field else self._extended(rows)
        if isinstance(span, TimeSpan) and self.align is not None:
            span = self._aligned(span, self.align, rows, context)
        return Extend(rows, ((self.name, span.expression(self.field)),))

    def _extended(self, rows: Relation) -> Relation:
        return Extend(rows, ((self.name, Field(self.field)),))

    def _chosen(self, rows: Relation, context: Context) -> TimeSpan | NumberSpan | None:
        """The span that the data's extent asks for; None if there is no number to put in."""
        number = Call("tonumber", (Field(self.field),))
        ends = (Aggregation("low", "min", number), Aggregation("high", "max", number))
        (row,) = context.fetched(Aggregate(rows, (), ends)).rows
        low, high = row.get("low"), row.get("high")
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            return None
        least = 0.0 if self.least is None else _size(self.least)
        if self.field == "_time":
            return chosen_time_span(low, high, self.bins, least)
        start, end = self.extent
        low = low if start is None else min(low, start)
        top = high if end is None else max(high, _below(end))
        return chosen_number_span(low, top, self.bins, least)

    def _aligned(self, span: TimeSpan, token: Token, rows: Relation, context: Context) -> TimeSpan:
        """The span moved; days and longer ones are not, as the manual says."""
        if span.months or (span.local and span.seconds >= DAY):
            return span
        word = token.value.lower()
        if word in ("earliest", "latest"):
            earliest, latest = time_bounds(rows, context)
            moment = earliest if word == "earliest" else latest
            if moment is None:
                self.stage.unsupported(
                    f"aligntime={word} of a search without such a bound", token.span
                )
        else:
            try:
                moment = parse_time(token.value, context.now, context.timezone)
            except ValueError as error:
                self.stage.fail(str(error), token.span, "for example aligntime=@d+3h")
        return replace(span, local=False, offset=moment % span.seconds)


def _size(span: TimeSpan | NumberSpan) -> float:
    if isinstance(span, NumberSpan):
        return span.size
    return span.months * 30 * DAY if span.months else span.seconds


def _below(end: float) -> float:
    """A number just below an end that belongs to no bin any more."""
    return end - abs(end) * 1e-12

"""Spans that depend on the search: chosen by the extent of the data, or moved to a moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Field
from harness.plan.nodes import Aggregate, Aggregation
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
    from collections.abc import Mapping

    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

BIN_OPTIONS = ("span", "bins", "minspan", "start", "end", "aligntime")
DEFAULT_BINS = 100


@dataclass(frozen=True, slots=True)
class Bins:
    """How a field's values are put into spans; without `span` the data's extent decides."""

    span: TimeSpan | NumberSpan | None = None
    least: TimeSpan | NumberSpan | None = None
    bins: int = DEFAULT_BINS
    start: float | None = None
    end: float | None = None
    align: Token | None = None


def parse_bins(arguments: Arguments, options: Mapping[str, Token], field: str) -> Bins:
    """The options of spans among those that a command took for a field."""
    stage = arguments.stage
    found = Bins(align=options.get("aligntime"))
    if "bins" in options:
        found = replace(found, bins=arguments.integer(options["bins"], "bins", minimum=1))
    if "span" in options:
        found = replace(found, span=parse_span(options["span"], stage, field))
    if "minspan" in options:
        found = replace(found, least=parse_span(options["minspan"], stage, field))
    if "start" in options:
        found = replace(found, start=arguments.number(options["start"], "start"))
    if "end" in options:
        found = replace(found, end=arguments.number(options["end"], "end"))
    return found


def parse_span(token: Token, stage: Stage, field: str) -> TimeSpan | NumberSpan:
    """A span of numbers, or of time where the token spells one or the field is _time."""
    numbers = None if field == "_time" else parse_number_span(token, stage)
    return numbers or parse_time_span(token, stage)


def chosen_span(
    bins: Bins, field: str, rows: Relation, context: Context, stage: Stage
) -> TimeSpan | NumberSpan | None:
    """The span itself; None if the data has no number to put in."""
    span = bins.span or _by_extent(bins, field, rows, context)
    if isinstance(span, TimeSpan) and bins.align is not None:
        return aligned(span, bins.align, rows, context, stage)
    return span


def _by_extent(
    bins: Bins, field: str, rows: Relation, context: Context
) -> TimeSpan | NumberSpan | None:
    number = Call("tonumber", (Field(field),))
    ends = (Aggregation("low", "min", number), Aggregation("high", "max", number))
    (row,) = context.fetched(Aggregate(rows, (), ends)).rows
    low, high = row.get("low"), row.get("high")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    least = 0.0 if bins.least is None else _size(bins.least)
    if field == "_time":
        return chosen_time_span(low, high, bins.bins, least)
    low = low if bins.start is None else min(low, bins.start)
    top = high if bins.end is None else max(high, _below(bins.end))
    return chosen_number_span(low, top, bins.bins, least)


def aligned(
    span: TimeSpan, token: Token, rows: Relation, context: Context, stage: Stage
) -> TimeSpan:
    """The span moved; days and longer ones are not, as the manual says."""
    if span.months or (span.local and span.seconds >= DAY):
        return span
    word = token.value.lower()
    if word in ("earliest", "latest"):
        earliest, latest = time_bounds(rows, context)
        moment = earliest if word == "earliest" else latest
        if moment is None:
            stage.unsupported(f"aligntime={word} of a search without such a bound", token.span)
    else:
        try:
            moment = parse_time(token.value, context.now, context.timezone)
        except ValueError as error:
            stage.fail(str(error), token.span, "for example aligntime=@d+3h")
    return replace(span, local=False, offset=moment % span.seconds)


def _size(span: TimeSpan | NumberSpan) -> float:
    if isinstance(span, NumberSpan):
        return span.size
    return span.months * 30 * DAY if span.months else span.seconds


def _below(end: float) -> float:
    """A number just below an end that belongs to no bin any more."""
    return end - abs(end) * 1e-12

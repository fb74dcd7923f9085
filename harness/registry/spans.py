"""Spans of time and of numbers: `20m`, `1d@d`, `10`, `2log5`.

    span of time    = [ count ] unit [ "@" unit [ weekday ] ]
    span of numbers = number | [ coefficient ] "log" [ base ]

Source: Splunk Search Reference, `bin` and `timechart`, span options.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Const, Expr, Field
from harness.spl.time_modifiers import UNIT_OF

if TYPE_CHECKING:
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

SPAN = re.compile(r"(\d+)?([A-Za-z]+)(?:@([A-Za-z]+)(\d?))?")
LOGARITHMIC = re.compile(r"(\d+(?:\.\d*)?|\.\d+)?log(\d+(?:\.\d*)?|\.\d+)?", re.IGNORECASE)
DAY, WEEK = 86400.0, 604800.0
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": DAY, "week": WEEK}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
FRACTIONS = {"us": 1_000_000, "ms": 1_000, "cs": 100, "ds": 10}
EPOCH_WEEKDAY = 4
"""The day of the week of the epoch, a Thursday, when Sunday is 0."""
AUTOMATIC = (1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, DAY)
"""The spans of time that are chosen when none is given; beyond them there are months."""
SMALLEST_POWER, GREATEST_POWER = -9, 15


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A span in seconds, or of whole months if `months` is set.

    `local` ones (days and longer) begin at midnight of the search's zone; `offset` is how many
    seconds after the epoch, or after local midnight of its day, spans begin. Weeks that say no
    day begin on that of the epoch, a Thursday.
    """

    seconds: float
    local: bool = False
    months: int = 0
    offset: float = 0.0

    def expression(self, name: str) -> Expr:
        """The start of the span that a field's time lies in."""
        if self.months:
            return Call("bin_months", (Field(name), Const(float(self.months))))
        call = "bin_local_time" if self.local else "bin_time"
        return Call(call, (Field(name), Const(self.seconds), Const(self.offset)))


@dataclass(frozen=True, slots=True)
class NumberSpan:
    """A span of numbers of one size, or by a logarithm: `coefficient * base ** k`."""

    size: float
    base: float | None = None

    def expression(self, name: str) -> Expr:
        """The bin `low-high` of a field's number."""
        if self.base is None:
            return Call("bin_number", (Field(name), Const(self.size)))
        return Call("bin_logarithm", (Field(name), Const(self.size), Const(self.base)))


def parse_time_span(token: Token, stage: Stage) -> TimeSpan:
    """The span of time that a token spells."""
    if token.value.isdigit():
        return TimeSpan(float(_count(token.value, token, stage)))
    matched = SPAN.fullmatch(token.value)
    if matched is None:
        stage.fail(f"`{token.value}` is no span of time", token.span, "for example span=20m")
    count, word, snap = _count(matched[1] or "1", token, stage), matched[2], matched[3]
    if word.lower() in FRACTIONS and snap is None:
        if FRACTIONS[word.lower()] % count:
            stage.fail("a span below a second divides it evenly", token.span, "span=100ms")
        return TimeSpan(count / FRACTIONS[word.lower()])
    unit = UNIT_OF.get(word.lower())
    if unit is None:
        stage.fail(f"`{word}` is no unit of time", token.span, "units: s, m, h, d, w, mon, q, y")
    months = TimeSpan(0.0, local=True, months=count * MONTHS.get(unit, 0))
    span = (
        months if unit in MONTHS else TimeSpan(count * SECONDS[unit], local=unit in ("day", "week"))
    )
    if snap is not None:
        return _snapped(token, stage, replace(span, local=False), unit)
    return span


def _count(text: str, token: Token, stage: Stage) -> int:
    if int(text) == 0:
        stage.fail("a span is longer than nothing", token.span)
    return int(text)


def _snapped(token: Token, stage: Stage, span: TimeSpan, unit: str) -> TimeSpan:
    """A span that begins where its snap says: `1d@d`, `1w@w1`, `12h@d`."""
    word, weekday = token.value.partition("@")[2], ""
    if word[-1:].isdigit():
        word, weekday = word[:-1], word[-1]
    snap = UNIT_OF.get(word.lower())
    if snap is None or (weekday and (snap != "week" or int(weekday) > 7)):
        stage.fail(f"`@{word}{weekday}` is no unit of time", token.span, "for example 1w@w1")
    if span.months and snap == unit:
        return span
    if snap == "week" and span.seconds and span.seconds % WEEK == 0:
        offset = (int(weekday or 0) % 7 - EPOCH_WEEKDAY) % 7 * DAY
        return replace(span, local=True, offset=offset)
    if snap == "day" and span.seconds and (span.seconds % DAY == 0 or DAY % span.seconds == 0):
        return replace(span, local=True)
    if snap != unit or unit not in ("second", "minute", "hour"):
        stage.unsupported(f"the span `{token.value}`", token.span)
    return span


def parse_number_span(token: Token, stage: Stage) -> NumberSpan | None:
    """The span of numbers that a token spells, or None if it spells none."""
    if (found := LOGARITHMIC.fullmatch(token.value)) is not None:
        coefficient, base = float(found[1] or 1), float(found[2] or 10)
        if base <= 1:
            stage.fail("the base of a span is greater than 1", token.span, "for example 2log5")
        if not 1 <= coefficient < base:
            stage.fail("the coefficient of a span is at least 1 and less than its base", token.span)
        return NumberSpan(coefficient, base)
    try:
        size = float(token.value)
    except ValueError:
        return None
    if not math.isfinite(size) or size <= 0:
        stage.fail("a span is greater than 0", token.span)
    return NumberSpan(size)


def chosen_number_span(low: float, high: float, bins: int, least: float = 0.0) -> NumberSpan:
    """The least power of ten that puts numbers from low to high into at most `bins` bins."""
    for power in range(SMALLEST_POWER, GREATEST_POWER):
        size = 10.0**power
        if size >= least and math.floor(high / size) - math.floor(low / size) < bins:
            return NumberSpan(size)
    return NumberSpan(10.0**GREATEST_POWER)


def chosen_time_span(low: float, high: float, bins: int, least: float = 0.0) -> TimeSpan:
    """The least of the automatic spans that puts times into at most `bins` bins."""
    for seconds in AUTOMATIC:
        if seconds >= least and high // seconds - low // seconds < bins:
            return TimeSpan(seconds, local=seconds == DAY)
    return TimeSpan(0.0, local=True, months=1)

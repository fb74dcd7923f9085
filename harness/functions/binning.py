"""Values put into bins, as bin, tstats and timechart need them.

Source: Splunk Search Reference, `bin`: spans of time begin at multiples from the epoch, days at
local midnight; a bin of numbers is named by its bounds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


QUOTIENT_DECIMALS = 5
"""Quotients are rounded to so many decimals first, or 0.3 would not be three times 0.1."""
BOUND_DECIMALS = 9


def _floor(d: Dialect, value: Sql, size: Typed, offset: Typed | None = None) -> Sql:
    """The greatest multiple of a size, counted from an offset, that is at most the value."""
    length, start = _constant(size), 0.0 if offset is None else _constant(offset)
    if start:
        value = d.function("subtract", value, d.literal(start))
    if length.is_integer():
        whole = d.function("floor", d.function("divide", value, size.sql))
        low = d.function("multiply", whole, size.sql)
    else:
        quotient = d.function("divide", value, size.sql)
        whole = d.function("floor", d.round(quotient, QUOTIENT_DECIMALS))
        low = d.round(d.function("multiply", whole, size.sql), _decimals(length))
    return d.function("add", low, d.literal(start)) if start else low


def _decimals(size: float) -> int:
    """So many decimals that multiples of a size are exact and what a double adds is cut off."""
    return max(0, -math.floor(math.log10(size))) + 2


def _constant(value: Typed) -> float:
    if not isinstance(value.constant, float):
        raise TypeError(value)
    return value.constant


@eval_function("bin_time", literal=(1, 2))
def bin_time(d: Dialect, value: Typed, seconds: Typed, offset: Typed | None = None) -> Typed:
    """The start of the span since the epoch that a time lies in."""
    return Typed(_floor(d, as_number(d, value).sql, seconds, offset), Kind.NUMBER)


@eval_function("bin_local_time", literal=(1, 2))
def bin_local_time(d: Dialect, value: Typed, seconds: Typed, offset: Typed | None = None) -> Typed:
    """The start of the span that a time lies in, spans beginning at local midnight."""
    if d.timezone == "UTC":
        return bin_time(d, value, seconds, offset)
    zone = d.literal(d.timezone)
    local = d.function("in_zone", zone, d.function("instant", as_number(d, value).sql))
    start = _floor(d, d.function("epoch_of", local), seconds, offset)
    back = d.function("in_zone", zone, d.function("utc_timestamp", start))
    return Typed(d.function("double", d.function("epoch_of", back)), Kind.NUMBER)


@eval_function("bin_months", literal=(1,))
def bin_months(d: Dialect, value: Typed, months: Typed) -> Typed:
    """The start of the span of months, counted from January 1970, that a time lies in."""
    moment, zone = as_number(d, value).sql, d.literal(d.timezone)
    found = d.function("spl_bin_months", moment, d.position(int(_constant(months))), zone)
    return Typed(found, Kind.NUMBER)


@eval_function("bin_number", literal=(1,))
def bin_number(d: Dialect, value: Typed, size: Typed) -> Typed:
    """The bin `low-high` of a number; what is no number stays as it is."""
    low = _floor(d, as_number(d, value).sql, size)
    high = d.function("add", low, size.sql)
    if not _constant(size).is_integer():
        high = d.round(high, _decimals(_constant(size)))
    return _named(d, value, low, high)


@eval_function("bin_logarithm", literal=(1, 2))
def bin_logarithm(d: Dialect, value: Typed, coefficient: Typed, base: Typed) -> Typed:
    """The bin between two of `coefficient * base ** k`; what is not above 0 stays as it is."""
    number, log = as_number(d, value).sql, d.literal(math.log(_constant(base)))
    positive = d.case([(d.function("greater", number, d.literal(0.0)), number)])
    shifted = d.function("ln", d.function("divide", positive, coefficient.sql))
    power = d.function("floor", d.round(d.function("divide", shifted, log), BOUND_DECIMALS))

    def bound(exponent: Sql) -> Sql:
        raised = d.function("pow", base.sql, exponent)
        return d.round(d.function("multiply", coefficient.sql, raised), BOUND_DECIMALS)

    return _named(d, value, bound(power), bound(d.function("add", power, d.literal(1.0))))


def _named(d: Dialect, value: Typed, low: Sql, high: Sql) -> Typed:
    named = d.function(
        "concat", d.function("number_text", low), d.literal("-"), d.function("number_text", high)
    )
    return Typed(d.function("coalesce", named, as_text(d, value).sql), Kind.ANY)

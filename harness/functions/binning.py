"""Values put into bins, as bin, tstats and timechart need them.

Source: Splunk Search Reference, `bin`: spans of time begin at multiples from the epoch, days at
local midnight; a bin of numbers is named by its bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


def _floor(d: Dialect, value: Sql, size: Sql) -> Sql:
    whole = d.function("floor", d.function("divide", value, size))
    return d.function("multiply", whole, size)


@eval_function("bin_time", literal=(1,))
def bin_time(d: Dialect, value: Typed, seconds: Typed) -> Typed:
    """The start of the span since the epoch that a time lies in."""
    return Typed(_floor(d, as_number(d, value).sql, seconds.sql), Kind.NUMBER)


@eval_function("bin_local_time", literal=(1,))
def bin_local_time(d: Dialect, value: Typed, seconds: Typed) -> Typed:
    """The start of the span that a time lies in, spans beginning at local midnight."""
    if d.timezone == "UTC":
        return bin_time(d, value, seconds)
    zone = d.literal(d.timezone)
    local = d.function("in_zone", zone, d.function("instant", as_number(d, value).sql))
    start = _floor(d, d.function("epoch_of", local), seconds.sql)
    back = d.function("in_zone", zone, d.function("utc_timestamp", start))
    return Typed(d.function("double", d.function("epoch_of", back)), Kind.NUMBER)


@eval_function("bin_number", literal=(1,))
def bin_number(d: Dialect, value: Typed, size: Typed) -> Typed:
    """The bin `low-high` of a number; what is no number stays as it is."""
    low = _floor(d, as_number(d, value).sql, size.sql)
    high = d.function("add", low, size.sql)
    named = d.function(
        "concat", d.function("number_text", low), d.literal("-"), d.function("number_text", high)
    )
    return Typed(d.function("coalesce", named, as_text(d, value).sql), Kind.ANY)

"""Splunk's default fields, worked out of the raw text; they have no name in SPL.

Source: Splunk Knowledge Manager Manual, "Use default fields".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect


@eval_function()
def linecount(d: Dialect, raw: Typed) -> Typed:
    """How many lines an event has."""
    return Typed(d.function("spl_line_count", as_text(d, raw).sql), Kind.NUMBER)


@eval_function()
def punct(d: Dialect, raw: Typed) -> Typed:
    """The first 30 characters of the first line that are no letters and no digits.

    A space is written `_`, a tab `t`.
    """
    return Typed(d.function("spl_punct", as_text(d, raw).sql), Kind.TEXT)


@eval_function("time_parts", literal=(2, 3, 4, 5))
def time_parts(
    d: Dialect, raw: Typed, time: Typed, prefix: Typed, form: Typed, lookahead: Typed, zone: Typed
) -> Typed:
    """Where an event's time stands and what it says, as `harness.fields.defaults` lists them."""
    told = [d.literal(str(one.constant)) for one in (prefix, form, lookahead)]
    at = d.literal(str(zone.constant) or d.timezone)
    found = d.function("spl_time_parts", as_text(d, raw).sql, as_number(d, time).sql, *told, at)
    return Typed(found, Kind.ANY, multi=True)

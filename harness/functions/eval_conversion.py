"""Conversion functions. Source: Splunk Search Reference, "Conversion functions"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.functions.eval_condition import BadArgument
from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect


@eval_function(literal=(1,))
def tonumber(d: Dialect, value: Typed, base: Typed | None = None) -> Typed:
    """tonumber(<text>, <base>): the number that a text spells, bases 2 to 36; else NULL."""
    if base is None or base.constant == 10:
        return as_number(d, value)
    number = base.constant
    if not isinstance(number, float | int) or not 2 <= number <= 36:
        raise BadArgument("`tonumber` takes a base from 2 to 36")
    spelled = as_text(d, value).sql
    return Typed(d.function("spl_from_base", spelled, d.position(int(number))), Kind.NUMBER)


@eval_function(literal=(1,))
def tostring(d: Dialect, value: Typed, form: Typed | None = None) -> Typed:
    """tostring(<value>, "hex"|"commas"|"duration"): the value as text."""
    if form is None:
        return as_text(d, value)
    number = as_number(d, value).sql
    if form.constant not in ("hex", "commas", "duration"):
        raise Unsupported(f'`tostring` with the format "{form.constant}"')
    return Typed(d.function(f"spl_{form.constant}", number), Kind.TEXT)


@eval_function("typeof")
def typeof(d: Dialect, value: Typed) -> Typed:
    """typeof(<value>): Number, String, Boolean or Invalid (absent)."""
    if value.absent:
        return Typed(d.literal("Invalid"), Kind.TEXT)
    if value.kind is Kind.BOOLEAN:
        return Typed(d.literal("Boolean"), Kind.TEXT)
    absent = (d.function("is_null", value.sql), d.literal("Invalid"))
    if value.kind is Kind.NUMBER or value.multi or value.kind is Kind.TEXT:
        name = "Number" if value.kind is Kind.NUMBER else "Multivalue" if value.multi else "String"
        return Typed(d.case([absent], d.literal(name)), Kind.TEXT)
    numeric = d.function("is_not_null", as_number(d, value).sql)
    return Typed(d.case([absent, (numeric, d.literal("Number"))], d.literal("String")), Kind.TEXT)

"""Informational functions. Source: Splunk Search Reference, "Informational functions".

A literal in double quotes is a string whatever it spells; any other text is a number when it
spells one (decision 0003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.functions.operators import condition
from harness.plan.types import Kind, Typed, as_number
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


def is_number(d: Dialect, value: Typed) -> Sql:
    """Whether a value is a number: never unknown, an absent one is none."""
    literal = isinstance(value.constant, str)
    if value.absent or literal or value.kind is Kind.BOOLEAN:
        return d.literal(value=False)
    return d.function("is_not_null", as_number(d, value).sql)


@eval_function()
def isnum(d: Dialect, value: Typed) -> Typed:
    """isnum(<value>): the value is a number."""
    return condition(is_number(d, value))


@eval_function()
def isint(d: Dialect, value: Typed) -> Typed:
    """isint(<value>): the value is a whole number."""
    number = as_number(d, value).sql
    whole = d.function("equals", number, d.function("floor", number))
    known = d.function("coalesce", whole, d.literal(value=False))
    return condition(d.function("and", is_number(d, value), known))


@eval_function()
def isdouble(d: Dialect, value: Typed) -> Typed:
    """isdouble(<value>): the value is a number that is not whole."""
    number = as_number(d, value).sql
    fraction = d.function("differs", number, d.function("floor", number))
    known = d.function("coalesce", fraction, d.literal(value=False))
    return condition(d.function("and", is_number(d, value), known))


@eval_function()
def ismv(d: Dialect, value: Typed) -> Typed:
    """ismv(<value>): the field has several values."""
    if not value.multi:
        return condition(d.literal(value=False))
    several = d.function("greater", d.function("list_length", value.sql), d.literal(1.0))
    return condition(d.function("coalesce", several, d.literal(value=False)))


@eval_function()
def isstr(d: Dialect, value: Typed) -> Typed:
    """isstr(<value>): the value is there and is no number."""
    if value.absent or value.kind is Kind.BOOLEAN:
        return condition(d.literal(value=False))
    present = d.function("is_not_null", value.sql)
    return condition(d.function("and", present, d.function("not", is_number(d, value))))


@eval_function()
def isbool(d: Dialect, value: Typed) -> Typed:
    """isbool(<value>): the value is the result of a condition; a field's never is."""
    return condition(d.literal(value=value.kind is Kind.BOOLEAN))


@eval_function()
def typeof(d: Dialect, value: Typed) -> Typed:
    """typeof(<value>): Number, String, Boolean or Invalid (absent)."""
    if value.absent:
        return Typed(d.literal("Invalid"), Kind.TEXT)
    if value.kind is Kind.BOOLEAN:
        return Typed(d.literal("Boolean"), Kind.TEXT)
    absent = (d.function("is_null", value.sql), d.literal("Invalid"))
    kinds = [absent]
    if value.multi:
        several = d.function("greater", d.function("list_length", value.sql), d.position(1))
        kinds.append((several, d.literal("Multivalue")))
    kinds.append((is_number(d, value), d.literal("Number")))
    return Typed(d.case(kinds, d.literal("String")), Kind.TEXT)

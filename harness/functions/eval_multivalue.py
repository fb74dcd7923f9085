"""Multivalue functions. Source: Splunk Search Reference, "Multivalue eval functions"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.functions.patterns import pattern_matches
from harness.plan.types import Kind, Typed, as_number, as_text, as_values
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


def several(sql: Sql) -> Typed:
    """A multivalue value."""
    return Typed(sql, Kind.ANY, multi=True)


@eval_function()
def mvcount(d: Dialect, value: Typed) -> Typed:
    """mvcount(<field>): the number of values, NULL when there is none."""
    return Typed(d.function("list_length", as_values(d, value).sql), Kind.NUMBER)


@eval_function()
def mvindex(d: Dialect, value: Typed, start: Typed, end: Typed | None = None) -> Typed:
    """mvindex(<field>, <start>, <end>): values by position from 0, or from the end from -1."""
    values = as_values(d, value).sql
    first = _position(d, start)
    if end is None:
        return Typed(d.function("list_extract", values, first), Kind.ANY)
    sliced = d.function("list_slice", values, first, _position(d, end))
    return several(d.function("not_empty", sliced))


def _position(d: Dialect, value: Typed) -> Sql:
    """Splunk counts from 0 and from the end from -1; lists count from 1 and from -1."""
    if isinstance(value.constant, int | float):
        number = int(value.constant)
        return d.position(number + 1 if number >= 0 else number)
    number = d.function("integer", as_number(d, value).sql)
    upward = d.function("at_least", number, d.position(0))
    return d.case([(upward, d.function("add", number, d.position(1)))], number)


@eval_function()
def mvjoin(d: Dialect, value: Typed, delimiter: Typed) -> Typed:
    """mvjoin(<field>, <delimiter>): the values as one text."""
    values, between = as_values(d, value).sql, as_text(d, delimiter).sql
    name = "array_to_string" if delimiter.constant is not None else "spl_join"
    return Typed(d.function(name, values, between), Kind.TEXT)


@eval_function()
def mvappend(d: Dialect, first: Typed, *others: Typed) -> Typed:
    """mvappend(<value>, …): all values in one field, absent ones left out."""
    joined = as_values(d, first).sql
    for other in others:
        joined = d.function("list_concat", joined, as_values(d, other).sql)
    if sum(one.constant is None for one in (first, *others)) > 1:
        # A field that is appended to itself, again and again, would take all memory.
        joined = d.function("not_too_long", joined)
    return several(d.function("not_empty", joined))


@eval_function()
def mvdedup(d: Dialect, value: Typed) -> Typed:
    """mvdedup(<field>): each value once, where it first stood."""
    return several(d.function("spl_unique", as_values(d, value).sql))


@eval_function()
def mvreverse(d: Dialect, value: Typed) -> Typed:
    """mvreverse(<field>): the values from the last to the first."""
    return several(d.function("list_reverse", as_values(d, value).sql))


@eval_function()
def commands(d: Dialect, value: Typed) -> Typed:
    """commands(<search>): the commands that a search is made of, in order."""
    return several(d.function("spl_commands", as_text(d, value).sql))


@eval_function()
def mvsort(d: Dialect, value: Typed) -> Typed:
    """mvsort(<field>): the values in lexicographic order."""
    return several(d.function("list_sort", as_values(d, value).sql))


@eval_function()
def mvfind(d: Dialect, value: Typed, pattern: Typed) -> Typed:
    """mvfind(<field>, <regex>): the position, from 0, of the first value that matches.

    The pattern may be a field or an expression; one that does not compile is an error.
    """
    flags = d.each(as_values(d, value).sql, lambda v: pattern_matches(d, v, pattern))
    where = d.function("list_position", flags, d.literal(value=True))
    found = d.function("nullif", where, d.position(0))
    return Typed(d.function("double", d.function("subtract", found, d.position(1))), Kind.NUMBER)


@eval_function()
def mvzip(d: Dialect, left: Typed, right: Typed, delimiter: Typed | None = None) -> Typed:
    """mvzip(<field>, <field>, <delimiter>): values joined in pairs, as far as both reach."""
    between = d.literal(",") if delimiter is None else as_text(d, delimiter).sql
    pair = as_values(d, left).sql, as_values(d, right).sql
    return several(d.function("spl_zip", *pair, between))


@eval_function()
def mvrange(d: Dialect, start: Typed, end: Typed, step: Typed | None = None) -> Typed:
    """mvrange(<start>, <end>, <step>): numbers up to, not including, the end.

    A step such as "7d" is a span of time, between epoch seconds.
    """
    span = d.literal("1") if step is None else as_text(d, step).sql
    bounds = as_number(d, start).sql, as_number(d, end).sql
    return several(d.function("spl_range", *bounds, span, d.literal(d.timezone)))

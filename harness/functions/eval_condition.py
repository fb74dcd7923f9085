"""Conditional functions.

Source: Splunk Search Reference, "Comparison and Conditional functions".
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from harness.functions.operators import any_of, compared, condition, truth
from harness.functions.patterns import pattern_matches
from harness.plan.types import Kind, Typed, as_text, null, unify
from harness.registry import eval_function
from harness.registry.functions import BadArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan.types import Dialect
    from harness.registry.functions import Constant


@eval_function("if")
def if_(d: Dialect, test: Typed, then: Typed, otherwise: Typed) -> Typed:
    """if(<condition>, <value>, <value>): the first value when the condition is true."""
    first, second = unify(d, [then, otherwise])
    return Typed(d.case([(truth(d, test), first.sql)], second.sql), first.kind, first.multi)


@eval_function("case")
def case(d: Dialect, *arguments: Typed) -> Typed:
    """case(<condition>, <value>, …): the value of the first true condition, else NULL."""
    values = unify(d, arguments[1::2])
    branches = [
        (truth(d, test), value.sql) for test, value in zip(arguments[::2], values, strict=True)
    ]
    return Typed(d.case(branches), values[0].kind, values[0].multi)


@eval_function("validate")
def validate(d: Dialect, *arguments: Typed) -> Typed:
    """validate(<condition>, <value>, …): the value of the first condition that is false."""
    values = unify(d, arguments[1::2])
    branches = [
        (d.function("not", truth(d, test)), value.sql)
        for test, value in zip(arguments[::2], values, strict=True)
    ]
    return Typed(d.case(branches), values[0].kind, values[0].multi)


@eval_function("coalesce")
def coalesce(d: Dialect, first: Typed, *others: Typed) -> Typed:
    """coalesce(<value>, …): the first value that is not NULL."""
    values = [value for value in unify(d, [first, *others]) if not value.absent]
    if not values:
        return null(d)
    if len(values) == 1:
        return values[0]
    joined = d.function("coalesce", *(value.sql for value in values))
    return Typed(joined, values[0].kind, values[0].multi)


@eval_function("nullif")
def nullif(d: Dialect, left: Typed, right: Typed) -> Typed:
    """nullif(<field>, <value>): NULL when both are equal, else the field."""
    if left.absent or right.absent:
        return left
    same = compared(d, "=", left, right).sql
    empty = Typed(d.function("null_text"), Kind.ANY, absent=True)
    missing, kept = unify(d, [empty, left])
    return Typed(d.case([(same, missing.sql)], kept.sql), kept.kind, kept.multi)


@eval_function("isnull")
def isnull(d: Dialect, value: Typed) -> Typed:
    """isnull(<value>): the field is absent."""
    return condition(d.literal(value=True) if value.absent else d.function("is_null", value.sql))


@eval_function("isnotnull")
def isnotnull(d: Dialect, value: Typed) -> Typed:
    """isnotnull(<value>): the field is there, be it empty."""
    if value.absent:
        return condition(d.literal(value=False))
    return condition(d.function("is_not_null", value.sql))


@eval_function("true")
def true(d: Dialect) -> Typed:
    """true(): true, as the last condition of a case."""
    return condition(d.literal(value=True))


@eval_function("false")
def false(d: Dialect) -> Typed:
    """false(): false."""
    return condition(d.literal(value=False))


@eval_function("match")
def match(d: Dialect, value: Typed, pattern: Typed) -> Typed:
    """match(<text>, <regex>): the pattern occurs in the text; any value of several may match.

    The pattern may be a field or an expression; one that does not compile is an error.
    """
    if value.absent or pattern.absent:
        return condition(d.function("null_boolean"))
    if value.multi:
        return any_of(d, value, lambda v: pattern_matches(d, v, pattern))
    return condition(pattern_matches(d, as_text(d, value).sql, pattern))


def _check_network(written: Sequence[Constant]) -> None:
    if written[0] is None:
        return
    try:
        ipaddress.ip_network(str(written[0]), strict=False)
    except ValueError as error:
        raise BadArgument(f"`{written[0]}` is no network: {error}") from error


@eval_function("cidrmatch", check=_check_network)
def cidrmatch(d: Dialect, network: Typed, value: Typed) -> Typed:
    """cidrmatch(<network>, <ip>): the address lies in the network, IPv4 or IPv6.

    Any address of several may; what is no network or no address does not match.
    """
    wanted = as_text(d, network).sql
    if value.multi:
        return any_of(d, value, lambda v: d.function("spl_cidr_match", wanted, v))
    return condition(d.function("spl_cidr_match", wanted, as_text(d, value).sql))

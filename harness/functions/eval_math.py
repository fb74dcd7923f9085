"""Mathematical functions. Source: Splunk Search Reference, "Mathematical functions"."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


def number(sql: Sql) -> Typed:
    """A number."""
    return Typed(sql, Kind.NUMBER)


@eval_function("abs")
def absolute(d: Dialect, value: Typed) -> Typed:
    """abs(<number>): without its sign."""
    return number(d.function("abs", as_number(d, value).sql))


@eval_function("ceil", "ceiling")
def ceiling(d: Dialect, value: Typed) -> Typed:
    """ceiling(<number>): the next whole number at or above."""
    return number(d.function("ceil", as_number(d, value).sql))


@eval_function()
def floor(d: Dialect, value: Typed) -> Typed:
    """floor(<number>): the next whole number at or below."""
    return number(d.function("floor", as_number(d, value).sql))


@eval_function("round", literal=(1,))
def rounded(d: Dialect, value: Typed, digits: Typed | None = None) -> Typed:
    """round(<number>, <decimals>): rounded, by default to a whole number."""
    count = int(float(digits.constant)) if digits and digits.constant is not None else 0
    return number(d.function("round", as_number(d, value).sql, d.position(count)))


@eval_function()
def sqrt(d: Dialect, value: Typed) -> Typed:
    """sqrt(<number>): the square root; NULL below zero."""
    root = as_number(d, value).sql
    negative = d.function("less", root, d.literal(0.0))
    return number(d.case([(negative, d.function("null_number"))], d.function("sqrt", root)))


@eval_function("pow")
def power(d: Dialect, value: Typed, exponent: Typed) -> Typed:
    """pow(<number>, <exponent>): the power."""
    return number(d.function("pow", as_number(d, value).sql, as_number(d, exponent).sql))


@eval_function("pi")
def pi(d: Dialect) -> Typed:
    """pi(): 3.141592653589793."""
    return number(d.literal(math.pi))


def _extreme(name: str, numeric: str, meaning: str) -> None:
    def extreme(d: Dialect, first: Typed, *others: Typed) -> Typed:
        values = [first, *others]
        if all(value.kind is Kind.NUMBER and not value.multi for value in values):
            return number(d.function(numeric, *(value.sql for value in values)))
        texts = [as_text(d, value).sql for value in values]
        return Typed(d.function(f"spl_{name}", d.function("make_list", *texts)), Kind.ANY)

    extreme.__doc__ = f"{name}(<value>, …): the {meaning}; numbers are less than text."
    eval_function(name)(extreme)


_extreme("max", "greatest", "greatest value")
_extreme("min", "least", "least value")

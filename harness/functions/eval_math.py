"""Mathematical functions.

Source: Splunk Search Reference, "Mathematical functions", "Statistical eval functions" and
"Trig and hyperbolic functions"; `eval`, "Usage": what has no value is `nan`, beyond the greatest
number it is `inf`, and a division by zero is NULL.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.functions.eval_condition import BadArgument
from harness.plan.types import Kind, Typed, as_number, as_values
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


def number(sql: Sql) -> Typed:
    """A number."""
    return Typed(sql, Kind.NUMBER)


def _within(d: Dialect, value: Sql, low: float, high: float, result: Sql) -> Sql:
    """A result for numbers from `low` to `high`, `nan` for others, NULL for none."""
    inside = d.function(
        "and",
        d.function("at_least", value, d.literal(low)),
        d.function("at_most", value, d.literal(high)),
    )
    present = d.function("is_not_null", value)
    return d.case([(inside, result), (present, d.literal(math.nan))])


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
    """round(<number>, <decimals>): as it is written, halves away from zero; default 0 decimals."""
    count = 0
    if digits is not None and digits.constant is not None:
        if isinstance(digits.constant, str) and not digits.constant.strip().lstrip("-").isdigit():
            raise BadArgument(f"`round` takes a number of decimals, not `{digits.constant}`")
        count = int(float(digits.constant))
    return number(d.round(as_number(d, value).sql, count))


@eval_function()
def exact(d: Dialect, value: Typed) -> Typed:
    """exact(<number>): the number with all of its digits, which here no number loses."""
    return as_number(d, value)


@eval_function()
def sqrt(d: Dialect, value: Typed) -> Typed:
    """sqrt(<number>): the square root; `nan` below zero."""
    root = as_number(d, value).sql
    return number(_within(d, root, 0.0, math.inf, d.function("sqrt", root)))


@eval_function("pow")
def power(d: Dialect, value: Typed, exponent: Typed) -> Typed:
    """pow(<number>, <exponent>): the power."""
    return number(d.function("pow", as_number(d, value).sql, as_number(d, exponent).sql))


@eval_function()
def exp(d: Dialect, value: Typed) -> Typed:
    """exp(<number>): e to the power of the number."""
    return number(d.function("exp", as_number(d, value).sql))


def _logarithm(d: Dialect, name: str, value: Sql) -> Sql:
    zero = d.function("equals", value, d.literal(0.0))
    positive = _within(d, value, 0.0, math.inf, d.function(name, value))
    return d.case([(zero, d.literal(-math.inf))], positive)


@eval_function()
def ln(d: Dialect, value: Typed) -> Typed:
    """ln(<number>): the natural logarithm; `-inf` of zero, `nan` below."""
    return number(_logarithm(d, "ln", as_number(d, value).sql))


@eval_function()
def log(d: Dialect, value: Typed, base: Typed | None = None) -> Typed:
    """log(<number>, <base>): the logarithm, by default to the base 10."""
    given = as_number(d, value).sql
    if base is None or base.constant == 10:
        return number(_logarithm(d, "log10", given))
    if base.constant == 2:
        return number(_logarithm(d, "log2", given))
    root = _logarithm(d, "ln", as_number(d, base).sql)
    below = d.function("nullif", root, d.literal(0.0))
    return number(d.function("divide", _logarithm(d, "ln", given), below))


@eval_function("pi")
def pi(d: Dialect) -> Typed:
    """pi(): 3.141592653589793."""
    return number(d.literal(math.pi))


@eval_function()
def hypot(d: Dialect, first: Typed, second: Typed) -> Typed:
    """hypot(<number>, <number>): the longest side of a right triangle with these sides."""
    one, two = as_number(d, first).sql, as_number(d, second).sql
    squares = [d.function("multiply", side, side) for side in (one, two)]
    return number(d.function("sqrt", d.function("add", *squares)))


@eval_function()
def atan2(d: Dialect, y: Typed, x: Typed) -> Typed:
    """atan2(<y>, <x>): the angle of a point, in radians."""
    return number(d.function("atan2", as_number(d, y).sql, as_number(d, x).sql))


def _trigonometric(name: str, low: float = -math.inf, high: float = math.inf) -> None:
    def function(d: Dialect, value: Typed) -> Typed:
        given = as_number(d, value).sql
        return number(_within(d, given, low, high, d.function(name, given)))

    function.__doc__ = f"{name}(<number>): angles are in radians; `nan` outside of its range."
    eval_function(name)(function)


LARGEST = float.fromhex("0x1.fffffffffffffp+1023")
for _name in ("sin", "cos", "tan"):
    _trigonometric(_name, -LARGEST, LARGEST)
for _name in ("atan", "sinh", "cosh", "tanh", "asinh"):
    _trigonometric(_name)
for _name in ("asin", "acos", "atanh"):
    _trigonometric(_name, -1.0, 1.0)
_trigonometric("acosh", 1.0)


def _extreme(name: str, numeric: str, meaning: str) -> None:
    def extreme(d: Dialect, first: Typed, *others: Typed) -> Typed:
        values = [first, *others]
        if all(value.kind is Kind.NUMBER and not value.multi for value in values):
            return number(d.function(numeric, *(value.sql for value in values)))
        every = as_values(d, first).sql
        for other in others:
            every = d.function("list_concat", every, as_values(d, other).sql)
        return Typed(d.function(f"spl_{name}", every), Kind.ANY)

    extreme.__doc__ = f"{name}(<value>, …): the {meaning} of all values; numbers are below text."
    eval_function(name)(extreme)


_extreme("max", "greatest", "greatest")
_extreme("min", "least", "least")

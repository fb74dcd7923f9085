"""Mathematical functions.

Source: Splunk Search Reference, "Mathematical functions", "Statistical eval functions" and
"Trig and hyperbolic functions"; `eval`, "Usage": what has no value is `nan`, beyond the greatest
number it is `inf`, and a division by zero is NULL.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text, as_values
from harness.registry import eval_function
from harness.registry.functions import BadArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.plan.types import Dialect, Sql
    from harness.registry.functions import Constant


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


def _check_decimals(written: Sequence[Constant]) -> None:
    decimals = written[1] if len(written) > 1 else None
    if isinstance(decimals, str) and not decimals.strip().isdigit():
        raise BadArgument(f"`round` takes a number of decimals, not `{decimals}`", position=1)
    if isinstance(decimals, float) and decimals < 0:
        raise BadArgument("`round` takes a number of decimals from 0", position=1)


@eval_function("round", check=_check_decimals)
def rounded(d: Dialect, value: Typed, digits: Typed | None = None) -> Typed:
    """round(<number>, <decimals>): as it is written, halves away from zero; default 0 decimals.

    A number of decimals out of a field that is below 0 or none gives NULL.
    """
    given = as_number(d, value).sql
    if digits is None or digits.constant is not None:
        count = int(float(digits.constant)) if digits and digits.constant is not None else 0
        return number(d.round(given, count))
    decimals = as_number(d, digits).sql
    known = d.function("at_least", decimals, d.literal(0.0))
    return number(d.case([(known, d.function("spl_significant", given, decimals))]))


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


def _check_numbers(name: str) -> Callable[[Sequence[Constant]], None]:
    def check(written: Sequence[Constant]) -> None:
        for position, one in enumerate(written):
            if isinstance(one, str):
                raise BadArgument(
                    f"`{name}` of a text, {one!r}",
                    position=position,
                    hints=("write the number without quotes, or tonumber(…)",),
                )

    return check


def _all_numbers(d: Dialect, first: Typed, *others: Typed) -> Sql:
    """The numbers among the values of the arguments, as one list."""
    every = as_values(d, first).sql
    for other in others:
        every = d.function("list_concat", every, as_values(d, other).sql)
    read = d.each(every, lambda v: as_number(d, Typed(v, Kind.ANY)).sql)
    return d.where(read, lambda v: d.function("is_not_null", v))


def _total(name: str, aggregate: str, meaning: str) -> None:
    def total(d: Dialect, first: Typed, *others: Typed) -> Typed:
        numbers = _all_numbers(d, first, *others)
        return number(d.function("list_aggregate", numbers, d.literal(aggregate)))

    total.__doc__ = f"{name}(<value>, …): the {meaning} of the numbers among all values."
    eval_function(name, check=_check_numbers(name))(total)


_total("sum", "sum", "sum")
_total("avg", "avg", "average")


def _bits(name: str, operation: str) -> None:
    def bits(d: Dialect, first: Typed, second: Typed, *others: Typed) -> Typed:
        values = [as_number(d, value).sql for value in (first, second, *others)]
        given = d.function("numbers", *values)
        return number(d.function("spl_bitwise", d.literal(operation), given))

    bits.__doc__ = f"{name}(<number>, …): whole numbers from 0 to 2^53 - 1 joined bit by bit."
    eval_function(name)(bits)


for _operation in ("and", "or", "xor"):
    _bits(f"bit_{_operation}", _operation)


@eval_function()
def bit_not(d: Dialect, value: Typed, mask: Typed | None = None) -> Typed:
    """bit_not(<number>, <mask>): the other bits of 53, or of those of the mask."""
    every = d.literal(float(2**53 - 1))
    flipped = d.function("spl_bitwise", d.literal("xor"), _two(d, as_number(d, value).sql, every))
    kept = every if mask is None else as_number(d, mask).sql
    return number(d.function("spl_bitwise", d.literal("and"), _two(d, flipped, kept)))


def _two(d: Dialect, one: Sql, other: Sql) -> Sql:
    return d.function("numbers", one, other)


def _shifting(name: str, *, left: bool) -> None:
    def shift(d: Dialect, value: Typed, offset: Typed) -> Typed:
        given = as_number(d, value).sql, as_number(d, offset).sql
        return number(d.function("spl_shifted", *given, d.literal(value=left)))

    shift.__doc__ = f"{name}(<number>, <places>): the bits moved, within 53 of them."
    eval_function(name)(shift)


_shifting("bit_shift_left", left=True)
_shifting("bit_shift_right", left=False)


@eval_function()
def written_decimals(d: Dialect, value: Typed) -> Typed:
    """How many decimals a number has as it is written, for sigfig."""
    return number(d.function("spl_written_decimals", as_text(d, value).sql))


@eval_function()
def significant_figures(d: Dialect, value: Typed, decimals: Typed) -> Typed:
    """How many figures of a number its significant decimals leave, for sigfig."""
    first = d.function("spl_magnitude", as_number(d, value).sql)
    return number(d.function("add", d.function("add", first, decimals.sql), d.literal(1.0)))


@eval_function()
def significant_decimals(d: Dialect, value: Typed, one: Typed, other: Typed) -> Typed:
    """How many decimals a product has, given the figures of its factors, for sigfig."""
    figures = d.function("least", one.sql, other.sql)
    first = d.function("spl_magnitude", as_number(d, value).sql)
    return number(d.function("subtract", d.function("subtract", figures, first), d.literal(1.0)))


@eval_function()
def sigfig(d: Dialect, value: Typed, decimals: Typed | None = None) -> Typed:
    """sigfig(<number>): rounded to the figures that its operands, as written, vouch for."""
    places = written_decimals(d, value) if decimals is None else decimals
    return number(d.function("spl_significant", as_number(d, value).sql, places.sql))


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


@eval_function()
def random(d: Dialect, row: Typed, place: Typed) -> Typed:
    """random(): a whole number from 0 to 2147483647, another one for each row.

    Differences: worked out of the clock of the search, the row's number and the place in the
    search, so that a trial gives the same rows every time it runs. In eval and where alone.
    """
    drawn = d.function("spl_random", row.sql, place.sql, d.literal(d.now))
    return number(drawn)

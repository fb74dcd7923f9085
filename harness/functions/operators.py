"""The operators of eval and where.

Types: decision 0003. Source: Splunk Search Reference, `eval`, "Operators", and `where`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text, null
from harness.registry import eval_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.types import Dialect, Sql

COMPARISONS = {
    "=": "equals",
    "!=": "differs",
    "<": "less",
    "<=": "at_most",
    ">": "greater",
    ">=": "at_least",
}


FEW_OPTIONS = 3
"""So many constants of an IN are one test: fewer are as short one by one."""


def condition(sql: Sql) -> Typed:
    """A condition."""
    return Typed(sql, Kind.BOOLEAN)


def truth(d: Dialect, value: Typed) -> Sql:
    """A value where a condition is wanted: conditions stay, anything else is unknown."""
    if value.kind is Kind.BOOLEAN:
        return value.sql
    return d.literal(value=None) if value.absent else d.function("null_boolean")


@eval_function("and")
def and_(d: Dialect, *parts: Typed) -> Typed:
    """<condition> AND <condition>: true when both are."""
    return condition(d.function("and", *(truth(d, part) for part in parts)))


@eval_function("or")
def or_(d: Dialect, *parts: Typed) -> Typed:
    """<condition> OR <condition>: true when one is."""
    return condition(d.function("or", *(truth(d, part) for part in parts)))


@eval_function("xor")
def xor(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<condition> XOR <condition>: true when exactly one is."""
    return condition(d.function("differs", truth(d, left), truth(d, right)))


@eval_function("not")
def not_(d: Dialect, part: Typed) -> Typed:
    """NOT <condition>: unknown stays unknown."""
    return condition(d.function("not", truth(d, part)))


@eval_function("not_true")
def not_true(d: Dialect, part: Typed) -> Typed:
    """The NOT of the search command: what is unknown does not hold, so its NOT does."""
    known = d.function("coalesce", truth(d, part), d.literal(value=False))
    return condition(d.function("not", known))


def compared(d: Dialect, operator: str, left: Typed, right: Typed) -> Typed:
    """Numbers when both sides are, text otherwise; several values match when any does."""
    if left.absent or right.absent:
        return condition(d.function("null_boolean"))
    if left.multi or right.multi:
        return _any_value(d, operator, left, right)
    name = COMPARISONS[operator]
    if left.kind is Kind.NUMBER and right.kind is Kind.NUMBER:
        return condition(d.function(name, left.sql, right.sql))
    if _plain_text(left) or _plain_text(right):
        return condition(d.function(name, as_text(d, left).sql, as_text(d, right).sql))
    numeric = d.function(name, as_number(d, left).sql, as_number(d, right).sql)
    textual = d.function(name, as_text(d, left).sql, as_text(d, right).sql)
    return condition(d.function("coalesce", numeric, textual))


def _plain_text(value: Typed) -> bool:
    """Whether a value is a literal that no number equals."""
    if not isinstance(value.constant, str):
        return False
    try:
        float(value.constant)
    except ValueError:
        return True
    return False


def any_of(d: Dialect, value: Typed, test: Callable[[Sql], Sql], *others: Typed) -> Typed:
    """Whether any value of several meets a test; unknown where the field or another is absent."""
    found = d.has(value.sql, test)
    parts = [
        d.function("is_not_null", one.sql)
        for one in (value, *others)
        if not one.absent and one.constant is None
    ]
    present = parts[0] if len(parts) == 1 else d.function("and", *parts)
    return condition(d.case([(present, found)]))


def _any_value(d: Dialect, operator: str, left: Typed, right: Typed) -> Typed:
    many, one, flipped = (left, right, False) if left.multi else (right, left, True)

    def test(element: Sql) -> Sql:
        value = Typed(element, Kind.ANY)
        first, second = (one, value) if flipped else (value, one)
        return compared(d, operator, first, second).sql

    return any_of(d, many, test, one)


def _comparison(operator: str, meaning: str) -> None:
    @eval_function(operator)
    def compare(d: Dialect, left: Typed, right: Typed) -> Typed:
        return compared(d, operator, left, right)

    compare.__doc__ = f"<value> {operator} <value>: {meaning}."


for _operator, _meaning in {
    "=": "equal, letter case counting",
    "!=": "different",
    "<": "less",
    "<=": "at most",
    ">": "greater",
    ">=": "at least",
}.items():
    _comparison(_operator, _meaning)


@eval_function("like")
def like(d: Dialect, value: Typed, pattern: Typed) -> Typed:
    """<text> LIKE <pattern>: `%` is any text and `_` any character, letter case counting."""
    wanted = as_text(d, pattern).sql
    if isinstance(pattern.constant, str):
        wanted = d.literal(pattern.constant.replace("\\", "\\\\"))
    else:
        wanted = d.function("replace", wanted, d.literal("\\"), d.literal("\\\\"))
    if value.multi:
        return any_of(d, value, lambda v: d.function("like", v, wanted), pattern)
    return condition(d.function("like", as_text(d, value).sql, wanted))


@eval_function("in")
def in_(d: Dialect, value: Typed, *options: Typed) -> Typed:
    """<value> IN (<value>, …): equal to one of them."""
    plain = [option for option in options if _is_plain(option)]
    if value.absent or value.kind is Kind.BOOLEAN or len(plain) < FEW_OPTIONS:
        plain = []
    parts = [compared(d, "=", value, option).sql for option in options if option not in plain]
    if plain:
        parts.append(_among(d, value, plain).sql)
    return condition(d.function("or", *parts) if parts else d.literal(value=False))


def _is_plain(option: Typed) -> bool:
    return _plain_text(option) or (option.kind is Kind.NUMBER and option.constant is not None)


def _among(d: Dialect, value: Typed, options: list[Typed]) -> Typed:
    """Whether a value equals one of many constants, as `compared` has it, in one test.

    An add-on asks one field for dozens of numbers again and again: a comparison for each of them
    made statements of megabytes.
    """
    if value.multi:
        return any_of(d, value, lambda v: _among(d, Typed(v, Kind.ANY), options).sql)
    texts = d.function("make_list", *(as_text(d, option).sql for option in options))
    found = d.function("list_contains", texts, as_text(d, value).sql)
    numbers = [option.sql for option in options if option.kind is Kind.NUMBER]
    if numbers:
        wanted = d.function("numbers", *numbers)
        equal = d.function("list_contains", wanted, as_number(d, value).sql)
        found = d.function("or", d.function("coalesce", equal, d.literal(value=False)), found)
    return condition(found)


@eval_function(".")
def concatenate(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<value> . <value>: one text after the other, numbers as they are printed."""
    if left.absent or right.absent:
        return null(d)
    joined = d.function("concat", as_text(d, left).sql, as_text(d, right).sql)
    return Typed(joined, Kind.TEXT)


@eval_function("+")
def add(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<value> + <value>: the sum of numbers, or the texts joined when both are text."""
    if left.kind is Kind.NUMBER or right.kind is Kind.NUMBER:
        return arithmetic(d, "add", left, right)
    if left.kind is Kind.TEXT and right.kind is Kind.TEXT:
        return concatenate(d, left, right)
    total = arithmetic(d, "add", left, right)
    joined = d.function("concat", as_text(d, left).sql, as_text(d, right).sql)
    spelled = d.function("number_text", total.sql)
    return Typed(d.function("coalesce", spelled, joined), Kind.ANY)


def arithmetic(d: Dialect, name: str, left: Typed, right: Typed) -> Typed:
    """An operation on two numbers; what is no number gives NULL."""
    return Typed(d.function(name, as_number(d, left).sql, as_number(d, right).sql), Kind.NUMBER)


@eval_function("-")
def subtract(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<number> - <number>: the difference."""
    return arithmetic(d, "subtract", left, right)


@eval_function("*")
def multiply(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<number> * <number>: the product."""
    return arithmetic(d, "multiply", left, right)


@eval_function("/")
def divide(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<number> / <number>: the quotient; division by zero gives NULL."""
    return arithmetic(d, "divide", left, _nonzero(d, right))


@eval_function("%")
def modulo(d: Dialect, left: Typed, right: Typed) -> Typed:
    """<number> % <number>: the remainder; by zero NULL."""
    return arithmetic(d, "modulo", left, _nonzero(d, right))


def _nonzero(d: Dialect, value: Typed) -> Typed:
    return Typed(d.function("nullif", as_number(d, value).sql, d.literal(0.0)), Kind.NUMBER)


@eval_function("negate")
def negate(d: Dialect, value: Typed) -> Typed:
    """-<number>: the number with the other sign."""
    return Typed(d.function("subtract", d.literal(0.0), as_number(d, value).sql), Kind.NUMBER)

"""Conversion functions. Source: Splunk Search Reference, "Conversion functions"."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function
from harness.registry.functions import BadArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.plan.types import Dialect
    from harness.registry.functions import Constant

SPACES = " \t\r\n"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FORMS = ("hex", "commas", "duration", "binary")
MAX_WIDTH = 10_000
SPECIFIER = re.compile(
    r"%(?P<flags>[-+ #0']*)(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?(?P<kind>.)"
)
PRINTED = "aAcdiueEfFgGopsxXz%"
BASES = range(2, 37)


def _check_number(written: Sequence[Constant]) -> None:
    value = written[0]
    base = written[1] if len(written) > 1 else 10
    if base is not None and not (isinstance(base, float | int) and base in BASES):
        raise BadArgument("`tonumber` takes a base from 2 to 36", position=1)
    if base == 10 and isinstance(value, str) and not NUMBER.fullmatch(value):
        raise BadArgument(
            f"`tonumber` of the text {value!r}, which is no number",
            hints=("a field in single quotes or bare is read, a text in double quotes is not",),
        )


@eval_function(check=_check_number)
def tonumber(d: Dialect, value: Typed, base: Typed | None = None) -> Typed:
    """tonumber(<text>, <base>): the number that a text spells, bases 2 to 36; else NULL.

    Spaces around a field's value make it no number; a literal that is none is an error. A base
    out of a field that is none gives NULL.
    """
    return _spelled(d, value, base)


def _spelled(d: Dialect, value: Typed, base: Typed | None) -> Typed:
    if value.kind is Kind.NUMBER:
        return as_number(d, value)
    number = 10 if base is None else base.constant
    spelled = as_text(d, value).sql
    if isinstance(number, float | int) and number != 10:
        return Typed(d.function("spl_from_base", spelled, d.position(int(number))), Kind.NUMBER)
    tight = d.function("equals", spelled, d.function("trim", spelled, d.literal(SPACES)))
    decimal = d.case([(tight, as_number(d, value).sql)])
    if base is None or number is not None:
        return Typed(decimal, Kind.NUMBER)
    given = d.function("integer", as_number(d, base).sql)
    ten = d.function("equals", given, d.position(10))
    other = d.function("spl_from_base", spelled, given)
    return Typed(d.case([(ten, decimal)], other), Kind.NUMBER)


def _check_base(name: str) -> Callable[[Sequence[Constant]], None]:
    def check(written: Sequence[Constant]) -> None:
        base = written[1] if len(written) > 1 else 10
        if base is not None and not (isinstance(base, float | int) and base in BASES):
            raise BadArgument(f"`{name}` takes a base from 2 to 36", position=1)

    return check


@eval_function(check=_check_base("todouble"))
def todouble(d: Dialect, value: Typed, base: Typed | None = None) -> Typed:
    """todouble(<value>, <base>): the number that a value is or spells, else NULL."""
    return _spelled(d, value, base)


@eval_function(check=_check_base("toint"))
def toint(d: Dialect, value: Typed, base: Typed | None = None) -> Typed:
    """toint(<value>, <base>): as todouble, down to the next whole number."""
    return Typed(d.function("floor", _spelled(d, value, base).sql), Kind.NUMBER)


@eval_function()
def tobool(d: Dialect, value: Typed) -> Typed:
    """tobool(<value>): true, True and numbers but 0 are true, false, False and 0 are false."""
    if value.kind is Kind.BOOLEAN:
        return value
    if value.absent:
        return Typed(d.function("null_boolean"), Kind.BOOLEAN)
    number = d.function("differs", as_number(d, value).sql, d.literal(0.0))
    if value.kind is Kind.NUMBER:
        return Typed(number, Kind.BOOLEAN)
    spelled = as_text(d, value).sql
    words = [
        (d.function("equals", spelled, d.literal(word)), d.literal(value=word[0] in "tT"))
        for word in ("true", "True", "false", "False")
    ]
    if value.constant is not None:
        number = d.function("null_boolean")
    return Typed(d.case(words, number), Kind.BOOLEAN)


def _check_form(written: Sequence[Constant]) -> None:
    if len(written) > 1 and written[1] not in (None, *FORMS):
        raise Unsupported(
            f'`tostring` with the format "{written[1]}"',
            hints=(f"the formats are {', '.join(FORMS)}",),
        )


@eval_function(literal=(1,), check=_check_form)
def tostring(d: Dialect, value: Typed, form: Typed | None = None) -> Typed:
    """tostring(<value>, "hex"|"commas"|"duration"|"binary"): the value as text.

    A condition is `True` or `False`.
    """
    if value.kind is Kind.BOOLEAN:
        false = d.function("not", value.sql)
        words = [(value.sql, d.literal("True")), (false, d.literal("False"))]
        return Typed(d.case(words), Kind.TEXT)
    if form is None:
        return as_text(d, value)
    number = as_number(d, value).sql
    return Typed(d.function(f"spl_{form.constant}", number), Kind.TEXT)


def _check_format(written: Sequence[Constant]) -> None:
    form, needed, given = str(written[0]), 0, len(written) - 1
    for found in SPECIFIER.finditer(form):
        if found["kind"] not in PRINTED:
            raise Unsupported(f"`printf` with the conversion `{found[0]}`")
        sizes = [found["width"], found["precision"] or ""]
        if any(size.isdigit() and int(size) > MAX_WIDTH for size in sizes):
            raise BadArgument(f"`printf` with more than {MAX_WIDTH} characters in `{found[0]}`")
        needed += sizes.count("*") + (found["kind"] != "%")
    if needed != given:
        raise BadArgument(f"`printf` has {given} values for the {needed} that its format takes")


@eval_function(literal=(0,), check=_check_format)
def printf(d: Dialect, form: Typed, *values: Typed) -> Typed:
    """printf(<format>, <value>, …): a text by C's conversion specifiers, `%s`, `%d`, `%.2f`.

    NULL where a value is absent or is not what its specifier prints.
    """
    wanted = str(form.constant)
    texts = [as_text(d, value).sql for value in values]
    arguments = d.function("make_list", *texts) if texts else d.function("null_list")
    return Typed(d.function("spl_printf", d.literal(wanted), arguments), Kind.TEXT)


def _check_mask(written: Sequence[Constant]) -> None:
    if written[0] is None:
        return
    try:
        ipaddress.IPv4Address(str(written[0]))
    except ValueError as error:
        raise BadArgument(
            f"`{written[0]}` is no mask of IPv4", hints=("such as 255.255.255.0",)
        ) from error


@eval_function(check=_check_mask)
def ipmask(d: Dialect, mask: Typed, address: Typed) -> Typed:
    """ipmask(<mask>, <ip>): an IPv4 address with the bits of a mask; NULL if one is no address."""
    given = as_text(d, mask).sql, as_text(d, address).sql
    return Typed(d.function("spl_ip_mask", *given), Kind.TEXT)

"""Conversion functions. Source: Splunk Search Reference, "Conversion functions"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.functions.eval_condition import BadArgument
from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect

SPACES = " \t\r\n"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FORMS = ("hex", "commas", "duration", "binary")
MAX_WIDTH = 10_000
SPECIFIER = re.compile(
    r"%(?P<flags>[-+ #0']*)(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?(?P<kind>.)"
)
PRINTED = "cdiueEfFgGosxX%"


@eval_function(literal=(1,))
def tonumber(d: Dialect, value: Typed, base: Typed | None = None) -> Typed:
    """tonumber(<text>, <base>): the number that a text spells, bases 2 to 36; else NULL.

    Spaces around a field's value make it no number; a literal that is none is an error.
    """
    number = 10 if base is None else base.constant
    if not isinstance(number, float | int) or not 2 <= number <= 36:
        raise BadArgument("`tonumber` takes a base from 2 to 36")
    if number != 10:
        spelled = as_text(d, value).sql
        return Typed(d.function("spl_from_base", spelled, d.position(int(number))), Kind.NUMBER)
    if isinstance(value.constant, str) and not NUMBER.fullmatch(value.constant):
        raise BadArgument(
            f"`tonumber` of the text {value.constant!r}, which is no number",
            hints=("a field in single quotes or bare is read, a text in double quotes is not",),
        )
    if value.kind is Kind.NUMBER:
        return as_number(d, value)
    spelled = as_text(d, value).sql
    tight = d.function("equals", spelled, d.function("trim", spelled, d.literal(SPACES)))
    return Typed(d.case([(tight, as_number(d, value).sql)]), Kind.NUMBER)


@eval_function(literal=(1,))
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
    if form.constant not in FORMS:
        raise Unsupported(f'`tostring` with the format "{form.constant}"')
    return Typed(d.function(f"spl_{form.constant}", number), Kind.TEXT)


@eval_function(literal=(0,))
def printf(d: Dialect, form: Typed, *values: Typed) -> Typed:
    """printf(<format>, <value>, …): a text by C's conversion specifiers, `%s`, `%d`, `%.2f`.

    NULL where a value is absent or is not what its specifier prints.
    """
    wanted = str(form.constant)
    _check_format(wanted, len(values))
    texts = [as_text(d, value).sql for value in values]
    arguments = d.function("make_list", *texts) if texts else d.function("null_list")
    return Typed(d.function("spl_printf", d.literal(wanted), arguments), Kind.TEXT)


def _check_format(form: str, given: int) -> None:
    needed = 0
    for found in SPECIFIER.finditer(form):
        if found["kind"] not in PRINTED:
            raise Unsupported(f"`printf` with the conversion `{found[0]}`")
        sizes = [found["width"], found["precision"] or ""]
        if any(size.isdigit() and int(size) > MAX_WIDTH for size in sizes):
            raise BadArgument(f"`printf` with more than {MAX_WIDTH} characters in `{found[0]}`")
        needed += sizes.count("*") + (found["kind"] != "%")
    if needed != given:
        raise BadArgument(f"`printf` has {given} values for the {needed} that its format takes")


@eval_function()
def ipmask(d: Dialect, mask: Typed, address: Typed) -> Typed:
    """ipmask(<mask>, <ip>): an IPv4 address with the bits of a mask; NULL if one is no address."""
    given = as_text(d, mask).sql, as_text(d, address).sql
    return Typed(d.function("spl_ip_mask", *given), Kind.TEXT)

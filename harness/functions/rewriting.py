r"""Values cut into several and replaced, as makemv, replace and rex need them.

These have no name in SPL. Source: Splunk Search Reference, `makemv`, `replace` and `rex`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_text, elementwise
from harness.registry import eval_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.types import Dialect, Sql


def _cut(d: Dialect, value: Typed, flag: Typed, cut: Callable[[Sql], Sql]) -> Typed:
    """The parts of a value, or of each of several, empty ones left out without a flag."""
    if value.multi:
        parts = d.function("flatten", d.each(value.sql, cut))
    else:
        parts = cut(as_text(d, value).sql)
    if not flag.constant:
        parts = d.where(parts, lambda v: d.function("differs", v, d.literal("")))
    return Typed(parts, Kind.ANY, multi=True)


@eval_function("parts_of", literal=(1, 2))
def parts_of(d: Dialect, value: Typed, delimiter: Typed, flag: Typed) -> Typed:
    """The parts of a text between delimiters."""
    between = d.literal(str(delimiter.constant))
    return _cut(d, value, flag, lambda text: d.function("string_split", text, between))


@eval_function("tokens_of", literal=(1, 2))
def tokens_of(d: Dialect, value: Typed, pattern: Typed, flag: Typed) -> Typed:
    """What the first group of a pattern catches, match after match."""
    return _cut(d, value, flag, lambda text: d.regex_all(text, str(pattern.constant), 1))


@eval_function("values_replaced")
def values_replaced(d: Dialect, value: Typed, *pairs: Typed) -> Typed:
    """The new value of the first pair (old, new) whose old one a value is; `*` is a wildcard."""
    if value.absent:
        return value
    texts = [str(part.constant) for part in pairs]
    return elementwise(
        d,
        value,
        lambda text: d.case(
            [
                _replacement(d, text, old, new)
                for old, new in zip(texts[::2], texts[1::2], strict=True)
            ],
            text,
        ),
        Kind.ANY,
    )


def _replacement(d: Dialect, text: Sql, old: str, new: str) -> tuple[Sql, Sql]:
    if "*" not in old:
        return d.function("equals", text, d.literal(old)), d.literal(new)
    pattern = "(?s)^" + "(.*)".join(re.escape(part) for part in old.split("*")) + r"\z"
    matched = d.regex_matches(text, pattern)
    pieces = new.split("*")
    if len(pieces) == 1:
        return matched, d.literal(new)
    result = [d.literal(pieces[0])]
    for number, piece in enumerate(pieces[1:], start=1):
        caught = d.regex_group(text, pattern, number)
        result += [d.function("coalesce", caught, d.literal("")), d.literal(piece)]
    return matched, d.function("concat", *result)


@eval_function("transliterated", literal=(1, 2))
def transliterated(d: Dialect, value: Typed, old: Typed, new: Typed) -> Typed:
    """Each character of one text replaced by the one at its place in another (sed's y)."""
    texts = d.literal(str(old.constant)), d.literal(str(new.constant))
    return elementwise(d, value, lambda text: d.function("translate", text, *texts), Kind.ANY)


@eval_function("replaced_at", literal=(1, 2, 3))
def replaced_at(d: Dialect, value: Typed, pattern: Typed, new: Typed, number: Typed) -> Typed:
    """One match of a pattern, by its number, replaced (a number as flag of sed's s)."""
    texts = d.literal(str(pattern.constant)), d.literal(str(new.constant))
    place = d.position(int(float(str(number.constant))))

    def replaced(text: Sql) -> Sql:
        return d.function("spl_regex_replace_at", text, *texts, place)

    return elementwise(d, value, replaced, Kind.ANY)

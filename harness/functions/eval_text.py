r"""Text functions. Source: Splunk Search Reference, "Text functions".

A text function of a multivalue field works on each of its values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.functions.patterns import pattern_replaced
from harness.plan.types import Kind, Typed, as_number, as_text, elementwise
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


@eval_function()
def lower(d: Dialect, value: Typed) -> Typed:
    """lower(<text>): the text in lower case."""
    return elementwise(d, value, lambda v: d.function("lower", v))


@eval_function()
def upper(d: Dialect, value: Typed) -> Typed:
    """upper(<text>): the text in upper case."""
    return elementwise(d, value, lambda v: d.function("upper", v))


@eval_function("len")
def length(d: Dialect, value: Typed) -> Typed:
    """len(<text>): the number of characters."""
    return Typed(d.function("double", d.function("length", as_text(d, value).sql)), Kind.NUMBER)


def _trimming(name: str, where: str) -> None:
    def trim(d: Dialect, value: Typed, characters: Typed | None = None) -> Typed:
        removed = d.literal(" \t") if characters is None else as_text(d, characters).sql
        return elementwise(d, value, lambda v: d.function(name, v, removed))

    trim.__doc__ = f"{name}(<text>, <characters>): the text without them {where}; space and tabs."
    eval_function(name)(trim)


_trimming("trim", "at both ends")
_trimming("ltrim", "at its start")
_trimming("rtrim", "at its end")


@eval_function()
def substr(d: Dialect, value: Typed, start: Typed, count: Typed | None = None) -> Typed:
    """substr(<text>, <start>, <length>): a part, from 1; a negative start counts from the end."""
    from_start = isinstance(start.constant, float) and start.constant >= 1
    counted = count is None or (isinstance(count.constant, float) and count.constant >= 0)
    parts = [_whole(d, start)]
    if count is not None:
        parts.append(_whole(d, count))
    if from_start and counted:
        return elementwise(d, value, lambda v: d.function("substr", v, *parts))
    size = parts[1] if count is not None else d.function("integer", d.function("null_number"))
    cut = elementwise(d, value, lambda v: d.function("spl_substr", v, parts[0], size))
    if count is None or count.constant is not None:
        return cut
    known = d.function("is_not_null", parts[1])
    return Typed(d.case([(known, cut.sql)]), cut.kind, cut.multi)


def _whole(d: Dialect, value: Typed) -> Sql:
    if isinstance(value.constant, float):
        return d.position(int(value.constant))
    return d.function("integer", as_number(d, value).sql)


@eval_function()
def replace(d: Dialect, value: Typed, pattern: Typed, replacement: Typed) -> Typed:
    r"""replace(<text>, <regex>, <replacement>): every match replaced; `\1` is a group.

    Pattern and replacement may be fields or expressions; a pattern that does not compile is an
    error.
    """
    wanted, new = pattern.constant, replacement.constant
    if isinstance(wanted, str) and isinstance(new, str) and _plain(wanted, new):
        return elementwise(
            d, value, lambda v: d.function("replace", v, d.literal(wanted), d.literal(new))
        )
    return elementwise(d, value, lambda v: pattern_replaced(d, v, pattern, replacement))


def _plain(pattern: str, replacement: str) -> bool:
    """Whether both are nothing but text."""
    special = re.search(r"[\\.^$*+?()\[\]{}|]", pattern)
    return bool(pattern) and special is None and "\\" not in replacement


@eval_function(literal=(1, 2))
def replace_first(d: Dialect, value: Typed, pattern: Typed, replacement: Typed) -> Typed:
    """The first match replaced: rex in sed mode without the flag g."""
    wanted, new = str(pattern.constant), str(replacement.constant)
    return elementwise(d, value, lambda v: d.regex_replace(v, wanted, new, every=False))


@eval_function()
def split(d: Dialect, value: Typed, delimiter: Typed) -> Typed:
    """split(<text>, <delimiter>): the parts as a multivalue field."""
    text = as_text(d, value).sql
    return Typed(d.function("string_split", text, as_text(d, delimiter).sql), Kind.ANY, multi=True)


@eval_function()
def urldecode(d: Dialect, value: Typed) -> Typed:
    """urldecode(<url>): percent escapes decoded."""
    return elementwise(d, value, lambda v: d.function("spl_urldecode", v))


@eval_function()
def md5(d: Dialect, value: Typed) -> Typed:
    """md5(<text>): the MD5 digest in hexadecimal."""
    return elementwise(d, value, lambda v: d.function("md5", v))


@eval_function()
def sha1(d: Dialect, value: Typed) -> Typed:
    """sha1(<text>): the SHA-1 digest in hexadecimal."""
    return elementwise(d, value, lambda v: d.function("sha1", v))


@eval_function()
def sha512(d: Dialect, value: Typed) -> Typed:
    """sha512(<text>): the SHA-512 digest in hexadecimal."""
    return elementwise(d, value, lambda v: d.function("spl_sha512", v))


@eval_function()
def sha256(d: Dialect, value: Typed) -> Typed:
    """sha256(<text>): the SHA-256 digest in hexadecimal."""
    return elementwise(d, value, lambda v: d.function("sha256", v))

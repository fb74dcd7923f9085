"""The patterns of extractions: their groups, and whether they are patterns at all."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, Place
from harness.registry.patterns import MAX_PATTERN, python_pattern

if TYPE_CHECKING:
    from harness.apps import Origin

NAMED = re.compile(r"\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')")
REFERS = re.compile(r"\\[kg]|\(\?P[=>]|\(\?&|\(\?\(|\(\?[|R\d+-]|\(\?[a-zA-Z]*x")
"""What needs the names of groups, or counts groups in a way of its own."""
LEADING_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
ELEMENT = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|\(\?\#[^)]*\)|\(\*[^)]*\)|\(",
    re.DOTALL,
)


class BadExtraction(HarnessError):
    """An extraction that cannot be one: its pattern does not compile, or lacks a group."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern with how many groups it has, and the numbers of those with a name.

    `pattern` is without names where nothing refers to them: engines disagree on how they are
    written and whether one may come twice.
    """

    pattern: str
    count: int
    groups: tuple[tuple[str, tuple[int, ...]], ...]


def inline(pattern: str) -> str:
    """The pattern of an EXTRACT, before which Splunk puts `(?ms)`."""
    flags = LEADING_FLAGS.match(pattern)
    if flags is None:
        return f"(?ms){pattern}"
    letters = "".join(sorted({*flags[1], "m", "s"}))
    return f"(?{letters}){pattern[flags.end() :]}"


@lru_cache(maxsize=8192)
def shape(pattern: str) -> Shape:
    """What groups a pattern has; BadExtraction where it is none."""
    if len(pattern) > MAX_PATTERN:
        raise BadExtraction(f"a pattern of more than {MAX_PATTERN:,} characters")
    if REFERS.search(pattern):
        return _compiled_shape(pattern)
    numbers: dict[str, tuple[int, ...]] = {}
    pieces: list[str] = []
    count = copied = 0
    for found in ELEMENT.finditer(pattern):
        if found[0] != "(":
            continue
        named = NAMED.match(pattern, found.start())
        if named is None and pattern.startswith("(?", found.start()):
            continue
        count += 1
        if named is not None:
            name = named[1] or named[2]
            numbers[name] = (*numbers.get(name, ()), count)
            pieces += [pattern[copied : named.start()], "("]
            copied = named.end()
    plain = "".join((*pieces, pattern[copied:]))
    _check(plain)
    return Shape(plain, count, tuple(numbers.items()))


def _compiled_shape(pattern: str) -> Shape:
    pattern = NAMED.sub(lambda found: f"(?P<{found[1] or found[2]}>", pattern)
    compiled = _compiled(pattern)
    groups = tuple((str(name), (int(number),)) for name, number in compiled.groupindex.items())
    return Shape(pattern, int(compiled.groups), groups)


def _check(pattern: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError):
        _compiled(pattern)


def _compiled(pattern: str) -> Any:
    import regex  # noqa: PLC0415 - 25 ms, and only patterns beyond `re` need it

    try:
        return regex.compile(python_pattern(pattern), regex.ASCII | regex.VERSION1)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        reason = getattr(error, "msg", str(error))  # its position is in a rewritten pattern
        raise BadExtraction(f"the regex does not compile: {reason}") from error


def placed(error: HarnessError, place: Place, what: str) -> HarnessError:
    """The error with the setting that it is about, where it has no place of its own."""
    return type(error)(f"{what}: {error.message}", place=error.place or place, hints=error.hints)


def in_setting(error: HarnessError, origin: Origin) -> HarnessError:
    """An error in a setting's text, with the file and line of the setting."""
    place = error.place
    excerpt = (None, None, 1) if place is None else (place.column, place.excerpt, place.width)
    where = Place(origin.place.path, origin.place.line, *excerpt)
    return type(error)(f"`{origin.key}`: {error.message}", place=where, hints=error.hints)

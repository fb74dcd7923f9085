"""How much a pattern and its groups may catch, read from Python's own parse of the pattern."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.registry.patterns import CLASS_NAME, python_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|(?P<opening>\((?:\?P?<(?![=!])[^>]+>|(?!\?)))",
    re.DOTALL,
)
"""An escape, a class, or the opening of a group that catches."""


def group_number(pattern: str, name: str) -> int:
    """The number of a named group."""
    import regex  # noqa: PLC0415 - only patterns with named groups pay for it

    return int(regex.compile(python_pattern(pattern)).groupindex[name])


def group_count(pattern: str) -> int:
    """How many groups a pattern has."""
    import regex  # noqa: PLC0415 - only patterns with replacements pay for it

    return int(regex.compile(python_pattern(pattern)).groups)


def only_group(pattern: str, group: int) -> str:
    """The pattern with one of its groups alone: the others catch nothing any more."""
    count = 0

    def rewritten(found: re.Match[str]) -> str:
        nonlocal count
        if found["opening"] is None:
            return found[0]
        count += 1
        return "(" if count == group else "(?:"

    return PART.sub(rewritten, pattern)


def never_empty(pattern: str, group: int) -> bool:
    """Whether a group can only catch text that is not empty, so that '' means no catch.

    Group 0 is the whole match. What the parser cannot read counts as possibly empty.
    """
    parsed = _parsed(pattern)
    if parsed is None:
        return False
    if group == 0:
        return bool(parsed.getwidth()[0] > 0)
    widths = [inner.getwidth()[0] for number, inner in _groups(parsed) if number == group]
    return bool(widths) and min(widths) > 0


def repeats_nothing(pattern: str) -> bool:
    """Whether a part that may be empty and that holds a group is repeated, as in `(a*)*`.

    What such a group catches at last differs between engines. What the parser cannot read counts.
    """
    parsed = _parsed(pattern)
    if parsed is None:
        return True
    for operation, argument in _operations(parsed):
        if operation not in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            continue
        _, most, inner = argument
        if most > 1 and inner.getwidth()[0] == 0 and any(_groups(inner)):
            return True
    return False


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> Any:
    import warnings  # noqa: PLC0415 - only searches with patterns pay for these
    from re import _parser  # type: ignore[attr-defined]  # noqa: PLC0415

    # Python's parser knows no class names: one letter has the same width.
    plain = CLASS_NAME.sub("a", python_pattern(pattern))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parser.parse(plain.replace("(?<", "(?P<").replace("(?P<=", "(?<="))
    except Exception:  # noqa: BLE001 - an unusual pattern is no error, only unknown here
        return None


def _operations(part: Any) -> Iterator[tuple[str, Any]]:
    """Every operation of a parsed pattern with its argument, the outer before the inner."""
    if hasattr(part, "getwidth"):
        for operation, argument in part:
            yield str(operation), argument
            yield from _operations(argument)
    elif isinstance(part, tuple | list):
        for inner in part:
            yield from _operations(inner)


def _groups(parsed: Any) -> Iterator[tuple[int, Any]]:
    """The numbered groups of a parsed pattern with what stands in them."""
    for operation, argument in _operations(parsed):
        if operation == "SUBPATTERN" and argument[0] is not None:
            yield argument[0], argument[-1]

"""Wildcards in field names: `*` stands for any run of characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_wild(name: str) -> bool:
    """Whether a name is a pattern."""
    return "*" in name


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern or a plain name means; `_…` only when the pattern says so."""
    if not is_wild(pattern):
        return [name for name in names if name == pattern]
    compiled = _compiled(pattern)
    internal = pattern.startswith("_")
    names = [name for name in names if not name.startswith("\0")]
    return [
        name
        for name in names
        if compiled.fullmatch(name) and (internal or not name.startswith("_"))
    ]


def spread(written: Iterable[str], columns: Iterable[str] | None) -> list[str]:
    """The names that a list of names and patterns means, each once, in the list's order.

    A pattern means those of the columns that it fits; a plain name means itself.
    """
    known = tuple(columns or ())
    return list(
        dict.fromkeys(
            found
            for name in written
            for found in (matching(name, known) if is_wild(name) else [name])
        )
    )


def renamed(name: str, pattern: str, target: str) -> str:
    """The new name of a field: the target with each `*` replaced by what the pattern's held."""
    found = _compiled(pattern).fullmatch(name)
    if found is None:
        return target
    caught = iter(found.groups())
    return re.sub(r"\*", lambda _: next(caught, ""), target)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def caught(name: str, pattern: str) -> tuple[str, ...]:
    """What each `*` of a pattern stands for in a name that it means."""
    found = _compiled(pattern).fullmatch(name)
    return () if found is None else found.groups()

"""Regular expressions as arguments: written out, or worked out for each row.

A written pattern is checked where it stands and may run in the engine. A computed one (a field,
an expression) runs in Python, bounded in time and size; one that does not compile is an error
that names it, and an absent one gives NULL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Typed, as_text

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql


def pattern_matches(d: Dialect, value: Sql, pattern: Typed) -> Sql:
    """Whether a pattern occurs in a text."""
    if isinstance(pattern.constant, str):
        return d.regex_matches(value, pattern.constant)
    return d.function("spl_regex_matches", value, as_text(d, pattern).sql)


def pattern_replaced(d: Dialect, value: Sql, pattern: Typed, replacement: Typed) -> Sql:
    r"""A text with every match of a pattern replaced; `\1` in the replacement is a group."""
    if isinstance(pattern.constant, str) and isinstance(replacement.constant, str):
        return d.regex_replace(value, pattern.constant, replacement.constant)
    wanted, new = as_text(d, pattern).sql, as_text(d, replacement).sql
    return d.function("spl_regex_replace", value, wanted, new, d.position(0))

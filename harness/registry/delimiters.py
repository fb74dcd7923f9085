"""What stands between the values of a field when nomv makes them one.

`delim` of mvcombine and stats shows only in a nomv right after them: it travels in a column of
its own, which no search can name. Source: Search Reference, `mvcombine`, "delim".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.expressions import Const
from harness.plan.nodes import Extend

if TYPE_CHECKING:
    from harness.plan.nodes import Relation

DEFAULT = "\n"
COLUMN = "\0delimiter "


def with_delimiter(rows: Relation, field: str, delimiter: str | None) -> Relation:
    """The rows, with a delimiter for a field if one was given."""
    if delimiter is None:
        return rows
    return Extend(rows, ((COLUMN + field, Const(delimiter)),))


def delimiter_of(rows: Relation, field: str) -> str:
    """The delimiter that the command just before gave to a field."""
    while isinstance(rows, Extend):
        for name, value in rows.fields:
            if not isinstance(name, str) or not name.startswith(COLUMN):
                return DEFAULT
            if name == COLUMN + field and isinstance(value, Const):
                return str(value.value)
        rows = rows.input
    return DEFAULT

"""Rows as a text of the search language: what `format` and `return` make, and subsearches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.model import Rows, Value

TAKEN_AS_WRITTEN = ("search", "query")
"""Fields whose value stands in the text without name and quotes."""


@dataclass(frozen=True, slots=True)
class Punctuation:
    """What stands around rows and fields, in the order in which `format` takes it."""

    begin: str = "("
    row_begin: str = "("
    column_separator: str = "AND"
    row_end: str = ")"
    row_separator: str = "OR"
    end: str = ")"


def texts(value: Value) -> list[str]:
    """The values of a cell as texts."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    return [value if isinstance(value, str) else number_text(float(value))]


def quoted(text: str) -> str:
    """A text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def pair(name: str, text: str) -> str:
    """A comparison of a field with a value."""
    return text if name in TAKEN_AS_WRITTEN else f"{name}={quoted(text)}"


def formatted(rows: Rows, marks: Punctuation, separator: str, empty: str) -> str:
    """The text that stands for rows; fields whose names begin with `_` are left out."""
    names = [name for name in rows.columns if not name.startswith("_")]
    found = [one for row in rows.rows if (one := _row(row, names, marks, separator))]
    if not found:
        return empty
    return " ".join((marks.begin, f" {marks.row_separator} ".join(found), marks.end))


def _row(row: dict[str, Value], names: Sequence[str], marks: Punctuation, separator: str) -> str:
    parts = [part for name in names if (part := _values(name, texts(row.get(name)), separator))]
    if not parts:
        return ""
    return " ".join((marks.row_begin, f" {marks.column_separator} ".join(parts), marks.row_end))


def _values(name: str, values: Iterable[str], separator: str) -> str:
    pairs = [pair(name, text) for text in values]
    return pairs[0] if len(pairs) == 1 else f"( {f' {separator} '.join(pairs)} )" if pairs else ""

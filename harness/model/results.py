"""Rows that a search gives."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | list[str] | None
"""A field of a row: text, a number, several values in order, or absent."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The result of a search: columns in display order, rows in the search's order."""

    columns: tuple[str, ...]
    rows: list[dict[str, Value]]

    def __len__(self) -> int:
        return len(self.rows)

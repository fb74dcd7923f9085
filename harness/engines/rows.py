"""What the engine gives for a statement, as rows of SPL: its columns, numbers and lists."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from harness.model import Rows
from harness.plan.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.model import Value
    from harness.plan.types import Typed

WHOLE = 1e15
"""Whole numbers below it are printed without a point."""


def rows_of(
    found: list[tuple[Any, ...]],
    columns: tuple[str, ...],
    types: tuple[Typed, ...],
    places: tuple[int, ...] = (),
) -> Rows:
    """The rows whose columns are these, in this order.

    With `places` these are where their values stand, and lists stand behind all of them.
    """
    if not columns:
        return Rows(columns, [{} for _ in found])
    cells = _placed(found, types, places) if places else found
    rows: list[dict[str, Value]] = [
        {name: cell for name, cell in zip(columns, row, strict=True) if cell is not None}
        for row in cells
    ]
    for name, typed in zip(columns, types, strict=True):
        shape = _LISTS if typed.multi else _SHAPES.get(typed.kind)
        if shape is not None and not (places and typed.multi):
            _reshape(rows, name, shape)
    return Rows(columns, rows)


def filled_rows(rows: Rows, always: frozenset[str] = frozenset()) -> Rows:
    """Rows without the columns that none of them fills, but for those that stay always."""
    missing = [name for name in rows.columns if name not in always]
    for row in rows.rows:
        if not missing:
            return rows
        missing = [name for name in missing if name not in row]
    empty = frozenset(missing)
    return Rows(tuple(name for name in rows.columns if name not in empty), rows.rows)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collection of cycles, which takes half the time of making many rows."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _reshape(rows: list[dict[str, Value]], name: str, shape: Callable[[Any], Value]) -> None:
    """Change a column's cells; a cell of which nothing is left goes."""
    for row in rows:
        cell = row.get(name)
        if cell is None:
            continue
        changed = shape(cell)
        if changed is None:
            del row[name]
        else:
            row[name] = changed


def _placed(
    found: list[tuple[Any, ...]], types: tuple[Typed, ...], places: tuple[int, ...]
) -> Iterator[tuple[Any, ...]]:
    """Rows with each column's value in its place, of rows that have each value once."""
    width = max(places) + 1
    several = sorted({place for typed, place in zip(types, places, strict=True) if typed.multi})
    none = (None,) * len(several)
    in_order = itemgetter(*places) if len(places) > 1 else lambda row: (row[0],)
    for row in found:
        if row[width:] == none:
            yield in_order(row)
            continue
        filled = list(row)
        for place, values in zip(several, row[width:], strict=True):
            if values is not None:
                filled[place] = _list(values)
        yield in_order(filled)


def _number(cell: float) -> float:
    """A number as SPL prints it: whole ones without a point."""
    return int(cell) if cell.is_integer() and abs(cell) < WHOLE else cell


def _list(cell: list[str | None]) -> Value:
    """One value without a list, none as nothing."""
    values: list[Any] = [item for item in cell if item is not None] if None in cell else cell
    return values[0] if len(values) == 1 else values or None


def _truth(cell: bool) -> str:
    return "true" if cell else "false"


_LISTS: Callable[[Any], Value] = _list
_SHAPES: dict[Kind, Callable[[Any], Value]] = {Kind.NUMBER: _number, Kind.BOOLEAN: _truth}

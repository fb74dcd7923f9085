"""Cells of fetched rows as numbers and as texts, for commands that work outside SQL."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from harness.model.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import Rows, Value

NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def number_of(cell: Value) -> float | None:
    """The number that a cell is or spells; several values are none."""
    if isinstance(cell, int | float):
        return float(cell)
    matched = NUMBER.fullmatch(cell) if isinstance(cell, str) else None
    number = float(matched[1]) if matched else math.nan
    return number if math.isfinite(number) else None


def texts_of(cell: Value) -> list[str]:
    """The values of a cell as texts, none when it is absent."""
    if cell is None:
        return []
    if isinstance(cell, list):
        return cell
    return [number_text(float(cell)) if isinstance(cell, int | float) else cell]


def text_of(cell: Value) -> str | None:
    """The text of a cell that has a value, several with a space between them."""
    return " ".join(texts_of(cell)) if cell is not None else None


def with_columns(rows: Rows, names: Iterable[str]) -> tuple[str, ...]:
    """The columns of rows, with those that a command adds behind them."""
    return tuple(dict.fromkeys((*rows.columns, *names)))

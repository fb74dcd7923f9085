"""How texts, numbers and several values meet, for the interpreter of plans (decision 0003)."""

from __future__ import annotations

import re
from typing import Literal

Cell = str | float | list[str] | None
Kind = Literal["number", "text", "any", "list", "absent"]

SPELLED = re.compile(
    r"[ \t\r\n\f\v]*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?[ \t\r\n\f\v]*"
)
OCTETS = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})")


def number(cell: object) -> float | None:
    """The number that a cell is or spells."""
    if isinstance(cell, bool) or cell is None or isinstance(cell, list):
        return None
    if isinstance(cell, int | float):
        return float(cell)
    return float(str(cell)) if SPELLED.fullmatch(str(cell)) else None


def number_text(value: float) -> str:
    """A number as SPL prints it."""
    if value != value:  # noqa: PLR0124 - only nan differs from itself
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if value.is_integer():
        return str(int(value))
    return repr(value)


def text(cell: Cell) -> str:
    """The text of one value."""
    assert cell is not None
    assert not isinstance(cell, list)
    return cell if isinstance(cell, str) else number_text(float(cell))


def single(cell: Cell | list[str]) -> Cell:
    """A list of one is the value, and an empty one is none."""
    if isinstance(cell, list) and len(cell) < 2:
        return cell[0] if cell else None
    return cell


def values(cell: Cell) -> list[str]:
    """All values of a cell, as text."""
    if cell is None:
        return []
    return list(cell) if isinstance(cell, list) else [text(cell)]


def unified(cell: object, kind: Kind) -> Cell:
    """A cell as a column of a kind holds it: numbers are printed where texts may stand."""
    if cell is None:
        return None
    if isinstance(cell, list):
        return single([one if isinstance(one, str) else text(one) for one in cell])
    if isinstance(cell, int | float):
        return float(cell) if kind == "number" else number_text(float(cell))
    return str(cell)


def address(value: str) -> tuple[int, ...] | None:
    """The octets of an IPv4 address."""
    found = OCTETS.fullmatch(value)
    return tuple(int(octet) for octet in found.groups()) if found else None

"""How numbers are written."""

from __future__ import annotations


def number_text(number: float) -> str:
    """A number as SPL prints it: whole ones without a point."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)

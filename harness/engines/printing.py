"""Texts by C's conversion specifiers. Source: Splunk Search Reference, printf; C, fprintf."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SPECIFIER = re.compile(r"%([-+ #0']*)(\*|\d*)(?:\.(\*|\d*))?([A-Za-z%])")
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
MAX_WIDTH = 10_000


def printf(form: str, values: list[str | None] | None) -> str | None:
    """A text by C's conversion specifiers; NULL if a value is not what its specifier prints."""
    given = iter(values or [])
    try:
        return SPECIFIER.sub(lambda found: _converted(found, given), form)
    except (ValueError, OverflowError, StopIteration):
        return None


def _converted(found: re.Match[str], given: Iterator[str | None]) -> str:
    flags, width, precision, kind = found.groups()
    if kind == "%":
        return "%"
    width, precision = (_size(next(given)) if size == "*" else size for size in (width, precision))
    value = next(given)
    if value is None:
        raise ValueError(found[0])
    plain = flags.replace("'", "")
    point = "" if precision is None else f".{precision or 0}"
    if kind in "sz":
        return f"%{plain}{width}{point}s" % value
    if kind == "c":
        character = chr(int(float(value))) if NUMBER.fullmatch(value) else value[:1]
        return f"%{plain}{width}s" % character
    if not NUMBER.fullmatch(value):
        raise ValueError(value)
    if kind in "aA":
        return _hexadecimal(float(value), flags, width, precision, kind)
    if kind in "eEfFgG":
        return _fraction(float(value), flags, width, precision, kind)
    return _whole(int(float(value)), flags, width, precision, "X" if kind == "p" else kind)


def _fraction(number: float, flags: str, width: str, precision: str | None, kind: str) -> str:
    plain = flags.replace("'", "")
    if "'" in flags and kind in "fF":
        digits = f"{number:,.{int(precision or 6)}f}"
        return f"%{plain.replace('0', '')}{width}s" % digits
    point = "" if precision is None else f".{precision or 0}"
    return f"%{plain}{width}{point}{kind}" % number


def _whole(number: int, flags: str, width: str, precision: str | None, kind: str) -> str:
    plain = flags.replace("'", "")
    if kind in "ouxX" and number < 0:
        raise ValueError(number)
    if precision is not None and int(precision or 0) == 0 and number == 0:
        return f"%{plain.replace('0', '')}{width}s" % ""
    if kind == "o" and "#" in plain:
        return f"%{plain.replace('#', '')}{width}s" % f"0{number:o}"
    if "'" in flags and kind in "diu":
        return f"%{plain.replace('0', '')}{width}s" % f"{number:,}"
    point = "" if precision is None else f".{precision or 0}"
    shown = plain.replace("#", "") if number == 0 else plain
    return f"%{shown}{width}{point}{'d' if kind in 'iu' else kind}" % number


def _hexadecimal(number: float, flags: str, width: str, precision: str | None, kind: str) -> str:
    """A double as C's %a prints it, with so many hexadecimal digits after the point."""
    mantissa, _, exponent = abs(number).hex()[2:].partition("p")
    whole, _, digits = mantissa.partition(".")
    digits = digits.rstrip("0")
    if precision is not None:
        places = int(precision or 0)
        kept = int(whole + digits.ljust(14, "0"), 16)
        unit = 16 ** max(0, 14 - places)
        kept, rest = divmod(kept, unit)
        kept += rest * 2 > unit or (rest * 2 == unit and kept % 2 == 1)
        spelled = f"{kept:x}".rjust(min(places, 14) + 1, "0")
        cut = len(spelled) - min(places, 14)
        whole, digits = spelled[:cut], spelled[cut:].ljust(places, "0")
    point = "." if digits or "#" in flags else ""
    sign = "-" if math.copysign(1.0, number) < 0 else "+" if "+" in flags else ""
    spelled = f"0x{whole}{point}{digits}p{exponent}"
    spelled = sign + (spelled.upper() if kind == "A" else spelled)
    size = int(width or 0)
    return spelled.ljust(size) if "-" in flags else spelled.rjust(size)


def _size(value: str | None) -> str:
    size = int(float(value or ""))
    if abs(size) > MAX_WIDTH:
        raise ValueError(size)
    return str(size)

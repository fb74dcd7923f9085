"""Numbers bit by bit and by their digits, and the growth of counters: DuckDB calls them."""

from __future__ import annotations

import hashlib
import math
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import reduce
from itertools import pairwise
from operator import and_, or_, xor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
MOST_PLACES = 400
MOST_RANDOM = 2**31 - 1
ALL_BITS = 2**53 - 1
BITWISE = {"and": and_, "or": or_, "xor": xor}
TEXT, ONE, SEVERAL, TRUTH = "VARCHAR", "DOUBLE", "DOUBLE[]", "BOOLEAN"


def _bits(value: float | None) -> int | None:
    """A number that bitwise functions take: whole, from 0 to 2^53 - 1."""
    if value is None or not math.isfinite(value) or not value.is_integer():
        return None
    return int(value) if 0 <= value <= ALL_BITS else None


def bitwise(operation: str, values: list[float | None] | None) -> float | None:
    """Whole numbers joined bit by bit; NULL if one is none."""
    numbers = [_bits(value) for value in values or ()]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers) or not known:
        return None
    return float(reduce(BITWISE[operation], known))


def shifted(value: float | None, offset: float | None, left: bool) -> float | None:
    """A number's bits moved; those beyond the 53rd are lost."""
    number, places = _bits(value), _bits(offset)
    if number is None or places is None:
        return None
    if places > ALL_BITS.bit_length():
        return 0.0
    return float((number << places) & ALL_BITS if left else number >> places)


def written_decimals(text: str | None) -> float | None:
    """How many digits stand after the point of a number's text."""
    if text is None or not NUMBER.fullmatch(text):
        return None
    mantissa, _, exponent = text.strip().lower().partition("e")
    return float(len(mantissa.partition(".")[2]) - int(exponent or 0))


def significant(value: float | None, decimals: float | None) -> float | None:
    """A number rounded to decimals, or to zeros before the point where they are negative."""
    if value is None or decimals is None or not math.isfinite(value):
        return value
    places = max(-MOST_PLACES, min(MOST_PLACES, int(decimals)))
    with localcontext() as context:
        context.prec = 2 * MOST_PLACES
        exact = Decimal(repr(value))
        return float(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def magnitude(value: float | None) -> float | None:
    """The position of a number's first digit: 0 for units, 1 for tens, -1 for tenths."""
    if value is None or not math.isfinite(value):
        return None
    return float(Decimal(repr(value)).adjusted()) if value else 0.0


def rate(values: list[float] | None, times: list[float] | None) -> float | None:
    """A counter's growth per second, from its oldest value to its newest.

    Where the counter began again, the greatest value that it had is added.
    """
    points = sorted(zip(times or (), values or (), strict=True))
    if not points or points[0][0] == points[-1][0]:
        return None
    growth = points[-1][1] - points[0][1]
    if any(later < earlier for (_, earlier), (_, later) in pairwise(points)):
        growth += max(value for _, value in points)
    return growth / (points[-1][0] - points[0][0])


def random_number(row: float | None, place: str, clock: float) -> float | None:
    """A whole number below 2^31 that looks like chance: the same for the same row and clock."""
    if row is None:
        return None
    drawn = hashlib.blake2b(f"{place}:{clock!r}:{row!r}".encode(), digest_size=4).digest()
    return float(int.from_bytes(drawn, "big") & MOST_RANDOM)


NUMBER_FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "spl_bitwise": (bitwise, [TEXT, SEVERAL], ONE),
    "spl_shifted": (shifted, [ONE, ONE, TRUTH], ONE),
    "spl_written_decimals": (written_decimals, [TEXT], ONE),
    "spl_significant": (significant, [ONE, ONE], ONE),
    "spl_magnitude": (magnitude, [ONE], ONE),
    "spl_random": (random_number, [ONE, TEXT, ONE], ONE),
    "spl_rate": (rate, [SEVERAL, SEVERAL], ONE),
}

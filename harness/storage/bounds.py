"""How much an archive may give."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on what one archive holds; sizes in bytes.

    `max_ratio` is bytes out per byte in, and counts from `ratio_free_bytes` of output on,
    because a short log of one repeated line compresses further than any bomb needs to.
    """

    max_unpacked_bytes: int = 16 * GIBIBYTE
    max_entries: int = 10_000
    max_ratio: int = 250
    ratio_free_bytes: int = 64 * MEBIBYTE

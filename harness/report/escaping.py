"""Log text made safe to show: control characters and terminal escapes are written out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

    from harness.model import Value

UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    r"""The text with what a terminal would act on written as `\x1b`; tabs and newlines stay."""
    return UNSAFE.sub(
        lambda found: (
            f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}"
        ),
        text,
    )


def one_line(value: Value, width: int | None = None) -> str:
    """A field's value on one line: several values joined, cut with an ellipsis."""
    text = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    text = shown(text).replace("\n", "\\n").replace("\t", "\\t")
    return text if width is None or len(text) <= width else f"{text[: width - 1]}…"


def cell(name: str, value: Value, zone: tzinfo, width: int | None = None) -> str:
    """A field's value on one line, and `_time` as a clock in the zone shows it."""
    if name != "_time" or not isinstance(value, int | float):
        return one_line(value, width)
    try:
        time = datetime.fromtimestamp(value, zone).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return one_line(value, width)
    return time.isoformat(" ", "milliseconds" if time.microsecond else "seconds")

"""The time of a Windows event, the fast way."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

STAMP = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(\.\d{1,9})? ([AP])M")


def xml_time(raw: str) -> float | None:
    """The epoch seconds of an event in XML: its SystemTime."""
    return _iso(_attribute(raw, "SystemTime="))


def _attribute(raw: str, name: str) -> str | None:
    start = raw.find(name)
    if start < 0:
        return None
    start += len(name)
    end = raw.find(raw[start : start + 1], start + 1)
    return raw[start + 1 : end] if end > start else None


def _iso(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = datetime.fromisoformat(f"{text}+00:00")
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def stamp(raw: str, zone: tzinfo) -> float | None:
    """The epoch seconds of `MM/DD/YYYY hh:mm:ss AM` at the start of a text.

    A time that the end of summer time gives twice is the first of the two.
    """
    found = STAMP.match(raw)
    if found is None:
        return None
    month, day, year, hour, minute, second = (int(found[number]) for number in range(1, 7))
    if not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if found[8] == "P" else 0)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        return moment.timestamp() + float(found[7] or 0)
    except (ValueError, OverflowError):
        return None

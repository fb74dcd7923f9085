"""What a Windows event says of itself: its time, its channel and its computer."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import tzinfo

STAMP = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(\.\d{1,9})? ([AP])M")


def xml_metadata(raw: str) -> tuple[float | None, str, str | None]:
    """Time, channel and computer of an XML event."""
    return (
        _iso(_attribute(raw, "SystemTime=")),
        _element(raw, "<Channel>") or "unknown",
        _element(raw, "<Computer>"),
    )


def _element(raw: str, opening: str) -> str | None:
    start = raw.find(opening)
    if start < 0:
        return None
    start += len(opening)
    end = raw.find("<", start)
    return raw[start:end].strip() or None if end >= 0 else None


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


def nxlog_metadata(document: Any) -> tuple[str, str] | None:
    """Channel and computer of a Windows event as NXLog writes it in JSON; None for other JSON.

    Source: NXLog Reference Manual, im_msvistalog, "Fields".
    """
    if not isinstance(document, dict) or "SourceName" not in document:
        return None
    channel, computer = document.get("Channel"), document.get("Hostname")
    number = document.get("EventID")
    if not (isinstance(channel, str) and isinstance(computer, str) and channel and computer):
        return None
    return (channel, computer) if isinstance(number, int | float | str) else None


def text_metadata(raw: str, zone: tzinfo) -> tuple[float | None, str, str | None]:
    """Time, channel and computer of a text block; its time has the zone of the forwarder."""
    return stamp(raw, zone), _line(raw, "\nLogName=") or "unknown", _line(raw, "\nComputerName=")


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


def _line(raw: str, key: str) -> str | None:
    start = raw.find(key)
    if start < 0:
        return None
    start += len(key)
    end = raw.find("\n", start)
    return (raw[start:end] if end >= 0 else raw[start:]).strip() or None

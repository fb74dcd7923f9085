"""Windows events in files: XML events, and text blocks as Splunk's forwarder writes them.

XML events may stand one a line, back to back or over several lines, and among text blocks. No
XML parser runs here: an event is the text from `<Event` to `</Event>`, so nothing is expanded.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from harness.ingest.errors import Loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

END = "</Event>"
MAX_EVENT = 32 * 1024 * 1024
TEXT_LINE = r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}(?:\.\d+)? [AP]M[ \t]*\r?\nLogName="
TEXT_START = re.compile(TEXT_LINE)
NEXT_START = re.compile(rf"\n(?={TEXT_LINE}|[ \t]*<Event[ >]|[ \t]*<\?xml )")
XML_START = re.compile(r"<Event[ >]")
FILLER = re.compile(
    r"(?:\s|<\?xml[^>]*\?>|</?Events[^>]*>|<!DOCTYPE[^>\[]*(?:\[[^\]]*\])?[^>]*>|\ufeff)+"
)
STAMP = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(\.\d+)? ([AP])M")
LONGEST_START = 200


def is_windows(start: str) -> bool:
    """Whether a text begins with a Windows event, XML or text."""
    filler = FILLER.match(start)
    position = filler.end() if filler else 0
    return bool(XML_START.match(start, position) or TEXT_START.match(start, position))


def windows_events(
    pieces: Iterator[str], name: str, losses: list[Loss]
) -> Iterator[tuple[str, str]]:
    """Pairs of kind (`xml`, `text`) and raw text; what is neither is a `line`."""
    buffer = ""
    for piece in pieces:
        buffer += piece
        position = 0
        while (step := _next(buffer, position, final=False)) is not None:
            kind, start, position = step
            if kind:
                yield kind, _raw(kind, buffer[start:position])
        buffer = buffer[position:]
        if len(buffer) > MAX_EVENT:
            losses.append(Loss(name, "an event of more than 32 MB was cut off"))
            yield ("xml" if XML_START.match(buffer) else "text"), buffer
            buffer = ""
    position = 0
    while (step := _next(buffer, position, final=True)) is not None:
        kind, start, position = step
        if kind:
            raw = buffer[start:position]
            if kind == "xml" and not raw.endswith(END):
                losses.append(Loss(name, "the last event is cut short: it has no </Event>"))
            yield kind, _raw(kind, raw)


def _next(buffer: str, position: int, *, final: bool) -> tuple[str, int, int] | None:
    """The next event as (kind, start, end), filler with an empty kind, None for want of text."""
    if position >= len(buffer):
        return None
    if buffer.startswith("<Event", position) and buffer[position + 6 : position + 7] in (" ", ">"):
        end = buffer.find(END, position)
        if end >= 0:
            return "xml", position, end + len(END)
        return ("xml", position, len(buffer)) if final else None
    if filler := FILLER.match(buffer, position):
        return "", position, filler.end()
    if not final and len(buffer) - position < LONGEST_START:
        return None
    kind = "text" if TEXT_START.match(buffer, position) else "line"
    if kind == "line":
        end = buffer.find("\n", position)
        following = XML_START.search(buffer, position + 1, end if end >= 0 else len(buffer))
        if following:
            return kind, position, following.start()
        if end >= 0:
            return kind, position, end
        return (kind, position, len(buffer)) if final else None
    following = NEXT_START.search(buffer, position)
    if following:
        return kind, position, following.start()
    return (kind, position, len(buffer)) if final else None


def _raw(kind: str, text: str) -> str:
    if kind == "xml":
        return text
    return text.replace("\r\n", "\n").rstrip("\n")


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
    return raw[start:end] or None if end >= 0 else None


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
    except ValueError:
        return None


def text_metadata(raw: str, zone: ZoneInfo) -> tuple[float | None, str, str | None]:
    """Time, channel and computer of a text block; its time has the zone of the forwarder."""
    return stamp(raw, zone), _line(raw, "\nLogName=") or "unknown", _line(raw, "\nComputerName=")


def stamp(raw: str, zone: ZoneInfo) -> float | None:
    """The epoch seconds of `MM/DD/YYYY hh:mm:ss AM` at the start of a text."""
    found = STAMP.match(raw)
    if found is None:
        return None
    month, day, year, hour, minute, second = (int(found[number]) for number in range(1, 7))
    hour = hour % 12 + (12 if found[8] == "P" else 0)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return moment.timestamp() + float(found[7] or 0)


def _line(raw: str, key: str) -> str | None:
    start = raw.find(key)
    if start < 0:
        return None
    start += len(key)
    end = raw.find("\n", start)
    return (raw[start:end] if end >= 0 else raw[start:]).strip() or None

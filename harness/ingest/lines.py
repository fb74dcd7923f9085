"""Text of other kinds: an event a line, and the time that it begins with."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.ingest.errors import Loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

Raw = tuple[str, str]
"""An event on its way: its kind (xml, text, json, line) and its text."""

MAX_EVENT = 32 * 1024 * 1024
OVERSIZED = "an event is too long: it was cut off, and the rest of it left out"
ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC)|[+-]\d\d:?\d\d)?"
)
SYSLOG = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?!\d)")
WEB = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\]")
EPOCH = re.compile(r"\d{10}(?:\d{3}){0,3}(?:\.\d{1,9})?(?![\d.])")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LOOKAHEAD = 128
CLOCK_SLACK = timedelta(days=1)
LEAP_YEARS = 8
LATEST_EPOCH = 1e11  # the year 5138
SCALES = (1, 1_000, 1_000_000, 1_000_000_000)
UTC_KEYS = frozenset({"UtcTime", "CreationTime"})  # Sysmon's, and the Office 365 audit log's
TIME_KEYS = (
    "_time", "@timestamp", "timestamp", "time", "eventTime", "EventTime", "TimeCreated",
    "published", "UtcTime", "createdDateTime", "CreationTime", "ts",
)  # fmt: skip


def lines(
    pieces: Iterator[str], name: str, losses: list[Loss], *, max_event: int = MAX_EVENT
) -> Iterator[Raw]:
    """The lines of a text that hold something, as pairs of the kind `line` and the line."""
    buffer, offset, cut = "", 0, False
    for piece, final in with_last(pieces):
        *whole, buffer = (buffer + piece).split("\n")
        if final:
            whole, buffer = [*whole, buffer], ""
        for line in whole:
            if not cut and line.strip():
                raw = line.rstrip("\r")
                if len(raw) > max_event:
                    losses.append(Loss(name, OVERSIZED, offset))
                yield "line", raw[:max_event]
            offset += len(line) + 1
            cut = False
        if len(buffer) > max_event + 1:
            if not cut:
                losses.append(Loss(name, OVERSIZED, offset))
                yield "line", buffer[:max_event]
            offset += len(buffer)
            buffer, cut = "", True


def with_last(pieces: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """The pieces, each with whether it is the last."""
    before: str | None = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True


def line_time(raw: str, zone: tzinfo, written: datetime) -> float | None:
    """The time at the start of a line: ISO 8601, syslog's, a web server's or an epoch.

    Syslog leaves out the year: it is the latest one for which the time does not lie more than
    a day after `written`, when the file was.
    """
    start = raw[:LOOKAHEAD]
    if found := SYSLOG.match(start):
        return _syslog(found, zone, written)
    if found := EPOCH.match(start):
        return _epoch(float(found[0]))
    if found := ISO.search(start):
        return iso_time(found[0], zone)
    if (found := WEB.search(start)) and found[2] in MONTHS:
        month = MONTHS.index(found[2]) + 1
        return iso_time(f"{found[3]}-{month:02}-{found[1]}T{found[4]}{found[5]}", zone)
    return None


def json_time(document: dict[str, Any], zone: tzinfo) -> float | None:
    """The time of a JSON object, by the first of the usual keys that holds one."""
    for key in TIME_KEYS:
        value = document.get(key)
        time = None
        if isinstance(value, int | float) and not isinstance(value, bool):
            time = _epoch(float(value))
        elif isinstance(value, str):
            if found := ISO.match(value):
                time = iso_time(found[0], UTC if key in UTC_KEYS else zone)
            elif EPOCH.fullmatch(value):
                time = _epoch(float(value))
        if time is not None:
            return time
    return None


def iso_time(text: str, zone: tzinfo) -> float | None:
    """The epoch seconds of an ISO time; one without a zone has the given one."""
    plain = text.replace(",", ".").replace(" UTC", "Z").replace("UTC", "Z").replace(" Z", "Z")
    try:
        moment = datetime.fromisoformat(plain)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None


def _epoch(number: float) -> float | None:
    """Epoch seconds of a number of them, or of thousandths, millionths or billionths of them."""
    for scale in SCALES:
        if 0 < number < LATEST_EPOCH * scale:
            return number / scale
    return None


def _syslog(found: re.Match[str], zone: tzinfo, written: datetime) -> float | None:
    if found[1] not in MONTHS:
        return None
    month, day = MONTHS.index(found[1]) + 1, int(found[2])
    clock = (int(found[3]), int(found[4]), int(found[5]))
    # 29 February may be eight years back.
    for year in range(written.year + 1, written.year - LEAP_YEARS, -1):
        try:
            moment = datetime(year, month, day, *clock, tzinfo=zone)
        except ValueError:
            continue
        if moment <= written + CLOCK_SLACK:
            return moment.timestamp()
    return None

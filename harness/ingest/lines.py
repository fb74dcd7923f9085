"""Text of other kinds: an event a line, and the time that it begins with."""

from __future__ import annotations

import json as json_module
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.ingest.errors import Loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

MAX_EVENT = 32 * 1024 * 1024
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
SYSLOG = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)")
EPOCH = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?(?=\D|$)")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LOOKAHEAD = 128
TIME_KEYS = (
    "_time", "@timestamp", "timestamp", "time", "eventTime", "EventTime", "TimeCreated",
    "published", "UtcTime", "createdDateTime", "CreationTime", "ts",
)  # fmt: skip


def lines(pieces: Iterator[str], name: str, losses: list[Loss]) -> Iterator[str]:
    """The lines of a text that hold something."""
    buffer = ""
    for piece in pieces:
        buffer += piece
        *whole, buffer = buffer.split("\n")
        for line in whole:
            if line.strip():
                yield line.rstrip("\r")
        if len(buffer) > MAX_EVENT:
            losses.append(Loss(name, "a line of more than 32 MB was cut off"))
            yield buffer
            buffer = ""
    if buffer.strip():
        yield buffer.rstrip("\r")


def line_time(raw: str, zone: ZoneInfo, modified: float | None, *, json: bool) -> float | None:
    """The time of an event: by the usual keys of a JSON object, or at the start of a line."""
    if json:
        return _json_time(raw, zone)
    start = raw[:LOOKAHEAD]
    if found := ISO.search(start):
        return iso_time(found[0], zone)
    if found := SYSLOG.match(start):
        return _syslog(found, zone, modified)
    if found := EPOCH.match(start):
        return _epoch(float(found[0]))
    return None


def iso_time(text: str, zone: ZoneInfo) -> float | None:
    """The epoch seconds of an ISO time; one without a zone has the given one."""
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _json_time(raw: str, zone: ZoneInfo) -> float | None:
    try:
        document: Any = json_module.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    for key in TIME_KEYS:
        value = document.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(float(value))
        if isinstance(value, str):
            if (found := ISO.match(value)) and (time := iso_time(found[0], zone)) is not None:
                return time
            if EPOCH.fullmatch(value):
                return _epoch(float(value))
    return None


def _epoch(number: float) -> float | None:
    """Seconds, or milliseconds where seconds would lie beyond the year 5000."""
    return number / 1000 if number > 1e11 else number if number > 0 else None


def _syslog(found: re.Match[str], zone: ZoneInfo, modified: float | None) -> float | None:
    """Syslog leaves out the year: the latest one that does not lie after the file's own time."""
    if found[1] not in MONTHS:
        return None
    newest = datetime.fromtimestamp(modified, zone) if modified else datetime.now(UTC)
    month, day = MONTHS.index(found[1]) + 1, int(found[2])
    clock = (int(found[3]), int(found[4]), int(found[5]))
    try:
        moment = datetime(newest.year, month, day, *clock, tzinfo=zone)
        if moment > newest:
            moment = moment.replace(year=newest.year - 1)
    except ValueError:
        return None
    return moment.timestamp()

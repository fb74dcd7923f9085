"""Files to batches of events: what kind each event is, and its metadata fields."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import Place, nearest
from harness.ingest.errors import BadTimezone, EmptyFile, Loss
from harness.ingest.jsontexts import is_json, json_events
from harness.ingest.lines import MAX_EVENT, json_time, line_time, lines
from harness.ingest.metadata import nxlog_metadata, text_metadata, xml_metadata
from harness.ingest.texts import CHUNK_BYTES, EVTX_MAGIC, chunks, texts
from harness.ingest.windows import is_windows, windows_events
from harness.model import EventBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from harness.ingest.lines import Raw
    from harness.model import Origin

    Found = tuple[Raw, Any]

BATCH_EVENTS = 10_000
BATCH_CHARACTERS = 8 * 1024 * 1024
DETECTED_CHARACTERS = 8192
DEFAULT_HOST = "localhost"
XML_TYPES = frozenset({"xmlwineventlog"})
TEXT_TYPES = ("wineventlog",)
# Content asks for Windows events by source: NXLog's have the source of the XML ones, and a source
# type of their own.
NXLOG_TYPE = "nxlog_json"


def ingest(
    paths: Sequence[Path], origin: Origin, *, losses: list[Loss] | None = None
) -> Iterator[EventBatch]:
    """The events of files in the order given; `losses` collects what was damaged."""
    for path in paths:
        yield from read_file(path, origin, losses=losses)


def read_file(
    path: Path,
    origin: Origin,
    *,
    losses: list[Loss] | None = None,
    chunk: int = CHUNK_BYTES,
    max_event: int = MAX_EVENT,
) -> Iterator[EventBatch]:
    """The events of one file, streamed; what is told of it wins over what it looks like.

    `chunk` is in bytes; an event of more than `max_event` characters is cut off and noted in
    `losses`. Raises `UnreadableFile`, `EmptyFile`, `PointerInsteadOfEvents`, `DamagedFile` and
    `BadTimezone`.
    """
    noted = losses if losses is not None else []
    pieces = chunks(path, chunk)
    first = next(pieces)
    if first.startswith(EVTX_MAGIC):
        from harness.ingest.evtx import evtx_events  # noqa: PLC0415 - a package of its own

        pieces = chain([first], pieces)
        events: Iterator[Found] = (
            (raw, None) for raw in evtx_events(path, pieces, noted, max_event)
        )
    else:
        pieces_of_text = texts(chain([first], pieces), str(path), noted)
        events = _events(pieces_of_text, path, origin, noted, max_event)
    yield from _batched(events, path, origin, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def ingest_text(
    text: str, origin: Origin, name: str, *, losses: list[Loss] | None = None
) -> Iterator[EventBatch]:
    """The events of a text as if it were a file of that name, written now."""
    noted = losses if losses is not None else []
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "characters that are no text were replaced by U+FFFD"
        noted.append(Loss(name, message, error.start))
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    path = Path(name)
    events = _events(iter([text]), path, origin, noted, MAX_EVENT)
    yield from _batched(events, path, origin, datetime.now(UTC))


def _events(
    pieces: Iterator[str], path: Path, origin: Origin, losses: list[Loss], max_event: int
) -> Iterator[Found]:
    """Each event's kind and raw text, with what a JSON object says."""
    name = str(path)
    start = _start(pieces)
    if not start:
        raise EmptyFile(
            "the file holds no events, only space", place=Place(name), hints=["fetch it again"]
        )
    detected = start[:DETECTED_CHARACTERS]
    pieces = chain([start], pieces)
    told = (origin.sourcetype or "").lower()
    is_told = told in XML_TYPES or told.startswith(TEXT_TYPES)
    if is_told or is_windows(detected):
        found = windows_events(pieces, name, losses, max_event=max_event)
    elif is_json(detected):
        yield from json_events(pieces, name, losses, max_event=max_event)
        return
    else:
        found = lines(pieces, name, losses, max_event=max_event)
    for raw in found:
        yield raw, None


def _start(pieces: Iterator[str]) -> str:
    """The text's beginning without the space before it, long enough to tell its kind."""
    start = ""
    for piece in pieces:
        start = (start + piece).lstrip("\ufeff \t\r\n")
        if len(start) >= DETECTED_CHARACTERS:
            break
    return start


@dataclass(slots=True)
class _Columns:
    raw: list[str] = field(default_factory=list)
    time: list[float | None] = field(default_factory=list)
    host: list[str] = field(default_factory=list)


def _batched(
    events: Iterable[Found], path: Path, origin: Origin, written: datetime
) -> Iterator[EventBatch]:
    zone = time_zone(origin.timezone)
    opened: dict[tuple[str, str], _Columns] = {}
    count = characters = 0
    for (kind, raw), document in events:
        if kind == "xml":
            time, channel, computer = xml_metadata(raw)
            name, sourcetype = f"XmlWinEventLog:{channel}", "XmlWinEventLog"
        elif kind == "text":
            time, channel, computer = text_metadata(raw, zone)
            name, sourcetype = f"WinEventLog:{channel}", "WinEventLog"
        else:
            said = document or _document(raw)
            time, sourcetype = _other(raw, said, zone, written)
            name, computer = path.name, None
            if (nxlog := nxlog_metadata(said)) is not None:
                name, computer = f"XmlWinEventLog:{nxlog[0]}", nxlog[1]
                sourcetype = NXLOG_TYPE
        key = (origin.source or name, origin.sourcetype or sourcetype)
        columns = opened.get(key)
        if columns is None:
            columns = opened[key] = _Columns()
        columns.raw.append(raw)
        columns.time.append(time)
        columns.host.append(origin.host or computer or DEFAULT_HOST)
        count += 1
        characters += len(raw)
        if count >= BATCH_EVENTS or characters >= BATCH_CHARACTERS:
            yield from _batches(origin, opened)
            opened, count, characters = {}, 0, 0
    yield from _batches(origin, opened)


def _document(raw: str) -> Any:
    """What a line says that is a JSON object, for files in which only some are."""
    if not (raw.startswith("{") and raw.endswith("}")):
        return None
    try:
        return json.loads(raw, parse_int=float)
    except (ValueError, RecursionError):
        return None


def _other(raw: str, document: Any, zone: tzinfo, written: datetime) -> tuple[float | None, str]:
    """Time and source type of an event that is none of Windows' own."""
    if document is None:
        return line_time(raw, zone, written), "text"
    return json_time(document, zone), "_json"


def _batches(origin: Origin, opened: dict[tuple[str, str], _Columns]) -> Iterator[EventBatch]:
    for (source, sourcetype), columns in opened.items():
        yield EventBatch(origin.index, source, sourcetype, columns.raw, columns.time, columns.host)


def time_zone(name: str) -> tzinfo:
    """The zone of an IANA name; raises `BadTimezone`. UTC needs no database of zones."""
    if name.upper() in ("UTC", "ETC/UTC"):
        return UTC
    from zoneinfo import (  # noqa: PLC0415 - start-up is a feature: most data is in UTC
        ZoneInfo,
        available_timezones,
    )

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        hints = nearest(name, available_timezones()) or ("for example Europe/Berlin",)
        raise BadTimezone(f"`{name}` is no time zone", hints=hints) from error

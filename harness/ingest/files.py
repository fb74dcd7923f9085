"""Files to batches of events: what kind each event is, and its metadata fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.errors import Place
from harness.ingest.errors import BadTimezone, EmptyFile, Loss
from harness.ingest.jsontexts import json_events
from harness.ingest.lines import line_time, lines
from harness.ingest.texts import CHUNK_BYTES, EVTX_MAGIC, chunks, texts
from harness.ingest.windows import (
    is_windows,
    text_metadata,
    windows_events,
    xml_metadata,
)
from harness.model import EventBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.model import Origin

BATCH_EVENTS = 10_000
DEFAULT_HOST = "localhost"
XML_TYPES = frozenset({"xmlwineventlog"})
TEXT_TYPES = ("wineventlog",)


def ingest(
    paths: Sequence[Path], origin: Origin, *, losses: list[Loss] | None = None
) -> Iterator[EventBatch]:
    """The events of files in the order given; `losses` collects what was damaged."""
    for path in paths:
        yield from read_file(path, origin, losses=losses)


def read_file(
    path: Path, origin: Origin, *, losses: list[Loss] | None = None, chunk: int = CHUNK_BYTES
) -> Iterator[EventBatch]:
    """The events of one file, streamed; what is told of it wins over what it looks like.

    Raises `UnreadableFile`, `EmptyFile`, `PointerInsteadOfEvents` and `DamagedFile`.
    """
    noted = losses if losses is not None else []
    pieces = chunks(path, chunk)
    first = next(pieces, b"")
    if first.startswith(EVTX_MAGIC):
        from harness.ingest.evtx import evtx_events  # noqa: PLC0415 - a package of its own

        events = (("xml", text) for text in evtx_events(path, noted))
        yield from _batched(events, path, origin, empty="the log holds no events")
        return

    def all_pieces() -> Iterator[bytes]:
        yield first
        yield from pieces

    yield from _of_texts(texts(all_pieces(), str(path), noted), path, origin, noted)


def ingest_text(
    text: str, origin: Origin, name: str, *, losses: list[Loss] | None = None
) -> Iterator[EventBatch]:
    """The events of a text as if it were a file of that name."""
    noted = losses if losses is not None else []
    yield from _of_texts(iter([text]), Path(name), origin, noted)


def _of_texts(
    pieces: Iterator[str], path: Path, origin: Origin, losses: list[Loss]
) -> Iterator[EventBatch]:
    start = ""
    for piece in pieces:
        start += piece
        if start.strip():
            break
    if not start.strip():
        raise EmptyFile("the file holds no events", place=Place(str(path)))

    def all_pieces() -> Iterator[str]:
        yield start
        yield from pieces

    yield from _batched(_events(start, all_pieces(), path, origin, losses), path, origin)


def _events(
    start: str, pieces: Iterator[str], path: Path, origin: Origin, losses: list[Loss]
) -> Iterator[tuple[str, str]]:
    """Pairs of a kind (xml, text, json, line) and an event's raw text."""
    told = (origin.sourcetype or "").lower()
    windows = told in XML_TYPES or told.startswith(TEXT_TYPES)
    stripped = start.lstrip("\ufeff \t\r\n")
    if windows or (is_windows(stripped) and not told):
        return windows_events(pieces, str(path), losses)
    if stripped.startswith(("{", "[")):
        return (("json", text) for text in json_events(pieces, str(path), losses))
    if is_windows(stripped):
        return windows_events(pieces, str(path), losses)
    return (("line", text) for text in lines(pieces, str(path), losses))


@dataclass(slots=True)
class _Columns:
    raw: list[str] = field(default_factory=list)
    time: list[float | None] = field(default_factory=list)
    host: list[str] = field(default_factory=list)


def _batched(
    events: Iterable[tuple[str, str]], path: Path, origin: Origin, *, empty: str | None = None
) -> Iterator[EventBatch]:
    try:
        zone = ZoneInfo(origin.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadTimezone(
            f"`{origin.timezone}` is no time zone", hints=["for example Europe/Berlin"]
        ) from error
    open_columns: dict[tuple[str, str], _Columns] = {}
    count, modified = 0, _modified(path)
    for kind, raw in events:
        if kind == "xml":
            time, channel, computer = xml_metadata(raw)
            name, sourcetype = f"XmlWinEventLog:{channel}", "XmlWinEventLog"
        elif kind == "text":
            time, channel, computer = text_metadata(raw, zone)
            name, sourcetype = f"WinEventLog:{channel}", "WinEventLog"
        else:
            time, computer = line_time(raw, zone, modified, json=kind == "json"), None
            name, sourcetype = path.name, "_json" if kind == "json" else "text"
        key = (origin.source or name, origin.sourcetype or sourcetype)
        columns = open_columns.get(key)
        if columns is None:
            columns = open_columns[key] = _Columns()
        columns.raw.append(raw)
        columns.time.append(time)
        columns.host.append(origin.host or computer or DEFAULT_HOST)
        count += 1
        if len(columns.raw) >= BATCH_EVENTS:
            yield _batch(origin, key, columns)
            del open_columns[key]
    for key, columns in open_columns.items():
        yield _batch(origin, key, columns)
    if not count and empty:
        raise EmptyFile(empty, place=Place(str(path)))


def _batch(origin: Origin, key: tuple[str, str], columns: _Columns) -> EventBatch:
    return EventBatch(origin.index, key[0], key[1], columns.raw, columns.time, columns.host)


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None

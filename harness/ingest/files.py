"""Files to batches of events: what kind each event is, and its metadata fields.

An event without a time has that of the one before it in the file, the first that of the file.
Source: Getting Data In, "How timestamp assignment works".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.apps import load_apps
from harness.errors import Place
from harness.ingest.arriving import Arriving
from harness.ingest.breaking import break_rules
from harness.ingest.errors import EmptyFile, Loss
from harness.ingest.index_time import IndexRules, index_rules, indexed
from harness.ingest.jsontexts import is_json, json_events
from harness.ingest.kinds import Called, Kinds, kinds_of
from harness.ingest.lines import MAX_EVENT, lines
from harness.ingest.metadata import stamp, xml_time
from harness.ingest.structured import TableRules, stamp_text, table_rules
from harness.ingest.texts import CHUNK_BYTES, EVTX_MAGIC, NAME_ANOTHER, charset, chunks, texts
from harness.ingest.timestamps import TimeRules, json_time
from harness.ingest.windows import event_kind, is_windows, windows_events
from harness.ingest.wrapped import inside
from harness.ingest.zones import time_zone
from harness.model import EventBatch, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.apps import Apps
    from harness.apps.conf import Setting
    from harness.ingest.evaluations import Evaluate
    from harness.ingest.lines import Raw
    from harness.model import Origin

    Found = tuple[Raw, Any]

BATCH_EVENTS = 10_000
BATCH_CHARACTERS = 8 * 1024 * 1024
DETECTED_CHARACTERS = 8192
DEFAULT_HOST = "localhost"
ROW = "row"
EVTX_NAMED = re.compile(r"\.evtx(?:\.gz)?$", re.IGNORECASE)
CSV_NAMED = re.compile(r"\.csv(?:\.gz)?$", re.IGNORECASE)
UNTOLD_CSV = "its lines are events: told `--sourcetype csv`, its columns are fields"
NO_EVTX = "the name is that of an event log, and the file is none: it is read as text"
LINE_TIMES = TimeRules()


@lru_cache(maxsize=1)
def splunks_own() -> Apps:
    """Splunk's defaults alone, for events that no app is loaded for."""
    return load_apps(builtin=False)


def ingest(
    paths: Sequence[Path],
    origin: Origin,
    apps: Apps | None = None,
    *,
    losses: list[Loss] | None = None,
    evaluate: Evaluate | None = None,
) -> Iterator[EventBatch]:
    """The events of files in the order given; `losses` collects what was damaged.

    `apps` say how a source type is read at index time; without them Splunk's defaults do.
    `evaluate` runs what they ask of an engine (INGEST_EVAL).
    """
    for path in paths:
        yield from read_file(path, origin, apps, losses=losses, evaluate=evaluate)


def read_file(
    path: Path,
    origin: Origin,
    apps: Apps | None = None,
    *,
    losses: list[Loss] | None = None,
    chunk: int = CHUNK_BYTES,
    max_event: int = MAX_EVENT,
    evaluate: Evaluate | None = None,
) -> Iterator[EventBatch]:
    """The events of one file, streamed; what is told of it wins over what it looks like.

    `chunk` is in bytes; an event of more than `max_event` characters is cut off and noted in
    `losses`. Raises `UnreadableFile`, `EmptyFile`, `PointerInsteadOfEvents`, `DamagedFile`,
    `BadTimezone`, and for what an app says `BadIndexSetting` and `SlowIndexPattern`.
    """
    noted = losses if losses is not None else []
    pieces = chunks(path, chunk)
    first = next(pieces)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    reading = _Reading(path, origin, apps or splunks_own(), noted, max_event, written, evaluate)
    if first.startswith(EVTX_MAGIC):
        from harness.ingest.evtx import evtx_events  # noqa: PLC0415 - a package of its own

        pieces = chain([first], pieces)
        events: Iterator[Found] = (
            (raw, None) for raw in evtx_events(path, pieces, noted, max_event)
        )
    else:
        if EVTX_NAMED.search(path.name):
            noted.append(Loss(str(path), NO_EVTX))
        elif CSV_NAMED.search(path.name) and not origin.sourcetype:
            noted.append(Loss(str(path), UNTOLD_CSV))
        told = charset(reading.settings.get("CHARSET"))
        events = reading.events(texts(chain([first], pieces), str(path), noted, told))
    yield from reading.batched(events)


def ingest_text(
    text: str,
    origin: Origin,
    name: str,
    apps: Apps | None = None,
    *,
    losses: list[Loss] | None = None,
    evaluate: Evaluate | None = None,
) -> Iterator[EventBatch]:
    """The events of a text as if it were a file of that name, written now."""
    noted = losses if losses is not None else []
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "characters that are no text were replaced by U+FFFD"
        noted.append(Loss(name, message, error.start))
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    written = datetime.now(UTC)
    reading = _Reading(
        Path(name), origin, apps or splunks_own(), noted, MAX_EVENT, written, evaluate
    )
    yield from reading.batched(reading.events(iter([text])))


def index_events(
    events: Iterable[Arriving], apps: Apps | None = None, *, evaluate: Evaluate | None = None
) -> Iterator[EventBatch]:
    """Events that arrived one by one, each with its metadata, as they are indexed.

    An event with a time keeps it; of one without, the time is looked for in its text.
    """
    sink = _Sink(apps or splunks_own(), evaluate)
    written = datetime.now(UTC)
    for event in events:
        said = sink.rules_of(event)
        if event.time is None:
            stamp = LINE_TIMES.find(event.raw, said.zone or UTC, written)
            found = stamp.epoch if stamp is not None else None
            event.time = said.time(event.raw, found, UTC, written) or written.timestamp()
        sink.take(event, said)
    yield from sink.batches()


@dataclass(slots=True)
class _Columns:
    raw: list[str] = field(default_factory=list)
    time: list[float | None] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    meta: list[str | None] = field(default_factory=list)


@dataclass(slots=True)
class _Sink:
    """Events after their rules for index time, by what those of a batch have in common.

    Those whose rules are worked out for many at once wait until then.
    """

    apps: Apps
    evaluate: Evaluate | None = None
    opened: dict[tuple[str, str, str], _Columns] = field(default_factory=dict)
    waiting: dict[int, tuple[IndexRules, list[Arriving]]] = field(default_factory=dict)
    count: int = 0
    characters: int = 0
    known: dict[tuple[str, str, str], IndexRules] = field(default_factory=dict)

    def rules_of(self, event: Arriving) -> IndexRules:
        """The rules for an event."""
        return self.rules(event.source, event.sourcetype, event.host)

    def rules(self, source: str, sourcetype: str, host: str) -> IndexRules:
        """The rules for such events."""
        key = (source, sourcetype, host)
        if key not in self.known:
            self.known[key] = index_rules(self.apps, *key)
        return self.known[key]

    def take(self, event: Arriving, rules: IndexRules) -> None:
        """Have an event's rules applied, now or later, and keep what comes out."""
        if rules.waits:
            self.count += 1
            self.characters += len(event.raw)
            self.waiting.setdefault(id(rules), (rules, []))[1].append(event)
            return
        found = [event]
        if rules.changes_events:
            found = indexed(found, rules, self.rules_of, self.evaluate)
        for one in found:
            key = (one.index, one.source, one.sourcetype)
            self.keep(key, one.raw, one.time, one.host, one.meta)

    def keep(
        self, key: tuple[str, str, str], raw: str, time: float | None, host: str, meta: str | None
    ) -> None:
        """Put an event to those of its index, source and source type."""
        columns = self.opened.get(key)
        if columns is None:
            columns = self.opened[key] = _Columns()
        columns.raw.append(raw)
        columns.time.append(time)
        columns.host.append(host)
        columns.meta.append(meta)
        self.count += 1
        self.characters += len(raw)

    def batches(self) -> Iterator[EventBatch]:
        """All that was taken, as batches; then there is nothing."""
        waiting, self.waiting = self.waiting, {}
        for rules, events in waiting.values():
            for one in indexed(events, rules, self.rules_of, self.evaluate):
                key = (one.index, one.source, one.sourcetype)
                self.keep(key, one.raw, one.time, one.host, one.meta)
        opened, self.opened = self.opened, {}
        self.count = self.characters = 0
        for key, columns in opened.items():
            meta = columns.meta if any(columns.meta) else []
            yield EventBatch(*key, columns.raw, columns.time, columns.host, meta)


class _Reading:
    """One file on its way: what is told of it, what its apps say, and what it looks like."""

    def __init__(
        self,
        path: Path,
        origin: Origin,
        apps: Apps,
        losses: list[Loss],
        max_event: int,
        written: datetime,
        evaluate: Evaluate | None = None,
    ) -> None:
        self.path, self.origin, self.apps = path, origin, apps
        self.sink = _Sink(apps, evaluate)
        self.losses, self.max_event, self.written = losses, max_event, written
        self.kinds: Kinds = kinds_of(apps)
        self.zone = time_zone(origin.timezone)
        self.lines_called = Called(None, "", None)
        self.table: TableRules | None = None

    def events(self, pieces: Iterator[str]) -> Iterator[Found]:
        """Each event's kind and raw text, with what a JSON object or a row says."""
        name = str(self.path)
        start = _start(pieces)
        if not start:
            raise EmptyFile(
                "the file holds no events, only space", place=Place(name), hints=[NAME_ANOTHER]
            )
        detected = start[:DETECTED_CHARACTERS]
        pieces = chain([start], pieces)
        settings = self.settings
        self.lines_called = self.kinds.of_lines(detected)
        self.table = table_rules(settings)
        if self.table is not None:
            for row, fields in self.table.rows(pieces, name, self.losses):
                yield (ROW, row), fields
            return
        rules = break_rules(settings)
        if rules is not None:
            clock = (self.zone, self.written)
            broken = rules.events(pieces, name, self.losses, clock)
            found: Iterator[Raw] = ((event_kind(raw, 0), raw) for raw in broken)
        elif self.kinds.is_windows(self.origin.sourcetype) or is_windows(detected):
            found = windows_events(pieces, name, self.losses, max_event=self.max_event)
        elif is_json(detected):
            yield from self._objects(pieces, name)
            return
        else:
            found = lines(pieces, name, self.losses, max_event=self.max_event)
        for raw in found:
            yield raw, None

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What props.conf says of the file before its text is read."""
        source = self.origin.source or str(self.path)
        sourcetype = self.sourcetype(source) or ""
        return self.apps.settings_at_index_time(source, sourcetype, self.origin.host or "")

    def sourcetype(self, source: str) -> str | None:
        """The source type that was told, or that an app gives to such a source."""
        if self.origin.sourcetype:
            return self.origin.sourcetype
        given = self.apps.settings_at_index_time(source, "", self.origin.host or "").get(
            "sourcetype"
        )
        return given.value if given is not None and given.value else None

    def _objects(self, pieces: Iterator[str], name: str) -> Iterator[Found]:
        """The JSON objects of a text; of one that only wraps events, the events."""
        for raw, document in json_events(pieces, name, self.losses, max_event=self.max_event):
            within = self.kinds.wrapper(document) if document else ""
            if not within:
                yield raw, document
                continue
            for text, inner in inside(raw[1], within):
                yield ("json", text), inner

    def batched(self, events: Iterable[Found]) -> Iterator[EventBatch]:
        """Batches of events that have index, source and source type in common."""
        before: float | None = None
        origin, sink, known = self.origin, self.sink, None
        told = self.sourcetype(origin.source or str(self.path))
        for (shape, raw), document in events:
            time, called = self._called(shape, raw, document)
            if called is not known:  # mostly it is: what follows costs as much as the rest
                known, source = called, origin.source or called.source or name_of(self.path)
                key = (origin.index, source, told or called.sourcetype)
                host = origin.host or called.host or DEFAULT_HOST
                rules = sink.rules(source, key[2], origin.host or "")
                has_times, is_changed = rules.has_times, rules.changes_events or shape == ROW
            if has_times:
                text = self._stamped(shape, raw, document, rules)
                time = rules.time(text, time, self.zone, self.written)
            if time is None:
                time = self.written.timestamp() if before is None else before
            before = time
            if is_changed:
                fields = dict(document) if shape == ROW else {}
                sink.take(Arriving(raw, time, *key, host, fields=fields), rules)
            else:
                sink.keep(key, raw, time, host, None)
            if sink.count >= BATCH_EVENTS or sink.characters >= BATCH_CHARACTERS:
                yield from sink.batches()
        yield from sink.batches()

    def _stamped(self, shape: str, raw: str, document: Any, rules: IndexRules) -> str:
        """The text that an event's time is read from: its TIMESTAMP_FIELDS, or the event."""
        if not rules.stamps:
            return raw
        said = document if shape == ROW else document or _document(raw)
        text = stamp_text(said, rules.stamps) if isinstance(said, dict) else None
        return raw if text is None else text

    def _called(self, shape: str, raw: str, document: Any) -> tuple[float | None, Called]:
        """The time of an event by its kind, and what it is called."""
        if shape == "xml":
            return xml_time(raw), self.kinds.of_text("xml", raw)
        if shape == "text":
            return stamp(raw, self.zone), self.kinds.of_text("text", raw)
        if shape == ROW:
            assert self.table is not None
            text = stamp_text(document, self.table.times)
            found = LINE_TIMES.find(raw if text is None else text, self.zone, self.written)
            return found.epoch if found is not None else None, self.lines_called
        said = document or _document(raw)
        time = json_time(said, self.zone) if said is not None else None
        if time is None and (found := LINE_TIMES.find(raw, self.zone, self.written)) is not None:
            time = found.epoch
        return time, self.lines_called if said is None else self.kinds.of_document(said)


def _start(pieces: Iterator[str]) -> str:
    """The text's beginning without the space before it, long enough to tell its kind."""
    start = ""
    for piece in pieces:
        start = (start + piece).lstrip("\ufeff \t\r\n")
        if len(start) >= DETECTED_CHARACTERS:
            break
    return start


def _document(raw: str) -> Any:
    """What a line says that is a JSON object, for files in which only some are."""
    if not (raw.startswith("{") and raw.endswith("}")):
        return None
    try:
        return json.loads(raw, parse_int=float)
    except (ValueError, RecursionError):
        return None

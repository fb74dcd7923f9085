"""Reading whole files in tests: events as tuples, and the corpus of real data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.ingest import Loss, read_file
from harness.ingest.lines import MAX_EVENT
from harness.ingest.texts import CHUNK_BYTES
from harness.model import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import EventBatch

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
WRITTEN = 1_700_000_000.5
"""When files of tests were written: the time of events that have none, shown as None here."""
NOW = 1_750_000_000
NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


@dataclass(frozen=True, slots=True)
class Event:
    raw: str
    time: float | None
    host: str
    source: str
    sourcetype: str
    index: str = "main"


@dataclass(frozen=True, slots=True)
class Reading:
    events: list[Event]
    losses: list[Loss] = field(default_factory=list)

    @property
    def raws(self) -> list[str]:
        return [event.raw for event in self.events]

    @property
    def messages(self) -> list[str]:
        return [loss.message for loss in self.losses]


def events_of(batches: Iterable[EventBatch]) -> list[Event]:
    found = []
    for batch in batches:
        assert len(batch.raw) == len(batch.time) == len(batch.host)
        found += [
            Event(
                raw,
                None if time == WRITTEN else time,
                host,
                batch.source,
                batch.sourcetype,
                batch.index,
            )
            for raw, time, host in zip(batch.raw, batch.time, batch.host, strict=True)
        ]
    return found


def read(
    path: Path, origin: Origin | None = None, *, chunk: int | None = None, bound: int | None = None
) -> Reading:
    losses: list[Loss] = []
    if "\0" not in str(path) and path.exists() and path.stat().st_mtime > NOW:
        os.utime(path, (WRITTEN, WRITTEN))
    batches = read_file(
        path,
        origin or Origin(),
        losses=losses,
        chunk=CHUNK_BYTES if chunk is None else chunk,
        max_event=MAX_EVENT if bound is None else bound,
    )
    return Reading(events_of(batches), losses)


def written(folder: Path, content: str | bytes, name: str = "events.log") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def corpus(*parts: str) -> Path:
    """A file or folder of the corpus; the test is skipped where there is none."""
    path = CORPUS.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the corpus of real data is not beside the repository: {'/'.join(parts)}")
    return path


def xml_event(
    number: int = 1,
    *,
    data: str = "x",
    quote: str = "'",
    channel: str = "Security",
    time: str = "2022-02-28T10:00:00.000000000Z",
) -> str:
    """An event with the elements that ingest reads, numbered so that order shows."""
    return (
        f"<Event xmlns={quote}{NAMESPACE}{quote}><System><EventID>4688</EventID>"
        f"<TimeCreated SystemTime={quote}{time}{quote}/><EventRecordID>{number}</EventRecordID>"
        f"<Channel>{channel}</Channel><Computer>host{number % 3}.example</Computer></System>"
        f"<EventData><Data Name={quote}CommandLine{quote}>{data}</Data></EventData></Event>"
    )


def text_event(
    number: int = 1, *, stamp: str = "02/28/2022 10:00:00 AM", log: str = "Security"
) -> str:
    """A classic text block, numbered so that order shows."""
    return (
        f"{stamp}\nLogName={log}\nEventCode=4688\nComputerName=host{number % 3}.example\n"
        f"RecordNumber={number}\nMessage=A new process.\n\nSubject:\n\tAccount Name:\t\tu{number}"
    )

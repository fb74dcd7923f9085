"""Events on their way from a file to an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Origin:
    """What is told about a file's events: the metadata fields, and the zone of bare times.

    `None` means not told: the reader decides from the events themselves.
    `timezone` is an IANA name.
    """

    index: str = "main"
    source: str | None = None
    sourcetype: str | None = None
    host: str | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events of one index, source and source type: three columns of one length.

    `time` is epoch seconds, `None` where the event has no time that can be read. `meta` has
    the indexed fields of each as a JSON object, `None` where it has none; it is empty where no
    event has any.
    """

    index: str
    source: str
    sourcetype: str
    raw: list[str]
    time: list[float | None]
    host: list[str]
    meta: list[str | None] = field(default_factory=list)

    def chosen(self, positions: Sequence[int]) -> EventBatch:
        """The events at some positions, from 0, in a batch of their own."""
        return EventBatch(
            self.index,
            self.source,
            self.sourcetype,
            [self.raw[position] for position in positions],
            [self.time[position] for position in positions],
            [self.host[position] for position in positions],
            [self.meta[position] for position in positions] if self.meta else [],
        )


@dataclass(frozen=True, slots=True)
class EventTable:
    """A Parquet file whose columns are the fields of its events; what is told of them."""

    path: Path
    origin: Origin


def name_of(path: Path) -> str:
    """A file's name as text; bytes of it that are no UTF-8 are replaced by U+FFFD."""
    return path.name.encode(errors="surrogateescape").decode(errors="replace")

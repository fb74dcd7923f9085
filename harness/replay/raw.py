"""Texts for HEC's raw endpoint: the instance breaks them into events and reads their times.

A request has one source, source type and host, in its query. It holds whole events, since
Splunk puts none together from two requests. Source: Getting Data In, "Format events for HTTP
Event Collector".
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.model import EventBatch

MAX_EVENTS, MAX_BYTES = 1_000, 800_000


@dataclass(frozen=True, slots=True)
class RawPiece:
    """Whole events for one request, and what it says of them."""

    source: str
    sourcetype: str
    host: str
    texts: Sequence[str]
    newest: float | None

    def params(self, index: str, channel: str) -> dict[str, str]:
        """The query of the request."""
        return {
            "channel": channel,
            "index": index,
            "source": self.source,
            "sourcetype": self.sourcetype,
            "host": self.host,
        }

    def body(self) -> bytes:
        """The packed body: the texts, each ended by a line end."""
        text = "".join(f"{one}\n" for one in self.texts)
        return gzip.compress(text.encode("utf-8", errors="replace"), compresslevel=1)


def raw_pieces(batches: Iterable[EventBatch]) -> Iterator[RawPiece]:
    """Batches in requests of bounded size, each of events of one host in their order."""
    for batch in batches:
        start = size = 0
        for number, (raw, host) in enumerate(zip(batch.raw, batch.host, strict=True)):
            is_full = number - start >= MAX_EVENTS or size + len(raw) > MAX_BYTES
            if number > start and (is_full or host != batch.host[start]):
                yield _piece(batch, start, number)
                start, size = number, 0
            size += len(raw)
        if batch.raw:
            yield _piece(batch, start, len(batch.raw))


def _piece(batch: EventBatch, start: int, end: int) -> RawPiece:
    times = [time for time in batch.time[start:end] if time is not None]
    return RawPiece(
        batch.source,
        batch.sourcetype,
        batch.host[start],
        batch.raw[start:end],
        max(times, default=None),
    )

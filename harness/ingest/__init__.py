"""Ingest: bytes to events, whatever mixture of formats a file holds."""

from harness.ingest.arriving import Arriving
from harness.ingest.errors import (
    BadIndexSetting,
    BadTimezone,
    DamagedFile,
    EmptyFile,
    Loss,
    PointerInsteadOfEvents,
    SlowIndexPattern,
    UnreadableFile,
    shown_losses,
)
from harness.ingest.files import index_events, ingest, ingest_text, read_file

__all__ = [
    "Arriving",
    "BadIndexSetting",
    "BadTimezone",
    "DamagedFile",
    "EmptyFile",
    "Loss",
    "PointerInsteadOfEvents",
    "SlowIndexPattern",
    "UnreadableFile",
    "index_events",
    "ingest",
    "ingest_text",
    "read_file",
    "shown_losses",
]

"""Ingest: bytes to events, whatever mixture of formats a file holds."""

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
from harness.ingest.files import ingest, ingest_text, read_file

__all__ = [
    "BadIndexSetting",
    "BadTimezone",
    "DamagedFile",
    "EmptyFile",
    "Loss",
    "PointerInsteadOfEvents",
    "SlowIndexPattern",
    "UnreadableFile",
    "ingest",
    "ingest_text",
    "read_file",
    "shown_losses",
]

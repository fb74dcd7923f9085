"""Ingest: bytes to events, whatever mixture of formats a file holds."""

from harness.ingest.errors import (
    BadTimezone,
    DamagedFile,
    EmptyFile,
    Loss,
    PointerInsteadOfEvents,
    UnreadableFile,
    shown_losses,
)
from harness.ingest.files import ingest, ingest_text, read_file

__all__ = [
    "BadTimezone",
    "DamagedFile",
    "EmptyFile",
    "Loss",
    "PointerInsteadOfEvents",
    "UnreadableFile",
    "ingest",
    "ingest_text",
    "read_file",
    "shown_losses",
]

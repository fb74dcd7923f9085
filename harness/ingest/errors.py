"""What can be wrong with a file of events, and what was lost of one that is only damaged."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import HarnessError, UsageError


class UnreadableFile(UsageError):
    """A path that is no readable file."""


class EmptyFile(HarnessError):
    """A file without a single event."""


class PointerInsteadOfEvents(HarnessError):
    """A Git LFS pointer: it stands for the data and is none."""


class DamagedFile(HarnessError):
    """A file of which nothing can be read."""


class BadTimezone(UsageError):
    """A zone that nobody keeps."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a file that is not among its events, or not as it was written."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"

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


class BadIndexSetting(HarnessError):
    """A setting for index time, in an app's props.conf or transforms.conf, that cannot be meant."""


class SlowIndexPattern(HarnessError):
    """A regular expression of an app that backtracks without end on some event."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a file that is not among its events, or not as it was written.

    `offset` is where it begins: bytes where bytes were no text, else characters from the first
    one that is no space; `None` where the format does not tell.
    """

    path: str
    message: str
    offset: int | None = None

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at {self.offset:,})"
        return f"{self.path}: {self.message}{where}"


MOST_SHOWN = 20


def shown_losses(losses: list[Loss]) -> tuple[str, ...]:
    """The first losses as text, and how many more there are."""
    texts = [str(loss) for loss in losses[:MOST_SHOWN]]
    more = len(losses) - MOST_SHOWN
    return (*texts, f"and {more:,} more") if more > 0 else tuple(texts)

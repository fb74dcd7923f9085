"""What a trial asks of an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from harness.model import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.errors import HarnessError
    from harness.model import EventBatch, Rows, TimeRange


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was replayed: the number of events and the time of the newest."""

    events: int
    newest: float | None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it was written, the file it stands in, its clock and its time range.

    A `dry` one is only compiled, over no events: a lookup that is not there is noted.
    """

    text: str
    now: float
    time_range: TimeRange
    path: str | None = None
    dry: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class StageRows:
    """What was left after a stage: its text, the number of rows and the first of them."""

    text: str
    count: int
    sample: Rows


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The rows of a search, how long its parts took in milliseconds, and what was left out.

    `columns_known` says that the search alone tells its columns, whatever the events are;
    `forgiven` are the errors that a dry search went on after, such as lookups that are not there.
    """

    rows: Rows
    timings_ms: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    columns_known: bool = False
    forgiven: tuple[HarnessError, ...] = ()


class Engine(Protocol):
    """An engine holds the events of one trial at a time."""

    name: str

    def load(self, batches: Iterable[EventBatch]) -> Loaded:
        """Replay events; may be called again to add more."""
        ...

    def search(self, request: SearchRequest) -> SearchResult:
        """Run a search over the events."""
        ...

    def stages(self, request: SearchRequest) -> list[StageRows]:
        """Run a search stage by stage, to show where rows were lost."""
        ...

    def close(self) -> None:
        """Forget the events."""
        ...

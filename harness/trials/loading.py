"""What is named with --data, in the two shapes that an engine takes: events and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.content import Clock
from harness.engines.base import SearchRequest
from harness.model import EventTable, Origin
from harness.trials.trial import is_table, moment, run_moment, time_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.model import EventBatch
    from harness.trials.project import Project


def told_of_data(project: Project) -> Origin:
    """What the settings tell of the events of --data."""
    settings = project.settings
    return Origin(settings.index, settings.source, settings.sourcetype, timezone=settings.timezone)


def opened(
    project: Project, paths: Sequence[Path], origin: Origin
) -> tuple[list[Path], list[EventTable]]:
    """The files of events and the tables of events that paths name, folders and archives opened."""
    found = [one for path in paths for one in project.store().opened(path)]
    files = [path for path in found if not is_table(path)]
    return files, [EventTable(path, origin) for path in found if is_table(path)]


def picked(batches: Iterable[EventBatch], number: int) -> tuple[EventBatch | None, int]:
    """The event of a number, from 1, alone in a batch, and how many events were read for it.

    None where there are fewer.
    """
    before = 0
    for batch in batches:
        at = number - before - 1
        if at < len(batch.raw):
            return batch.chosen([at]), number
        before += len(batch.raw)
    return None, before


def request_for(
    project: Project,
    text: str,
    newest: float | None,
    path: str | None = None,
    told: Clock | None = None,
) -> SearchRequest:
    """A search with the clock, the time range and the limits of the settings.

    Without a clock it is just after the newest event, or now where there is none;
    `told` is what the search's own file says.
    """
    settings = project.settings
    if settings.now:
        now = moment(settings.now, 0.0)
    else:
        now = run_moment() if newest is None else newest + 1
    span = time_range(project.clock(told or Clock()), now, settings.timezone)
    return SearchRequest(text, now, span, path, limits=settings.limits)

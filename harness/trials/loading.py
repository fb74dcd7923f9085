"""What is named with --data, in the two shapes that an engine takes: events and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import EventTable, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.trials.project import Project

TABLES = frozenset({".parquet"})


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


def is_table(path: Path) -> bool:
    """Whether a file is a table of events, by its name."""
    return path.suffix.lower() in TABLES

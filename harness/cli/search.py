"""`harness search`: a search over files of events."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import console, data_options, knowledge_options, settings_from
from harness.report.rows import FORMATS, print_table, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.model import EventBatch
    from harness.trials import Settings


@click.command()
@click.argument("spl", metavar="'SPL'")
@knowledge_options
@data_options
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
def search(spl: str, *, form: str, **flags: Any) -> int:
    """Run a search over the files named with --data."""
    from harness.content import Clock
    from harness.engines.base import SearchRequest
    from harness.ingest import shown_losses
    from harness.report.escaping import shown
    from harness.trials import Project
    from harness.trials.trial import moment, time_range

    settings = settings_from(flags)
    if not settings.data:
        raise click.UsageError("name at least one file with --data")
    project = Project(settings)
    engine = project.engine()
    losses: list[Any] = []
    paths = [one for path in settings.data for one in project.store().opened(path)]
    loaded = engine.load(_batches(settings, paths, losses))
    for text in shown_losses(losses):
        click.echo(f"warning: {shown(text)}", err=True)
    now = moment(settings.now, 0.0) if settings.now else (loaded.newest or 0.0) + 1
    clock = project.clock(Clock())
    request = SearchRequest(spl, now, time_range(clock, now, settings.timezone))
    rows = engine.search(request).rows
    if form == "table":
        print_table(rows, console())
    else:
        write_rows(rows, form, sys.stdout)
    return 0


def _batches(settings: Settings, paths: list[Path], losses: list[Any]) -> Iterator[EventBatch]:
    from harness.ingest import ingest
    from harness.model import Origin

    origin = Origin(
        settings.index, settings.source, settings.sourcetype, timezone=settings.timezone
    )
    return ingest(paths, origin, losses=losses)

"""`harness search`: a search over files of events."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, console, data_options, knowledge_options, settings_from
from harness.report.rows import FORMATS, print_table, write_rows

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("spl", metavar="SPL")
@click.argument("more", nargs=-1, type=PATH, metavar="[PATH…]")
@knowledge_options
@data_options
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print the rows.",
)
def search(spl: str, more: tuple[Path, ...], *, form: str, **flags: Any) -> int:
    """Run a search over the files named with --data, or without a file one that begins with `|`.

    PATHs count as data too, so that --data *.evtx means what it looks like.
    """
    from harness.ingest import ingest, shown_losses
    from harness.ingest.zones import time_zone
    from harness.report.escaping import shown
    from harness.trials import Project
    from harness.trials.loading import opened, request_for, told_of_data

    settings = settings_from({**flags, "data": (*flags["data"], *more)})
    if not settings.data and not spl.lstrip().startswith("|"):
        raise click.UsageError("name at least one file with --data")
    project = Project(settings)
    origin = told_of_data(project)
    files, tables = opened(project, settings.data, origin)
    engine = project.engine(tables=tables)
    losses: list[Any] = []
    loaded = engine.load(
        ingest(files, origin, project.apps, losses=losses, evaluate=project.evaluate)
    )
    for text in shown_losses(losses):
        click.echo(f"warning: {shown(text)}", err=True)
    result = engine.search(request_for(project, spl, loaded.newest))
    rows = result.rows
    for text in result.warnings:
        click.echo(f"warning: {shown(text)}", err=True)
    if form == "table":
        print_table(rows, console(), time_zone(settings.timezone))
    else:
        write_rows(rows, form, sys.stdout)
    return 0

"""`harness fields`: which fields has an event, and where does each come from?"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, console, knowledge_options, settings_from
from harness.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class NoSuchEvent(UsageError):
    """A file has fewer events than the number that is asked for."""


@click.command()
@click.argument("path", type=PATH)
@knowledge_options
@click.option("--sourcetype", help="Source type of the data [told by its format].")
@click.option("--source", help="Source of the data [told by its format].")
@click.option("--host", help="Host of the event [its own, or told by its format].")
@click.option(
    "--event",
    "number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The number of the event.",
)
@click.option("--all", "show_all", is_flag=True, help="Also the settings that gave nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fields(
    path: Path, *, host: str | None, number: int, show_all: bool, as_json: bool, **flags: Any
) -> int:
    """Show the fields of one event of the file PATH, each with the setting that gives it."""
    from harness.ingest import ingest, shown_losses
    from harness.ingest.zones import time_zone
    from harness.report.escaping import shown
    from harness.report.fields import print_fields, write_fields
    from harness.trials import Project
    from harness.trials.loading import opened, picked, request_for, told_of_data

    project = Project(settings_from({**flags, "data": (path,)}))
    zone = time_zone(project.settings.timezone)
    origin = told_of_data(project)
    files, tables = opened(project, (path,), origin)
    if tables:
        raise UsageError(
            "a table has its fields as columns", hints=["`harness search` shows its rows"]
        )
    losses: list[Any] = []
    read = ingest(files, origin, project.apps, losses=losses, evaluate=project.evaluate)
    event, count = picked(read, number)
    for loss in shown_losses(losses):
        click.echo(f"warning: {shown(loss)}", err=True)
    if event is None:
        raise NoSuchEvent(
            f"{path} has no event {number}",
            hints=[f"it has {count:,} event{'' if count == 1 else 's'}"],
        )
    if host is not None:
        event = replace(event, host=[host])
    engine = project.local_engine()
    loaded = engine.load([event])
    report = engine.report(request_for(project, "", loaded.newest))
    warnings = [str(warned) for warned in project.apps.warnings]
    if as_json:
        write_fields(event, report, warnings, sys.stdout)
    else:
        print_fields(event, report, warnings, console(), zone, silent=show_all)
    return 0

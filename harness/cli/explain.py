"""`harness explain`: why did it not fire?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, console, data_options, knowledge_options, settings_from

if TYPE_CHECKING:
    from pathlib import Path

    from harness.content import Detection
    from harness.trials import Project

SPL_SIGNS = frozenset("|=*`[\"'<>")


@click.command()
@click.argument("what", metavar="NAME|PATH|SPL")
@click.argument("more", nargs=-1, type=PATH, metavar="[PATH…]")
@knowledge_options
@data_options
@click.option("--sql", "show_sql", is_flag=True, help="Show the SQL that runs.")
@click.option("--plan", "show_plan", is_flag=True, help="Show the plan as a tree.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    what: str,
    more: tuple[Path, ...],
    *,
    show_sql: bool,
    show_plan: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Show each stage of a detection or a search over the files named with --data.

    For every stage: the rows that came in and went out, how many rows meet each of its
    conditions alone, which fields that it needs were empty, and a sample. PATHs count as data
    too, so that --data *.evtx means what it looks like.
    """
    from harness.content import Clock
    from harness.ingest import ingest, shown_losses
    from harness.ingest.zones import time_zone
    from harness.report.escaping import shown
    from harness.report.explain import print_explanation, write_explanation
    from harness.trials import Project
    from harness.trials.loading import opened, request_for, told_of_data

    settings = settings_from({**flags, "data": (*flags["data"], *more)})
    if not settings.data and not what.lstrip().startswith("|"):
        raise click.UsageError("name at least one file with --data")
    project = Project(settings)
    text, detection = _search(project, what)
    path = str(detection.path) if detection else None
    clock = Clock(earliest=detection.earliest, latest=detection.latest) if detection else Clock()
    origin = told_of_data(project)
    files, tables = opened(project, settings.data, origin)
    engine = project.local_engine(tables=tables, app=detection.app if detection else None)
    losses: list[Any] = []
    loaded = engine.load(
        ingest(files, origin, project.apps, losses=losses, evaluate=project.evaluate)
    )
    for loss in shown_losses(losses):
        click.echo(f"warning: {shown(loss)}", err=True)
    found = engine.explain(request_for(project, text, loaded.newest, path, clock))
    if as_json:
        write_explanation(found, sys.stdout)
    else:
        print_explanation(
            found, console(), time_zone(settings.timezone), sql=show_sql, plan=show_plan
        )
    return 0


def _search(project: Project, what: str) -> tuple[str, Detection | None]:
    """The search that is meant, with the detection or saved search whose it is."""
    from harness.content import UnknownDetection

    if SPL_SIGNS & set(what) or what.startswith("search "):
        return what, None
    try:
        detection = project.detection(what)
    except UnknownDetection as error:
        hints = (*error.hints, "or write a search: 'search …', 'index=main …', '| command …'")
        raise UnknownDetection(error.message, place=error.place, hints=hints) from error
    return detection.search, detection

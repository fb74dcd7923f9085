"""`harness batch`: what fires on these files?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import (
    PATH,
    console,
    data_options,
    knowledge_options,
    progress,
    settings_from,
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.trials.batch import BatchResult


@click.command()
@click.argument("more", nargs=-1, type=PATH, metavar="[PATH…]")
@knowledge_options
@data_options
@click.option("--detections", "pattern", help="Only those whose path in detections/ matches.")
@click.option("--searches", type=PATH, help='A file of lines {"id": …, "spl": …} instead.')
@click.option("--jobs", type=click.IntRange(min=1), help="Processes [one for each core].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def batch(
    more: tuple[Path, ...],
    *,
    pattern: str | None,
    searches: Path | None,
    jobs: int | None,
    as_json: bool,
    **flags: Any,
) -> int:
    """Run every detection of the content folder over the files named with --data.

    PATHs count as data too, so that --data *.evtx means what it looks like; a folder is all of its
    files. Data is ingested once. Exit code: 0 when every search ran, 3 when one ended in an error;
    what is unsupported is listed, and is no error.
    """
    from harness.ingest import shown_losses
    from harness.report.batch import print_batch, write_batch
    from harness.report.escaping import shown
    from harness.trials import Project
    from harness.trials.batch import Batch, detections_of, searches_in

    settings = settings_from({**flags, "data": (*flags["data"], *more)})
    if not settings.data:
        raise click.UsageError("name at least one file with --data")
    project = Project(settings)
    unread: list[BatchResult] = []
    if searches is not None:
        found = searches_in(searches)
    else:
        found, unread = detections_of(project, pattern)
    if not found and not unread:
        raise click.UsageError(_nothing(pattern, searches))
    work = Batch(project, jobs=jobs)
    with progress("searching", len(found), shown=not as_json) as advance:
        results = [*work.run(found, advance), *unread]
    for text in shown_losses(work.losses):
        click.echo(f"warning: {shown(text)}", err=True)
    if as_json:
        write_batch(results, work.events, sys.stdout)
    else:
        print_batch(results, work.events, console())
    return 3 if any(one.status == "error" for one in results) else 0


def _nothing(pattern: str | None, searches: Path | None) -> str:
    if searches is not None:
        return f"there are no searches in `{searches}`"
    if pattern is not None:
        return f"no detection's path matches `{pattern}`"
    return "there are no searches to run: name --content, or --searches"

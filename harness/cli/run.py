"""`harness run`: the trials of detections, and their verdicts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import (
    console,
    data_options,
    knowledge_options,
    settings_from,
    splunk_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.apps import SavedSearch
    from harness.trials import Project
    from harness.trials.trial import Trial


@click.command()
@click.argument("detections", nargs=-1, required=True, metavar="NAME|PATH…")
@knowledge_options
@data_options
@splunk_options
@click.option("--offline", is_flag=True, help="Fetch nothing.")
@click.option("--allow-local-addresses", is_flag=True, help="Admit http, file and local addresses.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    detections: tuple[str, ...], *, engines: tuple[str, ...], as_json: bool, **flags: Any
) -> int:
    """Run the trials of detections, named by alias, name, id or path, or an app's saved searches.

    Of a folder all detections run that have something to run on.

    With --data there is one trial on that data, which passes when the detection fires with every
    risk field. Exit code: 0 passed, 1 failed, 2 usage, 3 error, unsupported, or nothing ran.
    """
    from harness.report.escaping import shown
    from harness.report.trials import print_results, write_json
    from harness.trials import Project
    from harness.trials.closing import closing_splunk
    from harness.trials.verdict import exit_code

    project = Project(settings_from({**flags, "engine": engines[0] if engines else None}))
    trials, idle = _chosen(project, detections)
    for name in idle:
        click.echo(f"warning: {shown(name)} has no expectations, no tests and no data", err=True)
    projects = [project.on(name) for name in dict.fromkeys(engines or (project.settings.engine,))]
    with closing_splunk(projects):
        results = [trial.run(one) for trial in trials for one in projects]
    if as_json:
        write_json(results, sys.stdout)
    else:
        print_results(results, console())
    return exit_code(results)


def _chosen(project: Project, names: tuple[str, ...]) -> tuple[list[Trial], list[str]]:
    """The trials of what was named, and the files in folders that have none."""
    from harness.trials.project import NothingToRun

    trials: list[Trial] = []
    idle: list[str] = []
    done: set[Path | SavedSearch] = set()
    for name in names:
        found = project.all_named(name)
        for one in found:
            if one in done:
                continue
            done.add(one)
            try:
                trials += project.trials(one)
            except NothingToRun:
                if [one] == found:
                    raise
                idle.append(str(one))
    return trials, idle

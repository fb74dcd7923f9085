"""`harness check`: detections compiled and checked, without data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, console, knowledge_options, progress, settings_from

if TYPE_CHECKING:
    from harness.apps import SavedSearch
    from harness.trials import Project


@click.command()
@click.argument("paths", nargs=-1, type=PATH, metavar="PATH|NAME…")
@knowledge_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(paths: tuple[Path, ...], *, as_json: bool, **flags: Any) -> int:
    """Compile the detections at PATHs (files or folders), or all of the content folder.

    A NAME is an alias, a name or an id, or a saved search of an app. Without a PATH the saved
    searches of the apps given with --app are checked too.

    Each one is planned and run over no events; then come the checks of its file. A PATH that holds
    a folder `detections` is a content folder. Exit code: 0 without errors, 1 with errors. What is
    unsupported is listed, and is no error of the file.
    """
    from harness.report.check import print_report, write_report
    from harness.trials import Project
    from harness.trials.checking import Checker

    folders = [path for path in paths if path.is_dir()]
    if flags["content"] is None and len(paths) == 1 and (folders and _is_content(folders[0])):
        flags["content"] = folders[0]
    project = Project(settings_from(flags))
    found, saved = _named(project, paths)
    if not found and not saved:
        raise click.UsageError("there are no detections to check: name files, --content or --app")
    with progress("checking", len(found) + len(saved), shown=not as_json) as advance:
        checker = Checker(project)
        whole = (not paths and not saved) or bool(folders)
        report = checker.run(found, advance, knowledge=whole, saved=saved)
    if as_json:
        write_report(report, sys.stdout)
    else:
        print_report(report, console())
    return 1 if report.errors else 0


def _named(project: Project, paths: tuple[Path, ...]) -> tuple[list[Path], list[SavedSearch]]:
    """The files of detections, and the saved searches, that were named; without a name, all."""
    if not paths:
        return list(project.content.detection_paths), project.given_saved_searches()
    named = list(dict.fromkeys(one for path in paths for one in project.all_named(str(path))))
    files = [one for one in named if isinstance(one, Path)]
    return files, [one for one in named if not isinstance(one, Path)]


def _is_content(path: Path) -> bool:
    return (path / "detections").is_dir()

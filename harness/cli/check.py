"""`harness check`: detections compiled and checked, without data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, console, knowledge_options, progress, settings_from

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("paths", nargs=-1, type=PATH, metavar="PATH…")
@knowledge_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(paths: tuple[Path, ...], *, as_json: bool, **flags: Any) -> int:
    """Compile the detections at PATHs (files or folders), or all of the content folder.

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
    found = _files(paths) if paths else list(project.content.detection_paths)
    if not found:
        raise click.UsageError("there are no detections to check: name files, or --content")
    with progress("checking", len(found), shown=not as_json) as advance:
        report = Checker(project).run(found, advance, knowledge=not paths or bool(folders))
    if as_json:
        write_report(report, sys.stdout)
    else:
        print_report(report, console())
    return 1 if report.errors else 0


def _files(paths: tuple[Path, ...]) -> list[Path]:
    """The detection files that paths name, of a content folder those below `detections`."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"there is no file or folder `{path}`")
        folder = path / "detections" if _is_content(path) else path
        found += sorted(folder.rglob("*.yml")) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def _is_content(path: Path) -> bool:
    return (path / "detections").is_dir()

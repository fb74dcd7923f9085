"""`harness compare`: the same trials on two engines, or against an earlier run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import (
    PATH,
    console,
    data_options,
    instance_options,
    knowledge_options,
    progress,
    settings_from,
)
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.apps import SavedSearch
    from harness.trials import Project, Settings, Trial
    from harness.trials.saved_results import Run, TrialRecord

NOTHING = "-"


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.argument("detections", nargs=-1, metavar="[NAME|PATH…]")
@click.option("--app-a", type=PATH, multiple=True, help="An app that only A has.")
@click.option("--app-b", type=PATH, multiple=True, help="An app that only B has.")
@click.option("--ignore", multiple=True, metavar="FIELD", help="Do not compare it; may have *.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--junit", type=PATH, help="Write JUnit XML to this file too.")
@click.option("--save", type=PATH, help="Keep A's run in this file (B's, where A is a file).")
@knowledge_options
@data_options
@instance_options
@click.option("--offline", is_flag=True, help="Fetch nothing.")
@click.option("--allow-local-addresses", is_flag=True, help="Admit http, file and local addresses.")
def compare(
    a: str,
    b: str,
    detections: tuple[str, ...],
    *,
    app_a: tuple[Path, ...],
    app_b: tuple[Path, ...],
    ignore: tuple[str, ...],
    as_json: bool,
    junit: Path | None,
    save: Path | None,
    **flags: Any,
) -> int:
    """Run the same trials on A and B and say what differs, row by row and field by field.

    A and B are engines, as for `run --engine`, or files that --save wrote. Without a NAME all
    trials are compared, with a saved run those that it has. B may be - to only save A's run.

    Exit code: 0 all the same, 1 a difference, 2 usage, 3 no difference seen but a trial that could
    not be compared, or nothing ran.
    """
    from harness.trials.closing import closing_splunk
    from harness.trials.comparison import compare_runs
    from harness.trials.saved_results import save_run

    for path in (junit, save):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise click.UsageError(f"`{path}` cannot be written: there is no such folder")
    settings = settings_from(flags)
    one = _side(a, replace(settings, apps=(*settings.apps, *app_a)), app_a, "--app-a")
    if b == NOTHING:
        with closing_splunk(_projects(one)):
            return _only_saved(one, detections, save, shown=not as_json)
    other = _side(b, replace(settings, apps=(*settings.apps, *app_b)), app_b, "--app-b")
    if save is not None and one.saved and other.saved:
        raise click.UsageError("--save keeps a run, and A and B are saved already")
    with closing_splunk(_projects(one, other)):
        runs, left_out = _runs(one, other, detections, shown=not as_json)
    if save is not None:
        save_run(runs[1] if one.saved else runs[0], save)
    return _reported(compare_runs(*runs, ignore, left_out), junit, as_json=as_json)


@dataclass(frozen=True)
class _Side:
    """An engine with its project, or a saved run."""

    project: Project | None = None
    saved: Run | None = None


def _side(text: str, settings: Settings, apps: tuple[Path, ...], option: str) -> _Side:
    """What A or B means: a file that there is, or whose name ends in .json, is a saved run."""
    from harness.trials import Project, UnknownEngine
    from harness.trials.saved_results import read_run

    path = Path(text)
    if path.suffix == ".json" or (path.is_file() and path.name != settings.engine):
        if apps:
            raise click.UsageError(f"{option} is for an engine, and `{text}` is a saved run")
        return _Side(saved=read_run(path))
    try:
        project = Project(replace(settings, engine=text))
    except UnknownEngine as error:
        hints = (*error.hints, "or a file that `harness compare --save` wrote")
        raise UnknownEngine(error.message, place=error.place, hints=hints) from error
    if apps and _is_there_already(project.settings):
        raise click.UsageError(
            f"{option} cannot be installed on an instance that is there already: install it on"
            f" `{text}` yourself, or compare a container (splunk:9.4)"
        )
    return _Side(project)


def _is_there_already(settings: Settings) -> bool:
    """Whether the engine is a Splunk that is not started for this."""
    if settings.engine == "local":
        return False
    from harness.engines.splunk import Address, address_of
    from harness.trials.splunk import splunk_settings

    return isinstance(address_of(settings.engine, splunk_settings(settings)), Address)


def _projects(*sides: _Side) -> list[Project]:
    return [side.project for side in sides if side.project is not None]


def _runs(
    one: _Side, other: _Side, names: Sequence[str], *, shown: bool
) -> tuple[tuple[Run, Run], int]:
    """Both runs over the same trials, and how many of them a saved run does not have."""
    from harness.trials.saved_results import run_trials

    saved, left_out = one.saved or other.saved, 0
    work: list[tuple[_Side, list[Trial], list[TrialRecord]]] = []
    for side in (one, other):
        trials, unread = _selected(side.project, names) if side.project else ([], [])
        if side.project and saved is not None and not names:
            known = {record.key for record in saved.trials}
            kept = [trial for trial in trials if _key(trial) in known]
            left_out = len(trials) - len(kept)
            trials, unread = kept, [one for one in unread if one.key in known]
        work.append((side, trials, unread))
    live = [trials or unread for side, trials, unread in work if side.project]
    if live and not any(live) and saved is None:
        raise click.UsageError("there are no trials to compare: name --content, or a detection")
    found: list[Run] = []
    with progress("comparing", sum(len(trials) for _, trials, _ in work), shown=shown) as advance:
        for side, trials, unread in work:
            if side.project is not None:
                found.append(run_trials(side.project, trials, unread, advance))
            elif side.saved is not None:
                found.append(_chosen(side.saved, names, work))
    return (found[0], found[1]), left_out


def _key(trial: Trial) -> tuple[str, str, str]:
    detection = trial.detection
    return (detection.id or detection.name, trial.name, trial.data.label)


def _chosen(
    saved: Run, names: Sequence[str], work: Sequence[tuple[_Side, list[Trial], list[TrialRecord]]]
) -> Run:
    """A saved run with the trials of the detections that were named."""
    from harness.errors import nearest

    if not names:
        return saved
    found: list[TrialRecord] = []
    live = {_key(trial)[0] for _, trials, _ in work for trial in trials}
    if live or any(side.project for side, _, _ in work):
        found = [one for one in saved.trials if one.key[0] in live]
        return replace(saved, trials=tuple(found))
    for name in names:
        wanted = name.casefold()
        chosen = [one for one in saved.trials if wanted in _names(one)]
        if not chosen:
            known = {text for one in saved.trials for text in _names(one)}
            raise click.UsageError(
                f"the saved run has no detection `{name}`"
                + "".join(f" ({hint})" for hint in nearest(name, known))
            )
        found += chosen
    return replace(saved, trials=tuple(found))


def _names(record: TrialRecord) -> set[str]:
    return {one.casefold() for one in (record.detection, record.id, record.alias) if one}


def _selected(project: Project, names: Sequence[str]) -> tuple[list[Trial], list[TrialRecord]]:
    """The trials of the detections that were named, or all; and what could not be read of all.

    Of all detections those count that have something to run on.
    """
    from harness.trials.project import NothingToRun
    from harness.trials.saved_results import unreadable

    if names:
        named = dict.fromkeys(project.named(name) for name in names)
        return [trial for one in named for trial in project.trials(one)], []
    trials: list[Trial] = []
    unread: list[TrialRecord] = []
    found: list[Path | SavedSearch] = [*project.content.detection_paths]
    for path in (*found, *project.given_saved_searches()):
        try:
            trials += project.trials(path)
        except NothingToRun:
            continue
        except HarnessError as error:
            name = path.stem if isinstance(path, Path) else path.name
            unread.append(unreadable(name, error))
    return trials, unread


def _only_saved(side: _Side, names: Sequence[str], save: Path | None, *, shown: bool) -> int:
    """Run A's trials and keep them: the run that an upgrade is compared with later."""
    from harness.trials.saved_results import run_trials, save_run

    if save is None or side.project is None:
        raise click.UsageError("`-` as B keeps A's run: A is an engine, and --save FILE is needed")
    trials, unread = _selected(side.project, names)
    if not trials:
        raise click.UsageError("there are no trials to run: name --content, or a detection")
    with progress("running", len(trials), shown=shown) as advance:
        run = run_trials(side.project, trials, unread, advance)
    save_run(run, save)
    ran = sum(one.ran for one in run.trials)
    click.echo(f"{ran} of {len(run.trials)} trials ran on {side.project.settings.engine}")
    return 0 if ran else 3


def _reported(comparison: Any, junit: Path | None, *, as_json: bool) -> int:
    from harness.report.comparison import junit as junit_text
    from harness.report.comparison import print_comparison, write_comparison

    if junit is not None:
        try:
            junit.write_text(junit_text(comparison), encoding="utf-8")
        except OSError as error:
            message = f"the JUnit file cannot be written: {error}"
            raise HarnessError(message) from error
    if as_json:
        write_comparison(comparison, sys.stdout)
    else:
        print_comparison(comparison, console())
    return int(comparison.exit_code)

"""Runs of trials as they are kept and compared: an engine, its apps, and what each trial gave.

A saved run is one JSON object, `{"format": "detection-harness run", "version": 1, …}`. Everything
in a file is checked before it is used; a file that is not ours, or is damaged, is an error with its
place.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import HarnessError, Place, Unsupported, UsageError
from harness.trials.verdict import TrialResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from harness.apps.folder import AppFolder
    from harness.model import Value
    from harness.trials.project import Project
    from harness.trials.trial import Trial

FORMAT, VERSION = "detection-harness run", 1
MAX_BYTES = 1_000_000_000
MAX_APP_BYTES = 200_000_000
APP_PARTS = ("default", "local", "lookups", "metadata")

USER = re.compile(r"//[^/@]*@")
"""Who logs in, in an address: no part of what is kept."""

TrialKey = tuple[str, str, str]


class BadSavedRun(UsageError):
    """A file that is no saved run, is damaged, or was written by a later version."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What a trial gave, as plain data.

    `search` is as it was written, `expanded` the same with its macros where they could be found.
    `risk_events` are those of `--json`.
    """

    detection: str
    trial: str
    verdict: Verdict
    id: str | None = None
    alias: str | None = None
    dataset: str = ""
    synthetic: bool = False
    reason: str = ""
    search: str = ""
    expanded: str | None = None
    events: int = 0
    columns: tuple[str, ...] = ()
    rows: list[dict[str, Value]] = field(default_factory=list)
    risk_events: list[dict[str, Any]] = field(default_factory=list)
    notables: int = 0
    warnings: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> TrialKey:
        """What says that two records are of the same trial."""
        return (self.id or self.detection, self.trial, self.dataset)

    @property
    def ran(self) -> bool:
        """Whether there are results."""
        return self.verdict in (Verdict.PASS, Verdict.FAIL)


@dataclass(frozen=True, slots=True)
class AppStamp:
    """An app of a run, with a digest of its files; None where it is too large for one."""

    name: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One engine's results of a set of trials, and what they were made with and when (ISO, UTC)."""

    engine: str
    harness: str
    created: str
    apps: tuple[AppStamp, ...] = ()
    trials: tuple[TrialRecord, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The run as it is saved."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}


def run_trials(
    project: Project,
    trials: Iterable[Trial],
    unread: Iterable[TrialRecord] = (),
    done: Callable[[], None] = lambda: None,
) -> Run:
    """Run trials on a project's engine; `unread` are those that could not even be read."""
    from importlib.metadata import version  # noqa: PLC0415 - only a run that is kept needs it

    created = datetime.now(UTC).isoformat(timespec="seconds")
    records: list[TrialRecord] = []
    for trial in trials:
        records.append(recorded(trial, trial.run(project), project))
        done()
    stamps = tuple(_stamp(app) for app in project.apps.folders)
    records += unread
    engine = USER.sub("//", project.settings.engine)
    return Run(engine, version("detection-harness"), created, stamps, tuple(records))


def recorded(trial: Trial, result: TrialResult, project: Project) -> TrialRecord:
    """What is kept of a trial's result."""
    plain = result.to_json()
    return TrialRecord(
        detection=result.detection,
        trial=result.trial,
        verdict=result.verdict,
        id=result.id,
        alias=result.alias,
        dataset=result.dataset,
        synthetic=result.synthetic,
        reason=result.reason,
        search=trial.detection.search,
        expanded=_expanded(trial, project),
        events=result.events,
        columns=result.rows.columns,
        rows=[{name: _plain(one) for name, one in row.items()} for row in result.rows.rows],
        risk_events=plain["risk_events"],
        notables=result.notables,
        warnings=result.warnings,
        timings_ms=plain["timings_ms"],
    )


def unreadable(name: str, error: HarnessError) -> TrialRecord:
    """The record of a detection whose trials could not be read."""
    verdict = Verdict.UNSUPPORTED if isinstance(error, Unsupported) else Verdict.ERROR
    return TrialRecord(name, "", verdict, reason=str(error))


def _plain(value: Value) -> Value:
    """JSON has no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _expanded(trial: Trial, project: Project) -> str | None:
    from harness.spl.macros import expand  # noqa: PLC0415 - only a run that is kept needs it
    from harness.spl.source import Source  # noqa: PLC0415 - as above

    try:
        known = project.knowledge_in(trial.detection.app)
        return expand(Source(trial.detection.search), known).text
    except HarnessError:
        return None


def _stamp(app: AppFolder) -> AppStamp:
    """The app's name with a digest of the names and the bytes of the files that count."""
    digest, left = hashlib.sha256(), MAX_APP_BYTES
    try:
        paths = (path for part in APP_PARTS for path in (app.root / part).rglob("*"))
        for path in sorted(paths):
            if path.is_symlink() or not path.is_file():
                continue
            left -= path.stat().st_size
            if left < 0:
                return AppStamp(app.name)
            name = path.relative_to(app.root).as_posix()
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except OSError:
        return AppStamp(app.name)
    return AppStamp(app.name, digest.hexdigest())


# Files


def save_run(run: Run, path: Path) -> None:
    """Write a run to a file, whole or not at all."""
    from harness.storage.files import replace_file  # noqa: PLC0415 - only where a run is kept

    text = json.dumps(run.to_json(), ensure_ascii=True, indent=1, allow_nan=False)
    try:
        replace_file(path, (text + "\n").encode())
    except OSError as error:
        raise HarnessError(
            f"the run cannot be saved: {error.strerror or error}", place=Place(str(path))
        ) from error


def read_run(path: Path) -> Run:
    """Read a saved run; BadSavedRun, with its place, where the file is not one."""
    try:
        # Not opened before it is known to be a plain file: opening a pipe would wait for ever.
        if not path.is_file():
            raise _bad(path, "no such file" if not path.exists() else "not a plain file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise _bad(path, f"larger than {MAX_BYTES:,} bytes")
    return _Reading(path).run(_decoded(content, path))


def _decoded(content: bytes, path: Path) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"`{constant}` is no JSON")

    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise BadSavedRun(
            f"no JSON, or cut short: {error.msg}",
            place=Place(str(path), error.lineno, error.colno),
            hints=["compare takes a file that `--save` wrote"],
        ) from error
    except UnicodeDecodeError as error:
        raise _bad(path, "not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"no JSON that can be read: {error}") from error


def _bad(path: Path, message: str) -> BadSavedRun:
    hints = ["compare takes a file that `--save` wrote"]
    return BadSavedRun(message, place=Place(str(path)), hints=hints)


class _Reading:
    """Checks decoded JSON, value by value; an error names the way to the value."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, data: Any) -> Run:
        """The run that the whole file is."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise _bad(self.path, "this is JSON, but no saved run of the harness")
        version = data.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self._fail("version", "a whole number from 1")
        if version > VERSION:
            raise BadSavedRun(
                f"the run has version {version} of the format, and {VERSION} is the last one known",
                place=Place(str(self.path)),
                hints=["update the harness, or save the run anew"],
            )
        apps = [
            AppStamp(self._text(one, "name", at), self._maybe(one, "digest", at))
            for at, one in self._mappings(data, "apps", "")
        ]
        trials = [self._trial(one, at) for at, one in self._mappings(data, "trials", "")]
        return Run(
            self._text(data, "engine", ""),
            self._text(data, "harness", ""),
            self._text(data, "created", ""),
            tuple(apps),
            tuple(trials),
        )

    def _trial(self, data: dict[str, Any], at: str) -> TrialRecord:
        verdict = self._text(data, "verdict", at)
        if verdict not in set(Verdict):
            self._fail(f"{at}verdict", f"one of {', '.join(Verdict)}")
        synthetic = data.get("synthetic")
        if not isinstance(synthetic, bool):
            self._fail(f"{at}synthetic", "true or false")
        return TrialRecord(
            detection=self._text(data, "detection", at),
            trial=self._text(data, "trial", at),
            verdict=Verdict(verdict),
            id=self._maybe(data, "id", at),
            alias=self._maybe(data, "alias", at),
            dataset=self._text(data, "dataset", at),
            synthetic=synthetic,
            reason=self._text(data, "reason", at),
            search=self._text(data, "search", at),
            expanded=self._maybe(data, "expanded", at),
            events=self._count(data, "events", at),
            columns=self._texts(data, "columns", at),
            rows=[self._row(one, where) for where, one in self._mappings(data, "rows", at)],
            risk_events=[
                self._risk(one, where) for where, one in self._mappings(data, "risk_events", at)
            ],
            notables=self._count(data, "notables", at),
            warnings=self._texts(data, "warnings", at),
            timings_ms=self._timings(data, at),
        )

    def _row(self, row: dict[str, Any], at: str) -> dict[str, Value]:
        for name, value in row.items():
            parts = value if isinstance(value, list) else [value]
            for one in parts:
                if isinstance(one, bool) or not isinstance(one, str | int | float | None):
                    self._fail(f"{at}{name}", "text, a number, a list of them, or null")
        return row

    def _risk(self, event: dict[str, Any], at: str) -> dict[str, Any]:
        plain = {
            name: value
            for name, value in event.items()
            if name not in ("annotations", "threat_objects")
        }
        self._row(plain, at)
        annotations = event.get("annotations", {})
        if not isinstance(annotations, dict):
            self._fail(f"{at}annotations", "a mapping")
        self._row(annotations, f"{at}annotations.")
        for where, one in self._mappings(event, "threat_objects", at):
            self._row(one, where)
        return event

    def _timings(self, data: dict[str, Any], at: str) -> dict[str, float]:
        found = data.get("timings_ms")
        if not isinstance(found, dict):
            self._fail(f"{at}timings_ms", "a mapping")
        for name, value in found.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                self._fail(f"{at}timings_ms.{name}", "a number")
        return found

    def _mappings(self, data: dict[str, Any], key: str, at: str) -> list[tuple[str, Any]]:
        """The mappings of a list, each with the way to what is in it."""
        found = data.get(key)
        if not isinstance(found, list):
            self._fail(f"{at}{key}", "a list")
        for number, one in enumerate(found):
            if not isinstance(one, dict):
                self._fail(f"{at}{key}[{number}]", "a mapping")
        return [(f"{at}{key}[{number}].", one) for number, one in enumerate(found)]

    def _text(self, data: dict[str, Any], key: str, at: str) -> str:
        found = data.get(key)
        if not isinstance(found, str):
            self._fail(f"{at}{key}", "text")
        return found

    def _maybe(self, data: dict[str, Any], key: str, at: str) -> str | None:
        return None if data.get(key) is None else self._text(data, key, at)

    def _texts(self, data: dict[str, Any], key: str, at: str) -> tuple[str, ...]:
        found = data.get(key)
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            self._fail(f"{at}{key}", "a list of texts")
        return tuple(found)

    def _count(self, data: dict[str, Any], key: str, at: str) -> int:
        found = data.get(key)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            self._fail(f"{at}{key}", "a whole number, 0 or more")
        return found

    def _fail(self, where: str, wanted: str) -> NoReturn:
        raise BadSavedRun(
            f"the saved run is damaged: `{where}` must be {wanted}", place=Place(str(self.path))
        )

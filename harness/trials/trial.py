"""One trial: a detection, its data, its clock, and what must hold."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.content import Clock, Expectation
from harness.datasets import Refused, Unreachable
from harness.engines.base import Engine, SearchRequest
from harness.errors import HarnessError, Unsupported, UsageError
from harness.model import EventBatch, EventTable, Origin, TimeRange
from harness.risk import (
    RiskEvent,
    check,
    derive,
    notables,
    recorded_differences,
    to_event_fields,
)
from harness.spl.time_modifiers import parse_time
from harness.trials.verdict import TrialResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.content import Detection
    from harness.datasets import Manifest
    from harness.ingest import Loss
    from harness.model import Rows
    from harness.risk import Mismatch, RiskOutcome
    from harness.trials.project import Project

RISK_INDEX, RISK_KIND = "risk", "risk_event"
SEPARATOR = "\x1e"
TABLES = frozenset({".parquet"})


@cache
def run_moment() -> float:
    """What is now for every trial of this process, so that two engines get the same events."""
    return time.time()


class BadClock(UsageError):
    """A time that means nothing."""


@dataclass(frozen=True, slots=True)
class TrialData:
    """Where a trial's events come from: a manifest's name, files, or a recipe.

    `label` is what reports call it, `place` where a sidecar says it.
    """

    label: str
    dataset: str | None = None
    files: tuple[Any, ...] = ()
    paths: tuple[Path, ...] = ()
    origin: Origin = field(default_factory=Origin)
    recipe: Any = None
    place: Any = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that can be run; `remarks` are what is odd in the files that it is written in."""

    name: str
    detection: Detection
    data: TrialData
    expect: Expectation = field(default_factory=Expectation)
    accepted: Expectation | None = None
    clock: Clock = field(default_factory=Clock)
    risk_from: tuple[str, ...] = ()
    alias: str | None = None
    timezone: str | None = None
    remarks: tuple[str, ...] = ()

    def run(self, project: Project) -> TrialResult:
        """Replay the data, run the search, derive risk, compare; never raises for the trial."""
        return _Run(self, project).result()


class _Run:
    """One run: what is known so far, so that an error still reports it."""

    def __init__(self, trial: Trial, project: Project) -> None:
        self.trial = trial
        self.project = project
        self.timezone = trial.timezone or project.settings.timezone
        self.timings: dict[str, float] = {}
        self.losses: list[Loss] = []
        self.synthetic = trial.data.recipe is not None
        self.official = False
        self.texts: list[str] = []
        self.paths: list[Path] = []
        self.engine: Engine | None = None

    def result(self) -> TrialResult:
        """The verdict, whatever happens."""
        started = time.perf_counter()
        try:
            found = self._judged()
        except Unreachable as error:
            found = self._skipped(error)
        except Refused as error:
            # Upstream moves its files: that judges neither the detection nor the harness.
            found = self._skipped(error) if self.official else self._without(Verdict.ERROR, error)
        except Unsupported as error:
            found = self._without(Verdict.UNSUPPORTED, error)
        except HarnessError as error:
            found = self._without(Verdict.ERROR, error)
        except Exception as error:  # noqa: BLE001 - one trial's defect must not end the others
            found = replace(
                self._base(Verdict.ERROR),
                reason=f"a defect of the harness: {type(error).__name__}: {error}",
                details=traceback.format_exc(),
            )
        finally:
            if self.engine is not None:
                self.engine.close()
        self.timings["total"] = (time.perf_counter() - started) * 1000
        return found

    def _skipped(self, error: HarnessError) -> TrialResult:
        hint = f"; {error.hints[0]}" if error.hints else ""
        result = self._without(Verdict.SKIP, error)
        return replace(result, reason=f"{error.message}{hint}")

    def _without(self, verdict: Verdict, error: HarnessError) -> TrialResult:
        result = self._base(verdict)
        return replace(result, reason=str(error), details=error.render())

    def _base(self, verdict: Verdict) -> TrialResult:
        detection = self.trial.detection
        return TrialResult(
            trial=self.trial.name,
            detection=detection.name,
            id=detection.id,
            alias=self.trial.alias,
            techniques=detection.techniques,
            dataset=self.trial.data.label,
            engine=self.project.settings.engine,
            verdict=verdict,
            synthetic=self.synthetic,
            warnings=self._warnings(),
            remarks=self.trial.remarks,
            timings_ms=self.timings,
        )

    def _warnings(self) -> tuple[str, ...]:
        if not self.losses:
            return ()
        from harness.ingest import shown_losses  # noqa: PLC0415 - only with a loss

        return shown_losses(self.losses)

    def _judged(self) -> TrialResult:
        trial, detection = self.trial, self.trial.detection
        started = time.perf_counter()
        sources = list(self._sources())
        tables = [
            EventTable(item, origin)
            for item, origin in sources
            if isinstance(item, Path) and is_table(item)
        ]
        self.engine = self.project.engine(self.timezone, tables, detection.app)
        loaded = self.engine.load(self._timed(self._batches(sources)))
        self.timings["ingest"] = (time.perf_counter() - started) * 1000
        clock = self.project.clock(trial.clock)
        now = moment(clock.now, 0.0) if clock.now else (loaded.newest or 0.0) + 1
        request = SearchRequest(
            text=detection.search,
            now=now,
            time_range=time_range(clock, now, self.timezone),
            path=str(detection.path),
            limits=self.project.settings.limits,
        )
        for name in trial.risk_from:
            self._load_risk(self.project.detection(name), request)
        searched = self.engine.search(request)
        self.timings |= searched.timings_ms
        started = time.perf_counter()
        outcome = derive(detection, searched.rows, now=now)
        mismatch: Mismatch | None = None
        for expectation in (trial.expect, trial.accepted):
            if expectation is not None and mismatch is None:
                mismatch = check(expectation, searched.rows, outcome, self._raw_texts)
        self.timings["risk"] = (time.perf_counter() - started) * 1000
        result = replace(
            self._base(Verdict.FAIL if mismatch else Verdict.PASS),
            events=loaded.events,
            rows=searched.rows,
            risk_events=outcome.events,
            notables=len(notables(detection, searched.rows, now=now)),
            mismatch=mismatch,
        )
        told = (
            *result.warnings,
            *searched.warnings,
            *outcome.warnings,
            *self._held_against(outcome, result.notables),
        )
        result = replace(result, warnings=tuple(dict.fromkeys(told)))
        if mismatch is None:
            return result
        stages = tuple(self.engine.stages(request))
        return replace(result, reason=str(mismatch), details=mismatch.render(), stages=stages)

    def _held_against(self, outcome: RiskOutcome, notables: int) -> Iterator[str]:
        """How what the engine itself recorded of the detection differs from what was derived."""
        recorded: Callable[[str], Rows] | None = getattr(self.engine, "recorded", None)
        if recorded is None:
            return
        name = self.trial.detection.search_name
        try:
            found = recorded(name)
        except HarnessError as error:
            yield f"index=risk and index=notable could not be read: {error.message}"
            return
        yield from recorded_differences(name, outcome.events, notables, found.rows)

    # Data

    def _timed(self, batches: Iterator[EventBatch]) -> Iterable[EventBatch]:
        """The events as they are, or moved to now."""
        if not self.project.settings.shift_time:
            return batches
        from harness.replay import shifted  # noqa: PLC0415 - only where it is asked for

        return shifted(batches, run_moment())

    def _batches(self, sources: list[tuple[Path | str, Origin]]) -> Iterator[EventBatch]:
        from harness.ingest import ingest, ingest_text  # noqa: PLC0415 - only a run reads data

        apps, evaluate, losses = self.project.apps, self.project.evaluate, self.losses
        for item, origin in sources:
            if isinstance(item, Path) and is_table(item):
                continue
            if isinstance(item, Path):
                self.paths.append(item)
                yield from ingest([item], origin, apps, losses=losses, evaluate=evaluate)
            else:
                self.texts.append(item)
                name = self.trial.name
                yield from ingest_text(item, origin, name, apps, losses=losses, evaluate=evaluate)

    def _sources(self) -> Iterator[tuple[Path | str, Origin]]:
        """Files and rendered texts with what is told of them."""
        data = self.trial.data
        told = self._zoned(data.origin)
        for path in data.paths:
            for one in self.project.store().opened(path):
                yield one, told
        store = self.project.store() if data.files or data.dataset else None
        for file in data.files:
            for path in store.obtain_files(file) if store else ():
                yield path, self._zoned(file.origin)
        if data.dataset is not None and store is not None:
            manifest = self._manifest(data.dataset)
            self.official = manifest.official
            if manifest.synthetic is not None:
                self.synthetic = True
                yield from self._rendered(manifest.synthetic, manifest.synthetic_place)
            for path, origin in store.obtain_all(manifest):
                yield path, self._zoned(origin)
        if data.recipe is not None:
            yield from self._rendered(data.recipe, data.place)

    def _manifest(self, name: str) -> Manifest:
        """The manifest of a name; that there is none, or are several, is said at the trial."""
        try:
            return self.project.catalog().get(name)
        except HarnessError as error:
            raise type(error)(
                error.message, place=error.place or self.trial.data.place, hints=error.hints
            ) from error

    def _rendered(self, recipe: Any, place: Any) -> Iterator[tuple[str, Origin]]:
        from harness.datasets.synthetic import rendered  # noqa: PLC0415 - only synthetic data

        for one in rendered(recipe, place):
            index = one.origin.index if one.origin.index != "main" else self.project.settings.index
            origin = replace(one.origin, index=index)
            yield one.text, self._zoned(origin) if one.as_written else origin

    def _zoned(self, origin: Origin) -> Origin:
        return replace(origin, timezone=self.timezone)

    def _raw_texts(self) -> Iterable[str]:
        """The raw data as text, for expectations about what it names."""
        yield from self.texts
        for path in self.paths:
            with path.open(encoding="utf-8", errors="replace") as file:
                while piece := file.readlines(4_000_000):
                    yield "".join(piece)

    # Correlation

    def _load_risk(self, detection: Detection, request: SearchRequest) -> None:
        if self.engine is None:
            raise TypeError(detection)
        one = replace(request, text=detection.search, path=str(detection.path))
        rows = self.engine.search(one).rows
        events = derive(detection, rows, now=request.now).events
        from harness.ingest.kinds import kinds_of  # noqa: PLC0415 - only a correlation needs it

        sourcetype = kinds_of(self.project.apps).named(RISK_KIND).sourcetype
        self.engine.load(_risk_batches(events, sourcetype, request.now))


def _risk_batches(events: Sequence[RiskEvent], sourcetype: str, now: float) -> Iterator[EventBatch]:
    """Risk events as events of index=risk: `name=value` pairs, each ended by a record separator.

    Enterprise Security writes quoted pairs; a value may hold quotes, and has to come back as it is.
    """
    for event in events:
        fields = to_event_fields(event)
        pairs = [
            f"{name}={one}"
            for name, value in fields.items()
            if name not in ("_time", "index", "source", "sourcetype")
            for one in (value if isinstance(value, list) else [value])
        ]
        when = event.time if event.time is not None else now
        raw = SEPARATOR.join([*pairs, ""])
        yield EventBatch(RISK_INDEX, event.search_name, sourcetype, [raw], [when], ["localhost"])


def is_table(path: Path) -> bool:
    """Whether a file is a table of events, by its name."""
    return path.suffix.lower() in TABLES


def moment(text: str, now: float, timezone: str = "UTC") -> float:
    """The epoch seconds of an ISO time, an epoch, or a time modifier at `now`."""
    try:
        return parse_time(text, now, timezone)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadClock(
            f"`{text}` is no time", hints=["for example 2022-02-28T12:00:00Z, or -24h@h"]
        ) from error
    if found.tzinfo is None:
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - only for times without a zone

        found = found.replace(tzinfo=ZoneInfo(timezone))
    return found.timestamp()


def time_range(clock: Clock, now: float, timezone: str) -> TimeRange:
    """What a clock's earliest and latest mean at `now`."""
    earliest = moment(clock.earliest, now, timezone) if clock.earliest else None
    latest = moment(clock.latest, now, timezone) if clock.latest else None
    if earliest is not None and latest is not None and latest < earliest:
        raise BadClock(
            f"the time range ends (`{clock.latest}`) before it begins (`{clock.earliest}`)",
            hints=["set both: earliest, latest"],
        )
    return TimeRange(earliest, latest)

"""A project: its content, its datasets, its apps, and the trials that they make."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.apps import Apps, load_apps
from harness.content import (
    Clock,
    ContentFolder,
    Detection,
    UnknownDetection,
    load_content,
    read_detection,
)
from harness.datasets import Catalog, DatasetFile, Store, StoreSettings, load_catalog
from harness.engines.index_time import IndexTimeSearches
from harness.errors import UsageError, nearest
from harness.model import Origin
from harness.trials.saved_searches import detection_of, found_among, saved_hints
from harness.trials.settings import divided_memory
from harness.trials.trial import Trial, TrialData

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.apps import SavedSearch
    from harness.engines.base import Engine
    from harness.engines.duckdb import DuckDBEngine
    from harness.engines.knowledge import Knowledge
    from harness.model import EventTable
    from harness.trials.settings import Settings

LOCAL = "local"
ENGINES = (LOCAL, "splunk", "splunk:9.4", "https://splunk.example:8089")


class UnknownEngine(UsageError):
    """An engine that there is not."""


class NothingToRun(UsageError):
    """A detection without expectations, tests or data."""


class Project:
    """Reads what is asked for and nothing else; shared by the command line and pytest."""

    def __init__(self, settings: Settings) -> None:
        _check_engine(settings.engine)
        self.settings = settings
        self._known: dict[str, Knowledge] = {}

    def on(self, engine: str) -> Project:
        """The same project with another engine; what has been read is read once."""
        if engine == self.settings.engine:
            return self
        _check_engine(engine)
        other = copy(self)
        other.settings = replace(self.settings, engine=engine)
        return other

    @cached_property
    def content(self) -> ContentFolder:
        """The content folder: the one that was named, else the project itself."""
        return load_content(self.settings.content or self.settings.root)

    @cached_property
    def apps(self) -> Apps:
        """The apps that were named, over the built-in ones."""
        return load_apps(self.settings.apps, builtin=self.settings.builtin_apps)

    @cached_property
    def evaluate(self) -> IndexTimeSearches:
        """What the apps ask of an engine while events are read."""
        return IndexTimeSearches(self.apps)

    def catalog(self) -> Catalog:
        """The datasets of the project and of the content folder."""
        return self._catalog

    @cached_property
    def _catalog(self) -> Catalog:
        roots = {self.settings.root.resolve(), self.content.root.resolve()}
        folders = [root / "datasets" for root in sorted(roots)]
        return load_catalog([folder for folder in folders if folder.is_dir()])

    def store(self) -> Store:
        """The store that fetches datasets."""
        return self._store

    @cached_property
    def _store(self) -> Store:
        settings = self.settings
        found = StoreSettings.from_environment(
            roots=(settings.root.resolve(), self.content.root.resolve()),
            default_index=settings.index,
            allow_local_addresses=settings.allow_local_addresses,
        )
        return Store(replace(found, offline=found.offline or settings.offline))

    def engine(
        self,
        timezone: str | None = None,
        tables: Sequence[EventTable] = (),
        app: str | None = None,
    ) -> Engine:
        """A fresh engine for one trial, in a zone of its own and an app if it has one."""
        if self.settings.engine == LOCAL:
            return self.local_engine(timezone, tables=tables, app=app)
        from harness.engines.splunk import SplunkEngine  # noqa: PLC0415 - only for a Splunk
        from harness.trials.splunk import raw_endpoint, splunk_instance  # noqa: PLC0415 - the same

        zone = timezone or self.settings.timezone
        raw = raw_endpoint(self.settings)
        return SplunkEngine(splunk_instance(self), timezone=zone, tables=tables, app=app, raw=raw)

    def read_knowledge(self) -> None:
        """Read once, before there are more processes, what each of them needs."""
        from harness.registry import command_names, eval_function_names  # noqa: PLC0415 - late

        command_names()
        eval_function_names()
        _ = self.knowledge, list(self.content.macros.values())

    def local_engine(
        self,
        timezone: str | None = None,
        *,
        tables: Sequence[EventTable] = (),
        shares: str | None = None,
        threads: int | None = None,
        parts: int = 1,
        app: str | None = None,
    ) -> DuckDBEngine:
        """A fresh embedded engine, for work that only it can do.

        It may use its part of the memory where several processes have one each.
        """
        from harness.engines.duckdb import DuckDBEngine  # noqa: PLC0415 - only a run needs it

        return DuckDBEngine(
            self.knowledge_in(app),
            timezone=timezone or self.settings.timezone,
            tables=tables,
            shares=shares,
            threads=threads,
            memory=divided_memory(self.settings.memory, parts),
        )

    @cached_property
    def knowledge(self) -> Knowledge:
        """The apps with the content's macros and lookups over them."""
        from harness.engines.knowledge import Knowledge  # noqa: PLC0415 - only a run needs it

        return Knowledge(
            self.apps, self.content.macros, self.content.lookups, locations=self.settings.iplocation
        )

    def knowledge_in(self, app: str | None) -> Knowledge:
        """What a search knows that runs in an app."""
        if app is None:
            return self.knowledge
        if app not in self._known:
            self._known[app] = replace(
                self.knowledge, apps=self.apps.seen_from(app), compiled={}, data_sets={}
            )
        return self._known[app]

    def clock(self, told: Clock) -> Clock:
        """A trial's clock, with what the person set over it."""
        settings = self.settings
        return Clock(
            settings.now or told.now,
            settings.earliest or told.earliest,
            settings.latest or told.latest,
        )

    def named(self, query: str) -> Path | SavedSearch:
        """What a name, alias, id or path means: a detection's file, or an app's saved search."""
        try:
            return self.content.find(query)
        except UnknownDetection as error:
            saved = self.apps.saved_searches
            if (found := found_among(saved, query)) is not None:
                return found
            hints = dict.fromkeys((*saved_hints(saved, query), *error.hints))
            raise UnknownDetection(error.message, place=error.place, hints=hints) from None

    def all_named(self, query: str) -> list[Path | SavedSearch]:
        """What `named` gives, or of a folder all the detections in it.

        Of a folder that holds `detections/` those are meant that are there.
        """
        folder = Path(query)
        if "\0" in query or not folder.is_dir():
            return [self.named(query)]
        below = folder / "detections"
        found = sorted((below if below.is_dir() else folder).rglob("*.yml"))
        if not found:
            raise UnknownDetection(
                f"there are no detections in the folder `{query}`", hints=["they end in .yml"]
            )
        return [*found]

    def given_saved_searches(self) -> list[SavedSearch]:
        """The saved searches of the apps that were named, by name."""
        given = {app.name for app in self.apps.folders if not app.builtin}
        saved = self.apps.saved_searches
        return [saved[name] for name in sorted(saved) if saved[name].app in given]

    def detection(self, query: str) -> Detection:
        """The detection that a name, alias, id or path means."""
        found = self.named(query)
        return read_detection(found) if isinstance(found, Path) else detection_of(found)

    def trials(self, named: Path | SavedSearch) -> Iterator[Trial]:
        """The trials of the detection at a path, or of a saved search.

        With data given there is exactly one, which must fire. Else they are its sidecar's, and
        without a sidecar one for each test of its own file.
        """
        if isinstance(named, Path):
            yield from self._trials_of_file(named)
            return
        detection = detection_of(named)
        if not self.settings.data:
            raise NothingToRun(
                f"the saved search `{detection.name}` comes without data to run on",
                hints=["name a file with --data"],
            )
        yield self._data_trial(detection)

    def _trials_of_file(self, path: Path) -> Iterator[Trial]:
        detection = read_detection(path)
        if self.settings.data:
            yield self._data_trial(detection)
            return
        sidecar = self.content.expectations(path)
        if sidecar is not None:
            remarks = (*map(str, detection.warnings), *map(_stale, sidecar.stale_pins))
            for spec in sidecar.trials:
                label = spec.dataset or spec.name
                data = TrialData(label, spec.dataset, recipe=spec.events, place=spec.data_place)
                accepted = None if self.settings.accept else spec.accepted
                yield Trial(
                    spec.name,
                    detection,
                    data,
                    spec.expect,
                    accepted,
                    spec.clock,
                    spec.risk_from,
                    sidecar.alias,
                    sidecar.timezone,
                    remarks,
                )
            return
        tests = [*detection.tests, *self.content.separate_tests(path)]
        if not tests:
            raise NothingToRun(
                f"`{detection.name}` has no expectations, no tests and no data",
                hints=[f"write {path.stem}.expected.yaml", "or name a file with --data"],
            )
        for test in tests:
            files = tuple(
                DatasetFile(
                    url=one.data,
                    origin=Origin(
                        one.index or self.settings.index, one.source, one.sourcetype, one.host
                    ),
                    custom_index=one.index or self.settings.index,
                    base=path.parent,
                    place=one.place,
                )
                for one in test.attack_data
            )
            label = ", ".join(one.url.rsplit("/", 1)[-1] for one in files)
            data = TrialData(label, files=files)
            yield Trial(test.name, detection, data, remarks=tuple(map(str, detection.warnings)))

    def _data_trial(self, detection: Detection) -> Trial:
        settings = self.settings
        origin = Origin(settings.index, settings.source, settings.sourcetype)
        label = ", ".join(path.name for path in settings.data)
        data = TrialData(label, paths=settings.data, origin=origin)
        clock = Clock(earliest=detection.earliest, latest=detection.latest)
        remarks = [str(one) for one in detection.warnings]
        if detection.earliest and not settings.earliest:
            until = detection.latest or "the end"
            remarks.append(
                f"only {detection.earliest} to {until} is searched, as the saved search says;"
                " --earliest 0 searches from the beginning"
            )
        return Trial(label, detection, data, clock=clock, remarks=tuple(remarks))


def _check_engine(name: str) -> None:
    if name == LOCAL:
        return
    from harness.engines.splunk import is_splunk  # noqa: PLC0415 - only where it is asked for

    if not is_splunk(name):
        hints = (*nearest(name, ENGINES), f"engines: {', '.join(ENGINES)}")
        raise UnknownEngine(f"unknown engine `{name}`", hints=hints)


def _stale(trial: str) -> str:
    return f"what was accepted of `{trial}` does not count: no trial has its name and dataset"

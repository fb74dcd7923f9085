"""Checks of detections without running them on data: do they compile, and are they whole?

A detection compiles when its search is planned, bound and executed over zero events of the kinds
that it names under `data_source`. The rules for its file are in `harness.content.rules`; here are
those that need its search: what its risk, messages and drilldowns name comes out of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.content import (
    detection_from,
    place_in_search,
    remarks_on,
    risk_fields,
    sources_in,
)
from harness.engines.base import SearchRequest
from harness.errors import HarnessError, Place, Unsupported, nearest
from harness.model import ALL_TIME
from harness.trials.processes import SMALL, Pile, can_fork, cores, results_of
from harness.trials.saved_searches import DRILLDOWNS, detection_of, risk_fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.apps import SavedSearch
    from harness.content import Detection, RiskField
    from harness.engines.base import SearchResult
    from harness.engines.duckdb import DuckDBEngine
    from harness.model.documents import Document
    from harness.trials.project import Project

ORIGINAL = "%original_detection_search%"
TOKEN = re.compile(r"\$[A-Za-z_][^\s$]*\$")
NAMED = re.compile(rb"^(name|id):[ \t]*(.+?)[ \t\r]*$", re.MULTILINE)
NO_LOOKUP = re.compile(r"there is no lookup `([^`]+)`")
MOST_BYTES = 5_000_000
CHUNK = 16
"""So many files in a row are checked by one process, for those beside each other are alike."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a file, with the line and column that it is about."""

    file: str
    reason: str
    line: int | None = None
    column: int | None = None
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON."""
        found: dict[str, Any] = {
            "file": self.file,
            "reason": self.reason,
            "line": self.line,
            "column": self.column,
        }
        return {**found, "hints": list(self.hints)} if self.hints else found


@dataclass(slots=True)
class CheckReport:
    """What was checked: how many files, how many compiled, and what was found in the others."""

    checked: int = 0
    compiled: int = 0
    unsupported: list[Finding] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def add(self, other: CheckReport) -> None:
        """Count what another report has, too."""
        self.checked += other.checked
        self.compiled += other.compiled
        self.unsupported += other.unsupported
        self.errors += other.errors
        self.warnings += other.warnings

    def to_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "checked": self.checked,
            "compiled": self.compiled,
            "unsupported": [one.to_json() for one in self.unsupported],
            "errors": [one.to_json() for one in self.errors],
            "warnings": [one.to_json() for one in self.warnings],
        }


class Checker:
    """Checks detections of one project; names and ids must be unique in its content folder."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.report = CheckReport()
        self._engines: dict[str | None, DuckDBEngine] = {}
        self._threads: int | None = None
        self._named: dict[tuple[str, str], set[Path]] = defaultdict(set)

    def run(
        self,
        paths: Sequence[Path],
        done: Callable[[], None] = lambda: None,
        *,
        knowledge: bool = True,
        saved: Sequence[SavedSearch] = (),
    ) -> CheckReport:
        """Check the detections at these paths; `done` is called after each.

        With `knowledge` also the macros, lookups, data sources and stories of the folder; `saved`
        are saved searches of apps.
        """
        self._index(paths)
        if knowledge:
            self._check_knowledge()
        jobs = [*(partial(self._check, path) for path in paths)]
        jobs += [partial(self.check_saved, one) for one in saved]
        parts = min(cores(), len(jobs) // SMALL)
        found: dict[int, CheckReport] = {}
        for number, report in self._reports(jobs, parts if can_fork() else 1):
            found[number] = report
            done()
        for number in range(len(jobs)):
            self.report.add(found[number])
        return self.report

    def _reports(
        self, jobs: Sequence[Callable[[], None]], parts: int
    ) -> Iterator[tuple[int, CheckReport]]:
        """What each job reports, with its number; many are done in several processes."""
        if parts <= 1:
            yield from self._done(jobs, range(len(jobs)))
            return
        self.project.read_knowledge()
        self._threads = max(1, cores() // parts)
        pile = Pile(-(-len(jobs) // CHUNK))

        def work(number: int) -> Iterator[tuple[int, CheckReport]]:
            starts = (chunk * CHUNK for chunk in pile.taken(number))
            taken = (n for start in starts for n in range(start, min(start + CHUNK, len(jobs))))
            return self._done(jobs, taken)

        yield from results_of(work, parts, "check")

    def _done(
        self, jobs: Sequence[Callable[[], None]], numbers: Iterable[int]
    ) -> Iterator[tuple[int, CheckReport]]:
        whole = self.report
        try:
            for number in numbers:
                self.report = CheckReport()
                jobs[number]()
                yield number, self.report
        finally:
            self.report = whole
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def check_saved(self, saved: SavedSearch) -> None:
        """Check a saved search of an app: it compiles, and its actions' fields come out of it."""
        self.report.checked += 1
        detection = detection_of(saved)
        for remark in detection.warnings:
            self._tell(detection, remark.message, remark.place, remark.hints, wrong=remark.wrong)
        self._check_search(detection, risk_fields_of(saved, detection))
        places = [saved.place_of(DRILLDOWNS)] * len(detection.drilldowns)
        self._drilldowns(detection, places)

    def _check(self, path: Path) -> None:
        self.report.checked += 1
        from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

        try:
            document = read_document(path)
            detection = detection_from(document, path)
        except HarnessError as error:
            self.report.errors.append(_finding(path, error))
            return
        for remark in remarks_on(document, detection, self.project.content):
            self._tell(detection, remark.message, remark.place, remark.hints, wrong=remark.wrong)
        self._unique(document, detection)
        self._check_search(detection, risk_fields(document, detection))
        numbers = range(len(detection.drilldowns))
        self._drilldowns(
            detection, [document.place("drilldown_searches", n, "search") for n in numbers]
        )

    def _check_search(self, detection: Detection, wanted: Sequence[RiskField]) -> None:
        try:
            result = self._compiled(detection)
        except Unsupported as error:
            self.report.unsupported.append(_finding(detection.path, error, detection))
        except HarnessError as error:
            self.report.errors.append(_finding(detection.path, error, detection))
        else:
            self.report.compiled += 1
            self._warned(detection, result.warnings)
            self._produced(wanted, detection, result)

    # The search

    def _compiled(self, detection: Detection) -> SearchResult:
        """Plan, bind and run over no events."""
        engine = self._opened(detection.app)
        engine.groups = self._groups(detection)
        limits, path = self.project.settings.limits, str(detection.path)
        request = SearchRequest(detection.search, 0.0, ALL_TIME, path, dry=True, limits=limits)
        result = engine.search(request)
        for error in result.forgiven:
            self.report.errors.append(_finding(detection.path, error, detection))
        return result

    def _warned(self, detection: Detection, warnings: Sequence[str]) -> None:
        """What the search warns of; a lookup that is not there gives no rows, and is a mistake."""
        for warning in warnings:
            missing = NO_LOOKUP.match(warning)
            knowledge = self.project.knowledge_in(detection.app)
            known = knowledge.lookup_names() if missing else []
            hints = nearest(missing[1], known) if missing else ()
            place = detection.search_place
            self._tell(detection, warning, place, hints, wrong=missing is not None)

    def _opened(self, app: str | None) -> DuckDBEngine:
        if app not in self._engines:
            self._engines[app] = self.project.local_engine(app=app, threads=self._threads)
        return self._engines[app]

    def _groups(self, detection: Detection) -> dict[Any, Any]:
        """Kinds of events without events: what the detection says that it is about."""
        from harness.fields.resolver import Group  # noqa: PLC0415 - only compiling needs it

        found: dict[Any, Any] = {}
        for name in (one for text in detection.data_sources for one in sources_in(text)):
            source = self.project.content.data_sources.get(name)
            if source is None or source.sourcetype is None:
                continue
            key = (self.project.settings.index, source.source or "", source.sourcetype)
            found.setdefault(key, Group(len(found), *key, entities="numeric"))
        return found

    def _produced(
        self, wanted: Sequence[RiskField], detection: Detection, result: SearchResult
    ) -> None:
        """The fields that the risk block, messages and drilldowns name come out of the search.

        Where the columns are those of the data, a name must at least stand in the search.
        """
        columns = set(result.rows.columns)
        text = detection.search.casefold()
        for one in wanted:
            if one.name in columns or (not result.columns_known and one.name.casefold() in text):
                continue
            wrong = result.columns_known and one.what != "drilldown"
            wrong = wrong and detection.risk.creates_risk
            wrong = wrong and detection.status in ("production", None)
            reason = f"the {one.what}'s field `{one.name}` does not come out of the search"
            self._tell(detection, reason, one.place, nearest(one.name, columns), wrong=wrong)

    def _drilldowns(self, detection: Detection, places: Sequence[Place]) -> None:
        """A drilldown's search can be read, with another search for the detection's own."""
        from harness.spl.macros import expand  # noqa: PLC0415 - only with drilldowns
        from harness.spl.pipeline import parse_pipeline  # noqa: PLC0415 - as above
        from harness.spl.source import Source  # noqa: PLC0415 - as above

        for one, place in zip(detection.drilldowns, places, strict=True):
            search = TOKEN.sub("x", one.search.replace(ORIGINAL, "search *").strip())
            try:
                knowledge = self.project.knowledge_in(detection.app)
                parse_pipeline(expand(Source(search), knowledge))
            except HarnessError as error:
                reason = f"the drilldown `{one.name}`: {error.message}"
                self._tell(detection, reason, place, error.hints, wrong=True)

    # Names

    def _index(self, paths: Sequence[Path]) -> None:
        """The names and ids of these files and of the folder's, as they stand in the text."""
        known = {path.resolve(): path for path in (*self.project.content.detection_paths, *paths)}
        for resolved, path in known.items():
            try:
                with path.open("rb") as file:
                    text = file.read(MOST_BYTES)
            except OSError:
                continue
            for key, value in NAMED.findall(text):
                name = value.strip(b"'\"").decode(errors="replace").casefold()
                self._named[key.decode(), name].add(resolved)

    def _unique(self, document: Document, detection: Detection) -> None:
        own = detection.path.resolve()
        for key, value in (("name", detection.name), ("id", detection.id)):
            others = self._named[key, (value or "").casefold()] - {own}
            if value and others:
                shown = ", ".join(sorted(path.name for path in others)[:3])
                text = f"the {key} `{value}` is that of {shown} too"
                self._tell(detection, text, document.place(key), wrong=True)

    # Knowledge

    def _check_knowledge(self) -> None:
        """Macros, lookups, data sources and stories can be read; tables are rectangular CSV."""
        from harness.engines.lookup_tables import read_table  # noqa: PLC0415 - only compiling needs it

        content = self.project.content
        faults = list(content.faults())
        for table in sorted((content.root / "lookups").glob("*.csv")):
            try:
                read_table(table)
            except HarnessError as error:
                faults.append(error)
        for fault in faults:
            where = fault.place.path if fault.place and fault.place.path else str(content.root)
            self.report.errors.append(_finding(where, fault))

    def _tell(
        self,
        detection: Detection,
        reason: str,
        place: Place,
        hints: tuple[str, ...] = (),
        *,
        wrong: bool = False,
    ) -> None:
        where = self.report.errors if wrong else self.report.warnings
        where.append(Finding(str(detection.path), reason, place.line, place.column, hints))


def _finding(path: Path | str, error: HarnessError, detection: Detection | None = None) -> Finding:
    """An error as a finding about a file.

    In a search it is told by the file's own lines, in a macro at the search that calls it.
    """
    place = error.place
    if detection is not None:
        place = place_in_search(detection, place) or detection.search_place
    line, column = (place.line, place.column) if place else (None, None)
    return Finding(str(path), error.message, line, column, error.hints)

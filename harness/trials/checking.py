"""Checks of detections without running them on data: do they compile, and are they whole?

A detection compiles when its search is planned, bound and executed over zero events of the kinds
that it names under `data_source`. The static checks are those of contentctl, which authors of
security_content know.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.content import place_in_file, read_detection, tokens_of
from harness.engines.base import SearchRequest
from harness.errors import HarnessError, Unsupported, nearest
from harness.model import ALL_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from harness.content import Detection
    from harness.engines.duckdb import DuckDBEngine
    from harness.trials.project import Project

STATUSES = ("production", "experimental", "deprecated", "validation", "removed")
DOMAINS = ("access", "audit", "endpoint", "identity", "network", "threat")
TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?")
RISKY = ("TTP", "Anomaly")
ALWAYS = frozenset({"_time", "host", "source", "sourcetype", "index"})


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
    """Checks detections of one project; names and ids must be unique among those it is given."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.report = CheckReport()
        self._names: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._engine: DuckDBEngine | None = None
        self._tables: set[str] = set()

    def run(self, paths: Sequence[Path], done: Callable[[], None] = lambda: None) -> CheckReport:
        """Check the detections at these paths; `done` is called after each."""
        for path in paths:
            self.report.checked += 1
            self._check(path)
            done()
        self.report.errors += self._lookup_faults()
        if self._engine is not None:
            self._engine.close()
        return self.report

    def _check(self, path: Path) -> None:
        try:
            detection = read_detection(path)
        except HarnessError as error:
            self.report.errors.append(_finding(path, error))
            return
        self._static(detection)
        columns: tuple[str, ...] | None = None
        try:
            columns = self._compiled(detection)
        except Unsupported as error:
            self.report.unsupported.append(_finding(path, error, detection))
        except HarnessError as error:
            self.report.errors.append(_finding(path, error, detection))
        else:
            self.report.compiled += 1
        if columns is not None:
            self._produced(detection, columns)

    # The search

    def _compiled(self, detection: Detection) -> tuple[str, ...] | None:
        """Plan, bind and run over no events; the columns where the search alone tells them."""
        engine = self._engine = self._engine or self.project.local_engine()
        engine.groups = self._groups(detection)
        request = SearchRequest(detection.search, 0.0, ALL_TIME, str(detection.path), dry=True)
        result = engine.search(request)
        for error in result.missing:
            self.report.errors.append(_finding(detection.path, error, detection))
        for warning in result.warnings:
            self._warn(detection, warning)
        return result.rows.columns or None

    def _groups(self, detection: Detection) -> dict[Any, Any]:
        """Kinds of events without events: what the detection says that it is about."""
        from harness.fields.resolver import Group  # noqa: PLC0415 - only compiling needs it

        found: dict[Any, Any] = {}
        for name in detection.data_sources:
            source = self.project.content.data_sources.get(name)
            if source is None or source.sourcetype is None:
                continue
            key = (self.project.settings.index, source.source or "", source.sourcetype)
            found[key] = Group(len(found), *key, entities="numeric")
        return found

    # What the file says

    def _static(self, detection: Detection) -> None:
        for text in detection.warnings:
            self._warn(detection, text.removeprefix(f"{detection.path}:"))
        self._unique(detection)
        macro = detection.filter_macro
        if f"`{macro}`" not in detection.search:
            self._warn(detection, f"the search does not end in its filter macro `{macro}`")
        expected = f"{macro.removesuffix('_filter')}.yml"
        if detection.path.name != expected:
            self._warn(detection, f"the file of `{detection.name}` is called {expected}")
        self._known("status", detection.status, STATUSES, detection)
        self._known("security domain", detection.security_domain, DOMAINS, detection)
        for technique in detection.techniques:
            if not TECHNIQUE.fullmatch(technique):
                self._fail(detection, f"`{technique}` is no ATT&CK technique")
        self._dated(detection)
        sources = self.project.content.data_sources
        for name in detection.data_sources:
            if sources and name not in sources:
                self._warn(detection, f"unknown data source `{name}`", nearest(name, sources))
        self._risk(detection)

    def _unique(self, detection: Detection) -> None:
        self._names[detection.name] += 1
        self._ids[detection.id or ""] += 1
        if self._names[detection.name] > 1:
            self._fail(detection, f"another detection is called `{detection.name}`")
        if detection.id and self._ids[detection.id] > 1:
            self._fail(detection, f"another detection has the id {detection.id}")

    def _known(self, what: str, value: str | None, known: Iterable[str], d: Detection) -> None:
        if value is not None and value.lower() not in known:
            self._fail(d, f"unknown {what} `{value}`", nearest(value, known))

    def _dated(self, detection: Detection) -> None:
        if detection.date is None:
            return
        try:
            when = datetime.strptime(detection.date, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self._fail(detection, f"`{detection.date}` is no date", ("write YYYY-MM-DD",))
            return
        if when > datetime.now(UTC):
            self._fail(detection, f"the date {detection.date} is in the future")

    def _risk(self, detection: Detection) -> None:
        objects = detection.risk.objects
        if detection.type in RISKY and not objects and detection.status != "deprecated":
            self._warn(detection, f"a {detection.type} without a risk object creates no risk")
        if detection.type == "Hunting" and objects and detection.generation in ("v5", "escu6"):
            self._warn(detection, "a Hunting detection creates no risk: its risk objects are idle")

    def _produced(self, detection: Detection, columns: tuple[str, ...]) -> None:
        """The fields that the risk block and the messages name come out of the search."""
        known = {*columns, *ALWAYS}
        asked: dict[str, str] = {}
        for one in detection.risk.objects:
            asked.setdefault(one.field, "the risk object")
            for token in tokens_of(one.message):
                asked.setdefault(token, "the message's field")
        for threat in detection.risk.threat_objects:
            asked.setdefault(threat.field, "the threat object")
        for token in tokens_of(detection.risk.message):
            asked.setdefault(token, "the message's field")
        for name, what in asked.items():
            if name not in known and not detection.risk.creates_risk:
                continue
            if name not in known:
                text = f"{what} `{name}` does not come out of the search"
                self._warn(detection, text, nearest(name, known))

    def _lookup_faults(self) -> Iterable[Finding]:
        """Tables of the content folder that are no rectangular CSV."""
        from harness.engines.knowledge import read_table  # noqa: PLC0415 - as above

        for definition in self.project.content.lookups.values():
            if definition.table is None:
                continue
            try:
                read_table(definition.table)
            except HarnessError as error:
                yield _finding(definition.table, error)

    def _fail(self, detection: Detection, reason: str, hints: tuple[str, ...] = ()) -> None:
        self.report.errors.append(Finding(str(detection.path), reason, hints=hints))

    def _warn(self, detection: Detection, reason: str, hints: tuple[str, ...] = ()) -> None:
        self.report.warnings.append(Finding(str(detection.path), reason, hints=hints))


def _finding(path: Path, error: HarnessError, detection: Detection | None = None) -> Finding:
    """An error as a finding about a file; within its search, by the file's own lines."""
    place = error.place
    line, column = (place.line, place.column) if place else (None, None)
    reason = error.message
    if detection is not None:
        own = place is not None and getattr(place, "macro", None) is None
        if own and place is not None and place.path == str(detection.path) and line and column:
            line, column = place_in_file(detection, line, column)
        else:
            reason = f"{place}: {reason}" if place and str(place) else reason
            line, column = detection.search_place.line, detection.search_place.column
    return Finding(str(path), reason, line, column, error.hints)

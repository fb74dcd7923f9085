"""A whole library over one dataset: what fires on these files?

The events are ingested once. The searches are dealt out to processes that each hold the events,
those over one data set to the same process, which works out the data set's fields once.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from harness.content import place_in_search, read_detection
from harness.errors import HarnessError, Place, Unsupported, UsageError, nearest
from harness.ingest import ingest
from harness.trials.loading import opened, request_for, told_of_data
from harness.trials.processes import SMALL, Pile, can_fork, cores, results_of
from harness.trials.saved_searches import detection_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.content import Detection
    from harness.engines.base import SearchRequest
    from harness.ingest import Loss
    from harness.model import EventBatch, EventTable
    from harness.trials.project import Project

CHUNKS = 12
"""Into how many chunks a process's share is cut."""
MAX_LINE = 1_000_000


class BadSearches(UsageError):
    """A file of searches that cannot be read."""


@dataclass(frozen=True, slots=True)
class BatchSearch:
    """One search of a library, with what a report calls it, and the detection that it is of."""

    id: str
    spl: str
    name: str = ""
    detection: Detection | None = None

    @property
    def path(self) -> str | None:
        """The file that the search stands in."""
        return str(self.detection.path) if self.detection else None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How many rows a search gave, or why it gave none: `status` is ok, unsupported or error."""

    id: str
    status: str
    result_count: int = 0
    reason: str = ""
    place: str = ""
    name: str = ""
    warnings: tuple[str, ...] = ()
    milliseconds: float = 0.0
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as JSON."""
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "result_count": self.result_count,
            "status": self.status,
            "reason": self.reason,
        }
        if self.place:
            found["place"] = self.place
        if self.hints:
            found["hints"] = list(self.hints)
        return {**found, "warnings": list(self.warnings)} if self.warnings else found


Share = list[tuple[int, BatchSearch]]
Message = int | tuple[int, BatchResult]


def detections_of(
    project: Project, pattern: str | None
) -> tuple[list[BatchSearch], list[BatchResult]]:
    """The searches of the content folder's detections, and those that could not be read.

    The saved searches of the apps that were named come after them. `pattern` is a glob over file
    names without their ending, over paths in the folder, or over names of saved searches.
    """
    searches: list[BatchSearch] = []
    unread: list[BatchResult] = []
    root = project.content.root / "detections"
    for path in project.content.detection_paths:
        inside = path.relative_to(root)
        if pattern and not (inside.match(pattern) or inside.with_suffix("").match(pattern)):
            continue
        try:
            one = read_detection(path)
        except HarnessError as error:
            place = str(error.place or path)
            unread.append(
                BatchResult(
                    path.stem, "error", reason=error.message, place=place, hints=error.hints
                )
            )
            continue
        searches.append(BatchSearch(one.id or path.stem, one.search, one.name, one))
    for saved in project.given_saved_searches():
        if pattern is None or fnmatch(saved.name, pattern):
            one = detection_of(saved)
            searches.append(BatchSearch(one.id or saved.name, one.search, saved.name, one))
    return searches, unread


def searches_in(path: Path) -> list[BatchSearch]:
    """The searches in a file of JSON lines, `{"id": …, "spl": …}` each."""
    found: list[BatchSearch] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    found.append(_search(line, Place(str(path), number, 1)))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        near = path.parent.iterdir() if path.parent.is_dir() else ()
        hints = () if path.exists() else nearest(path.name, (one.name for one in near))
        raise BadSearches(
            f"the searches cannot be read: {reason}", place=Place(str(path)), hints=hints
        ) from error
    return found


def _search(line: str, place: Place) -> BatchSearch:
    hints = ['one line is {"id": "…", "spl": "…"}']
    if len(line) > MAX_LINE:
        raise BadSearches("the line is too long", place=place)
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadSearches(f"the line is no JSON: {error}", place=place, hints=hints) from error
    if not isinstance(data, dict) or not isinstance(data.get("spl"), str) or "id" not in data:
        raise BadSearches("a search has an `id` and an `spl`", place=place, hints=hints)
    return BatchSearch(str(data["id"]), data["spl"], str(data.get("name", "")))


class Batch:
    """Searches over the data of a project's settings; `losses` says what was not read of it."""

    def __init__(self, project: Project, *, jobs: int | None = None) -> None:
        self.project = project
        self.jobs = jobs or cores()
        self.losses: list[Loss] = []
        self.events = 0
        self.tables: list[EventTable] = []

    def run(
        self, searches: Sequence[BatchSearch], done: Callable[[], None] = lambda: None
    ) -> list[BatchResult]:
        """The results in the order of the searches; `done` is called after each."""
        batches = list(self._ingested())
        parts = max(1, min(self.jobs, len(searches) // SMALL))
        found: dict[int, BatchResult] = {}
        chunks = dealt(searches, parts * CHUNKS)
        for message in self._results(batches, chunks, parts):
            if isinstance(message, int):
                self.events = message
                continue
            number, result = message
            found[number] = result
            done()
        return [found[number] for number in range(len(searches))]

    def _ingested(self) -> Iterator[EventBatch]:
        origin = told_of_data(self.project)
        files, self.tables = opened(self.project, self.project.settings.data, origin)
        project = self.project
        yield from ingest(
            files, origin, project.apps, losses=self.losses, evaluate=project.evaluate
        )

    def _results(
        self, batches: list[EventBatch], chunks: list[Share], parts: int
    ) -> Iterator[Message]:
        texts = [one.spl for chunk in chunks for _, one in chunk]
        if parts == 1 or not can_fork():
            whole = [one for chunk in chunks for one in chunk]
            yield from _worked(self.project, batches, self.tables, whole, texts, parts=1)
            return
        self.project.read_knowledge()
        pile = Pile(len(chunks))

        def work(number: int) -> Iterator[Message]:
            share = (one for chunk in pile.taken(number) for one in chunks[chunk])
            return _worked(self.project, batches, self.tables, share, texts, parts=parts)

        yield from results_of(work, parts, "batch")


def dealt(searches: Sequence[BatchSearch], parts: int) -> list[Share]:
    """The numbered searches in so many parts of equal size, those that begin alike in one."""
    groups: dict[str, Share] = defaultdict(list)
    for number, one in enumerate(searches):
        _, found, rest = one.spl.partition("datamodel")
        words = rest.lstrip(' =":')[:40].split()
        groups[words[0] if found and words else ""].append((number, one))
    ordered = [one for key in sorted(groups) for one in groups[key]]
    size = max(1, -(-len(ordered) // parts))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)] or [[]]


def _worked(
    project: Project,
    batches: list[EventBatch],
    tables: list[EventTable],
    share: Iterable[tuple[int, BatchSearch]],
    texts: Sequence[str],
    *,
    parts: int,
) -> Iterator[Message]:
    """The number of events, then the result of each search with its number."""
    threads = None if parts == 1 else max(1, cores() // parts)
    macros = (macro.definition for macro in project.content.macros.values())
    named = "\n".join((*texts, *macros))
    engine = project.local_engine(tables=tables, shares=named, threads=threads, parts=parts)
    try:
        loaded = engine.load(batches)
        yield loaded.events
        for number, one in share:
            yield (
                number,
                _result(engine, one, request_for(project, one.spl, loaded.newest, one.path)),
            )
    finally:
        engine.close()


def _place(error: HarnessError, detection: Detection | None) -> str:
    """Where an error is: in the lines of the detection's file, where it is about its search."""
    own = place_in_search(detection, error.place) if detection else None
    return str(own or error.place or "")


def _result(engine: Any, one: BatchSearch, request: SearchRequest) -> BatchResult:
    started = time.perf_counter()
    status, count, reason, place, warnings = "ok", 0, "", "", ()
    hints: tuple[str, ...] = ()
    try:
        count, warnings = engine.count(request)
    except HarnessError as error:
        status = "unsupported" if isinstance(error, Unsupported) else "error"
        reason, place = error.message, _place(error, one.detection)
        hints = error.hints
    except Exception as error:  # noqa: BLE001 - one search's defect must not end the others
        status, reason = "error", f"a defect of the harness: {type(error).__name__}: {error}"
    spent = (time.perf_counter() - started) * 1000
    return BatchResult(one.id, status, count, reason, place, one.name, warnings, spent, hints)

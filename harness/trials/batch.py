"""A whole library over one dataset: what fires on these files?

The events are ingested once. The searches are dealt out to processes that each hold the events,
those over one data set to the same process, which works out the data set's fields once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.content import Clock, read_detection
from harness.engines.base import SearchRequest
from harness.errors import HarnessError, Place, Unsupported, UsageError
from harness.ingest import ingest
from harness.trials.loading import opened, told_of_data
from harness.trials.trial import moment, time_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from harness.ingest import Loss
    from harness.model import EventBatch, EventTable
    from harness.trials.project import Project

SMALL = 40
"""Fewer searches than this are not worth another process."""
MAX_LINE = 1_000_000


class BadSearches(UsageError):
    """A file of searches that cannot be read."""


@dataclass(frozen=True, slots=True)
class BatchSearch:
    """One search of a library, with what a report calls it."""

    id: str
    spl: str
    name: str = ""
    path: str | None = None


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
        return {**found, "warnings": list(self.warnings)} if self.warnings else found


def detections_of(project: Project, pattern: str | None) -> tuple[list[BatchSearch], list[str]]:
    """The searches of the content folder's detections, and what could not be read of them.

    `pattern` is a glob over file names without their ending, or over paths in the folder.
    """
    searches: list[BatchSearch] = []
    faults: list[str] = []
    root = project.content.root / "detections"
    for path in project.content.detection_paths:
        inside = path.relative_to(root)
        if pattern and not (inside.match(pattern) or inside.with_suffix("").match(pattern)):
            continue
        try:
            one = read_detection(path)
        except HarnessError as error:
            faults.append(str(error))
            continue
        searches.append(BatchSearch(one.id or path.stem, one.search, one.name, str(path)))
    return searches, faults


def searches_in(path: Path) -> list[BatchSearch]:
    """The searches in a file of JSON lines, `{"id": …, "spl": …}` each."""
    found: list[BatchSearch] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    found.append(_search(line, Place(str(path), number, 1)))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSearches(
            f"the searches cannot be read: {error}", place=Place(str(path))
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
    return BatchSearch(str(data["id"]), data["spl"], str(data.get("name", "")), str(place.path))


class Batch:
    """Searches over the data of a project's settings; `losses` says what was not read of it."""

    def __init__(self, project: Project, *, jobs: int | None = None) -> None:
        self.project = project
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self.losses: list[Loss] = []
        self.events = 0
        self.tables: list[EventTable] = []

    def run(
        self, searches: Sequence[BatchSearch], done: Callable[[], None] = lambda: None
    ) -> list[BatchResult]:
        """The results in the order of the searches; `done` is called after each."""
        batches = list(self._ingested())
        self.events = sum(len(batch.raw) for batch in batches)
        order = {id(one): number for number, one in enumerate(searches)}
        shares = dealt(searches, max(1, min(self.jobs, len(searches) // SMALL)))
        found: dict[int, BatchResult] = {}
        numbered = [[(order[id(one)], one) for one in share] for share in shares]
        for number, result in self._results(batches, numbered):
            found[number] = result
            done()
        return [found[number] for number in range(len(searches))]

    def _ingested(self) -> Iterator[EventBatch]:
        origin = told_of_data(self.project)
        files, self.tables = opened(self.project, self.project.settings.data, origin)
        yield from ingest(files, origin, losses=self.losses)

    def _results(
        self, batches: list[EventBatch], shares: list[list[tuple[int, BatchSearch]]]
    ) -> Iterator[tuple[int, BatchResult]]:
        if len(shares) == 1:
            yield from _worked(self.project, batches, self.tables, shares[0], threads=None)
            return
        context = multiprocessing.get_context("fork")
        queue: Any = context.Queue()
        workers = [
            context.Process(
                target=_work, args=(self.project, batches, self.tables, share, queue), daemon=True
            )
            for share in shares
        ]
        for worker in workers:
            worker.start()
        try:
            left = len(workers)
            while left:
                message = queue.get()
                if message is None:
                    left -= 1
                elif isinstance(message, str):
                    raise HarnessError(f"a process of the batch ended: {message}")
                else:
                    yield message
        finally:
            for worker in workers:
                worker.terminate()
                worker.join()


def dealt(searches: Sequence[BatchSearch], parts: int) -> list[list[BatchSearch]]:
    """The searches in so many parts of equal size, those that begin alike in the same one."""
    groups: dict[str, list[BatchSearch]] = defaultdict(list)
    for one in searches:
        _, found, rest = one.spl.partition("datamodel")
        groups[rest.lstrip(' =":')[:40].split()[0] if found and rest.split() else ""].append(one)
    ordered = [one for key in sorted(groups) for one in groups[key]]
    size = -(-len(ordered) // parts) if ordered else 1
    return [ordered[start : start + size] for start in range(0, len(ordered), size)] or [[]]


def _work(
    project: Project,
    batches: list[EventBatch],
    tables: list[EventTable],
    share: list[tuple[int, BatchSearch]],
    queue: Any,
) -> None:
    """A worker process: its results into the queue, then None."""
    try:
        for found in _worked(project, batches, tables, share, threads=1):
            queue.put(found)
    except BaseException as error:  # noqa: BLE001 - whatever ends a worker, the parent must hear
        queue.put(f"{type(error).__name__}: {error}")
    else:
        queue.put(None)


def _worked(
    project: Project,
    batches: list[EventBatch],
    tables: list[EventTable],
    share: list[tuple[int, BatchSearch]],
    *,
    threads: int | None,
) -> Iterator[tuple[int, BatchResult]]:
    engine = project.local_engine(tables=tables, shares=True, threads=threads)
    try:
        loaded = engine.load(batches)
        settings = project.settings
        now = moment(settings.now, 0.0) if settings.now else (loaded.newest or 0.0) + 1
        span = time_range(project.clock(Clock()), now, settings.timezone)
        for number, one in share:
            request = SearchRequest(one.spl, now, span, one.path)
            yield number, _result(engine, one, request)
    finally:
        engine.close()


def _result(engine: Any, one: BatchSearch, request: SearchRequest) -> BatchResult:
    started = time.perf_counter()
    status, count, reason, place, warnings = "ok", 0, "", "", ()
    try:
        count, warnings = engine.count(request)
    except HarnessError as error:
        status = "unsupported" if isinstance(error, Unsupported) else "error"
        reason, place = error.message, str(error.place or "")
    except Exception as error:  # noqa: BLE001 - one search's defect must not end the others
        status, reason = "error", f"a defect of the harness: {type(error).__name__}: {error}"
    spent = (time.perf_counter() - started) * 1000
    return BatchResult(one.id, status, count, reason, place, one.name, warnings, spent)

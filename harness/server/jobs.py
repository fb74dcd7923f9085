"""Search jobs: what runs, what is done, and what came of it.

A few searches run at a time, the others wait; results are kept until they expire, or until
newer ones need their room.
"""

from __future__ import annotations

import itertools
import queue
import re
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.engines.base import SearchRequest
from harness.engines.placing import EngineLimit
from harness.engines.search import LocalSearch
from harness.errors import HarnessError
from harness.model import Limits, Rows, TimeRange
from harness.plan import nodes
from harness.registry import find_command
from harness.server.faults import Refusal, not_found
from harness.server.results import text_row
from harness.server.store import MOST_ROWS, SearchEngine
from harness.trials.trial import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.engines.knowledge import Knowledge
    from harness.server.access import View
    from harness.server.results import Message, Row
    from harness.server.store import Store
    from harness.spl.pipeline import Stage

RUNNING_AT_ONCE = 4
MOST_WAITING = 500
MOST_JOBS = 1000
MOST_KEPT_ROWS = 2_000_000
MOST_CHARACTERS = 100_000
MOST_COMPILED = 500
LIFE_SECONDS = 600
FIRST_WORD = re.compile(r"[A-Za-z_]\w*")
EVENT_COMMANDS = frozenset(
    """
    search where eval rex regex fields rename head tail sort reverse dedup fillnull lookup spath
    bin bucket extract kv makemv mvexpand nomv iplocation strcat replace convert tags typer delete
    eventstats streamstats addinfo xpath xmlkv filldown accum autoregress delta rangemap setfields
    fieldformat foreach highlight localize transaction
    """.split()
)
STREAMING = nodes.Filter | nodes.Extend | nodes.Project
WAITING, RUNNING, DONE, FAILED, PAUSED = "QUEUED", "RUNNING", "DONE", "FAILED", "PAUSED"


@dataclass(slots=True)
class Job:
    """A search job, with its rows once it is done."""

    sid: str
    search: str
    request: SearchRequest
    told: Mapping[str, str]
    owner: str
    app: str
    view: View
    is_events: bool
    label: str = ""
    state: str = WAITING
    created: float = field(default_factory=time.time)
    started: float = 0.0
    ended: float = 0.0
    touched: float = field(default_factory=time.monotonic)
    life: int = LIFE_SECONDS
    columns: tuple[str, ...] = ()
    rows: Rows = field(default_factory=lambda: Rows((), []))
    messages: list[Message] = field(default_factory=list)
    scanned: int = 0
    finalized: bool = False
    cancelled: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    engine: SearchEngine | None = None
    listeners: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, good or bad."""
        return self.state in (DONE, FAILED)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        if not self.started:
            return 0.0
        return (self.ended or time.time()) - self.started

    def text_rows(self, start: int, end: int, columns: tuple[str, ...]) -> list[Row]:
        """Some of its rows, as text."""
        return [text_row(row, columns) for row in self.rows.rows[start:end]]


class Jobs:
    """All jobs of the server, and the threads that run them."""

    def __init__(
        self,
        store: Store,
        knowledge_in: Callable[[str], Knowledge],
        limits: Limits,
        broken: Callable[[], None],
        parallel: int = RUNNING_AT_ONCE,
    ) -> None:
        self.broken = broken
        self.store = store
        self.knowledge_in = knowledge_in
        self.limits = limits
        self.known: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._threads = [
            threading.Thread(target=self._work, name=f"search-{n}", daemon=True)
            for n in range(parallel)
        ]
        for thread in self._threads:
            thread.start()

    # What clients ask

    def create(
        self,
        search: str,
        told: Mapping[str, str],
        *,
        owner: str,
        app: str,
        view: View,
        label: str = "",
    ) -> Job:
        """A new job, which waits for its turn. Raises Refusal where the search is none."""
        text = self.checked(search, app)
        timezone = view.timezone or self.store.timezone
        now = _bound(told.get("now", ""), time.time(), timezone, latest=True) or time.time()
        span = TimeRange(
            _bound(told.get("earliest_time", ""), now, timezone),
            _bound(told.get("latest_time", ""), now, timezone, latest=True),
        )
        view = replace(
            view,
            indexed_from=_bound(told.get("index_earliest", ""), now, timezone),
            indexed_until=_bound(told.get("index_latest", ""), now, timezone, latest=True),
        )
        request = SearchRequest(text, now, span, limits=self.limits)
        sid = told.get("id") or f"{time.time():.0f}.{next(self._numbers)}"
        if not re.fullmatch(r"[\w.@:-]{1,200}", sid) or sid in self.known:
            raise Refusal(400, f"Invalid or used search id: {sid}")
        job = Job(
            sid,
            search,
            request,
            dict(told),
            owner,
            app or "search",
            view,
            _gives_events(text),
            label,
        )
        life = told.get("timeout", "")
        job.life = min(int(life), 86_400) if life.isdecimal() else LIFE_SECONDS
        with self._lock:
            self._expire()
            if sum(not one.is_over for one in self.known.values()) >= MOST_WAITING:
                raise Refusal(503, "The maximum number of concurrent searches has been reached.")
            self.known[sid] = job
        self._waiting.put(job)
        return job

    def checked(self, search: str, app: str) -> str:
        """A search as the evaluator takes it, once it is known that it can be parsed."""
        text = search.strip()
        if not text:
            raise Refusal(400, "Empty search.", "FATAL")
        if len(text) > MOST_CHARACTERS:
            raise Refusal(400, f"a search of more than {MOST_CHARACTERS:,} characters", "FATAL")
        word = FIRST_WORD.match(text)
        if word is not None and word[0].lower() != "search":
            text = f"| {text}"
        try:
            for stage in self._stages(text, app):
                if stage.name.lower() != "delete":
                    find_command(stage).parse(stage)
        except HarnessError as error:
            raise Refusal(400, error.render(), "FATAL") from error
        except RecursionError:
            raise Refusal(400, "the search is too deeply nested", "FATAL") from None
        return text

    def _stages(self, text: str, app: str) -> tuple[Stage, ...]:
        from harness.spl.macros import expand  # noqa: PLC0415 - with the first search
        from harness.spl.pipeline import parse_pipeline  # noqa: PLC0415 - with the first search
        from harness.spl.source import Source  # noqa: PLC0415 - with the first search

        pipeline = parse_pipeline(expand(Source(text), self.knowledge_in(app)))
        return tuple(pipeline.stages)

    def get(self, sid: str) -> Job:
        """The job of an id."""
        job = self.known.get(sid)
        if job is None or job.cancelled:
            raise not_found("Unknown sid.")
        job.touched = time.monotonic()
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job and forget it."""
        job.cancelled = True
        self.known.pop(job.sid, None)
        if job.engine is not None and not job.is_over:
            job.engine.interrupt()
        if not job.is_over:
            self._end(job, FAILED)

    def finalize(self, job: Job) -> None:
        """Stop a job and keep what it has: here that is nothing before it is done."""
        if job.is_over:
            return
        job.finalized = True
        if job.engine is not None:
            job.engine.interrupt()
        elif job.state in (WAITING, PAUSED):
            self._end(job, DONE)

    def pause(self, job: Job) -> None:
        """Hold a job that has not begun."""
        if job.state == WAITING:
            job.state = PAUSED

    def unpause(self, job: Job) -> None:
        """Let a job go on that was held."""
        if job.state == PAUSED:
            job.state = WAITING
            self._waiting.put(job)

    def listed(self) -> list[Job]:
        """The jobs, newest first."""
        with self._lock:
            self._expire()
            return sorted(self.known.values(), key=lambda one: one.created, reverse=True)

    def close(self) -> None:
        """Stop everything."""
        for _ in self._threads:
            self._waiting.put(None)
        for job in list(self.known.values()):
            if job.engine is not None and not job.is_over:
                job.engine.interrupt()
        for thread in self._threads:
            thread.join(timeout=5)

    def _expire(self) -> None:
        """Forget jobs that nobody asked for in time, and the oldest where there are too many."""
        now = time.monotonic()
        for sid, job in list(self.known.items()):
            if job.is_over and now - job.touched > job.life:
                del self.known[sid]
        over = sorted((j for j in self.known.values() if j.is_over), key=lambda j: j.touched)
        kept = sum(len(job.rows) for job in over)
        while over and (len(self.known) >= MOST_JOBS or kept > MOST_KEPT_ROWS):
            job = over.pop(0)
            kept -= len(job.rows)
            del self.known[job.sid]

    # What the threads do

    def _work(self) -> None:
        engine: SearchEngine | None = None
        while (job := self._waiting.get()) is not None:
            if job.cancelled or job.finalized or job.state != WAITING:
                continue
            if engine is None:
                engine = SearchEngine(self.store)
            job.state, job.started, job.engine = RUNNING, time.time(), engine
            if not self._run(job, engine):
                engine.close()
                engine = None
        if engine is not None:
            engine.close()

    def _run(self, job: Job, engine: SearchEngine) -> bool:
        """Run a job; whether the engine can be used again."""
        engine.knowledge = self.knowledge_in(job.app)
        compiled = engine.knowledge.compiled
        if len(compiled) > MOST_COMPILED:
            compiled.clear()
            engine.knowledge.data_sets.clear()
        try:
            if self._deletes(job):
                self._delete(job, engine)
            else:
                with engine.looking(job.view):
                    job.scanned = engine.events
                    found = engine.search(job.request)
                job.rows = _bounded(found.rows, job)
                job.columns = found.rows.columns
                job.messages += [("WARN", text) for text in found.warnings]
        except HarnessError as error:
            self._failed(job, error.render())
            if isinstance(error, EngineLimit) and not self.store.is_usable:
                self.broken()
            return False
        except Exception as error:  # noqa: BLE001 - a defect must end neither thread nor server
            self._failed(job, f"a defect of the evaluator: {type(error).__name__}: {error}")
            return False
        finally:
            job.engine = None
        self._end(job, DONE)
        return True

    def _failed(self, job: Job, text: str) -> None:
        if job.finalized:
            self._end(job, DONE)
            return
        job.messages.append(("FATAL", text))
        self._end(job, FAILED)

    def _end(self, job: Job, state: str) -> None:
        job.ended = time.time()
        job.touched = time.monotonic()
        job.state = state
        job.done.set()
        for listener in list(job.listeners):
            listener()

    # | delete

    def _deletes(self, job: Job) -> bool:
        return any(
            stage.name.lower() == "delete" for stage in self._stages(job.request.text, job.app)
        )

    def _delete(self, job: Job, engine: SearchEngine) -> None:
        """Delete the events that a search finds, where its last command is `delete`."""
        stages = self._stages(job.request.text, job.app)
        *before, last = stages
        for stage in before:
            if stage.name.lower() == "delete":
                stage.fail("`delete` can only be the last command")
        if not job.view.may_delete:
            last.fail("you have insufficient privileges to delete events", last.name_span)
        with self.store.lock:
            with engine.looking(job.view):
                search = LocalSearch(engine, job.request)
                relation: nodes.Relation | None = None
                for stage in before:
                    relation = find_command(stage).parse(stage).lower(relation, search)
                below = relation
                while isinstance(below, STREAMING):
                    below = below.input
                if relation is None or not isinstance(below, nodes.Scan):
                    last.unsupported(
                        "`delete` after a command that gives no events of an index", last.name_span
                    )
                job.scanned = engine.events
                ids = [one for (one,) in engine.execute(engine.ids_of(relation, search)).fetchall()]
            index_of = self._indexes(ids)
            removed = self.store.remove(ids)
        job.columns = ("splunk_server", "index", "deleted", "errors")
        counts = {"__ALL__": removed, **index_of}
        job.rows = Rows(
            job.columns,
            [
                {"splunk_server": "localhost", "index": name, "deleted": count, "errors": 0}
                for name, count in counts.items()
            ],
        )
        job.is_events = False

    def _indexes(self, ids: list[int]) -> dict[str, int]:
        index_of = {group.number: group.index for group in self.store.groups.values()}
        found: dict[str, int] = {}
        rows = self.store.cursor.execute(
            "SELECT grp, count(*) FROM state.events"
            " WHERE id IN (SELECT unnest(?::BIGINT[])) GROUP BY grp",
            [ids],
        ).fetchall()
        for number, count in rows:
            name = index_of.get(number, "")
            found[name] = found.get(name, 0) + count
        return found


def _bound(text: str, now: float, timezone: str, *, latest: bool = False) -> float | None:
    word = text.strip()
    if not word or (word == "0" and not latest):
        return None
    if word.startswith("rt"):
        raise Refusal(400, "real-time searches are not supported")
    try:
        return moment(word, now, timezone)
    except HarnessError as error:
        raise Refusal(400, f"Invalid time: {error.message}", "FATAL") from error


def _gives_events(text: str) -> bool:
    """Whether a search gives events, by the commands that it names."""
    if text.startswith("|"):
        return False
    from harness.spl.pipeline import parse_pipeline  # noqa: PLC0415 - with the first search
    from harness.spl.source import Source, SplText  # noqa: PLC0415 - with the first search

    try:
        stages = parse_pipeline(SplText.of(Source(text))).stages
    except HarnessError:
        return False
    return all(stage.name.lower() in EVENT_COMMANDS for stage in stages)


def _bounded(rows: Rows, job: Job) -> Rows:
    most = MOST_ROWS
    wanted = job.told.get("max_count", "")
    if wanted.isdecimal() and int(wanted):
        most = min(most, int(wanted))
    if len(rows) <= most:
        return rows
    if most == MOST_ROWS:
        job.messages.append(("WARN", f"only the first {most:,} rows are kept"))
    return Rows(rows.columns, rows.rows[:most])


def new_id() -> str:
    """A token that nobody can guess."""
    raw = secrets.token_hex(16)
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}".upper()

"""Endpoints of searches: jobs, their results, exports, the parser, saved searches.

Source: REST API Reference, "Search endpoint descriptions".
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness.server.access import SEARCH
from harness.server.atom import Entry, bare_entry, feed, messages, page_of, plain
from harness.server.faults import Refusal, not_found
from harness.server.http import Response
from harness.server.jobs import DONE, FAILED, Job
from harness.server.results import MODES, checked_mode, shown_time, streamed, written
from harness.server.summaries import summary_of, timeline_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from harness.server.app import Server
    from harness.server.http import Request, Router

RESULT_COUNT = 100
MOST_SECONDS = 600.0


def add_routes(router: Router, server: Server) -> Searches:
    """The routes of this module."""
    found = Searches(server)
    for version in ("", "v2/"):
        base = f"search/{version}jobs"
        for method, path, handler in (
            ("GET", "", found.jobs),
            ("POST", "", found.create),
            ("GET", "/export", found.export),
            ("POST", "/export", found.export),
            ("GET", "/{sid}", found.job),
            ("POST", "/{sid}", found.job),
            ("DELETE", "/{sid}", found.remove),
            ("POST", "/{sid}/control", found.control),
            ("GET", "/{sid}/search.log", found.log),
            ("GET", "/{sid}/summary", found.summary),
            ("GET", "/{sid}/timeline", found.timeline),
            *(
                (method, f"/{{sid}}/{what}", handler)
                for method in ("GET", "POST")
                for what, handler in (
                    ("results", found.results),
                    ("results_preview", found.preview),
                    ("events", found.events),
                )
            ),
        ):
            router.add(method, base + path, handler, SEARCH)
        router.add("GET", f"search/{version}parser", found.parse)
        router.add("POST", f"search/{version}parser", found.parse, "")
    return found


class Searches:
    """The handlers."""

    def __init__(self, server: Server) -> None:
        self.server = server

    # Jobs

    def new(self, request: Request, search: str, said: dict[str, str], label: str = "") -> Job:
        """A new job for whoever asks."""
        return self.server.jobs.create(
            search,
            said,
            owner=request.user,
            app=request.app,
            view=self.server.access.view(request.user),
            label=label,
        )

    async def _ended(self, job: Job, seconds: float = MOST_SECONDS) -> None:
        """Wait for a job's end without holding a thread."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        job.listeners.append(lambda: _tell(loop, over))
        if job.is_over:
            return
        try:
            async with asyncio.timeout(seconds):
                await over.wait()
        except TimeoutError:
            self.server.jobs.cancel(job)
            raise Refusal(504, f"the search took more than {seconds:g} s") from None

    async def create(self, request: Request) -> Response:
        """Make a job: `normal` answers at once, `blocking` when it is done, `oneshot` with rows."""
        mode = request.get("exec_mode", "normal")
        if mode not in ("normal", "blocking", "oneshot"):
            raise Refusal(400, f"Invalid exec_mode: {mode}")
        said = dict(request.form)
        if mode == "oneshot":
            checked_mode(request.mode)
        job = self.new(request, request.get("search"), said)
        if mode == "normal":
            return plain(request, "sid", job.sid, status=201)
        try:
            await self._ended(job)
        except asyncio.CancelledError:
            self.server.jobs.cancel(job)
            raise
        if mode == "blocking":
            return plain(request, "sid", job.sid, status=201)
        try:
            return self._page(request, job)
        finally:
            self.server.jobs.known.pop(job.sid, None)

    async def export(self, request: Request) -> Response:
        """Stream the rows of a search, and keep no job."""
        mode = checked_mode(request.mode)
        job = self.new(request, request.get("search"), dict(request.form))
        try:
            await self._ended(job)
        except asyncio.CancelledError:
            self.server.jobs.cancel(job)
            raise
        self.server.jobs.known.pop(job.sid, None)
        _refuse_failed(job)
        columns = _chosen(request, job)
        rows = job.text_rows(0, len(job.rows), columns)
        kind, pieces = streamed(rows, columns, mode, job.messages)
        return Response(_encoded(pieces), kind=kind)

    async def jobs(self, request: Request) -> Response:
        """The jobs, newest first; those of others are for administrators."""
        every = self.server.access.is_administrator(request.user)
        listed = [one for one in self.server.jobs.listed() if every or one.owner == request.user]
        entries = [self.entry(job) for job in listed]
        return feed(request, "jobs", "/services/search/jobs", page_of(request, entries, 0))

    async def job(self, request: Request) -> Response:
        """What is known of a job."""
        return bare_entry(request, self.entry(self._job(request)))

    def _job(self, request: Request) -> Job:
        job = self.server.jobs.get(request.captured["sid"])
        if job.owner != request.user and not self.server.access.is_administrator(request.user):
            raise not_found("Unknown sid.")
        return job

    def entry(self, job: Job) -> Entry:
        """What is told of a job."""
        count = len(job.rows)
        done = job.state == DONE
        span = job.request.time_range
        content: dict[str, Any] = {
            "canSummarize": False,
            "cursorTime": shown_time(0),
            "defaultSaveTTL": 604_800,
            "defaultTTL": 600,
            "delegate": "",
            "diskUsage": 0,
            "dispatchState": job.state,
            "doneProgress": 1 if job.is_over else 0,
            "dropCount": 0,
            "earliestTime": shown_time(span.earliest or 0),
            "eventAvailableCount": count if job.is_events else 0,
            "eventCount": count if job.is_events else 0,
            "eventFieldCount": len(job.columns) if job.is_events else 0,
            "eventIsStreaming": True,
            "eventIsTruncated": False,
            "eventSearch": job.search,
            "eventSorting": "desc" if job.is_events else "none",
            "isBatchModeSearch": False,
            "isDone": job.is_over,
            "isEventsPreviewEnabled": False,
            "isFailed": job.state == FAILED,
            "isFinalized": job.finalized,
            "isPaused": job.state == "PAUSED",
            "isPreviewEnabled": False,
            "isRealTimeSearch": False,
            "isRemoteTimeline": False,
            "isSaved": False,
            "isSavedSearch": bool(job.label),
            "isTimeCursored": True,
            "isZombie": False,
            "keywords": "",
            "label": job.label,
            "latestTime": shown_time(span.latest if span.latest is not None else job.created),
            "normalizedSearch": job.search,
            "numPreviews": 0,
            "pid": "0",
            "priority": 5,
            "provenance": "",
            "remoteSearch": job.search,
            "reportSearch": "" if job.is_events else job.search,
            "resultCount": count if done else 0,
            "resultIsStreaming": job.is_events,
            "resultPreviewCount": count if done else 0,
            "runDuration": round(job.seconds, 3),
            "sampleRatio": 1,
            "sampleSeed": 0,
            "scanCount": job.scanned,
            "search": job.search,
            "searchCanBeEventType": False,
            "searchEarliestTime": span.earliest or 0,
            "searchLatestTime": span.latest if span.latest is not None else job.created,
            "searchTotalBucketsCount": 0,
            "searchTotalEliminatedBucketsCount": 0,
            "sid": job.sid,
            "statusBuckets": 0,
            "ttl": job.life,
            "performance": {},
            "messages": [{"type": kind, "text": text} for kind, text in job.messages],
            "request": {k: v for k, v in job.told.items() if k not in ("password", "token")},
            "runtime": {"auto_cancel": "0", "auto_pause": "0"},
            "searchProviders": ["localhost"],
        }
        return Entry(
            job.sid,
            "/services/search/jobs",
            content,
            owner=job.owner,
            app=job.app,
            sharing="global",
            links=(
                "search.log", "events", "results", "results_preview", "timeline", "summary",
                "control",
            ),
            author=job.owner,
            title=job.search,
        )  # fmt: skip

    async def remove(self, request: Request) -> Response:
        """Cancel a job and forget it."""
        self.server.jobs.cancel(self._job(request))
        return messages(request, 200, "INFO", "Search job cancelled.")

    async def control(self, request: Request) -> Response:
        """Cancel, pause, finalize a job, or let it live longer."""
        job, action = self._job(request), request.get("action")
        jobs = self.server.jobs
        if action == "cancel":
            jobs.cancel(job)
        elif action == "pause":
            jobs.pause(job)
        elif action == "unpause":
            jobs.unpause(job)
        elif action == "finalize":
            jobs.finalize(job)
        elif action in ("touch", "setttl"):
            if action == "setttl":
                job.life = max(1, min(86_400, request.number("ttl", job.life)))
        elif action == "save":
            job.life = 604_800
        elif action == "unsave":
            job.life = 600
        elif action not in ("setpriority", "enablepreview", "disablepreview", "setworkloadpool"):
            raise Refusal(400, f"Invalid action: {action}")
        return messages(request, 200, "INFO", f"Search job {action}: done.")

    async def log(self, request: Request) -> Response:
        """The job's messages as a log."""
        job = self._job(request)
        text = "".join(f"{kind} {line}\n" for kind, line in job.messages)
        return Response(text.encode(), kind="text/plain; charset=UTF-8")

    # Results

    async def results(self, request: Request) -> Response:
        """A page of a job's rows; nothing before it is done."""
        job = self._job(request)
        if not job.is_over:
            return Response(b"", 204)
        return self._page(request, job)

    async def preview(self, request: Request) -> Response:
        """The rows so far: all of them, or none."""
        job = self._job(request)
        if job.state == FAILED:
            _refuse_failed(job)
        return self._page(request, job, preview=not job.is_over)

    async def events(self, request: Request) -> Response:
        """The events of a job that gives events; none of one that transforms them."""
        job = self._job(request)
        if not job.is_over:
            return Response(b"", 204)
        if not job.is_events:
            _refuse_failed(job)
            return written([], (), checked_mode(request.mode))
        return self._page(request, job)

    def _page(self, request: Request, job: Job, *, preview: bool = False) -> Response:
        _refuse_failed(job)
        if request.get("search") and request.parts[-1] != "jobs":
            raise Refusal(400, "a search over a job's results is not supported")
        offset = request.number("offset", 0)
        if offset < 0:
            offset = max(0, len(job.rows) + offset)
        count = request.number("count", RESULT_COUNT)
        end = offset + count if count > 0 else len(job.rows)
        columns = _chosen(request, job)
        return written(
            job.text_rows(offset, end, columns),
            columns,
            request.mode if request.mode in MODES else checked_mode(request.mode),
            offset=offset,
            preview=preview,
            told=job.messages,
        )

    async def summary(self, request: Request) -> Response:
        """How often which values of each field occur in a job's events."""
        job = self._job(request)
        if not job.is_over:
            return Response(b"", 204)
        _refuse_failed(job)
        rows = job.rows.rows if job.is_events else []
        columns = [
            name
            for name in (job.columns if job.is_events else ())
            if not request.all("f") or name in request.all("f")
        ]
        return summary_of(rows, columns, request.mode, request.number("top_count", 10))

    async def timeline(self, request: Request) -> Response:
        """How many of a job's events lie in which span of time."""
        job = self._job(request)
        if not job.is_over:
            return Response(b"", 204)
        _refuse_failed(job)
        return timeline_of(job.rows.rows if job.is_events else [], request.mode)

    async def parse(self, request: Request) -> Response:
        """Whether a search can be parsed, and into which commands."""
        from harness.spl.macros import expand  # noqa: PLC0415 - with the first search
        from harness.spl.pipeline import parse_pipeline  # noqa: PLC0415 - with the first search
        from harness.spl.source import Source  # noqa: PLC0415 - with the first search

        search = request.get("q")
        text = self.server.jobs.checked(search, request.app)
        stages = parse_pipeline(expand(Source(text), self.server.knowledge_in(request.app))).stages
        commands = [
            {
                "command": stage.name,
                "rawargs": stage.raw.strip(),
                "pipeline": "streaming",
                "args": {},
                "isGenerating": number == 0,
                "streamType": "SP_STREAM",
            }
            for number, stage in enumerate(stages)
        ]
        said: dict[str, Any] = {
            "remoteSearch": text,
            "remoteTimeOrdered": True,
            "eventsSearch": text,
            "eventsTimeOrdered": True,
            "eventsStreaming": True,
            "reportsSearch": "",
            "canSummarize": False,
            "commands": commands,
        }
        if request.mode == "json":
            return Response(json.dumps(said).encode(), kind="application/json; charset=UTF-8")
        from harness.server.atom import HEAD, xml_value  # noqa: PLC0415 - only here

        inner = xml_value(said).removeprefix("<s:dict>").removesuffix("</s:dict>")
        body = (
            f'{HEAD}<response xmlns:s="http://dev.splunk.com/ns/rest"><s:dict>{inner}</s:dict>'
            "</response>"
        )
        return Response(body.encode())


def _refuse_failed(job: Job) -> None:
    if job.state == FAILED:
        text = next((text for kind, text in job.messages if kind == "FATAL"), "the search failed")
        raise Refusal(400, text, "FATAL")


def _chosen(request: Request, job: Job) -> tuple[str, ...]:
    """The columns that a request asks for with `f` or `field_list`."""
    asked = [one for text in request.all("f") for one in text.split(",")]
    asked += [one.strip() for one in request.get("field_list").split(",") if one.strip()]
    if not asked:
        return job.columns
    return tuple(name for name in job.columns if name in asked)


def _tell(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop is gone: nobody waits any more
        loop.call_soon_threadsafe(over.set)


async def _encoded(pieces: Iterator[str]) -> AsyncIterator[bytes]:
    buffer: list[str] = []
    size = 0
    for piece in pieces:
        buffer.append(piece)
        size += len(piece)
        if size > 64 * 1024:
            yield "".join(buffer).encode("utf-8", "replace")
            buffer, size = [], 0
            await asyncio.sleep(0)
    yield "".join(buffer).encode("utf-8", "replace")

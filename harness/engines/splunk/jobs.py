"""Search jobs: created, waited for within bounds, read page by page, and always cancelled."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.engines.splunk.rest import content, part
from harness.model import Rows, Value
from harness.replay import Rejected, SplunkFault

if TYPE_CHECKING:
    from harness.engines.splunk.rest import Rest

SEARCH_SECONDS = 900.0
FIRST_WAIT, LONGEST_WAIT = 0.03, 3.0
PAGE = 10_000
MOST_ROWS = 1_000_000
UNTOUCHED_SECONDS = 600
"""A job that nobody asks about for so long is cancelled by the instance: we may have died."""
V2_SINCE = (9, 0, 2)
SERIOUS = {"WARN", "ERROR", "FATAL"}
NO_MACRO = re.compile(r"macro '?`?([^'`]+?)'?`? (?:that )?cannot be found", re.IGNORECASE)


class SearchFailed(SplunkFault):
    """The instance could not run the search."""


class SearchTooLong(SplunkFault):
    """The search did not end in time; it was cancelled."""


@dataclass(frozen=True, slots=True)
class Window:
    """A search's clock and time range, and since when its events were indexed; None is open."""

    earliest: float | None = None
    latest: float | None = None
    now: float | None = None
    indexed_since: float | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """All rows of a job, what the instance said about it, and how long it ran by its own clock."""

    rows: Rows
    messages: tuple[str, ...] = ()
    run_seconds: float = 0.0
    sid: str = ""


@dataclass(slots=True)
class Jobs:
    """The jobs of one user in one namespace; `prefix` begins every search id."""

    rest: Rest
    version: tuple[int, ...]
    prefix: str
    seconds: float = SEARCH_SECONDS
    page: int = PAGE
    _number: int = field(default=0, init=False)

    def run(self, text: str, window: Window, app: str | None = None) -> JobResult:
        """Run a search to its end; the job is cancelled whatever happens."""
        self._number += 1
        wanted = f"{self.prefix}-{self._number}-{time.time_ns() % 10**9}"
        base = f"/servicesNS/-/{part(app)}" if app else "/services"
        path = base + ("/search/v2/jobs" if self.version >= V2_SINCE else "/search/jobs")
        sid = wanted
        try:
            sid = self._created(path, text, window, wanted)
            state = self._done(f"{path}/{part(sid)}", text)
            rows, told = self._rows(f"{path}/{part(sid)}", int(state.get("resultCount") or 0))
        finally:
            self._cancel(f"{path}/{part(sid)}")
        messages = (*_serious(state.get("messages")), *told)
        spent = float(state.get("runDuration") or 0.0)
        return JobResult(rows, tuple(dict.fromkeys(messages)), spent, sid)

    def _created(self, path: str, text: str, window: Window, wanted: str) -> str:
        data: dict[str, Any] = {
            "search": as_sent(text),
            "exec_mode": "normal",
            "id": wanted,
            "earliest_time": _epoch(window.earliest) or "0",
            "max_count": MOST_ROWS,
            "auto_cancel": UNTOUCHED_SECONDS,
        }
        if window.latest is not None:
            data["latest_time"] = _epoch(window.latest)
        if window.indexed_since is not None:
            data["index_earliest"] = _epoch(window.indexed_since)
        if window.now is not None:
            data["now"] = _epoch(window.now)
        try:
            answer = self.rest.post(path, repeatable=True, **data)
        except Rejected as error:
            if error.status in (400, 409) and self.rest.has(f"{path}/{part(wanted)}"):
                return wanted  # the answer to the first try was lost
            raise self._failed(error.message) from error
        sid = answer.get("sid")
        if not isinstance(sid, str) or not sid:
            raise SearchFailed(f"the instance gave no search id: {str(answer)[:200]}")
        return sid

    def _done(self, job: str, text: str) -> dict[str, Any]:
        until = time.monotonic() + self.seconds
        wait = FIRST_WAIT
        while True:
            state = content(self._of(job))
            told = str(state.get("dispatchState", ""))
            if told == "FAILED" or _true(state.get("isFailed")):
                raise self._failed("; ".join(_serious(state.get("messages"))) or "it failed")
            if told == "DONE" or _true(state.get("isDone")):
                return state
            if time.monotonic() > until:
                raise SearchTooLong(
                    f"the search did not end in {self.seconds:g} s (state {told or 'unknown'}):"
                    f" {text[:200]}",
                    hints=["narrow it with --earliest, or look at the instance's load"],
                )
            time.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 1.5)

    def _of(self, path: str, **params: Any) -> dict[str, Any]:
        """What is at a path of a job that there was a moment ago."""
        try:
            return self.rest.get(path, **params)
        except Rejected as error:
            if error.status != 404:
                raise
            raise SearchFailed(
                "the search job is gone: somebody cancelled it, or the instance restarted"
            ) from error

    def _rows(self, job: str, expected: int) -> tuple[Rows, tuple[str, ...]]:
        columns: dict[str, None] = {}
        rows: list[dict[str, Value]] = []
        told: dict[str, None] = {}
        while True:
            page = self._of(f"{job}/results", count=self.page, offset=len(rows))
            found = page.get("results")
            if not isinstance(found, list):
                raise SearchFailed(f"the instance gave no results: {str(page)[:200]}")
            for one in page.get("fields") or ():
                name = one.get("name") if isinstance(one, dict) else one
                if isinstance(name, str) and not name.startswith("__mv_"):
                    columns.setdefault(name)
            rows += [read_row(one) for one in found]
            told |= dict.fromkeys(_serious(page.get("messages")))
            if len(rows) >= expected or not found:
                break
        if len(rows) < expected:
            raise SearchFailed(f"the instance gave {len(rows)} of {expected} rows")
        for row in rows:
            for name in row:
                columns.setdefault(name)
        return Rows(tuple(columns), rows), tuple(told)

    def _cancel(self, job: str) -> None:
        try:
            self.rest.post(f"{job}/control", repeatable=True, action="cancel")
        except SplunkFault:
            return  # it is gone, or ends by itself: auto_cancel

    def _failed(self, text: str) -> SearchFailed:
        missing = NO_MACRO.search(text)
        hints = []
        if missing:
            hints.append(f"the macro `{missing[1]}` is not on the instance: `harness splunk app`")
        return SearchFailed(f"the instance could not run the search: {text}", hints=hints)


def as_sent(text: str) -> str:
    """A search as REST takes it: the command `search` is not left out there."""
    begun = text.lstrip()
    return (
        text
        if begun.startswith("|") or begun.split(None, 1)[:1] == ["search"]
        else (f"search {text}")
    )


def read_row(row: dict[str, Any]) -> dict[str, Value]:
    """A row of JSON: text, or a list of texts; `_time` becomes epoch seconds."""
    found: dict[str, Value] = {}
    for name, value in row.items():
        if value is None or name.startswith("__mv_"):
            continue
        if isinstance(value, list):
            texts = [str(one) for one in value]
            found[name] = texts if len(texts) != 1 else texts[0]
        elif name == "_time":
            found[name] = _moment(str(value))
        else:
            found[name] = value if isinstance(value, int | float) else str(value)
    return found


def _moment(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return text


def _epoch(when: float | None) -> str | None:
    return None if when is None else f"{when:.6f}".rstrip("0").rstrip(".")


def _true(value: Any) -> bool:
    return value in (True, 1, "1", "true")


def _serious(messages: Any) -> tuple[str, ...]:
    held = messages if isinstance(messages, list) else []
    return tuple(
        str(one.get("text", ""))
        for one in held
        if isinstance(one, dict) and str(one.get("type", "")).upper() in SERIOUS
    )

"""One trial on a Splunk: its events sent and marked, its search run as it is written."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.engines.base import Loaded, SearchRequest, SearchResult, StageRows
from harness.engines.splunk.instance import PREFIX, deletion
from harness.engines.splunk.interrupts import finishing
from harness.engines.splunk.isolation import TrialUser, trial_user
from harness.engines.splunk.jobs import JobResult, Jobs, Window
from harness.errors import Unsupported
from harness.replay import SplunkFault, Uncertain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.engines.splunk.instance import Instance
    from harness.model import EventBatch, EventTable, Rows
    from harness.replay import Sent

SEARCHABLE_SECONDS = 300.0
FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0
RAW_TRIES = 3
SETTLED_SECONDS, SLOW_SETTLED_SECONDS = 5.0, 60.0
"""So long a number of events that is not the expected one has to stay the same."""
NAMED_INDEX = re.compile(r"\bindex\s*=\s*\"?([\w*-]+)", re.IGNORECASE)
CLOCK_SECONDS = 1.0
"""As exact as the time is that an instance tells of itself."""

TOO_OLD = (
    "are the events older than the index keeps (frozenTimePeriodInSecs)?"
    " --shift-time moves them to now"
)
APART = (
    "give the user the role can_delete, or the capabilities edit_roles and edit_user,"
    " so that trials are kept apart"
)


class NotIsolated(SplunkFault):
    """What other trials left would be taken for this one's."""


class SplunkEngine:
    """The events of one trial on an instance that others may use at the same time."""

    name = "splunk"

    def __init__(
        self,
        instance: Instance,
        *,
        timezone: str = "UTC",
        tables: Sequence[EventTable] = (),
        app: str | None = None,
        raw: bool = False,
    ) -> None:
        if tables:
            raise Unsupported(
                f"a table has no texts that a Splunk could index: {tables[0].path.name}",
                hints=["run it with --engine local"],
            )
        self.instance = instance
        self.timezone = timezone
        self.app = app
        self.trial = instance.new_trial()
        self.warnings: list[str] = []
        self.raw = raw
        """Whether the instance breaks the texts into events and reads their times itself."""
        self._own_index: str | None = None
        self._loads = 0
        self._expected = 0
        self._void: list[str] = []
        self._indexes: set[str] = set()
        self._user: TrialUser | None = None
        self._turn = False
        self._begun = time.time()

    def load(self, batches: Iterable[EventBatch]) -> Loaded:
        """Send events and wait until as many can be found; may be called again to add more."""
        if self.instance.rest.over is not None:
            raise self.instance.rest.over
        if self.instance.isolates is not True and not self._turn:
            self.instance.ledger.take_turn()
            self._turn = True
        self._loads += 1
        try:
            loaded = self._sent(batches)
        except SplunkFault as error:
            raise self.instance.why(error) from error
        return loaded

    def _sent(self, batches: Iterable[EventBatch]) -> Loaded:
        """Send events, raw texts first, and wait until they can be found."""
        before = Loaded(0, None)
        if self.raw and self._loads == 1:
            held = list(batches)
            before = self._load_raw([one for one in held if not one.meta])
            batches = [one for one in held if one.meta]
        sent = self.instance.hec.send(
            self._placed(batches), self.trial, prefix=f"{self.trial}-{self._loads}"
        )
        self._void += sent.void
        self._expected += sent.events
        self._await(sent)
        self._isolate()
        times = [time for time in (sent.newest, before.newest) if time is not None]
        return Loaded(sent.events + before.events, max(times, default=None))

    def _load_raw(self, batches: list[EventBatch]) -> Loaded:
        """Send texts into an index of the trial's own; one in doubt is thrown away."""
        if not batches:
            return Loaded(0, None)
        for attempt in range(1, RAW_TRIES + 1):
            self._own_index = f"{self.trial}-r{attempt}"
            self.instance.new_index(self._own_index)
            try:
                sent = self.instance.hec.send_raw(batches, self._own_index)
                break
            except Uncertain:
                self._drop_own_index()
                if attempt == RAW_TRIES:
                    raise
        return Loaded(self._settled(sent, self._own_index or ""), sent.newest)

    def _settled(self, sent: Sent, index: str) -> int:
        """How many events the instance made of the texts, once they can be found."""
        until = time.monotonic() + SEARCHABLE_SECONDS
        settled = SETTLED_SECONDS if sent.acknowledged else SLOW_SETTLED_SECONDS
        last, since, wait = 0, time.monotonic(), FIRST_WAIT
        while True:
            found = self._count(f"index={index}")
            if found == sent.events:
                return found
            now = time.monotonic()
            if found != last:
                last, since = found, now
            elif found and now - since > settled:
                self.warnings.append(
                    f"the instance made {found} events of what are {sent.events} here:"
                    " its settings break the texts in another way"
                )
                return found
            if now > until:
                raise SplunkFault(
                    f"{found} of {sent.events} raw events could be found after"
                    f" {SEARCHABLE_SECONDS:g} s (acknowledged: {sent.acknowledged})",
                    hints=[TOO_OLD],
                )
            time.sleep(wait)
            wait = min(LONGEST_WAIT / 5, wait * 2)

    def _drop_own_index(self) -> None:
        if self._own_index is not None:
            self.instance.drop_index(self._own_index)
            self._own_index = None

    def search(self, request: SearchRequest) -> SearchResult:
        """Run a search over the trial's events, as it is written."""
        started = time.perf_counter()
        self._check_index(request.text)
        window = Window(request.time_range.earliest, request.time_range.latest, request.now)
        try:
            result = self._jobs.run(request.text, window, self.app)
        except SplunkFault as error:
            raise self.instance.why(error) from error
        self._told(result)
        timings = {"run": (time.perf_counter() - started) * 1000}
        return SearchResult(result.rows, timings, tuple(dict.fromkeys(self.warnings)))

    def _check_index(self, text: str) -> None:
        """Say it where a search names an index whose raw events are in the trial's own."""
        named = [one for one in NAMED_INDEX.findall(text) if "*" not in one]
        if self._own_index is not None and named:
            self.warnings.append(
                f"the search names the index {named[0]}; raw events are in {self._own_index}"
            )

    def stages(self, request: SearchRequest) -> list[StageRows]:  # noqa: ARG002 - the protocol's
        """None: where a stage ends is the evaluator's knowledge, and this engine has none of it."""
        return []

    def recorded(self, search_name: str) -> Rows:
        """What the instance itself recorded of a detection since the replay began.

        Its risk events and notables, by their index; none without Enterprise Security. They are
        read as the administrator: the trial's user sees no events but the trial's.
        """
        quoted = search_name.replace("\\", "\\\\").replace('"', '\\"')
        text = (
            f'search (index=risk OR index=notable) search_name="{quoted}" NOT harness_trial::*'
            " | table index risk_object risk_object_type risk_score risk_message"
        )
        since = self._begun + self.instance.rest.clock_difference() - CLOCK_SECONDS
        return self.instance.jobs.run(text, Window(indexed_since=since)).rows

    def close(self) -> None:
        """Delete the trial's events, and its user; Ctrl-C waits until that is done."""
        with finishing(), ExitStack() as steps:
            if self._turn:
                steps.callback(self.instance.ledger.end_turn)
            steps.callback(self._drop_own_index)
            steps.callback(self._remove_user)
            gone = not self._loads or self._delete_events()
        if gone:
            self.instance.finished(self.trial)
        self._loads, self._turn = 0, False

    def _remove_user(self) -> None:
        user, self._user = self._user, None
        if user is not None:
            user.remove()
            user.rest.close()

    def _delete_events(self) -> bool:
        """By the administrator, or by the trial's user where that one may not."""
        term = f"harness_trial::{self.trial}"
        if self.instance.delete_events(term):
            return True
        if self._user is None:  # interrupted before it was made, or the instance is gone
            try:
                self._user = trial_user(self.instance, self.trial, self.timezone)
            except SplunkFault as error:
                self.instance.stays(f"events {term}", error)
                return False
        return self._user is not None and self._user.delete_events(deletion(term))

    @property
    def _jobs(self) -> Jobs:
        return self._user.jobs if self._user is not None else self.instance.jobs

    def _placed(self, batches: Iterable[EventBatch]) -> Iterator[EventBatch]:
        for batch in batches:
            self.instance.need_index(batch.index)
            self._indexes.add(batch.index)
            yield batch

    def _await(self, sent: Sent) -> None:
        """Wait until every event can be found, by their count; each wait is longer."""
        if not self._expected:
            return
        until = time.monotonic() + SEARCHABLE_SECONDS
        wait = FIRST_WAIT
        while True:
            counts = self.instance.counted(self.trial)
            found = sum(count for batch, count in counts.items() if batch not in self._void)
            if found == self._expected:
                return
            if found > self._expected:
                raise SplunkFault(
                    f"{found} events can be found where {self._expected} were sent",
                    hints=["a sourcetype of the instance breaks or clones events"],
                )
            if time.monotonic() > until:
                raise SplunkFault(
                    f"{found} of {self._expected} events could be found after"
                    f" {SEARCHABLE_SECONDS:g} s (acknowledged: {sent.acknowledged})",
                    hints=[
                        f"may the user search {', '.join(sorted(self._indexes))}?",
                        TOO_OLD,
                    ],
                )
            time.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    def _isolate(self) -> None:
        if not self._expected and self._own_index is None:
            return
        if self._user is None:
            self._user = trial_user(self.instance, self.trial, self.timezone)
        if self._user is None and self._own_index is not None:
            raise NotIsolated(
                "raw events need a role that sees their index alone, and none can be made",
                hints=[APART, "without --splunk-raw trials can take turns"],
            )
        if self._user is not None:
            self._user.index = self._own_index
            self._user.see(self._void)
            if self._turn:
                self.instance.ledger.end_turn()
                self._turn = False
            return
        if not self._turn:
            self.instance.ledger.take_turn()
            self._turn = True
        self._without_void()
        self._look_around()

    def _without_void(self) -> None:
        """In turns there is no filter: what a broken connection left is deleted."""
        for marker in self._void:
            if self.instance.counted(self.trial).get(marker) and not self.instance.delete_events(
                f"harness_batch::{marker}"
            ):
                raise SplunkFault(
                    "a batch arrived twice, and this user may not delete the first one",
                    hints=["give the user the role can_delete, or the capability edit_roles"],
                )

    def _look_around(self) -> None:
        """Say what else such a search sees, since nothing keeps it apart."""
        if self.timezone != "UTC":
            self.warnings.append(
                f"the trial's zone is {self.timezone}; on this instance the user's own counts"
            )
        if not self.instance.may_delete:
            self.warnings.append(
                "this user may not delete: the trial's events stay on the instance"
                f" (harness_trial::{self.trial})"
            )
        names = " OR ".join(f"index={name}" for name in sorted(self._indexes))
        others = self._count(f"({names}) NOT harness_trial::{self.trial}")
        of_trials = self._count(f"({names}) harness_trial::{PREFIX}*") - self._expected
        shown = ", ".join(sorted(self._indexes))
        if others and of_trials > 0:
            raise NotIsolated(
                f"{of_trials} events of other trials are in the search's view: {shown}",
                hints=[
                    APART,
                    "`harness splunk clean --splunk-url …` removes what earlier runs left",
                ],
            )
        if others:
            self.warnings.append(
                f"{others} other events of these indexes are in the search's view: {shown}"
            )

    def _count(self, term: str) -> int:
        rows = self.instance.jobs.run(f"search {term} | stats count", Window()).rows.rows
        return int(str(rows[0].get("count") or 0)) if rows else 0

    def _told(self, result: JobResult) -> None:
        self.warnings += result.messages
        address = self.instance.address
        if address.tls.insecure and not address.owned:
            self.warnings.append("certificates were not verified (--splunk-insecure)")

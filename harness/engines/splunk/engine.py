"""One trial on a Splunk: its events sent and marked, its search run as it is written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.engines.base import Loaded, SearchRequest, SearchResult, StageRows
from harness.engines.splunk.instance import PREFIX
from harness.engines.splunk.isolation import TrialUser, trial_user
from harness.engines.splunk.jobs import JobResult, Jobs, Window
from harness.errors import Unsupported
from harness.replay import SplunkFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.engines.splunk.instance import Instance
    from harness.model import EventBatch, EventTable, Rows
    from harness.replay import Sent

SEARCHABLE_SECONDS = 300.0
FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0

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
            sent = self.instance.hec.send(
                self._placed(batches), self.trial, prefix=f"{self.trial}-{self._loads}"
            )
            self._void += sent.void
            self._expected += sent.events
            self._await(sent)
            self._isolate()
        except SplunkFault as error:
            raise self.instance.why(error) from error
        return Loaded(sent.events, sent.newest)

    def search(self, request: SearchRequest) -> SearchResult:
        """Run a search over the trial's events, as it is written."""
        started = time.perf_counter()
        window = Window(request.time_range.earliest, request.time_range.latest, request.now)
        try:
            result = self._jobs.run(request.text, window, self.app)
        except SplunkFault as error:
            raise self.instance.why(error) from error
        self._told(result)
        timings = {"run": (time.perf_counter() - started) * 1000}
        return SearchResult(result.rows, timings, tuple(dict.fromkeys(self.warnings)))

    def stages(self, request: SearchRequest) -> list[StageRows]:  # noqa: ARG002 - the protocol's
        """None: where a stage ends is the evaluator's knowledge, and this engine has none of it."""
        return []

    def recorded_risk(self, search_name: str) -> Rows | None:
        """What the instance itself wrote into index=risk for a detection since the replay began.

        None where there is no such index, as without Enterprise Security.
        """
        try:
            self.instance.rest.get("/services/data/indexes/risk")
        except SplunkFault:
            return None
        quoted = search_name.replace("\\", "\\\\").replace('"', '\\"')
        text = (
            f'search index=risk search_name="{quoted}" NOT harness_trial::*'
            f" | where _indextime>={int(self._begun)}"
            " | table risk_object risk_object_type risk_score risk_message"
        )
        return self.instance.jobs.run(text, Window()).rows

    def close(self) -> None:
        """Delete the trial's events, and its user."""
        try:
            if self._user is not None:
                self._user.remove()
                self._user.rest.close()
            if self._loads:
                self.instance.delete_events(f"harness_trial::{self.trial}")
        finally:
            self._user, self._loads = None, 0
            if self._turn:
                self.instance.ledger.end_turn()
                self._turn = False

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
        if not self._expected:
            return
        if self._user is None:
            self._user = trial_user(self.instance, self.trial, self.timezone)
        if self._user is not None:
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

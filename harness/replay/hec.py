"""Sending events over Splunk's HTTP Event Collector, each of them once.

A batch is acknowledged, refused, or of unknown fate: its connection ended before the answer, or
its acknowledgement never came. One of unknown fate is sent again under a fresh marker, and the
marker of the first try is reported as void, so that whoever searches can leave its events out.
The markers are indexed fields of every event: `harness_trial`, and `harness_batch`.

A queue that is full (429, or 503 with code 9) took nothing: the same batch is sent again, later.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from harness.replay.faults import Denied, NoAnswer, Rejected, SplunkFault, Uncertain
from harness.replay.raw import RawPiece, raw_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.model import EventBatch
    from harness.replay.transport import Answer, Transport

T = TypeVar("T")
EVENT, RAW = "/services/collector/event", "/services/collector/raw"
CHANNEL_HEADER = "X-Splunk-Request-Channel"
TRIAL_FIELD, BATCH_FIELD = "harness_trial", "harness_batch"
MAX_EVENTS = 1_000
MAX_BYTES = 800_000
"""Of a batch before it is packed; Splunk's own limit (max_content_length) was 800,000 once."""
CONNECTIONS = 4
ACK_SECONDS = 120.0
BUSY_SECONDS = 120.0
MAX_TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0
GOOD, NO_SUCH_INDEX, BUSY, ACK_OFF = 0, 7, 9, 14
MEANINGS = {
    1: ("HEC's token is disabled", "enable it: Settings, Data inputs, HTTP Event Collector"),
    2: ("HEC needs a token", "set HARNESS_SPLUNK_HEC_TOKEN"),
    3: ("HEC's token is not taken", "set HARNESS_SPLUNK_HEC_TOKEN"),
    4: ("HEC's token is not valid", "is HARNESS_SPLUNK_HEC_TOKEN right?"),
    7: ("HEC knows no such index, or its token may not write there", "create the index"),
    27: ("HEC takes no request of this size", "raise max_content_length in its limits.conf"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Events for one request: JSON objects without markers."""

    number: int
    events: list[dict[str, Any]]


@dataclass(slots=True)
class Sent:
    """What was sent: how many events, the markers that do not count, and whether each is sure."""

    trial: str
    events: int = 0
    newest: float | None = None
    void: list[str] = field(default_factory=list)
    acknowledged: bool = True


class Hec:
    """One HEC endpoint with one token."""

    def __init__(
        self,
        transport: Transport,
        token: str,
        *,
        connections: int = CONNECTIONS,
        ack_seconds: float = ACK_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.transport = transport
        self.token = token
        self.connections = connections
        self.ack_seconds = ack_seconds
        self.busy_seconds = busy_seconds
        self._channel = str(uuid.uuid4())

    def healthy(self) -> bool:
        """Whether the collector says that it takes events."""
        try:
            answer = self.transport.request("GET", "/services/collector/health/1.0")
        except SplunkFault:
            return False
        return answer.status == 200

    def send(self, batches: Iterable[EventBatch], trial: str, *, prefix: str | None = None) -> Sent:
        """Send events over several connections; the first that cannot be sent ends the others.

        `prefix` begins the batches' markers, which must be the trial's own.
        """
        begun = prefix or trial
        sent = Sent(trial)

        def deliver(piece: Piece, stop: threading.Event) -> tuple[list[str], bool]:
            return self._delivered(piece, trial, begun, stop)

        self._each(pieces(batches, sent), deliver, sent)
        return sent

    def send_raw(self, batches: Iterable[EventBatch], index: str) -> Sent:
        """Send the texts of events for the instance to break, into one index.

        Nothing marks a request there: one whose fate is unknown raises `Uncertain`, and the
        index is to be made anew.
        """
        sent = Sent(index)

        def counted() -> Iterator[RawPiece]:
            for piece in raw_pieces(batches):
                sent.events += len(piece.texts)
                times = [time for time in (piece.newest, sent.newest) if time is not None]
                sent.newest = max(times, default=None)
                yield piece

        def deliver(piece: RawPiece, stop: threading.Event) -> tuple[list[str], bool]:
            params = piece.params(index, self._channel)
            return [], self._once(piece.body(), stop, RAW, params)

        self._each(counted(), deliver, sent)
        return sent

    def _each(
        self,
        found: Iterable[T],
        delivered: Callable[[T, threading.Event], tuple[list[str], bool]],
        sent: Sent,
    ) -> None:
        lock = threading.Lock()
        stop = threading.Event()
        free = threading.Semaphore(2 * self.connections)

        def deliver(piece: T) -> None:
            try:
                if not stop.is_set():
                    void, acknowledged = delivered(piece, stop)
                    with lock:
                        sent.void += void
                        sent.acknowledged &= acknowledged
            except BaseException:
                stop.set()
                raise
            finally:
                free.release()

        with ThreadPoolExecutor(self.connections) as pool:
            waiting = []
            for piece in found:
                free.acquire()
                if stop.is_set():
                    break
                waiting.append(pool.submit(deliver, piece))
            for one in waiting:
                one.result()

    def _delivered(
        self, piece: Piece, trial: str, prefix: str, stop: threading.Event
    ) -> tuple[list[str], bool]:
        """Send until a try is sure; the markers of those that were not, and whether by an ack."""
        void: list[str] = []
        last: SplunkFault | None = None
        for attempt in range(MAX_TRIES):
            marker = f"{prefix}-{piece.number}-{attempt}"
            try:
                return void, self._once(body_of(piece, trial, marker), stop)
            except Uncertain as error:
                void.append(marker)
                last = error
            _pause(stop, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt))
        raise SplunkFault(
            f"a batch of {len(piece.events)} events could not be sent to {self.transport.url}"
            f" in {MAX_TRIES} tries: {last.message if last else ''}",
            hints=last.hints if last else (),
        )

    def _once(
        self,
        body: bytes,
        stop: threading.Event,
        path: str = EVENT,
        params: Mapping[str, str] | None = None,
    ) -> bool:
        headers = self._headers() | {"Content-Encoding": "gzip"}
        until = time.monotonic() + self.busy_seconds
        wait = FIRST_WAIT
        while True:
            try:
                answer = self.transport.request(
                    "POST", path, headers=headers, params=params, data=body
                )
                code = _code(answer)
                if not (answer.status == 429 or (answer.status == 503 and code == BUSY)):
                    break
                fault: SplunkFault = Rejected(
                    f"the queue of HEC at {self.transport.url} was full"
                    f" for {self.busy_seconds:g} s",
                    status=answer.status, code=code,
                    hints=("the indexer does not keep up: is its disk full?",),
                )  # fmt: skip
            except NoAnswer as error:
                fault = error
            if time.monotonic() + wait > until or stop.is_set():
                raise fault
            _pause(stop, wait)
            wait = min(LONGEST_WAIT, wait * 2)
        if answer.status == 200 and code == GOOD:
            number = _json(answer).get("ackId")
            return self._acknowledged(number, stop) if isinstance(number, int) else False
        if answer.status >= 500:
            raise Uncertain(f"HEC answered {answer.status}: {answer.text[:200]}")
        raise self._refused(answer, code)

    def _acknowledged(self, number: int, stop: threading.Event) -> bool:
        """Wait for the acknowledgement; False where the instance has none (Splunk Cloud)."""
        until = time.monotonic() + self.ack_seconds
        wait = FIRST_WAIT
        body = json.dumps({"acks": [number]}).encode()
        params = {"channel": self._channel}
        while True:
            try:
                answer = self.transport.request(
                    "POST", "/services/collector/ack",
                    headers=self._headers(), params=params, data=body,
                )  # fmt: skip
                if _code(answer) == ACK_OFF:
                    return False
                if answer.status in (400, 401, 403):
                    raise self._refused(answer, _code(answer))
                acks = _json(answer).get("acks")
                if isinstance(acks, dict) and acks.get(str(number)) is True:
                    return True
            except (Uncertain, NoAnswer):
                pass  # asking again does no harm
            if time.monotonic() + wait > until or stop.is_set():
                raise Uncertain(
                    f"HEC did not acknowledge a batch in {self.ack_seconds:g} s",
                    hints=["does the indexer keep up: is its disk full?"],
                )
            _pause(stop, wait)
            wait = min(LONGEST_WAIT, wait * 2)

    def _refused(self, answer: Answer, code: int | None) -> SplunkFault:
        text, hint = MEANINGS.get(code or -1, ("HEC refused the events", ""))
        if answer.status == 404 or (code is None and answer.status in (400, 403)):
            text, hint = "HEC does not answer here", "is the collector enabled, and the port right?"
        told = f"{self.transport.url}: {text} (HTTP {answer.status}, code {code})"
        told += f": {answer.text[:300]}"
        hints = (hint,) if hint else ()
        if answer.status in (401, 403) and code is not None:
            return Denied(told, hints=hints)
        return Rejected(told, status=answer.status, code=code, hints=hints)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Splunk {self.token}",
            CHANNEL_HEADER: self._channel,
            "Content-Type": "application/json",
        }


def pieces(batches: Iterable[EventBatch], sent: Sent) -> Iterator[Piece]:
    """Events in requests of bounded size; what was seen of them is noted in `sent`."""
    held: list[dict[str, Any]] = []
    size = number = 0
    for batch in batches:
        for event in sent_events(batch):
            length = len(event["event"])
            if held and (len(held) >= MAX_EVENTS or size + length > MAX_BYTES):
                yield Piece(number, held)
                held, size, number = [], 0, number + 1
            held.append(event)
            size += length
            sent.events += 1
            when = event.get("time")
            if when is not None and (sent.newest is None or when > sent.newest):
                sent.newest = when
    if held:
        yield Piece(number, held)


def sent_events(batch: EventBatch) -> Iterator[dict[str, Any]]:
    """The envelopes of a batch's events: time, metadata, text and indexed fields."""
    metas: Sequence[str | None] = batch.meta or [None] * len(batch.raw)
    told = {"index": batch.index, "source": batch.source, "sourcetype": batch.sourcetype}
    for raw, when, host, meta in zip(batch.raw, batch.time, batch.host, metas, strict=True):
        event: dict[str, Any] = {**told, "host": host, "event": raw}
        if when is not None:
            event["time"] = when
        fields = json.loads(meta) if meta else {}
        event["fields"] = {
            name: value
            for name, value in fields.items()
            if not isinstance(value, dict) and value is not None
        }
        yield event


def body_of(piece: Piece, trial: str, marker: str) -> bytes:
    """The packed body of a request, with its markers in every event."""
    texts = [
        json.dumps(
            {**event, "fields": {**event["fields"], TRIAL_FIELD: trial, BATCH_FIELD: marker}},
            ensure_ascii=False,
        )
        for event in piece.events
    ]
    return gzip.compress("\n".join(texts).encode("utf-8", errors="replace"), compresslevel=1)


def _pause(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise Uncertain(f"HEC's answer is no JSON: {answer.text[:200]!r}") from error
    return found if isinstance(found, dict) else {}


def _code(answer: Answer) -> int | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        if answer.status == 200:
            raise Uncertain(f"HEC's answer is cut short: {answer.text[:200]!r}") from None
        return None
    code = found.get("code") if isinstance(found, dict) else None
    if code is None and isinstance(found, dict) and answer.status == 200:
        return GOOD
    return code if isinstance(code, int) else None

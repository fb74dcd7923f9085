"""The HTTP Event Collector: raw text and envelopes in, acknowledgements out.

A request is all or nothing: with one event that is wrong, none of its events is indexed. The
answer comes when the events are kept and can be found, so an acknowledgement is true at once.
Source: Getting Data In, "Format events for HTTP Event Collector", "About HTTP Event Collector
Indexer Acknowledgment" and "Troubleshoot HTTP Event Collector" (status codes).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.apps.conf import as_boolean
from harness.ingest import Arriving
from harness.model import Origin
from harness.server.accounts import digest
from harness.server.faults import Refusal
from harness.server.http import Request, Response, body_of, unpacked
from harness.server.indexing import Busy, Load, NothingThere

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from harness.server.conf import Configuration
    from harness.server.indexing import Indexer

MOST_BODY = 256 * 1024 * 1024
MOST_IN_FLIGHT = 512 * 1024 * 1024
UNPACKED_TIMES = 10
"""How much larger a packed body is taken to become."""
MOST_CHANNELS = 10_000
MOST_ACKS = 1_000_000
CHANNEL = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
INPUT = "http://"
PREFIX = ("services", "collector")
KEYS = frozenset({"time", "host", "source", "sourcetype", "index", "event", "fields"})
CODES = {
    0: (200, "Success"),
    1: (403, "Token disabled"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    4: (403, "Invalid token"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    7: (400, "Incorrect index"),
    8: (500, "Internal server error"),
    9: (503, "Server is busy"),
    10: (400, "Data channel is missing"),
    11: (400, "Invalid data channel"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"),
    15: (400, "Error in handling indexed fields"),
    16: (400, "Query string authorization is not enabled"),
    17: (200, "HEC is healthy"),
    18: (503, "HEC is unhealthy, queues are full"),
    20: (503, "HEC is unhealthy, queues are full, ack service unavailable"),
    23: (503, "Server is shutting down"),
    24: (429, "HEC queue is at capacity"),
    25: (429, "HEC ACK channel is at capacity"),
    27: (413, "Request entity exceeds size limit"),
}


class HecError(Exception):
    """An answer with a code of the Event Collector's; `number` is that of a wrong event."""

    def __init__(self, code: int, number: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.number = number


@dataclass(frozen=True, slots=True)
class Token:
    """A token and what it says of events that say nothing."""

    name: str
    secret: bytes
    index: str
    indexes: frozenset[str]
    source: str
    sourcetype: str
    host: str
    acknowledges: bool
    disabled: bool
    query_string: bool


@dataclass(slots=True)
class Channel:
    """A client's acknowledgements: the number of the next, and those not asked for yet."""

    next: int = 0
    done: set[int] = field(default_factory=set)


def answer(code: int, **more: Any) -> Response:
    """An answer with a code."""
    status, text = CODES[code]
    body = json.dumps({"text": text, "code": code, **more}, separators=(",", ":"))
    return Response(body.encode(), status, "application/json; charset=UTF-8")


class Collector:
    """The Event Collector's endpoints."""

    def __init__(
        self,
        configuration: Configuration,
        indexer: Indexer,
        index_names: Callable[[], set[str]],
        timezone: str,
    ) -> None:
        self.configuration = configuration
        self.indexer = indexer
        self.index_names = index_names
        self.timezone = timezone
        self.closing = False
        self._channels: dict[tuple[str, str], Channel] = {}
        self._in_flight = 0

    def tokens(self) -> Iterator[Token]:
        """The tokens that there are."""
        for name, said in self.configuration.written("inputs").items():
            if not name.startswith(INPUT) or "token" not in said:
                continue
            yield Token(
                name.removeprefix(INPUT),
                digest(said["token"].lower()),
                said.get("index") or "main",
                frozenset(one.strip() for one in said.get("indexes", "").split(",") if one.strip()),
                said.get("source", ""),
                said.get("sourcetype", ""),
                said.get("host", ""),
                as_boolean(said.get("useACK"), default=False),
                as_boolean(said.get("disabled"), default=False),
                as_boolean(said.get("allowQueryStringAuth"), default=False),
            )

    def token_of(self, request: Request) -> Token:
        """The token that a request shows; Basic has it as the password."""
        told = request.headers.get("authorization", "")
        in_query = not told
        shown = _shown(told) if told else dict(request.query).get("token", "")
        if not shown:
            raise HecError(2 if in_query else 3)
        kept, found = digest(shown.lower()), None
        for token in self.tokens():
            if hmac.compare_digest(kept, token.secret):
                found = token
        if found is None:
            raise HecError(4)
        if found.disabled:
            raise HecError(1)
        if in_query and not found.query_string:
            raise HecError(16)
        return found

    async def respond(
        self, request: Request, receive: Callable[[], Awaitable[dict[str, Any]]]
    ) -> Response:
        """The answer to any request on the port."""
        try:
            return await self._respond(request, receive)
        except HecError as error:
            more = {} if error.number is None else {"invalid-event-number": error.number}
            return answer(error.code, **more)
        except NothingThere:
            return answer(5)
        except Busy:
            return answer(9)

    async def _respond(
        self, request: Request, receive: Callable[[], Awaitable[dict[str, Any]]]
    ) -> Response:
        if request.parts[:2] != PREFIX:
            raise Refusal(404, "The requested URL was not found on this server.")
        rest = request.parts[2:]
        if rest and rest[-1] in ("1.0", ""):
            rest = rest[:-1]
        what = "/".join(rest) or "event"
        if what == "health":
            return self._health(request)
        if what not in ("event", "raw", "ack"):
            raise Refusal(404, "The requested URL was not found on this server.")
        if request.method != "POST":
            raise Refusal(405, "The requested method is not allowed")
        if self.closing:
            raise HecError(23)
        token = self.token_of(request)
        channel = self._channel_name(request, token, required=what in ("raw", "ack"))
        if what == "ack":
            request.body = await body_of(receive, request.headers, 1024 * 1024)
            return self._acknowledged(request, token, channel)
        with self._held() as held:
            body = await self._read(request, receive, held)
            load = Load(self._events(what, body, request, token), len(body))
            del body
            await self.indexer.add(load)
        if not token.acknowledges:
            return answer(0)
        return answer(0, ackId=self._noted(token, channel))

    @contextmanager
    def _held(self) -> Iterator[Callable[[int], None]]:
        """What notes that a request holds so many bytes more; all together are bounded.

        They count when they have come, not when a request says that they will.
        """
        mine = 0

        def held(size: int) -> None:
            nonlocal mine
            if self._in_flight + size > MOST_IN_FLIGHT and self._in_flight > mine:
                raise HecError(9)
            mine += size
            self._in_flight += size

        try:
            yield held
        finally:
            self._in_flight -= mine

    async def _read(
        self,
        request: Request,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        held: Callable[[int], None],
    ) -> bytes:
        """The body, unpacked."""

        async def received() -> dict[str, Any]:
            message = await receive()
            held(len(message.get("body", b"")))
            return message

        packing = request.headers.get("content-encoding", "").lower()
        if packing not in ("", "identity", "gzip"):
            raise HecError(6)
        try:
            body = await body_of(received, request.headers, MOST_BODY)
            if packing == "gzip":
                held(min(MOST_BODY, UNPACKED_TIMES * len(body)))
                body = await asyncio.to_thread(unpacked, body, MOST_BODY)
        except Refusal as error:
            raise HecError(27 if error.status == 413 else 6) from error
        if not body:
            raise HecError(5)
        return body

    def _health(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD", "POST"):
            raise Refusal(405, "The requested method is not allowed")
        if request.headers.get("authorization"):
            try:
                self.token_of(request)
            except HecError as error:
                return answer(error.code)
        if self.closing:
            return answer(23)
        return answer(18 if self.indexer.is_full else 17)

    # Channels and acknowledgement

    def _channel_name(self, request: Request, token: Token, *, required: bool) -> str:
        told = request.headers.get("x-splunk-request-channel", "")
        told = told or dict(request.query).get("channel", "")
        if not told:
            if token.acknowledges or (required and token.acknowledges):
                raise HecError(10)
            return ""
        if CHANNEL.fullmatch(told) is None:
            raise HecError(11)
        return told.lower()

    def _noted(self, token: Token, name: str) -> int:
        key = (token.name, name)
        channel = self._channels.pop(key, None) or Channel()
        self._channels[key] = channel  # the one used last is the last
        while len(self._channels) > MOST_CHANNELS:
            del self._channels[next(iter(self._channels))]
        number = channel.next
        channel.next += 1
        channel.done.add(number)
        if len(channel.done) > MOST_ACKS:
            channel.done.discard(min(channel.done))
        return number

    def _acknowledged(self, request: Request, token: Token, name: str) -> Response:
        """Which requests are indexed; each is told once, then forgotten."""
        if not token.acknowledges:
            raise HecError(14)
        try:
            said = json.loads(request.body or b"null")
        except (ValueError, RecursionError):
            raise HecError(6) from None
        asked = said.get("acks") if isinstance(said, dict) else None
        if not isinstance(asked, list) or not all(type(one) is int for one in asked):
            raise HecError(6)
        channel = self._channels.get((token.name, name), Channel())
        found = {str(number): number in channel.done for number in asked}
        channel.done.difference_update(asked)
        body = json.dumps({"acks": found}, separators=(",", ":"))
        return Response(body.encode(), kind="application/json; charset=UTF-8")

    # Events

    def _events(
        self, what: str, body: bytes, request: Request, token: Token
    ) -> Callable[[], tuple[Origin, str] | list[Arriving]]:
        """What turns the body into events; run by the indexer's thread."""
        names = self.index_names()
        told = dict(request.query)
        defaults = {
            "index": told.get("index") or token.index,
            "source": told.get("source") or token.source or f"http:{token.name}",
            "sourcetype": told.get("sourcetype") or token.sourcetype or "httpevent",
            "host": told.get("host") or token.host or request.headers.get("host", "localhost"),
        }
        if what == "raw":
            if not _allowed(defaults["index"], token, names):
                raise HecError(7)
            origin = Origin(**defaults, timezone=self.timezone)
            return lambda: (origin, _decoded(body))
        stamped = told.get("auto_extract_timestamp", "").lower() in ("true", "1")

        def read() -> list[Arriving]:
            found = []
            for number, envelope in enumerate(envelopes(body)):
                found.append(_arriving(envelope, number, defaults, stamped=stamped))
                if not _allowed(found[-1].index, token, names):
                    raise HecError(7, number)
            if not found:
                raise HecError(5)
            return found

        return read


def _allowed(index: str, token: Token, names: set[str]) -> bool:
    return index in names and (not token.indexes or index in token.indexes or index == token.index)


def _shown(told: str) -> str:
    """The token of an Authorization header."""
    scheme, _, rest = told.partition(" ")
    if scheme.lower() in ("splunk", "bearer"):
        return rest.strip()
    return _password(rest) if scheme.lower() == "basic" else ""


def _password(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def envelopes(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of a body, one after the other, with or without space between."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise HecError(6, 0) from None
    decoder = json.JSONDecoder()
    position, number = _skipped(text, 0), 0
    while position < len(text):
        if text[position] == "[" and number == 0:
            raise HecError(6, 0)
        try:
            envelope, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            raise HecError(6, number) from None
        if not isinstance(envelope, dict):
            raise HecError(6, number)
        yield envelope
        position, number = _skipped(text, end), number + 1


SPACE = re.compile(r"[ \t\r\n]*")


def _skipped(text: str, position: int) -> int:
    found = SPACE.match(text, position)
    return found.end() if found is not None else position


def _arriving(
    envelope: Mapping[str, Any], number: int, defaults: Mapping[str, str], *, stamped: bool
) -> Arriving:
    """The event of an envelope."""
    if "event" not in envelope or envelope["event"] is None:
        raise HecError(12, number)
    event = envelope["event"]
    if event in ("", {}, []):
        raise HecError(13, number)
    raw = event if isinstance(event, str) else _compact(event)
    told: dict[str, str] = {}
    for name, default in defaults.items():
        value = envelope.get(name)
        if value is not None and not isinstance(value, str):
            raise HecError(6, number)
        told[name] = value or default
    moment = _time(envelope.get("time"), number)
    if moment is None and not stamped:
        moment = time.time()
    return Arriving(_valid(raw), moment, **told, fields=_fields(envelope.get("fields"), number))


def _compact(event: Any) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _valid(text: str) -> str:
    """A text without halves of surrogate pairs, which JSON can spell."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _time(told: Any, number: int) -> float | None:
    if told is None or told == "":
        return None
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        raise HecError(6, number)
    try:
        moment = float(told)
    except (ValueError, OverflowError):
        raise HecError(6, number) from None
    if not 0 <= moment < 1e11:
        raise HecError(6, number)
    return moment


def _fields(told: Any, number: int) -> dict[str, Any]:
    """Fields that are indexed with the event: flat, of text or lists of text."""
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise HecError(15, number)
    found: dict[str, Any] = {}
    for name, value in told.items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(one, dict | list) for one in values):
            raise HecError(15, number)
        texts = [_valid(one if isinstance(one, str) else _compact(one)) for one in values]
        if texts:
            found[_valid(name)] = texts if isinstance(value, list) else texts[0]
    return found

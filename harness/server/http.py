"""Requests and answers over ASGI: bounded bodies, decoded paths, routes.

A path is split before it is decoded, so that a name may hold a slash (`%2F`). A plus is a space
there, as in forms: splunk-sdk writes the names of saved searches so.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from harness.server.faults import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Handler = Callable[["Request"], Awaitable["Response"]]

BODY_SECONDS = 120.0
MOST_FIELDS = 2000
UNPACKED_PIECE = 1024 * 1024
SENT_PIECE = 256 * 1024
MAX_RATIO = 1000
RATIO_FREE_BYTES = 16 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"
ADMINISTRATOR = "admin_all_objects"


@dataclass(slots=True)
class Request:
    """A request whose body has been read. `parts` is its path, decoded piece by piece."""

    method: str
    parts: tuple[str, ...]
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""
    owner: str = "nobody"
    app: str = ""
    user: str = ""
    session: str = ""
    captured: dict[str, str] = field(default_factory=dict)
    _form: list[tuple[str, str]] | None = None

    @property
    def form(self) -> list[tuple[str, str]]:
        """What the query and the body say, in this order."""
        if self._form is None:
            told = list(self.query)
            kind = self.headers.get("content-type", FORM).split(";")[0].strip().lower()
            if self.body and kind == FORM:
                told += pairs(self.body.decode("utf-8", "replace"))
            self._form = told
        return self._form

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field."""
        found = self.all(name)
        return found[-1] if found else default

    def all(self, name: str) -> list[str]:
        """All values of a field, in order."""
        return [value for key, value in self.form if key == name]

    def number(self, name: str, default: int) -> int:
        """A field that is a whole number."""
        text = self.get(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise Refusal(400, f"{name} must be a whole number, not '{text}'") from None

    @property
    def mode(self) -> str:
        """The form of answer that is asked for."""
        return self.get("output_mode", "xml").lower() or "xml"


@dataclass(slots=True)
class Response:
    """An answer: bytes, or pieces of them as they come."""

    body: bytes | AsyncIterator[bytes] = b""
    status: int = 200
    kind: str = "text/xml; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()


def pairs(text: str) -> list[tuple[str, str]]:
    """The fields of a form or a query."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refusal(400, f"more than {MOST_FIELDS} fields") from None


async def body_of(
    receive: Callable[[], Awaitable[dict[str, Any]]], headers: Mapping[str, str], most: int
) -> bytes:
    """The body of a request, if it is not too long and comes in time."""
    told = headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise Refusal(413, f"the content of {told} bytes is longer than {most}")
    pieces, total = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refusal(400, "the request ended in the middle")
                piece = message.get("body", b"")
                total += len(piece)
                if total > most:
                    raise Refusal(413, f"the content is longer than {most} bytes")
                pieces.append(piece)
                if not message.get("more_body"):
                    return b"".join(pieces)
    except TimeoutError:
        raise Refusal(408, f"the content did not come within {BODY_SECONDS:g} s") from None


def unpacked(body: bytes, most: int) -> bytes:
    """A gzip body unpacked, with bounds on what it may become; several members may follow."""
    pieces: list[bytes] = []
    total = 0
    rest = body
    while rest:
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            try:
                piece = decoder.decompress(rest, UNPACKED_PIECE)
            except zlib.error as error:
                raise Refusal(400, f"the content is no gzip: {error}") from None
            rest = decoder.unconsumed_tail
            total += len(piece)
            bomb = total > RATIO_FREE_BYTES and total > len(body) * MAX_RATIO
            if total > most or bomb:
                raise Refusal(413, f"the content unpacks to more than {total} bytes")
            pieces.append(piece)
            if not piece and not rest and not decoder.eof:
                raise Refusal(400, "the content is cut off")
        rest = decoder.unused_data
    return b"".join(pieces)


class Router:
    """Handlers by method and path; a part in braces stands for any one.

    A route needs a capability of whoever asks. Where nothing is said everybody may read, and
    only administrators may change something.
    """

    def __init__(self) -> None:
        self._routes: list[tuple[str, tuple[str, ...], Handler, str]] = []

    def add(self, method: str, path: str, handler: Handler, needs: str | None = None) -> None:
        """Answer a path with a handler."""
        if needs is None:
            needs = "" if method == "GET" else ADMINISTRATOR
        self._routes.append((method, tuple(path.split("/")), handler, needs))

    def find(self, request: Request) -> tuple[Handler, str]:
        """The handler for a request with the capability that it needs.

        What stands in braces is noted in the request.
        """
        allowed = False
        for method, route, handler, needs in self._routes:
            if len(route) != len(request.parts):
                continue
            caught = {}
            for told, part in zip(route, request.parts, strict=True):
                if told.startswith("{"):
                    caught[told[1:-1]] = part
                elif told != part:
                    break
            else:
                if method == request.method:
                    request.captured = caught
                    return handler, needs
                allowed = True
        if allowed:
            raise Refusal(405, "Method Not Allowed")
        raise Refusal(404, "Not Found")


def request_of(scope: Mapping[str, Any]) -> Request:
    """The request of an ASGI scope, without its body."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    parts = tuple(unquote_plus(part) for part in path.strip("/").split("/"))
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    return Request(scope["method"], parts, pairs(scope["query_string"].decode("latin-1")), headers)


async def send_response(
    send: Callable[[dict[str, Any]], Awaitable[None]], response: Response, *, head: bool = False
) -> None:
    """Write an answer. splunk-sdk reads an empty body where `Connection` is not said."""
    headers = [
        (b"content-type", response.kind.encode()),
        (b"connection", b"Keep-Alive"),
        (b"x-content-type-options", b"nosniff"),
        *((name.encode(), value.encode("utf-8", "replace")) for name, value in response.headers),
    ]
    whole = response.body
    if isinstance(whole, bytes):
        headers.append((b"content-length", str(len(whole)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(whole, bytes):
        sent = memoryview(b"" if head else whole)  # a copy of the rest for each piece is none
        # In pieces, for the transport can only hold back what it does not have yet.
        while len(sent) > SENT_PIECE:
            piece, sent = sent[:SENT_PIECE].tobytes(), sent[SENT_PIECE:]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": sent.tobytes()})
        return
    async for streamed in whole:
        await send({"type": "http.response.body", "body": streamed, "more_body": True})
    await send({"type": "http.response.body", "body": b""})

"""HTTP to one port of a Splunk: bounded in time and size, and every failure has a name.

A request that failed before it was sent is `NoAnswer`, one that may have been carried out is
`Uncertain`: whoever asked decides what may be repeated.

A limit on each read is none on an answer that trickles: a watch ends a request as a whole.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from harness.replay.faults import NoAnswer, SplunkFault, Uncertain, Unverified

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
WHOLE = 5
"""How many times the limit of one silence a whole answer may take."""
MAX_ANSWER = 512_000_000
"""Bytes of one answer; results come in pages that are smaller."""
PIECE = 65_536
BODILESS = (204, 304)
POOL = 16


@dataclass(frozen=True, slots=True)
class Tls:
    """How certificates are checked: by the system's authorities, by those of a file, or not."""

    ca: Path | None = None
    insecure: bool = False

    @property
    def verify(self) -> bool | str:
        """What `requests` calls it."""
        if self.insecure:
            return False
        return str(self.ca) if self.ca else True


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_measured(self) -> bool:
        """Whether its head says where it ends."""
        return any(name in self.headers for name in ("Content-Length", "Transfer-Encoding"))

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", errors="replace")


class _Watch:
    """Ends its thread's request when it has taken too long, by closing the socket under it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_late = False
        self.connection: HTTPConnection | None = None
        self.socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _WATCHED.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _WATCHED.watch = None

    def _end(self) -> None:
        self.is_late = True
        open_one = self.socket or (self.connection.sock if self.connection else None)
        if open_one is not None:
            with suppress(OSError):
                # Not that of TLS: the other thread is reading.
                socket.socket.shutdown(open_one, socket.SHUT_RDWR)


_WATCHED = threading.local()


def _note(connection: HTTPConnection, *, answering: bool = False) -> None:
    watch: _Watch | None = getattr(_WATCHED, "watch", None)
    if watch is not None:
        watch.connection = connection
        watch.socket = connection.sock if answering else None


class _Plain(HTTPConnection):
    """A connection that the watch of its thread knows."""

    def connect(self) -> None:
        _note(self)
        super().connect()

    def getresponse(self) -> Any:
        _note(self, answering=True)
        return super().getresponse()


class _Secure(_Plain, HTTPSConnection):
    """The same, with TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class Transport:
    """Requests to one base URL; may be used by several threads, each has its connections."""

    def __init__(self, url: str, tls: Tls, *, read_seconds: float = READ_SECONDS) -> None:
        self.url = url.rstrip("/")
        self.tls = tls
        self.read_seconds = read_seconds
        self._local = threading.local()

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | bytes | None = None,
        read_seconds: float | None = None,
    ) -> Answer:
        """The answer to one request, whatever its status."""
        if self.tls.insecure:
            # The trial's report says it, once; pytest forgets the filter with every test.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        limit = read_seconds or self.read_seconds
        watch = _Watch(WHOLE * limit)
        try:
            with (
                watch,
                self._session().request(
                    method,
                    f"{self.url}{path}",
                    headers=dict(headers or {}),
                    params=params,
                    data=data,
                    timeout=(min(CONNECT_SECONDS, limit), limit),
                    verify=self.tls.verify,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                found = Answer(response.status_code, self._body(response), response.headers)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._fault(error, watch) from error
        if watch.is_late:
            raise self._fault(None, watch)  # cut off by the watch, it looks like a whole answer
        if not found.body and not found.is_measured and found.status not in BODILESS:
            raise Uncertain(f"the connection to {self.url} ended in the head of an answer")
        return found

    def close(self) -> None:
        """Close this thread's connections."""
        session = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            del self._local.session

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no .netrc, no proxies: a Splunk is named outright
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Adapter(pool_maxsize=POOL, max_retries=0))
            session.headers.update({"User-Agent": "detection-harness", "Connection": "keep-alive"})
            self._local.session = session
        return session

    def _body(self, response: requests.Response) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER:
                raise SplunkFault(f"{self.url} sent more than {MAX_ANSWER:,} bytes in one answer")
        return b"".join(pieces)

    def _fault(self, error: Exception | None, watch: _Watch) -> SplunkFault:
        if watch.is_late or error is None:
            self.close()
            return Uncertain(f"{self.url} did not finish its answer in {watch.seconds:g} s")
        text = _reason(error)
        if isinstance(error, requests.exceptions.SSLError):
            return self._unverified(text)
        if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
            return NoAnswer(f"{self.url} is no URL: {text}")
        if isinstance(error, requests.exceptions.ConnectTimeout) or _not_connected(error):
            return NoAnswer(
                f"{self.url} cannot be reached: {text}",
                hints=["is the host right, and the port? REST is 8089, HEC is 8088, the web 8000"],
            )
        if isinstance(error, requests.exceptions.Timeout):
            return Uncertain(
                f"{self.url} did not answer in {watch.seconds / WHOLE:g} s",
                hints=["--splunk-timeout allows for more"],
            )
        plain = self.url.startswith("http://")
        hints = ["Splunk's ports use TLS where nobody changed it: https://…"] if plain else []
        return Uncertain(f"the connection to {self.url} ended: {text}", hints=hints)

    def _unverified(self, text: str) -> SplunkFault:
        port = urlsplit(self.url).port
        if "WRONG_VERSION_NUMBER" in text or "record layer" in text:
            return Unverified(
                f"{self.url} does not speak TLS: {text}",
                hints=[f"is {port} the right port?", "without TLS the URL begins with http://"],
            )
        if "EOF occurred" in text or "UNEXPECTED_EOF" in text:
            return Uncertain(
                f"the connection to {self.url} ended: {text}",
                hints=[f"has it ended, or restarted? Is {port} the right port, with TLS?"],
            )
        return Unverified(
            f"the certificate of {self.url} cannot be verified: {text}",
            hints=[
                "--splunk-ca FILE names the authority that signed it",
                "--splunk-insecure does without, and the report says so",
            ],
        )


def _not_connected(error: BaseException) -> bool:
    return any(
        isinstance(one, urllib3.exceptions.NewConnectionError | ConnectionRefusedError)
        for one in _chain(error)
    )


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 20:
        one = waiting.pop()
        if not isinstance(one, BaseException) or one in found:
            continue
        found.append(one)
        waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found


def _reason(error: BaseException) -> str:
    """The innermost words of an error, without addresses of objects."""
    for one in reversed(_chain(error)):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    text = str(error)
    return text.rsplit(": ", 1)[-1].strip("')\" ") if "object at 0x" in text else text[:300]

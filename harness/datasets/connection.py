"""One request, to an address that may be asked: resolved, checked, connected, redirected by hand.

A name is resolved once, every address it has is checked, and the connection goes to the
address that was checked (TLS still proves the name), so no second answer of the resolver
can lead elsewhere. Behind a proxy it is the proxy that resolves; only the name is checked.
"""

from __future__ import annotations

import os
import queue
import selectors
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin

from harness.datasets.address import check_public, checked_address, shown
from harness.datasets.errors import (
    ForbiddenAddress,
    Interrupted,
    Refused,
    Unreachable,
    UntrustedServer,
)
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from urllib.parse import SplitResult

    import requests

    from harness.datasets.reachability import Reachability
    from harness.datasets.settings import StoreSettings

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_ADDRESSES = 8
_LEAST_TIMEOUT_SECONDS = 0.05
_USER_AGENT = "detection-harness"


class Connection:
    """Requests for the sake of one file; closes what it opened on leaving its `with` block."""

    def __init__(self, settings: StoreSettings, reachability: Reachability) -> None:
        self._settings = settings
        self._reachability = reachability
        self._open = ExitStack()
        self._reached: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def get(
        self, url: str, headers: Mapping[str, str], *, seconds_left: float
    ) -> requests.Response:
        """The answer to a GET of `url` after at most five redirects; its body is not read yet.

        Every hop is checked as the first one is. Raises `ForbiddenAddress`, `Unreachable`
        (no connection: remembered), `UntrustedServer`, `Refused` (redirects without end) and
        `Interrupted` (a connection that broke: worth another try).
        """
        hop = url
        for _ in range(self._settings.limits.max_redirects + 1):
            try:
                response = self._ask(hop, headers, seconds_left)
            except ForbiddenAddress as error:
                if hop == url:
                    raise
                raise ForbiddenAddress(
                    f"redirected: {error.message}", place=Place(path=shown(url)), hints=error.hints
                ) from error
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                return response
            response.close()
            hop = urljoin(hop, location)
        raise Refused(
            f"redirected more than {self._settings.limits.max_redirects} times",
            place=Place(path=shown(url)),
            hints=("name the address that the redirects lead to",),
        )

    def _ask(self, url: str, headers: Mapping[str, str], seconds_left: float) -> requests.Response:
        limits = self._settings.limits
        parts = checked_address(url, allow_local=self._settings.allow_local_addresses)
        host = parts.hostname or ""
        if host not in self._reached:
            self._reachability.refuse_if_remembered(host, url)
        connect_by = time.monotonic() + min(limits.connect_timeout_seconds, max(seconds_left, 0))
        address = None if _goes_through_proxy(url) else self._connectable(parts, url, connect_by)
        session = self._open.enter_context(_session(parts, address))
        timeout = (
            max(connect_by - time.monotonic(), _LEAST_TIMEOUT_SECONDS),
            max(min(limits.read_timeout_seconds, seconds_left), _LEAST_TIMEOUT_SECONDS),
        )
        sent = {
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "identity",
            "Host": parts.netloc,
            **headers,
        }
        response = self._send(session, url, sent, timeout)
        self._reached.add(host)
        self._reachability.forget(host)
        self._open.callback(response.close)
        return response

    def _send(
        self,
        session: requests.Session,
        url: str,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
    ) -> requests.Response:
        from requests import exceptions  # noqa: PLC0415 - loaded when something is fetched

        started = time.monotonic()
        try:
            return session.get(
                url, headers=dict(headers), timeout=timeout, stream=True, allow_redirects=False
            )
        except (exceptions.SSLError, exceptions.ProxyError, exceptions.ConnectTimeout) as error:
            if (distrust := _distrust(error)) is not None:
                raise _untrusted(url, distrust) from error
            raise self._not_connected(url, _reason(error)) from error
        except exceptions.Timeout as error:
            if time.monotonic() - started < timeout[1]:  # the TLS handshake, not the answer
                raise self._not_connected(url, "no answer in time") from error
            raise Interrupted(f"no answer within {timeout[1]:.0f} s") from error
        except exceptions.ConnectionError as error:
            if _is_new_connection(error):
                raise self._not_connected(url, _reason(error)) from error
            raise Interrupted(f"the connection broke ({_reason(error)})") from error
        except (exceptions.RequestException, ValueError) as error:
            raise ForbiddenAddress(
                f"`{shown(url)}` cannot be asked for ({_reason(error)})",
                hints=("mend the address",),
            ) from error

    def _connectable(self, parts: SplitResult, url: str, connect_by: float) -> str:
        host = parts.hostname or ""
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        try:
            addresses = resolve(host, port, connect_by - time.monotonic())
        except OSError as error:
            raise self._not_connected(url, f"its name gives no address: {error}") from error
        if not self._settings.allow_local_addresses:
            check_public(addresses, url)
        try:
            return first_to_connect(addresses, port, connect_by - time.monotonic())
        except OSError as error:
            raise self._not_connected(url, error.strerror or str(error)) from error

    def _not_connected(self, url: str, reason: str) -> Unreachable | Interrupted:
        """The error for a host without connection; one reached before may well come back."""
        host = checked_address(url, allow_local=True).hostname or ""
        if host in self._reached:
            return Interrupted(f"{host} cannot be reached any more ({reason})")
        self._reachability.remember(host, reason)
        return Unreachable(
            f"{host} cannot be reached ({reason})",
            place=Place(path=shown(url)),
            hints=(
                "check the network or the proxy, then `harness datasets fetch --retry`",
                "or point HARNESS_ATTACK_DATA at a clone of attack_data",
            ),
        )


def resolve(host: str, port: int, timeout_seconds: float) -> list[str]:
    """The IP addresses of `host`, in the resolver's order, within the time; raises `OSError`.

    The resolver has no time limit of its own, so it is asked in a thread that may be left
    behind.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(OSError("not a host name"))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max(timeout_seconds, _LEAST_TIMEOUT_SECONDS))
    except queue.Empty:
        raise TimeoutError("the resolver does not answer") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def first_to_connect(addresses: Sequence[str], port: int, timeout_seconds: float) -> str:
    """The address that takes a TCP connection first, of all tried at once; raises `OSError`.

    All at once, because one after the other each dead address would cost the whole time.
    """
    deadline = time.monotonic() + max(timeout_seconds, _LEAST_TIMEOUT_SECONDS)
    failure = OSError("no address")
    with selectors.DefaultSelector() as selector, ExitStack() as sockets:
        for address in addresses[:_MOST_ADDRESSES]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                trial = sockets.enter_context(socket.socket(family, socket.SOCK_STREAM))
                trial.setblocking(False)
                trial.connect_ex((address, port))
                selector.register(trial, selectors.EVENT_WRITE, address)
            except OSError as error:
                failure = error
        while selector.get_map():
            ready = selector.select(max(deadline - time.monotonic(), 0))
            if not ready:
                raise TimeoutError("no connection in time")
            for key, _ in ready:
                trial = key.fileobj  # type: ignore[assignment] # registered above
                code = trial.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return str(key.data)
                failure = OSError(code, os.strerror(code))
                selector.unregister(trial)
    raise failure


def _session(parts: SplitResult, address: str | None) -> requests.Session:
    """A session that connects to `address` while TLS still proves the name in the URL."""
    import requests  # noqa: PLC0415 - 0.1 s, only when something is fetched
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    class ToAddress(HTTPAdapter):
        def build_connection_pool_key_attributes(
            self, request: requests.PreparedRequest, verify: Any, cert: Any = None
        ) -> tuple[Any, Any]:
            found = super().build_connection_pool_key_attributes(request, verify, cert)
            target: dict[str, Any] = {**found[0]}
            tls: dict[str, Any] = {**found[1]}
            target["host"] = f"[{address}]" if ":" in (address or "") else address
            if parts.scheme == "https":
                tls |= {"server_hostname": parts.hostname, "assert_hostname": parts.hostname}
            return target, tls

    session = requests.Session()
    if address is not None:
        session.mount(f"{parts.scheme}://", ToAddress())
    return session


def _goes_through_proxy(url: str) -> bool:
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415

    return select_proxy(url, get_environ_proxies(url)) is not None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised for, as requests and urllib3 nest them."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [*current.args, getattr(current, "reason", None), current.__cause__]


def _distrust(error: BaseException) -> str | None:
    """Why a certificate was not accepted, or `None` when that is not what `error` is about."""
    from urllib3.util.ssl_match_hostname import CertificateError  # noqa: PLC0415

    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "certificate not accepted"
        if isinstance(cause, CertificateError):
            return str(cause)
    return None


def _is_new_connection(error: BaseException) -> bool:
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415

    return any(isinstance(cause, NewConnectionError) for cause in _causes(error))


def _untrusted(url: str, reason: str) -> UntrustedServer:
    return UntrustedServer(
        f"the server does not prove who it is ({shown(reason)})",
        place=Place(path=shown(url)),
        hints=("behind a proxy that opens TLS, name its certificates in REQUESTS_CA_BUNDLE",),
    )


def _reason(error: BaseException) -> str:
    """The innermost cause in its own words, on one line."""
    innermost = list(_causes(error))[-1]
    text = getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__
    return shown(" ".join(str(text).split()))[:200]

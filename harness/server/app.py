"""The server as a whole: what it holds, who may ask, and the two ports."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
import traceback
from base64 import b64decode
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError
from harness.server.access import Access
from harness.server.accounts import Accounts
from harness.server.atom import messages, plain
from harness.server.certificate import tls_context
from harness.server.conf import Configuration
from harness.server.faults import Refusal
from harness.server.hec import Collector, answer
from harness.server.http import Response, Router, body_of, request_of, send_response
from harness.server.indexing import Indexer
from harness.server.jobs import Jobs
from harness.server.keys import Keys
from harness.server.rest_access import add_routes as add_access
from harness.server.rest_conf import add_routes as add_conf
from harness.server.rest_entities import OWN_INDEXES, Entities
from harness.server.rest_entities import add_routes as add_entities
from harness.server.rest_keys import add_routes as add_keys
from harness.server.rest_saved import add_routes as add_saved
from harness.server.rest_search import add_routes as add_searches
from harness.server.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from harness.apps.folder import AppFolder
    from harness.engines.knowledge import Knowledge
    from harness.server.http import Request
    from harness.trials import Project

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

MOST_REST_BODY = 16 * 1024 * 1024
MOST_CONNECTIONS = 4000
MOST_MEMORY = 2_000_000_000
GRACE_SECONDS = 2
REALM = 'Basic realm="/splunk"'
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class ServerExtraMissing(UsageError):
    """The packages of the extra `server` are not installed."""


class PortTaken(HarnessError):
    """Another process listens already."""


class Server:
    """Events, settings, searches and accounts behind the two ports."""

    def __init__(
        self, project: Project, *, user: str, password: str, state: Path | None = None
    ) -> None:
        self.project = project
        self.timezone = project.settings.timezone
        self.started = time.time()
        self.is_broken = False
        self.guid = secrets.token_hex(16).upper()
        self.store = Store(
            project.knowledge,
            state,
            timezone=self.timezone,
            memory=project.settings.memory or default_memory(),
        )
        self.configuration = Configuration(project.apps, self.store)
        self.accounts = Accounts(user, password, self.store)
        self.keys = Keys(self.store, self.accounts)
        self.access = Access(self.configuration, self.accounts)
        self.indexer = Indexer(self.store, project.apps)
        self.jobs = Jobs(self.store, self.knowledge_in, project.settings.limits, self.broken)
        self.collector = Collector(
            self.configuration, self.indexer, self.index_names, self.timezone
        )
        self.router = Router()
        add_entities(self.router, Entities(self))
        add_access(self.router, self)
        add_keys(self.router, self)
        add_conf(self.router, self)
        add_saved(self.router, self, add_searches(self.router, self))
        self.router.add("POST", "auth/login", self.login)

    def knowledge_in(self, app: str) -> Knowledge:
        """What a search knows in an app; in one that is not loaded, what it knows in any."""
        known = any(one.name == app for one in self.project.apps.folders if not one.system)
        return self.project.knowledge_in(app if known else None)

    def index_names(self) -> set[str]:
        """The indexes that there are."""
        held = {group.index for group in self.store.visible.groups.values()}
        return {*OWN_INDEXES, *self.configuration.written("indexes"), *held}

    def app_conf(self, folder: AppFolder) -> dict[str, str]:
        """What an app's app.conf says of its label and version."""
        found: dict[str, str] = {}
        for stanza in self.project.apps.layers.written(folder, "app"):
            if stanza.name in ("ui", "launcher", "id"):
                found |= {key: setting.value for key, setting in stanza.settings.items()}
        return found

    def broken(self) -> None:
        """End: a search broke the database, and what is not on the disk is lost."""
        sys.stderr.write("error: a search broke the engine; start the server again\n")
        self.is_broken = True
        os.kill(os.getpid(), signal.SIGTERM)

    def load(self, batches: Any) -> int:
        """Add events before anybody asks."""
        return self.store.add(batches)

    def close(self) -> None:
        """Index what has arrived, stop the searches, and let go of the state."""
        self.collector.closing = True
        self.indexer.close()
        self.jobs.close()
        self.store.close()

    # REST

    async def login(self, request: Request) -> Response:
        """A session for a name and a password."""
        user, password = request.get("username"), request.get("password")
        key = await asyncio.to_thread(self.accounts.login, user, password)
        if key is None:
            return messages(request, 401, "WARN", "Login failed")
        found = plain(request, "sessionKey", key)
        if request.get("cookie") == "1":
            cookie = f"splunkd_8089={key}; Path=/; Secure; HttpOnly; SameSite=Strict"
            found.headers = (("Set-Cookie", cookie),)
        return found

    async def _authenticate(self, request: Request) -> None:
        told = request.headers.get("authorization", "")
        scheme, _, rest = told.partition(" ")
        user: str | None = None
        if scheme.lower() in ("splunk", "bearer"):
            request.session = rest.strip()
            user = self.accounts.user_of(request.session) or self.keys.user_of(request.session)
        elif scheme.lower() == "basic":
            try:
                name, _, password = b64decode(rest, validate=True).decode().partition(":")
            except ValueError:
                name = password = ""
            user = await asyncio.to_thread(self.accounts.knows, name, password)
        elif not told and "cookie" in request.headers:
            for value in _cookies(request.headers["cookie"]):
                user = user or self.accounts.user_of(value)
        if user is None:
            raise Refusal(401, "call not properly authenticated", "WARN")
        request.user = user

    async def rest(self, request: Request, receive: Receive) -> Response:
        """The answer to a request on the management port."""
        parts = request.parts
        if parts[0] == "servicesNS" and len(parts) > 3:
            request.owner, request.app, request.parts = parts[1], parts[2], parts[3:]
        elif parts[0] == "services" and len(parts) > 1:
            request.parts = parts[1:]
        else:
            raise Refusal(404, "Not Found")
        if request.app in ("-", "system"):
            request.app = ""
        if request.method == "HEAD":
            request.method = "GET"
        handler, needs = self.router.find(request)
        is_open = request.parts == ("server", "info") and not request.headers.get("authorization")
        if request.parts != ("auth", "login") and not is_open:
            await self._authenticate(request)
            if needs:
                self.access.require(request.user, needs)
        request.body = await body_of(receive, request.headers, MOST_REST_BODY)
        return await _while_asked(handler(request), receive)

    # ASGI

    async def management(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI application of the management port."""
        await self._answer(scope, receive, send, self.rest, _told_rest)

    async def events(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI application of the Event Collector's port."""
        await self._answer(scope, receive, send, self.collector.respond, _told_hec)

    async def _answer(
        self,
        scope: Mapping[str, Any],
        receive: Receive,
        send: Send,
        handler: Callable[[Request, Receive], Awaitable[Response]],
        told: Callable[[Request | None, Refusal], Response],
    ) -> None:
        if scope["type"] != "http":
            return
        request = None
        head = scope["method"] == "HEAD"
        try:
            request = request_of(scope)
            response = await handler(request, receive)
        except Refusal as error:
            response = told(request, error)
        except HarnessError as error:
            response = told(request, Refusal(400, error.render(), "FATAL"))
        except Exception as error:  # noqa: BLE001 - one request's defect must not end the server
            traceback.print_exc()
            response = told(
                request, Refusal(500, f"a defect of the server: {type(error).__name__}")
            )
        await send_response(send, response, head=head)


async def _while_asked(answering: Awaitable[Response], receive: Receive) -> Response:
    """The answer, or a refusal that nobody reads once the client has gone: its search ends."""
    task = asyncio.ensure_future(answering)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
        if task.cancelled():
            raise Refusal(400, "the client has gone")
        return task.result()
    finally:
        gone.cancel()
        task.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def default_memory() -> str:
    """What searches may use: so little that no text can get too long for the engine (4 GB)."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(MOST_MEMORY, whole * 6 // 10) // 1_000_000}MB"


def _told_rest(request: Request | None, error: Refusal) -> Response:
    found = messages(request, error.status, error.kind, error.message)
    if error.status == 401:
        found.headers = (("WWW-Authenticate", REALM),)
    return found


def _told_hec(request: Request | None, error: Refusal) -> Response:  # noqa: ARG001 - as above
    if error.status in (404, 405):
        body = json.dumps({"text": error.message, "code": error.status})
        return Response(body.encode(), error.status, "application/json; charset=UTF-8")
    if error.status == 500:
        return answer(8)
    return answer(27 if error.status == 413 else 6)


def _cookies(text: str) -> list[str]:
    try:
        found = SimpleCookie(text)
    except CookieError:
        return []
    return [one.value for name, one in found.items() if name.startswith("splunkd_")]


async def listen(
    server: Server,
    *,
    host: str,
    port: int,
    hec_port: int,
    tls: bool,
    state: Path | None,
    ready: Callable[[int, int, str], None],
) -> None:
    """Answer on both ports until a signal comes; `ready` is told the ports and the certificate."""
    import uvicorn  # noqa: PLC0415 - 0.1 s that only the server pays

    from harness.server.connections import BoundedProtocol  # noqa: PLC0415 - comes with uvicorn

    _allow_connections()
    context, certificate = tls_context(host, state) if tls else (None, "")
    running = []
    sockets = []
    for application, number in ((server.management, port), (server.events, hec_port)):
        config = uvicorn.Config(
            application,
            host=host,
            port=number,
            interface="asgi3",
            http=BoundedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
            limit_concurrency=MOST_CONNECTIONS,
            backlog=2048,
            h11_max_incomplete_event_size=64 * 1024,
        )
        config.load()
        config.ssl = context
        one = uvicorn.Server(config)
        running.append(one)
        sockets.append(_bound(host, number))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.collector.closing = True
        for one in running:
            one.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    tasks = [
        asyncio.create_task(one._serve([sock]))  # noqa: SLF001 - without its signal handlers
        for one, sock in zip(running, sockets, strict=True)
    ]
    while not all(one.started for one in running):
        if any(task.done() for task in tasks):
            break
        await asyncio.sleep(0.005)
    else:
        ready(sockets[0].getsockname()[1], sockets[1].getsockname()[1], certificate)
    await asyncio.gather(*tasks)


def _allow_connections() -> None:
    """Many systems give a process 1,024 open files where it may have more."""
    import resource  # noqa: PLC0415 - not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS + 1000  # both ports, and what is open besides
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bound(host: str, port: int) -> Any:
    import socket  # noqa: PLC0415 - loaded by then

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hints=["another server may be running; choose with --port and --hec-port"],
        ) from error
    found.listen(2048)
    found.setblocking(False)
    return found

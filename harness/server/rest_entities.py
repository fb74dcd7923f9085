"""Endpoints of what the server has: itself, apps, indexes, tokens.

Source: REST API Reference, the pages on system, applications, indexes, inputs, access and
configuration endpoints.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.apps.conf import as_boolean
from harness.server.access import EDIT_INDEXES, EDIT_TOKENS
from harness.server.atom import (
    BUILD,
    VERSION,
    Entry,
    Page,
    feed,
    one_entry,
    page_of,
)
from harness.server.faults import Refusal, not_found
from harness.server.hec import INPUT
from harness.server.jobs import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.server.app import Server
    from harness.server.http import Request, Response, Router

INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
OWN_INDEXES = ("main", "risk", "notable", "summary", "_internal", "_audit")
RESERVED = frozenset(
    "name output_mode count offset search sort_dir sort_key sort_mode f owner app sharing".split()
)
LISTS = frozenset("imported_roles capabilities srchIndexesAllowed srchIndexesDefault roles".split())


def add_routes(router: Router, found: Entities) -> None:
    """The routes of this module."""
    for method, path, handler, needs in (
        ("GET", "server/info", found.info, ""),
        ("GET", "server/info/{name}", found.info, ""),
        ("GET", "server/settings", found.settings, ""),
        ("GET", "server/settings/{name}", found.settings, ""),
        ("GET", "messages", found.no_messages, ""),
        ("GET", "apps/local", found.apps, ""),
        ("GET", "apps/local/{name}", found.app, ""),
        ("GET", "data/indexes", found.indexes, ""),
        ("POST", "data/indexes", found.new_index, EDIT_INDEXES),
        ("GET", "data/indexes/{name}", found.index, ""),
        ("POST", "data/indexes/{name}", found.change_index, EDIT_INDEXES),
        ("DELETE", "data/indexes/{name}", found.remove_index, EDIT_INDEXES),
        ("GET", "data/inputs", found.inputs, ""),
        ("GET", "data/inputs/http", found.tokens, EDIT_TOKENS),
        ("POST", "data/inputs/http", found.new_token, EDIT_TOKENS),
        ("GET", "data/inputs/http/{name}", found.token, EDIT_TOKENS),
        ("POST", "data/inputs/http/{name}", found.change_token, EDIT_TOKENS),
        ("POST", "data/inputs/http/{name}/{action}", found.switch_token, EDIT_TOKENS),
        ("DELETE", "data/inputs/http/{name}", found.remove_token, EDIT_TOKENS),
    ):
        router.add(method, path, handler, needs)


def told(request: Request) -> dict[str, str]:
    """The settings that a request gives; several values of one are joined."""
    found: dict[str, str] = {}
    for key, value in request.form:
        if key in RESERVED:
            continue
        found[key] = f"{found[key]};{value}" if key in found and key in LISTS else value
    return found


class Entities:
    """The handlers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.configuration = server.configuration

    # The server itself

    async def info(self, request: Request) -> Response:
        """What the server says of itself."""
        content: dict[str, Any] = {
            "version": VERSION,
            "build": BUILD,
            "serverName": "harness",
            "host": "harness",
            "host_fqdn": "localhost",
            "guid": self.server.guid,
            "os_name": "Linux",
            "os_name_extended": "Linux",
            "cpu_arch": "x86_64",
            "product_type": "enterprise",
            "instance_type": "detection-harness",
            "isFree": False,
            "isTrial": False,
            "isForwarding": False,
            "activeLicenseGroup": "Enterprise",
            "licenseState": "OK",
            "mode": "normal",
            "numberOfCores": 2,
            "server_roles": ["indexer", "search_head", "kv_store"],
            "kvStoreStatus": "ready",
            "health_info": "green",
            "startup_time": int(self.server.started),
            "timezone": self.server.timezone,
        }
        entry = Entry("server-info", "/services/server/info", content)
        return one_entry(request, entry)

    async def settings(self, request: Request) -> Response:
        """The settings that clients read; there is no web interface."""
        content: dict[str, Any] = {
            "SPLUNK_DB": "/opt/splunk/var/lib/splunk",
            "SPLUNK_HOME": "/opt/splunk",
            "appServerPorts": "0",
            "enableSplunkWebSSL": False,
            "host": "harness",
            "httpport": 8000,
            "kvStoreDisabled": False,
            "mgmtHostPort": "8089",
            "minFreeSpace": 5000,
            "pass4SymmKey": "********",
            "serverName": "harness",
            "sessionTimeout": "1h",
            "startwebserver": False,
            "trustedIP": None,
        }
        return one_entry(request, Entry("settings", "/services/server/settings", content))

    async def no_messages(self, request: Request) -> Response:
        """No restart is ever required."""
        return feed(request, "messages", "/services/messages", Page())

    def _app_entries(self) -> list[Entry]:
        found = []
        for folder in self.server.project.apps.folders:
            if folder.system:
                continue
            conf = self.server.app_conf(folder)
            found.append(self._app(folder.name, conf.get("label"), conf.get("version")))
        names = {entry.name for entry in found}
        found += [self._app(name, None, VERSION) for name in ("search",) if name not in names]
        return sorted(found, key=lambda one: one.name)

    def _app(self, name: str, label: str | None, version: str | None) -> Entry:
        content = {
            "label": label or name,
            "version": version or "0.0.0",
            "visible": True,
            "disabled": False,
            "configured": True,
            "check_for_updates": False,
            "state_change_requires_restart": False,
            "author": "",
            "description": "",
        }
        return Entry(name, "/servicesNS/nobody/system/apps/local", content)

    async def apps(self, request: Request) -> Response:
        """The apps that are loaded."""
        page = page_of(request, self._app_entries())
        return feed(request, "localapps", "/services/apps/local", page)

    async def app(self, request: Request) -> Response:
        """One app."""
        return one_entry(request, _named(self._app_entries(), request.captured["name"]))

    # Indexes

    def _index_entries(self) -> list[Entry]:
        counts = self.server.store.index_counts()
        written = self.configuration.written("indexes")
        return [
            self._index(name, counts.get(name, (0, None, None)), written.get(name, {}))
            for name in sorted(self.server.index_names())
        ]

    def _index(
        self, name: str, counted: tuple[int, float | None, float | None], said: Any
    ) -> Entry:
        count, first, last = counted
        content = {
            "datatype": "event",
            "disabled": False,
            "isInternal": name.startswith("_"),
            "totalEventCount": count,
            "currentDBSizeMB": 1,
            "minTime": _iso(first),
            "maxTime": _iso(last),
            "maxTotalDataSizeMB": 500_000,
            "frozenTimePeriodInSecs": 188_697_600,
            "homePath": f"$SPLUNK_DB/{name}/db",
            "coldPath": f"$SPLUNK_DB/{name}/colddb",
            "thawedPath": f"$SPLUNK_DB/{name}/thaweddb",
            **said,
        }
        links = ("list", "edit", "remove") if name not in OWN_INDEXES else ("list", "edit")
        return Entry(name, "/servicesNS/nobody/system/data/indexes", content, links=links)

    async def indexes(self, request: Request) -> Response:
        """The indexes."""
        entries = self._index_entries()
        if request.get("datatype") == "metric":
            entries = []
        return feed(request, "indexes", "/services/data/indexes", page_of(request, entries))

    async def index(self, request: Request) -> Response:
        """One index."""
        return one_entry(request, _named(self._index_entries(), request.captured["name"]))

    async def new_index(self, request: Request) -> Response:
        """Make an index."""
        name = request.get("name")
        if INDEX_NAME.fullmatch(name) is None or name == "kvstore":
            raise Refusal(400, f"Invalid index name '{name[:100]}'")
        if name in self.server.index_names():
            raise Refusal(409, f"Index name={name} already exists.")
        if request.get("datatype", "event") != "event":
            raise Refusal(400, "metric indexes are not supported")
        self.configuration.set("indexes", name, told(request))
        return one_entry(request, _named(self._index_entries(), name), status=201)

    async def change_index(self, request: Request) -> Response:
        """Change an index's settings, which count for nothing here but are kept."""
        name = request.captured["name"]
        entry = _named(self._index_entries(), name)
        self.configuration.set("indexes", name, told(request))
        return one_entry(request, _named(self._index_entries(), entry.name))

    async def remove_index(self, request: Request) -> Response:
        """Remove an index with its events."""
        name = request.captured["name"]
        _named(self._index_entries(), name)
        if name in OWN_INDEXES:
            raise Refusal(400, f"The index {name} cannot be deleted")
        self.server.store.remove_index(name)
        if name in self.configuration.written("indexes"):
            self.configuration.remove("indexes", name)
        page = page_of(request, self._index_entries())
        return feed(request, "indexes", "/services/data/indexes", page)

    # Inputs

    async def inputs(self, request: Request) -> Response:
        """The kinds of inputs: the Event Collector alone."""
        entry = Entry("http", "/servicesNS/nobody/system/data/inputs", {}, links=("create", "list"))
        page = Page(0, 30, 1, [entry])
        return feed(request, "inputs", "/services/data/inputs", page)

    def _token_entries(self) -> list[Entry]:
        return [
            Entry(
                name,
                "/servicesNS/nobody/splunk_httpinput/data/inputs/http",
                _token_content(said),
                app="splunk_httpinput",
                links=("list", "edit", "remove", "enable", "disable"),
            )
            for name, said in self.configuration.written("inputs").items()
            if name.startswith(INPUT)
        ]

    def _token(self, name: str) -> Entry:
        # contentctl quotes the name twice, and Splunk takes that.
        plain_name = unquote(name)
        full = plain_name if plain_name.startswith(INPUT) else INPUT + plain_name
        return _named(self._token_entries(), full)

    async def tokens(self, request: Request) -> Response:
        """The tokens of the Event Collector."""
        page = page_of(request, self._token_entries())
        return feed(request, "http", "/services/data/inputs/http", page)

    async def token(self, request: Request) -> Response:
        """One token."""
        return one_entry(request, self._token(request.captured["name"]))

    async def new_token(self, request: Request) -> Response:
        """Make a token."""
        name = request.get("name").removeprefix(INPUT)
        if not name or len(name) > 200 or not name.isprintable():
            raise Refusal(400, "a token needs a name")
        if INPUT + name in self.configuration.written("inputs"):
            raise Refusal(409, f"An object with name={name} already exists")
        said = told(request)
        self._check_indexes(said)
        secret = said.get("token") or new_id().lower()
        for other in self.configuration.written("inputs").values():
            if other.get("token", "").lower() == secret.lower():
                raise Refusal(409, "another input has this token")
        self.configuration.set("inputs", INPUT + name, {**said, "token": secret})
        return one_entry(request, self._token(name), status=201)

    def _check_indexes(self, said: dict[str, str]) -> None:
        names = [one.strip() for one in said.get("indexes", "").split(",") if one.strip()]
        for name in (*names, *([said["index"]] if said.get("index") else [])):
            if name not in self.server.index_names():
                raise Refusal(400, f"the index {name} does not exist")

    async def change_token(self, request: Request) -> Response:
        """Change what a token says."""
        entry = self._token(request.captured["name"])
        said = told(request)
        self._check_indexes(said)
        self.configuration.set("inputs", entry.name, said)
        return one_entry(request, self._token(entry.name))

    async def switch_token(self, request: Request) -> Response:
        """Enable or disable a token."""
        action = request.captured["action"]
        entry = self._token(request.captured["name"])
        if action not in ("enable", "disable"):
            raise not_found()
        disabled = "1" if action == "disable" else "0"
        self.configuration.set("inputs", entry.name, {"disabled": disabled})
        return one_entry(request, self._token(entry.name))

    async def remove_token(self, request: Request) -> Response:
        """Remove a token."""
        entry = self._token(request.captured["name"])
        self.configuration.remove("inputs", entry.name)
        return await self.tokens(request)


def _named(entries: list[Entry], name: str) -> Entry:
    for entry in entries:
        if entry.name == name:
            return entry
    raise not_found(f"Could not find object id={name}")


def _token_content(said: Mapping[str, str]) -> dict[str, Any]:
    """What an entry says of a token."""
    content: dict[str, Any] = {"host": "", "index": "main", "source": "", "sourcetype": "", **said}
    content["useACK"] = as_boolean(said.get("useACK"), default=False)
    content["disabled"] = as_boolean(said.get("disabled"), default=False)
    content["indexes"] = [one for one in said.get("indexes", "").split(",") if one]
    return content


def _iso(moment: float | None) -> str:
    if moment is None:
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(moment))

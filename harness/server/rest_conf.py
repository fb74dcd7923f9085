"""Endpoints of configuration files: `properties` gives plain values, `configs` whole stanzas.

Source: REST API Reference, "Configuration endpoint descriptions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.server.atom import Entry, feed, messages, one_entry, page_of, plain
from harness.server.faults import Refusal, not_found
from harness.server.http import ADMINISTRATOR, Response
from harness.server.rest_entities import told

if TYPE_CHECKING:
    from harness.server.app import Server
    from harness.server.http import Request, Router

SECRET = frozenset({"inputs", "authorize", "passwords", "server"})
"""Files whose settings are not for everybody."""


def add_routes(router: Router, server: Server) -> None:
    """The routes of this module."""
    found = ConfigurationFiles(server)
    for method, path, handler in (
        ("GET", "properties", found.files),
        ("POST", "properties", found.new_file),
        ("GET", "properties/{file}", found.properties),
        ("POST", "properties/{file}", found.new_properties),
        ("GET", "properties/{file}/{stanza}", found.stanza_properties),
        ("POST", "properties/{file}/{stanza}", found.set_properties),
        ("GET", "properties/{file}/{stanza}/{key}", found.property),
        ("POST", "properties/{file}/{stanza}/{key}", found.set_property),
        ("GET", "configs/{conf}", found.conf),
        ("POST", "configs/{conf}", found.new_stanza),
        ("GET", "configs/{conf}/{stanza}", found.stanza),
        ("POST", "configs/{conf}/{stanza}", found.change_stanza),
        ("DELETE", "configs/{conf}/{stanza}", found.remove_stanza),
    ):
        router.add(method, path, handler)


class ConfigurationFiles:
    """The handlers."""

    def __init__(self, server: Server) -> None:
        self.configuration = server.configuration
        self.access = server.access

    def _file(self, request: Request) -> str:
        """The file that is asked for; one that holds secrets is the administrators'."""
        file = request.captured["file"]
        if file in SECRET:
            self.access.require(request.user, ADMINISTRATOR)
        return file

    # Properties: plain texts

    async def files(self, request: Request) -> Response:
        """The names of the configuration files."""
        entries = [Entry(n, "/services/properties", {}) for n in self.configuration.names()]
        return feed(request, "properties", "/services/properties", page_of(request, entries, 0))

    async def new_file(self, request: Request) -> Response:
        """A configuration file comes into being with its first stanza."""
        self.configuration.stanzas(request.get("__conf"))
        return messages(request, 201, "INFO", "created")

    async def properties(self, request: Request) -> Response:
        """The stanzas of a file."""
        file = self._file(request)
        found = self.configuration.stanzas(file)
        if not found and file not in self.configuration.names():
            raise not_found(f"{file} does not exist")
        path = f"/services/properties/{file}"
        entries = [Entry(name, path, {}) for name in found]
        return feed(request, file, path, page_of(request, entries, 0))

    async def new_properties(self, request: Request) -> Response:
        """Make a stanza."""
        file, stanza = request.captured["file"], request.get("__stanza")
        self.configuration.set(file, stanza, {})
        return Response(
            status=201, headers=(("Location", f"/services/properties/{file}/{quote(stanza)}"),)
        )

    async def stanza_properties(self, request: Request) -> Response:
        """The keys of a stanza."""
        file, stanza = self._file(request), request.captured["stanza"]
        path = f"/services/properties/{file}/{quote(stanza, safe='')}"
        found = self.configuration.stanza(file, stanza)
        entries = [Entry(key, path, {key: value}) for key, value in found.items()]
        return feed(request, stanza, path, page_of(request, entries, 0))

    async def set_properties(self, request: Request) -> Response:
        """Set keys of a stanza."""
        self.configuration.set(request.captured["file"], request.captured["stanza"], told(request))
        return messages(request, 200, "INFO", "Successfully modified")

    async def property(self, request: Request) -> Response:
        """The value of a key, as plain text."""
        caught = request.captured
        found = self.configuration.stanza(self._file(request), caught["stanza"])
        if caught["key"] not in found:
            raise not_found(f"{caught['key']} does not exist")
        return Response(found[caught["key"]].encode(), kind="text/plain; charset=UTF-8")

    async def set_property(self, request: Request) -> Response:
        """Set the value of a key."""
        caught = request.captured
        values = {caught["key"]: request.get("value")}
        self.configuration.set(caught["file"], caught["stanza"], values)
        return plain(request, "msg", f"Successfully set {caught['key']}")

    # configs/conf-FILE

    def _conf_name(self, request: Request) -> str:
        name = request.captured["conf"]
        if not name.startswith("conf-"):
            raise not_found()
        request.captured["file"] = name.removeprefix("conf-")
        return self._file(request)

    def _stanza_entry(self, file: str, name: str, said: dict[str, str], app: str) -> Entry:
        path = f"/servicesNS/nobody/{quote(app or 'system', safe='')}/configs/conf-{file}"
        written = self.configuration.written(file)
        links = ("list", "edit", "remove") if name in written else ("list", "edit")
        content = {"disabled": False, "eai:appName": app or "system", **said}
        return Entry(name, path, content, app=app or "system", links=links)

    async def conf(self, request: Request) -> Response:
        """The stanzas of a file, with all that they say."""
        file = self._conf_name(request)
        found = self.configuration.stanzas(file)
        entries = [self._stanza_entry(file, n, said, request.app) for n, said in found.items()]
        page = page_of(request, entries)
        return feed(request, f"conf-{file}", f"/services/configs/conf-{file}", page)

    async def new_stanza(self, request: Request) -> Response:
        """Make a stanza."""
        file, name = self._conf_name(request), request.get("name")
        if name in self.configuration.stanzas(file):
            raise Refusal(409, f"An object with name={name} already exists")
        self.configuration.set(file, name, told(request))
        said = self.configuration.stanza(file, name)
        return one_entry(request, self._stanza_entry(file, name, said, request.app), status=201)

    async def stanza(self, request: Request) -> Response:
        """One stanza."""
        file, name = self._conf_name(request), request.captured["stanza"]
        said = self.configuration.stanza(file, name)
        return one_entry(request, self._stanza_entry(file, name, said, request.app))

    async def change_stanza(self, request: Request) -> Response:
        """Set keys of a stanza."""
        file, name = self._conf_name(request), request.captured["stanza"]
        self.configuration.stanza(file, name)
        self.configuration.set(file, name, told(request))
        return await self.stanza(request)

    async def remove_stanza(self, request: Request) -> Response:
        """Forget a stanza that a client wrote."""
        self.configuration.remove(self._conf_name(request), request.captured["stanza"])
        return await self.conf(request)

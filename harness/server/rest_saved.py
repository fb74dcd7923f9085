"""Endpoints of saved searches: kept, changed, and run as jobs.

Source: REST API Reference, "saved/searches".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.server.access import SEARCH
from harness.server.atom import Entry, feed, one_entry, page_of, plain
from harness.server.faults import Refusal, not_found
from harness.server.http import ADMINISTRATOR
from harness.server.rest_entities import told

if TYPE_CHECKING:
    from harness.server.app import Server
    from harness.server.http import Request, Response, Router
    from harness.server.rest_search import Searches

FILE = "savedsearches"
OWNER = "eai:acl.owner"
"""A setting of ours: who saved a search, and so may change it."""


def add_routes(router: Router, server: Server, searches: Searches) -> None:
    """The routes of this module."""
    found = SavedSearches(server, searches)
    for method, path, handler, needs in (
        ("GET", "saved/searches", found.saved, ""),
        ("POST", "saved/searches", found.save, SEARCH),
        ("GET", "saved/searches/{name}", found.saved_one, ""),
        ("POST", "saved/searches/{name}", found.change_saved, SEARCH),
        ("DELETE", "saved/searches/{name}", found.remove_saved, SEARCH),
        ("POST", "saved/searches/{name}/dispatch", found.dispatch, SEARCH),
        ("GET", "saved/searches/{name}/history", found.history, ""),
        ("POST", "saved/searches/{name}/acl", found.saved_one, ""),
        ("POST", "saved/searches/{name}/{action}", found.switch_saved, SEARCH),
    ):
        router.add(method, path, handler, needs)


class SavedSearches:
    """The handlers."""

    def __init__(self, server: Server, searches: Searches) -> None:
        self.server = server
        self.searches = searches

    def _saved(self) -> dict[str, dict[str, str]]:
        return {
            name: said
            for name, said in self.server.configuration.stanzas(FILE).items()
            if name != "default" and said.get("search")
        }

    def _saved_entry(self, name: str, said: dict[str, str], request: Request) -> Entry:
        app = request.app or "search"
        content = {
            "disabled": False,
            "is_scheduled": False,
            "is_visible": True,
            "description": "",
            "cron_schedule": "",
            "actions": "",
            "alert.suppress": False,
            "alert_type": "always",
            "dispatch.earliest_time": "",
            "dispatch.latest_time": "",
            "dispatch.ttl": "2p",
            "dispatch.max_count": "500000",
            "max_concurrent": "1",
            "next_scheduled_time": "",
            "qualifiedSearch": said["search"],
            "triggered_alert_count": "0",
            **{key: value for key, value in said.items() if key != OWNER},
        }
        user = said.get(OWNER, "nobody")
        written = name in self.server.configuration.written(FILE)
        links = (
            "list",
            "edit",
            *(("remove",) if written else ()),
            "disable",
            "dispatch",
            "history",
        )
        path = f"/servicesNS/nobody/{app}/saved/searches"
        return Entry(name, path, content, owner=user, app=app, links=links, author=user)

    def _saved_named(self, request: Request) -> tuple[str, dict[str, str]]:
        name = request.captured["name"]
        said = self._saved().get(name)
        if said is None:
            raise not_found(f"Could not find object id={name}")
        return name, said

    def _own(self, request: Request) -> str:
        """The name of a saved search that whoever asks may change."""
        name, said = self._saved_named(request)
        if said.get(OWNER) != request.user:
            self.server.access.require(request.user, ADMINISTRATOR)
        return name

    async def saved(self, request: Request) -> Response:
        """The saved searches."""
        entries = [self._saved_entry(n, said, request) for n, said in sorted(self._saved().items())]
        return feed(request, "savedsearch", "/services/saved/searches", page_of(request, entries))

    async def saved_one(self, request: Request) -> Response:
        """One saved search."""
        return one_entry(request, self._saved_entry(*self._saved_named(request), request))

    async def save(self, request: Request) -> Response:
        """Save a search."""
        name = request.get("name")
        if not name:
            raise Refusal(400, "a saved search needs a name")
        if name in self._saved():
            raise Refusal(
                409,
                f"Unable to create saved search with name '{name}'. A saved search"
                " with that name already exists.",
            )
        said = {**told(request), "search": request.get("search"), OWNER: request.user}
        self.server.jobs.checked(said["search"], request.app)
        self.server.configuration.set(FILE, name, said)
        entry = self._saved_entry(name, self._saved()[name], request)
        return one_entry(request, entry, status=201)

    async def change_saved(self, request: Request) -> Response:
        """Change a saved search."""
        name = self._own(request)
        said = told(request)
        said.pop(OWNER, None)
        if request.get("search"):
            said["search"] = request.get("search")
            self.server.jobs.checked(said["search"], request.app)
        self.server.configuration.set(FILE, name, said)
        return await self.saved_one(request)

    async def switch_saved(self, request: Request) -> Response:
        """Enable or disable a saved search."""
        name = self._own(request)
        action = request.captured["action"]
        if action not in ("enable", "disable"):
            raise not_found()
        self.server.configuration.set(FILE, name, {"disabled": str(int(action == "disable"))})
        return await self.saved_one(request)

    async def remove_saved(self, request: Request) -> Response:
        """Remove a saved search that a client made."""
        name = self._own(request)
        self.server.configuration.remove(FILE, name)
        return await self.saved(request)

    async def dispatch(self, request: Request) -> Response:
        """Run a saved search as a job."""
        name, said = self._saved_named(request)
        given = dict(request.form)
        options = {
            key.removeprefix("dispatch."): value
            for key, value in (*said.items(), *given.items())
            if key.startswith("dispatch.") and value
        }
        options = {
            key: value
            for key, value in options.items()
            if key in ("earliest_time", "latest_time", "max_count")
        }
        arguments = {k[5:]: v for k, v in given.items() if k.startswith("args.")}
        search = said["search"]
        for key, value in arguments.items():
            search = search.replace(f"$args.{key}$", value).replace(f"${key}$", value)
        job = self.searches.new(request, search, options, name)
        return plain(request, "sid", job.sid, status=201)

    async def history(self, request: Request) -> Response:
        """The jobs of a saved search."""
        name, _ = self._saved_named(request)
        every = self.server.access.is_administrator(request.user)
        entries = [
            self.searches.entry(job)
            for job in self.server.jobs.listed()
            if job.label == name and (every or job.owner == request.user)
        ]
        for entry in entries:
            entry.title = entry.name  # splunk-sdk reads the job's id from the title here
        path = f"/services/saved/searches/{name}/history"
        return feed(request, name, path, page_of(request, entries))

"""Endpoints of roles and users.

Source: REST API Reference, "Access endpoint descriptions".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from harness.server.access import (
    CAPABILITIES,
    EDIT_ROLES,
    EDIT_USERS,
    LISTS,
    OWN_PASSWORD,
    ROLES,
    Role,
)
from harness.server.accounts import PASSWORD
from harness.server.atom import Entry, feed, one_entry, page_of
from harness.server.faults import Refusal, not_found
from harness.server.rest_entities import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.server.app import Server
    from harness.server.http import Request, Response, Router

ROLES_PATH, USERS_PATH = "/services/authorization/roles", "/services/authentication/users"
KEPT = ("roles", "tz", "realname", "email", "defaultApp", "lang")
"""What is kept of a user beside the password."""
INHERITED = {
    "capabilities": "imported_capabilities",
    "srchIndexesAllowed": "imported_srchIndexesAllowed",
    "srchIndexesDefault": "imported_srchIndexesDefault",
}


def add_routes(router: Router, server: Server) -> None:
    """The routes of this module."""
    found = People(server)
    for method, path, handler, needs in (
        ("GET", "authorization/roles", found.roles, ""),
        ("POST", "authorization/roles", found.new_role, EDIT_ROLES),
        ("GET", "authorization/roles/{name}", found.role, ""),
        ("POST", "authorization/roles/{name}", found.change_role, EDIT_ROLES),
        ("DELETE", "authorization/roles/{name}", found.remove_role, EDIT_ROLES),
        ("GET", "authorization/capabilities", found.capabilities, ""),
        ("GET", "authentication/current-context", found.context, ""),
        ("GET", "authentication/current-context/context", found.context, ""),
        ("GET", "authentication/users", found.users, ""),
        ("POST", "authentication/users", found.new_user, EDIT_USERS),
        ("GET", "authentication/users/{name}", found.user, ""),
        ("POST", "authentication/users/{name}", found.change_user, ""),
        ("DELETE", "authentication/users/{name}", found.remove_user, EDIT_USERS),
    ):
        router.add(method, path, handler, needs)


class People:
    """The handlers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.access = server.access
        self.accounts = server.accounts

    # Roles

    def _role(self, role: Role, known: Mapping[str, Role]) -> Entry:
        content: dict[str, Any] = {
            "defaultApp": "", "srchFilter": "", "srchFilterSelecting": "1", "srchTimeWin": -1,
            "srchJobsQuota": 3, "rtSrchJobsQuota": 6, "srchDiskQuota": 100, **role.told,
        }  # fmt: skip
        content |= {key: list(role.lists[key]) for key in LISTS}
        for key, name in INHERITED.items():
            above = [one for other in role.imported for one in known[other].lists[key]]
            content[name] = list(dict.fromkeys(above))
        content["imported_capabilities"] = sorted(role.gained)
        links = ("list", "edit") if role.name in ROLES else ("list", "edit", "remove")
        return Entry(role.name, ROLES_PATH, content, sharing="system", links=links)

    async def roles(self, request: Request) -> Response:
        """The roles."""
        known = self.access.roles()
        page = page_of(request, [self._role(one, known) for one in known.values()])
        return feed(request, "roles", ROLES_PATH, page)

    def _one_role(self, request: Request, name: str, status: int = 200) -> Response:
        found = self.access.role(name)
        return one_entry(request, self._role(found, self.access.roles()), status=status)

    async def role(self, request: Request) -> Response:
        """One role."""
        return self._one_role(request, request.captured["name"])

    async def new_role(self, request: Request) -> Response:
        """Make a role."""
        name = request.get("name")
        self.access.create(name, told(request))
        return self._one_role(request, name, 201)

    async def change_role(self, request: Request) -> Response:
        """Change a role; a list that is given replaces what it was."""
        self.access.change(request.captured["name"], told(request))
        return self._one_role(request, request.captured["name"])

    async def remove_role(self, request: Request) -> Response:
        """Remove a role."""
        self.access.remove(request.captured["name"])
        return await self.roles(request)

    async def capabilities(self, request: Request) -> Response:
        """The names of all capabilities."""
        names = sorted({*CAPABILITIES, *(c for r in self.access.roles().values() for c in r.own)})
        path = "/services/authorization"
        return one_entry(request, Entry("capabilities", path, {"capabilities": names}))

    # Users

    def _user(self, name: str) -> Entry:
        kept = self.accounts.named(name)
        content: dict[str, Any] = {
            "realname": "", "email": "", "lang": "", "tz": self.server.timezone, "type": "Splunk",
            "defaultApp": "search", "defaultAppIsUserOverride": False, "locked-out": False,
            "force-change-pass": False, "password": "********",
            **{key: value for key, value in kept.items() if key != PASSWORD},
            "roles": list(self.accounts.roles(name)),
            "capabilities": sorted(self.access.capabilities(name)),
        }  # fmt: skip
        is_first = name == self.accounts.administrator
        links = ("list", "edit") if is_first else ("list", "edit", "remove")
        return Entry(name, USERS_PATH, content, owner="system", sharing="system", links=links)

    def _sees_all(self, request: Request) -> bool:
        return EDIT_USERS in self.access.capabilities(request.user)

    def _named(self, request: Request) -> str:
        """The user whom a request is about; others than oneself are for administrators."""
        name = request.captured["name"]
        name = name if name == self.accounts.administrator else name.lower()
        if name != request.user and not self._sees_all(request):
            raise not_found(f"Could not find object id={name}")
        self.accounts.named(name)
        return name

    async def users(self, request: Request) -> Response:
        """The users whom the asking one may see."""
        names = self.accounts.names() if self._sees_all(request) else [request.user]
        page = page_of(request, [self._user(one) for one in names])
        return feed(request, "users", USERS_PATH, page)

    async def user(self, request: Request) -> Response:
        """One user."""
        return one_entry(request, self._user(self._named(request)))

    async def context(self, request: Request) -> Response:
        """Who is asking."""
        entry = self._user(request.user)
        entry.content = {**entry.content, "username": request.user}
        return one_entry(request, entry)

    def _kept(self, request: Request) -> dict[str, str]:
        said = told(request)
        found = {key: said[key] for key in KEPT if key in said}
        self.access.check_roles(found.get("roles", ""))
        if zone := found.get("tz"):
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError):
                raise Refusal(400, f"'{zone[:100]}' is no time zone") from None
        return found

    async def new_user(self, request: Request) -> Response:
        """Make a user, who needs a role."""
        name, kept = request.get("name"), self._kept(request)
        if not kept.get("roles"):
            raise Refusal(400, "a user needs a role")
        await asyncio.to_thread(self.accounts.create, name, request.get(PASSWORD), kept)
        return one_entry(request, self._user(name.lower()), status=201)

    async def change_user(self, request: Request) -> Response:
        """Change a user; oneself may change the password, telling the old one."""
        name, kept, password = self._named(request), self._kept(request), request.get(PASSWORD)
        if not self._sees_all(request):
            self.access.require(request.user, OWN_PASSWORD)
            if "roles" in kept:
                self.access.require(request.user, EDIT_USERS)
            if password and self.accounts.knows(name, request.get("oldpassword")) is None:
                raise Refusal(400, "the old password is not right")
        await asyncio.to_thread(self.accounts.change, name, password, kept)
        return one_entry(request, self._user(name))

    async def remove_user(self, request: Request) -> Response:
        """Remove a user."""
        name = self._named(request)
        self.accounts.remove(name)
        for job in self.server.jobs.listed():
            if job.owner == name:
                self.server.jobs.cancel(job)
        return await self.users(request)

"""Endpoints of authentication tokens.

Source: REST API Reference, "Access endpoint descriptions", authorization/tokens.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.server.access import ALL_KEYS, OWN_KEYS
from harness.server.atom import Entry, feed, one_entry, page_of
from harness.server.faults import Refusal
from harness.trials.trial import moment

if TYPE_CHECKING:
    from harness.server.app import Server
    from harness.server.http import Request, Response, Router
    from harness.server.keys import Key

PATH = "/services/authorization/tokens"


def add_routes(router: Router, server: Server) -> None:
    """The routes of this module."""
    found = TokenEntries(server)
    for method, path, handler in (
        ("GET", "authorization/tokens", found.listed),
        ("POST", "authorization/tokens", found.create),
        ("GET", "authorization/tokens/{name}", found.listed),
        ("POST", "authorization/tokens/{name}", found.change),
        ("DELETE", "authorization/tokens/{name}", found.remove),
    ):
        router.add(method, path, handler, "")


class TokenEntries:
    """The handlers. Who may edit all tokens sees all, everybody else the own ones."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.keys = server.keys

    def _sees_all(self, request: Request) -> bool:
        return ALL_KEYS in self.server.access.capabilities(request.user)

    def _check(self, request: Request, user: str) -> None:
        if not self._sees_all(request):
            self.server.access.require(request.user, OWN_KEYS if user == request.user else ALL_KEYS)

    def _entry(self, key: Key, text: str = "") -> Entry:
        content: dict[str, Any] = {
            "claims": {
                "iss": f"{self.server.accounts.administrator} from harness",
                "sub": key.user,
                "aud": key.audience,
                "idp": "Splunk",
                "jti": key.id,
                "iat": key.made,
                "exp": key.expires,
                "nbr": key.begins or key.made,
            },
            "status": "disabled" if key.disabled else "enabled",
            "lastUsed": 0,
        }
        if text:
            content |= {"id": key.id, "token": text}
        return Entry(key.id, PATH, content, owner=key.user, links=("list", "edit", "remove"))

    async def listed(self, request: Request) -> Response:
        """The tokens, or those of one user; their texts are not told."""
        wanted = request.captured.get("name")
        found = [
            self._entry(key)
            for key in self.keys.all()
            if (self._sees_all(request) or key.user == request.user)
            and wanted in (None, key.user, key.id)
        ]
        return feed(request, "tokens", PATH, page_of(request, found))

    async def create(self, request: Request) -> Response:
        """Make a token for a user: the only answer that has its text."""
        user, audience = request.get("name"), request.get("audience")
        self._check(request, user)
        if not audience or len(audience) > 1000:
            raise Refusal(400, "a token needs an audience")
        expires = self._time(request, "expires_on")
        if expires and expires <= time.time():
            raise Refusal(400, "the token would have expired")
        key, text = self.keys.create(user, audience, expires, self._time(request, "not_before"))
        return one_entry(request, self._entry(key, text), status=201)

    def _time(self, request: Request, name: str) -> int:
        text = request.get(name)
        if text in ("", "0", "never"):
            return 0
        try:
            return int(moment(text, time.time(), self.server.timezone))
        except HarnessError as error:
            raise Refusal(400, f"{name}: {error.message}") from None

    def _named(self, request: Request) -> Key:
        name = request.captured["name"]
        key = self.keys.named(request.get("id") or name)
        self._check(request, key.user)
        return key

    async def change(self, request: Request) -> Response:
        """Enable or disable a token."""
        status = request.get("status")
        if status not in ("enabled", "disabled"):
            raise Refusal(400, "status is enabled or disabled")
        key = self._named(request)
        self.keys.switch(key, disabled=status == "disabled")
        return one_entry(request, self._entry(key))

    async def remove(self, request: Request) -> Response:
        """Remove a token."""
        self.keys.remove(self._named(request))
        return feed(request, "tokens", PATH, page_of(request, []))

"""One instance as this process uses it: what it can do, and what was made on it for the run.

Everything made bears the run's prefix, stands in the ledger, and is removed in the end.
"""

from __future__ import annotations

import atexit
import re
import secrets
import time
from typing import TYPE_CHECKING

from harness.engines.splunk.jobs import Jobs, Window
from harness.engines.splunk.ledger import Ledger
from harness.engines.splunk.rest import Rest, content, entries, part
from harness.replay import Denied, Forbidden, Hec, Rejected, SplunkFault, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engines.splunk.address import Address

PREFIX = "harness-"
HTTP_INPUTS = "/servicesNS/nobody/splunk_httpinput/data/inputs/http"
TOKEN_SECONDS = 20.0
INDEX_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,79}")
MARKER = re.compile(r"[a-z0-9-]+")
ALL = "(index=* OR index=_*)"


class Instance:
    """A connected Splunk."""

    def __init__(self, address: Address, ledger: Ledger | None = None) -> None:
        self.address = address
        self.ledger = ledger or Ledger(address.url)
        self.prefix = f"{PREFIX}{secrets.token_hex(4)}"
        self.rest = Rest(address)
        self.farewell: Callable[[], None] | None = None
        """What is done when the last process has left."""
        self.isolates: bool | None = None
        """Whether roles with a search filter keep trials apart; None is not tried yet."""
        self._hec: Hec | None = None
        self._indexes: set[str] = set()
        self._trials = 0
        info = content(self.rest.get("/services/server/info"))
        self.version = _version(str(info.get("version", "")))
        if not self.version:
            raise SplunkFault(f"{address.url} does not say which version of Splunk it is")
        self.cloud = "cloud" in str(info.get("instance_type", "")).lower()
        self.jobs = Jobs(self.rest, self.version, self.prefix)
        self.may_delete = self._may_delete()
        self.ledger.join()
        if address.owned and not self.may_delete:
            self._let_delete()

    def new_trial(self) -> str:
        """A marker that no other trial has."""
        self._trials += 1
        return f"{self.prefix}-{self._trials}"

    @property
    def hec(self) -> Hec:
        """The collector, with a token of the run unless one was given."""
        if self._hec is None:
            transport = Transport(self.address.hec_url, self.address.tls)
            health = Hec(transport, "")
            # What cannot be reached says so itself; what says no is disabled.
            answer = transport.request("GET", "/services/collector/health/1.0")
            if answer.status != 200 and not health.healthy():
                raise Rejected(
                    f"HEC at {self.address.hec_url} takes no events (HTTP {answer.status})",
                    status=answer.status,
                    hints=(
                        "enable it: Settings, Data inputs, HTTP Event Collector, Global Settings",
                        "--splunk-hec-url names another address",
                    ),
                )
            self._hec = Hec(transport, self.address.hec_token or self._new_token(transport))
        return self._hec

    def need_index(self, name: str) -> None:
        """Create an index that is not there; the run removes it again."""
        if name in self._indexes:
            return
        if not INDEX_NAME.fullmatch(name):
            raise SplunkFault(f"`{name}` is no name of an index")
        try:
            self.rest.get(f"/services/data/indexes/{part(name)}")
        except Rejected as error:
            if error.status != 404:
                raise
            self._create_index(name)
        self._indexes.add(name)

    def new_index(self, name: str) -> None:
        """Create an index for one trial."""
        self._create_index(name)

    def drop_index(self, name: str) -> None:
        """Remove an index that was made for one trial."""
        self._drop(f"/services/data/indexes/{part(name)}")
        self.ledger.strike("indexes", name)

    def _create_index(self, name: str) -> None:
        try:
            self.rest.post("/services/data/indexes", name=name)
        except Forbidden as error:
            raise Forbidden(
                f"there is no index `{name}`, and this user may not create it",
                hints=["create it, or name another with --index"],
            ) from error
        except Rejected as error:
            if "already exists" not in error.message and error.status != 409:
                raise
            return
        self.ledger.note("indexes", name)

    def _may_delete(self) -> bool:
        try:
            context = content(self.rest.get("/services/authentication/current-context"))
        except (Rejected, Forbidden):
            return True  # it is tried
        known = context.get("capabilities")
        return "delete_by_keyword" in known if isinstance(known, list) else True

    def _let_delete(self) -> None:
        """In a container of our own the administrator may delete events too."""
        path = "/services/authorization/roles/admin"
        try:
            imported = content(self.rest.get(path)).get("imported_roles") or []
            names = imported if isinstance(imported, list) else str(imported).split(";")
            roles = dict.fromkeys([*map(str, names), "can_delete"])
            self.rest.post(path, imported_roles=list(roles))
        except (Forbidden, Rejected):
            return  # then its trials say that their events stay
        self.may_delete = True

    def _new_token(self, transport: Transport) -> str:
        name = self.prefix
        try:
            self.rest.post(HTTP_INPUTS, name=name, useACK="1", disabled="0")
            self.ledger.note("tokens", name)
            found = content(self.rest.get(f"{HTTP_INPUTS}/{part(name)}"))
        except (Forbidden, Rejected) as error:
            raise SplunkFault(
                f"no HEC token can be made on {self.address.url}: {error.message}",
                hints=["make one there and set HARNESS_SPLUNK_HEC_TOKEN"],
            ) from error
        token = found.get("token")
        if not isinstance(token, str):
            raise SplunkFault("the instance made a HEC token and does not show it")
        self._await_token(transport, token)
        return token

    def _await_token(self, transport: Transport, token: str) -> None:
        """A new token takes a moment to count: until then it is refused with 403."""
        until = time.monotonic() + TOKEN_SECONDS
        wait = 0.05
        while time.monotonic() < until:
            answer = transport.request(
                "POST",
                "/services/collector/event",
                headers={"Authorization": f"Splunk {token}", "X-Splunk-Request-Channel": ""},
                data=b"",
            )
            if answer.status not in (401, 403, 404):
                return
            time.sleep(wait)
            wait = min(2.0, wait * 2)
        raise SplunkFault(f"HEC did not take the token that was made in {TOKEN_SECONDS:g} s")

    # Marked events

    def counted(self, trial: str) -> dict[str, int]:
        """How many events of each batch can be found."""
        text = f"search {ALL} harness_trial::{_marker(trial)} | stats count by harness_batch"
        rows = self.jobs.run(text, Window()).rows.rows
        return {str(row.get("harness_batch")): int(str(row.get("count") or 0)) for row in rows}

    def delete_events(self, term: str) -> bool:
        """Delete marked events; False where the user may not."""
        if not self.may_delete:
            return False
        try:
            told = self.jobs.run(deletion(term), Window()).messages
        except SplunkFault:
            return False
        return not any("insufficient" in one.lower() or "error" in one.lower() for one in told)

    # The end

    def close(self) -> None:
        """Remove what this process made; the last one removes the indexes too."""
        for key in [key for key, one in _OPEN.items() if one is self]:
            del _OPEN[key]
        atexit.unregister(self.close)
        try:
            for name in (self.prefix,) if self._hec and not self.address.hec_token else ():
                self._drop(f"{HTTP_INPUTS}/{part(name)}")
                self.ledger.strike("tokens", name)
            with self.ledger.leaving() as (book, last):
                if last and not self.address.owned:
                    for name in book.get("indexes", []):
                        self._drop(f"/services/data/indexes/{part(name)}")
                    book["indexes"] = []
                if last and self.farewell is not None:
                    self.farewell()
        finally:
            self.rest.close()

    def _drop(self, path: str) -> None:
        try:
            self.rest.delete(path)
        except SplunkFault:
            return  # `harness splunk clean` finds it in the ledger

    def clean(self) -> list[str]:
        """Remove everything that any run left here; what was removed, for a person."""
        removed: list[str] = []
        for path, kind in (
            ("/services/authentication/users", "user"),
            ("/services/authorization/roles", "role"),
            (HTTP_INPUTS, "HEC token"),
            ("/services/search/jobs", "search job"),
        ):
            for name in self._named(path):
                self._drop(f"{path}/{name}")
                removed.append(f"{kind} {name}")
        for name in self.ledger.known("indexes"):
            self.rest.delete(f"/services/data/indexes/{part(name)}")
            self.ledger.strike("indexes", name)
            removed.append(f"index {name}")
        text = f"search {ALL} harness_trial::{PREFIX}* | stats count"
        rows = self.jobs.run(text, Window()).rows.rows
        count = int(str(rows[0].get("count") or 0)) if rows else 0
        if count and (self.delete_events(f"harness_trial::{PREFIX}*") or self._cleaned()):
            removed.append(f"{count} events")
        elif count:
            removed.append(f"nothing of {count} marked events: the user may not delete")
        return removed

    def _cleaned(self) -> bool:
        """Delete the marked events as a user of our own, whose role may."""
        from harness.engines.splunk.isolation import TrialUser  # noqa: PLC0415 - it needs this

        every = f"{PREFIX}*"
        try:
            user = TrialUser(self, f"{self.prefix}-clean", "UTC")
        except SplunkFault:
            return False
        try:
            return user.delete_events(deletion(f"harness_trial::{every}"), every)
        finally:
            user.remove()
            user.rest.close()

    def _named(self, path: str) -> list[str]:
        try:
            listed = entries(self.rest.get(path, count=0, search=PREFIX))
        except (Rejected, Forbidden, Denied):
            return []
        found: list[str] = []
        for one in listed:
            inside = one.get("content")
            sid = inside.get("sid") if isinstance(inside, dict) else None
            name = str(sid or one.get("name", "")).removeprefix("http://")
            if name.startswith(PREFIX) and MARKER.fullmatch(name):
                found.append(name)
        return [one for one in found if not one.startswith(f"{self.prefix}")]


_OPEN: dict[str, Instance] = {}


def instance_of(address: Address) -> Instance:
    """The instance at an address, connected once a process and cleaned up in the end."""
    found = _OPEN.get(address.url)
    if found is None or found.address != address:
        found = _OPEN[address.url] = Instance(address)
        atexit.register(found.close)
    return found


def close_instances() -> None:
    """Remove what this process made on every instance."""
    for one in list(_OPEN.values()):
        one.close()


def deletion(term: str) -> str:
    """A search that deletes what a term finds in any index."""
    return f"search {ALL} {term} | delete"


def _marker(text: str) -> str:
    if not MARKER.fullmatch(text):
        raise ValueError(text)
    return text


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(one) for one in found[0].split(".")) if found else ()

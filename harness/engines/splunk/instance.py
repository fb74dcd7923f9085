"""One instance as this process uses it: what it can do, and what was made on it for the run.

Everything made bears the run's prefix, stands in the ledger, and is removed in the end.
"""

from __future__ import annotations

import atexit
import re
import secrets
import sys
import time
from typing import TYPE_CHECKING, Any

from harness.engines.splunk.interrupts import finishing
from harness.engines.splunk.jobs import Jobs, Window
from harness.engines.splunk.ledger import Ledger
from harness.engines.splunk.rest import BUSY, Rest, content, entries, part
from harness.replay import (
    Denied,
    Forbidden,
    Hec,
    NoAnswer,
    Rejected,
    SplunkFault,
    Transport,
    Uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engines.splunk.address import Address
    from harness.replay.transport import Answer

PREFIX = "harness-"
HTTP_INPUTS = "/servicesNS/nobody/splunk_httpinput/data/inputs/http"
TOKEN_SECONDS = 20.0
TRIES, FIRST_WAIT = 4, 0.1
ENABLE = "is HEC enabled? Settings, Data inputs, HTTP Event Collector, Global Settings"
OTHER_HEC = "--splunk-hec-url names another address"
WHEN_FULL = "does the indexer keep up: is its disk full?"
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
        self.autopsy: Callable[[], SplunkFault | None] | None = None
        """What says why an instance of our own does not answer, if it knows."""
        self.isolates: bool | None = None
        """Whether roles with a search filter keep trials apart; None is not tried yet."""
        self._hec: Hec | None = None
        self._has_token = False
        self._indexes: set[str] = set()
        self._trials = 0
        self._unfinished: set[str] = set()
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
        trial = f"{self.prefix}-{self._trials}"
        self._unfinished.add(trial)
        return trial

    def finished(self, trial: str) -> None:
        """Nothing of a trial is left."""
        self._unfinished.discard(trial)

    def _finish(self) -> None:
        """Remove what is left of trials whose own end was interrupted."""
        every = f"{self.prefix}-*"
        if self._unfinished and not self.delete_events(f"harness_trial::{every}"):
            self._cleaned(every)
        paths = ("/services/authentication/users", "/services/authorization/roles")
        for path in [f"{path}/{trial}-u" for trial in sorted(self._unfinished) for path in paths]:
            if not self._dropped(path, path):
                break  # it would be the same with the others, and take as long
        self._unfinished.clear()

    @property
    def hec(self) -> Hec:
        """The collector, with a token of the run unless one was given."""
        if self._hec is None:
            transport = Transport(
                self.address.hec_url, self.address.tls, read_seconds=self.address.timeout
            )
            answer = _asked(transport, "GET", "/services/collector/health/1.0")
            if answer.status != 200:
                full = answer.status in BUSY
                raise Rejected(
                    f"HEC at {self.address.hec_url} takes no events (HTTP {answer.status})"
                    + (": its queues are full, or it is starting" if full else ""),
                    status=answer.status,
                    hints=(WHEN_FULL,) if full else (ENABLE, OTHER_HEC),
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
        if self._without_index(name):
            self.ledger.strike("indexes", name)

    def _create_index(self, name: str) -> None:
        self.ledger.note("indexes", name)  # before it is there: a killed run has it in its ledger
        try:
            self.rest.post("/services/data/indexes", name=name)
        except Forbidden as error:
            self.ledger.strike("indexes", name)
            raise Forbidden(
                f"there is no index `{name}`, and this user may not create it",
                hints=["create it, or name another with --index"],
            ) from error
        except Rejected:
            self.ledger.strike("indexes", name)
            if not self.rest.has(f"/services/data/indexes/{part(name)}"):
                raise  # otherwise another run was faster, and it is that run's
        except Uncertain:
            if not self.rest.has(f"/services/data/indexes/{part(name)}"):
                self.rest.post("/services/data/indexes", repeatable=True, name=name)

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
            self.rest.post(path, repeatable=True, imported_roles=list(roles))
        except (Forbidden, Rejected):
            return  # then its trials say that their events stay
        self.may_delete = True

    def _new_token(self, transport: Transport) -> str:
        name = self.prefix
        try:
            self._has_token = True
            self.rest.create(HTTP_INPUTS, name, useACK="1", disabled="0")
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
            answer = _asked(
                transport,
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
        except SplunkFault as error:
            self.stays(f"events {term}", error)
            return False
        return not any("insufficient" in one.lower() or "error" in one.lower() for one in told)

    # The end

    def close(self) -> None:
        """Remove what this process made; the last one removes the indexes too."""
        for key in [key for key, one in _OPEN.items() if one is self]:
            del _OPEN[key]
        atexit.unregister(self.close)
        try:
            self._finish()
            if self._has_token:
                self._dropped(f"{HTTP_INPUTS}/{part(self.prefix)}", f"HEC token {self.prefix}")
            with self.ledger.leaving() as (book, last):
                if last and not self.address.owned:
                    book["indexes"] = [
                        name for name in book.get("indexes", []) if not self._without_index(name)
                    ]
                if last and self.farewell is not None:
                    self.farewell()
        finally:
            self.rest.close()
            if self._hec is not None:
                self._hec.transport.close()

    def _without_index(self, name: str) -> bool:
        return self._dropped(f"/services/data/indexes/{part(name)}", f"index {name}")

    def _dropped(self, path: str, what: str) -> bool:
        try:
            self.rest.delete(path)
        except SplunkFault as error:
            self.stays(what, error)
            return False
        return True

    def stays(self, what: str, error: SplunkFault) -> None:
        """Say what could not be removed, and how it will be."""
        if not self.address.owned:
            sys.stderr.write(
                f"splunk: {what} stays on {self.address.url}: {error.message}\n"
                f"splunk: `harness splunk clean --splunk-url {self.address.url}` removes it\n"
            )

    def why(self, error: SplunkFault) -> SplunkFault:
        """An error, or what is behind it where the instance is ours and died."""
        if self.autopsy is None or not isinstance(error, NoAnswer | Uncertain):
            return error
        self.rest.over = self.autopsy()
        return self.rest.over or error

    def clean(self) -> list[str]:
        """Remove everything that any run left here; what was removed, for a person."""
        removed: list[str] = []
        for path, kind in (
            ("/services/authentication/users", "user"),
            ("/services/authorization/roles", "role"),
            (HTTP_INPUTS, "HEC token"),
            ("/services/search/jobs", "search job"),
        ):
            removed += [
                f"{kind} {name}"
                for name in self._named(path)
                if self._dropped(f"{path}/{name}", f"{kind} {name}")
            ]
        for name in self.ledger.known("indexes"):
            self.rest.delete(f"/services/data/indexes/{part(name)}")
            self.ledger.strike("indexes", name)
            removed.append(f"index {name}")
        text = f"search {ALL} harness_trial::{PREFIX}* | stats count"
        rows = self.jobs.run(text, Window()).rows.rows
        count = int(str(rows[0].get("count") or 0)) if rows else 0
        if count and (
            self.delete_events(f"harness_trial::{PREFIX}*") or self._cleaned(f"{PREFIX}*")
        ):
            removed.append(f"{count} events")
        elif count:
            removed.append(f"nothing of {count} marked events: the user may not delete")
        return removed

    def _cleaned(self, every: str) -> bool:
        """Delete the marked events as a user of our own, whose role may."""
        from harness.engines.splunk.isolation import TrialUser  # noqa: PLC0415 - it needs this

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
    with finishing():
        for one in list(_OPEN.values()):
            one.close()


def deletion(term: str) -> str:
    """A search that deletes what a term finds in any index."""
    return f"search {ALL} {term} | delete"


def _asked(transport: Transport, method: str, path: str, **options: Any) -> Answer:
    """An answer to what does no harm when it is asked again."""
    for attempt in range(1, TRIES + 1):
        try:
            answer = transport.request(method, path, **options)
            if answer.status not in BUSY or attempt == TRIES:
                break
        except NoAnswer as error:
            if attempt == TRIES:
                raise NoAnswer(error.message, hints=[*error.hints, ENABLE]) from error
        except Uncertain:
            if attempt == TRIES:
                raise
        time.sleep(FIRST_WAIT * 3**attempt)
    return answer


def _marker(text: str) -> str:
    if not MARKER.fullmatch(text):
        raise ValueError(text)
    return text


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(one) for one in found[0].split(".")) if found else ()

"""Trials that share an instance and do not see each other's events.

A search runs exactly as it is written, so nothing in it can say which events are meant. Instead it
runs as a user of its own, whose role has a search filter on the trial's marker: trials then run in
parallel, and whatever else the instance holds is out of sight. Where such a role cannot be made,
or does not keep events apart, trials take turns on the instance and their events are deleted.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.engines.splunk.jobs import Jobs, Window
from harness.engines.splunk.rest import Rest, content, part
from harness.replay import Forbidden, NoAnswer, Rejected, SplunkFault, Uncertain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.engines.splunk.instance import Instance

ROLES, USERS = "/services/authorization/roles", "/services/authentication/users"
MODEL_ROLE = "power"
WANTED = frozenset({"search", "input_file", "output_file", "run_collect", "rest_properties_get"})
NOTHING = "nothing"
DELETE = "delete_by_keyword"
REFUSED = ("insufficient", "error")


class TrialUser:
    """A user whose searches see one trial's events only."""

    def __init__(self, instance: Instance, trial: str, timezone: str) -> None:
        self.instance = instance
        self.trial = trial
        self.index: str | None = None
        """The trial's own index, where it has one."""
        self.name = f"{trial}-u"
        password = secrets.token_urlsafe(24) + "aA1!"
        self._made: list[str] = []
        try:
            self._create(ROLES, self._role((), trial))
            user: dict[str, Any] = {"password": password, "roles": self.name}
            if timezone != "UTC":
                user["tz"] = timezone
            self._create(USERS, user)
            address = replace(instance.address, user=self.name, password=password, token=None)
            self.rest = Rest(address)
            self.jobs = Jobs(self.rest, instance.version, f"{trial}-s")
        except BaseException:
            self.remove()
            raise

    def _create(self, path: str, told: dict[str, Any]) -> None:
        self._made.insert(0, path)  # before it is there: an answer may be lost
        try:
            self.instance.rest.create(path, self.name, **told)
        except (Rejected, Forbidden):
            self._made.remove(path)
            raise

    def see(self, void: Sequence[str], trial: str | None = None) -> None:
        """Look at a trial's events, without those of batches that do not count."""
        self.instance.rest.post(
            f"{ROLES}/{part(self.name)}", repeatable=True, **self._role(void, trial or self.trial)
        )

    def isolated(self) -> bool:
        """Whether the filter works: with that of a trial that never was, nothing is seen."""
        self.see((), f"{self.trial}-{NOTHING}")
        rows = self.jobs.run("search index=* | stats count", Window()).rows.rows
        self.see(())
        return not rows or str(rows[0].get("count", "0")) == "0"

    def delete_events(self, search: str, trial: str | None = None) -> bool:
        """Delete a trial's events, which are all that this user then sees; whether it might.

        The role gets the capability for it now, so that the trial's own search never had it.
        """
        try:
            told = self._role((), trial or self.trial)
            told["capabilities"] = sorted({*told["capabilities"], DELETE})
            self.instance.rest.post(f"{ROLES}/{part(self.name)}", repeatable=True, **told)
            messages = self.jobs.run(search, Window()).messages
        except SplunkFault:
            return False
        return not any(one in text.lower() for text in messages for one in REFUSED)

    def remove(self) -> None:
        """Remove the user and the role."""
        made, self._made = self._made, []
        for path in made:
            try:
                self.instance.rest.delete(f"{path}/{part(self.name)}")
            except SplunkFault as error:
                self.instance.stays(f"{path.rsplit('/', 1)[-1][:-1]} {self.name}", error)

    def _role(self, void: Sequence[str], trial: str) -> dict[str, Any]:
        text = f"harness_trial::{trial}"
        if void:
            text += f" NOT ({' OR '.join(f'harness_batch::{one}' for one in void)})"
        if self.index and trial == self.trial:
            text = f"index={self.index} OR ({text})"
        return {
            "srchFilter": text,
            "srchIndexesAllowed": ["*", "_*"],
            "srchIndexesDefault": ["*"],
            "capabilities": sorted(self._capabilities()),
        }

    def _capabilities(self) -> set[str]:
        """Those of Splunk's power users; an imported role would bring its own filter."""
        found = content(self.instance.rest.get(f"{ROLES}/{MODEL_ROLE}"))
        names = [*_names(found.get("capabilities")), *_names(found.get("imported_capabilities"))]
        return set(names) | WANTED if names else set(WANTED)


def trial_user(instance: Instance, trial: str, timezone: str) -> TrialUser | None:
    """A user for a trial whose events are there already; None where trials take turns."""
    if instance.isolates is False:
        return None
    user: TrialUser | None = None
    try:
        user = TrialUser(instance, trial, timezone)
        if instance.isolates is None:
            instance.isolates = user.isolated()
    except (NoAnswer, Uncertain):
        if user is not None:
            user.remove()
        raise  # what broke says nothing of roles
    except SplunkFault:
        instance.isolates = False
    except BaseException:
        if user is not None:
            user.remove()
        raise
    if not instance.isolates and user is not None:
        user.remove()
        user = None
    return user


def _names(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []

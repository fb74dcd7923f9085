"""What users may do and see: roles with capabilities, search filters and allowed indexes.

Roles are a conf file's stanzas, as in Splunk. A user has what all roles have together, with the
roles that these import. Source: Admin Manual, authorize.conf.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.apps.conf import as_boolean
from harness.errors import HarnessError
from harness.server.faults import Refusal, not_found
from harness.server.http import ADMINISTRATOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.server.accounts import Accounts
    from harness.server.conf import Configuration

SEARCH, DELETE = "search", "delete_by_keyword"
EDIT_ROLES, EDIT_USERS, OWN_PASSWORD = "edit_roles", "edit_user", "change_own_password"
EDIT_TOKENS, EDIT_INDEXES = "edit_token_http", "indexes_edit"
ALL_KEYS, OWN_KEYS = "edit_tokens_all", "edit_tokens_own"
FILE, STANZA = "authorize", "role_"
ROLE_NAME = re.compile(r"[^\sA-Z:;/\x00-\x1f\x7f]{1,100}")
CAPABILITY = re.compile(r"[a-z][a-z0-9_]{0,99}")
MOST_FILTER = 10_000
LISTS = ("imported_roles", "capabilities", "srchIndexesAllowed", "srchIndexesDefault")
OF_USERS = """
    accelerate_search change_own_password get_metadata get_typeahead input_file list_inputs
    list_metrics_catalog output_file rest_apps_view rest_properties_get rest_properties_set
    run_collect run_mcollect run_msearch search
""".split()
OF_POWER = "embed_report rtsearch schedule_search".split()
OF_ADMINISTRATORS = """
    accelerate_datamodel admin_all_objects change_authentication edit_httpauths edit_roles
    edit_search_server edit_server edit_token_http edit_tokens_all edit_tokens_own edit_user
    indexes_edit license_edit list_settings rest_apps_management
""".split()
CAPABILITIES = (*OF_USERS, *OF_POWER, *OF_ADMINISTRATORS, DELETE)
ROLES: dict[str, dict[str, str]] = {
    "admin": {
        "imported_roles": "power;user",
        "capabilities": ";".join(OF_ADMINISTRATORS),
        "srchFilter": "*",
        "srchIndexesAllowed": "*;_*",
        "srchIndexesDefault": "main",
    },
    "can_delete": {"capabilities": DELETE},
    "power": {
        "imported_roles": "user",
        "capabilities": ";".join(OF_POWER),
        "srchIndexesAllowed": "*",
        "srchIndexesDefault": "main",
    },
    "user": {
        "capabilities": ";".join(OF_USERS),
        "srchIndexesAllowed": "*",
        "srchIndexesDefault": "main",
    },
}


@dataclass(frozen=True, slots=True)
class View:
    """What a search sees: the indexes, the events that meet a filter, and its time zone.

    `indexes` are patterns; `*` stands for no index that begins with `_`. The times of indexing
    are what a search asks for, in epoch seconds.
    """

    indexes: tuple[str, ...] = ("*", "_*")
    filter: str = ""
    timezone: str = ""
    may_delete: bool = False
    indexed_from: float | None = None
    indexed_until: float | None = None

    def sees(self, index: str) -> bool:
        """Whether an index may be searched."""
        inside = index.startswith("_")
        return any(fnmatchcase(index, one) for one in self.indexes if one.startswith("_") == inside)


@dataclass(frozen=True, slots=True)
class Role:
    """A role with what it imports."""

    name: str
    told: Mapping[str, str]
    imported: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    gained: frozenset[str] = frozenset()
    """Capabilities of the roles that it imports."""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Access:
    """The roles, and what each user has by them."""

    def __init__(self, configuration: Configuration, accounts: Accounts) -> None:
        self.configuration = configuration
        self.accounts = accounts

    # Roles

    def _told(self) -> dict[str, dict[str, str]]:
        written = self.configuration.written(FILE)
        found = {name: dict(said) for name, said in ROLES.items()}
        for stanza, said in written.items():
            if stanza.startswith(STANZA):
                found.setdefault(stanza.removeprefix(STANZA), {}).update(said)
        return found

    def roles(self) -> dict[str, Role]:
        """The roles by name."""
        told = self._told()
        found = {}
        for name in sorted(told):
            lists = {key: _parts(told[name].get(key, "")) for key in LISTS}
            above = [one for one in _with_imports((name,), told) if one != name]
            gained = {c for one in above for c in _parts(told[one].get("capabilities", ""))}
            own = frozenset(lists["capabilities"])
            found[name] = Role(
                name, told[name], lists["imported_roles"], own, frozenset(gained), lists
            )
        return found

    def role(self, name: str) -> Role:
        """A role; Refusal where there is none."""
        found = self.roles().get(name)
        if found is None:
            raise not_found(f"Could not find object id={name}")
        return found

    def create(self, name: str, said: Mapping[str, str]) -> None:
        """Make a role."""
        if ROLE_NAME.fullmatch(name) is None:
            raise Refusal(400, "a role's name has no capitals, spaces, colons, semicolons, slashes")
        if name in self._told():
            raise Refusal(409, f"Role with name={name} already exists")
        self._check(said)
        self.configuration.set(FILE, STANZA + name, said)

    def change(self, name: str, said: Mapping[str, str]) -> None:
        """Change a role."""
        self.role(name)
        self._check(said)
        self.configuration.set(FILE, STANZA + name, said)

    def remove(self, name: str) -> None:
        """Remove a role, and take it from the users."""
        self.role(name)
        if name in ROLES:
            raise Refusal(400, f"the role {name} cannot be deleted")
        self.configuration.remove(FILE, STANZA + name)
        self.accounts.without_role(name)

    def _check(self, said: Mapping[str, str]) -> None:
        known = self._told()
        for other in _parts(said.get("imported_roles", "")):
            if other not in known:
                raise Refusal(400, f"the role {other} does not exist")
        for one in _parts(said.get("capabilities", "")):
            if CAPABILITY.fullmatch(one) is None:
                raise Refusal(400, f"'{one[:100]}' is no name of a capability")
        check_filter(said.get("srchFilter", ""))

    def check_roles(self, told: str) -> None:
        """Refuse roles that do not exist."""
        known = self._told()
        for one in _parts(told):
            if one not in known:
                raise Refusal(400, f"the role {one} does not exist")

    # Users

    def capabilities(self, user: str) -> set[str]:
        """What a user may do."""
        told = self._told()
        names = _with_imports(self.accounts.roles(user), told)
        return {one for name in names for one in _parts(told[name].get("capabilities", ""))}

    def require(self, user: str, capability: str) -> None:
        """Refuse what a user may not do."""
        if capability not in self.capabilities(user):
            raise Refusal(403, f"You (user={user}) do not have permission: {capability}")

    def is_administrator(self, user: str) -> bool:
        """Whether a user may see and change what is others'."""
        return ADMINISTRATOR in self.capabilities(user)

    def view(self, user: str) -> View:
        """What a user's searches see.

        Filters that select are joined with OR, those that eliminate with AND. A role without
        one brings none; `*` is one that lets everything in.
        """
        told = self._told()
        indexes: dict[str, None] = {}
        selecting: list[str] = []
        eliminating: list[str] = []
        for name in _with_imports(self.accounts.roles(user), told):
            said = told[name]
            indexes |= dict.fromkeys(_parts(said.get("srchIndexesAllowed", "")))
            if text := said.get("srchFilter", "").strip():
                selects = as_boolean(said.get("srchFilterSelecting"), default=True)
                (selecting if selects else eliminating).append(text)
        if "*" in selecting:
            selecting = []
        parts = [" OR ".join(f"({one})" for one in dict.fromkeys(selecting))] if selecting else []
        parts += [one for one in dict.fromkeys(eliminating) if one != "*"]
        return View(
            tuple(indexes),
            " AND ".join(f"({one})" for one in parts),
            self.accounts.named(user).get("tz", ""),
            may_delete=DELETE in self.capabilities(user),
        )


def check_filter(text: str) -> None:
    """Refuse a search filter that is no predicate of the search language and nothing else."""
    if not text.strip():
        return
    if len(text) > MOST_FILTER or any(one in text for one in "|[]`"):
        raise Refusal(400, "a search filter has no pipes, subsearches and macros")
    from harness.spl.pipeline import parse_pipeline  # noqa: PLC0415 - with the first filter
    from harness.spl.predicates import parse_predicate  # noqa: PLC0415 - with the first filter
    from harness.spl.source import Source, SplText  # noqa: PLC0415 - with the first filter

    try:
        (stage,) = parse_pipeline(SplText.of(Source(f"search {text}"))).stages
        parse_predicate(stage.text, stage.span)
    except (HarnessError, RecursionError) as error:
        told = error.render() if isinstance(error, HarnessError) else "it is too deeply nested"
        raise Refusal(400, f"the search filter is not understood: {told}") from None


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in text.split(";") if one.strip()))


def _with_imports(names: tuple[str, ...], told: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Roles with those that they import, each once."""
    found: dict[str, None] = {}
    todo = list(names)
    while todo:
        name = todo.pop(0)
        if name in found or name not in told:
            continue
        found[name] = None
        todo += _parts(told[name].get("imported_roles", ""))
    return list(found)

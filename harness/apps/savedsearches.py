"""Saved searches: savedsearches.conf.

Source of the rules: savedsearches.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.apps.conf import DEFAULT_STANZA, as_boolean
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.apps.conf import Setting, Stanza

_ACTION = "action."


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search under a name, with when it runs and what its results become.

    `earliest` and `latest` are `dispatch.earliest_time` and `dispatch.latest_time`, empty where
    not said. `settings` has everything that the stanza and `[default]` say.
    """

    name: str
    search: str
    app: str
    earliest: str = ""
    latest: str = ""
    disabled: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict, hash=False)
    place: Place = field(default_factory=Place)

    def text(self, key: str) -> str:
        """A setting's value, empty where it is not said."""
        return self.settings[key].value if key in self.settings else ""

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A setting's Boolean."""
        return as_boolean(self.text(key), default=default)

    def place_of(self, key: str) -> Place:
        """Where a setting stands; the stanza's place where it does not."""
        return self.settings[key].place if key in self.settings else self.place

    @property
    def label(self) -> str:
        """What Enterprise Security calls it."""
        return self.text("action.correlationsearch.label") or self.name

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the enabled alert actions, in order."""
        listed = {word.strip() for word in self.text("actions").split(",") if word.strip()}
        enabled = {
            key[len(_ACTION) :]
            for key in self.settings
            if key.startswith(_ACTION) and key.count(".") == 1 and self.flag(key)
        }
        return tuple(sorted(listed | enabled))


def saved_searches_of(
    stanzas: Mapping[str, Stanza], warn: Callable[[str, Place], None]
) -> dict[str, SavedSearch]:
    """The saved searches by name; one without a search is warned of and left out."""
    default = stanzas.get(DEFAULT_STANZA)
    defaults = default.settings if default is not None else {}
    found: dict[str, SavedSearch] = {}
    for stanza in stanzas.values():
        if stanza.name == DEFAULT_STANZA:
            continue
        settings = {**defaults, **stanza.settings}
        if "search" not in settings or not settings["search"].value:
            warn(f"the saved search `{stanza.name}` has no search", stanza.place)
            continue

        def text(key: str, settings: Mapping[str, Setting] = settings) -> str:
            return settings[key].value if key in settings else ""

        found[stanza.name] = SavedSearch(
            name=stanza.name,
            search=settings["search"].value,
            app=settings["search"].app,
            earliest=text("dispatch.earliest_time"),
            latest=text("dispatch.latest_time"),
            disabled=as_boolean(text("disabled"), default=False),
            settings=settings,
            place=stanza.place,
        )
    return found

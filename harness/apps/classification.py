"""Event types and tags: eventtypes.conf and tags.conf.

Source of the rules: eventtypes.conf.spec and tags.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.apps.conf import DEFAULT_STANZA, as_boolean
from harness.apps.words import url_decoded
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.apps.conf import Stanza

_PRIORITY = 1


@dataclass(frozen=True, slots=True)
class EventType:
    """A named search; events that meet it have the type, and the type's tags.

    `tags` has those of tags.conf and of the older `tags` setting. `priority` orders the
    names on screen, 1 first. A disabled one matches nothing.
    """

    name: str
    search: str
    tags: frozenset[str] = frozenset()
    priority: int = _PRIORITY
    disabled: bool = False
    place: Place = field(default_factory=Place)


def tags_of(
    stanzas: Mapping[str, Stanza], warn: Callable[[str, Place], None]
) -> dict[tuple[str, str], frozenset[str]]:
    """The enabled tags by (field, value), names and values decoded from URL encoding."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for stanza in stanzas.values():
        if stanza.name == DEFAULT_STANZA:
            continue
        name, equals, value = stanza.name.partition("=")
        if not equals or not name.strip():
            warn(f"`[{stanza.name}]` is not `[field=value]`", stanza.place)
            continue
        enabled = frozenset(
            url_decoded(tag)
            for tag, setting in stanza.settings.items()
            if as_boolean(setting.value, default=False)
        )
        if enabled:
            key = (url_decoded(name.strip()), url_decoded(value.strip()))
            found[key] = found.get(key, frozenset()) | enabled
    return found


def eventtypes_of(
    stanzas: Mapping[str, Stanza],
    tags: Mapping[tuple[str, str], frozenset[str]],
    warn: Callable[[str, Place], None],
) -> dict[str, EventType]:
    """The event types by name; one without a search is warned of.

    A name such as `cisco-%code%` is a template: events get names out of their fields.
    """
    found: dict[str, EventType] = {}
    for stanza in stanzas.values():
        if stanza.name == DEFAULT_STANZA:
            continue
        settings = {key: setting.value for key, setting in stanza.settings.items()}
        if not settings.get("search"):
            warn(f"the event type `{stanza.name}` has no search", stanza.place)
            continue
        priority = settings.get("priority", "")
        found[stanza.name] = EventType(
            name=stanza.name,
            search=settings["search"],
            tags=tags.get(("eventtype", stanza.name), frozenset())
            | frozenset(settings.get("tags", "").split()),
            priority=int(priority) if priority.isdecimal() else _PRIORITY,
            disabled=as_boolean(settings.get("disabled"), default=False),
            place=stanza.place,
        )
    return found

"""KV store collections: collections.conf.

Source of the rules: collections.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast, get_args

from harness.apps.conf import DEFAULT_STANZA, as_boolean
from harness.errors import Place, nearest
from harness.model import FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.apps.conf import Stanza

_FIELD = "field."


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of records; `kinds` are those of its fields that are said.

    A value that is not of its field's kind is dropped, or with `enforced` its whole record.
    """

    name: str
    kinds: tuple[tuple[str, FieldKind], ...] = ()
    enforced: bool = False
    place: Place = field(default_factory=Place)


def collections_of(
    stanzas: Mapping[str, Stanza], warn: Callable[[str, Place], None]
) -> dict[str, Collection]:
    """The collections by name; a kind of field that there is not is warned of."""
    default = stanzas.get(DEFAULT_STANZA)
    defaults = default.settings if default is not None else {}
    found: dict[str, Collection] = {}
    for stanza in stanzas.values():
        if stanza.name == DEFAULT_STANZA:
            continue
        settings = {**defaults, **stanza.settings}
        kinds: list[tuple[str, FieldKind]] = []
        for key, setting in settings.items():
            if not key.startswith(_FIELD):
                continue
            kind = setting.value.lower()
            if kind in get_args(FieldKind):
                kinds.append((key[len(_FIELD) :], cast("FieldKind", kind)))
            else:
                known = " ".join(nearest(kind, get_args(FieldKind)))
                warn(f"`{setting.value}` is no kind of field {known}".rstrip(), setting.place)
        enforce = settings.get("enforceTypes")
        found[stanza.name] = Collection(
            stanza.name,
            tuple(kinds),
            as_boolean(enforce.value if enforce else None, default=False),
            stanza.place,
        )
    return found

"""fields.conf: fields whose text holds several values, and how to find them.

Source of the rules: fields.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.apps.conf import DEFAULT_STANZA, as_boolean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.apps.conf import Stanza
    from harness.errors import Place


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """`TOKENIZER` of a field: the first group of each match is a value."""

    field: str
    regex: str
    place: Place


def tokenizers_of(stanzas: Mapping[str, Stanza]) -> Mapping[str, Tokenizer]:
    """The tokenizers by field; fields of index time have none."""
    found: dict[str, Tokenizer] = {}
    for name, stanza in stanzas.items():
        given, indexed = stanza.settings.get("TOKENIZER"), stanza.settings.get("INDEXED")
        if name == DEFAULT_STANZA or given is None or not given.value:
            continue
        if not as_boolean(indexed.value if indexed is not None else None, default=False):
            found[name] = Tokenizer(name, given.value, given.place)
    return found

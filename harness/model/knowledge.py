"""Search-time knowledge that apps and content both define."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from harness.errors import Place

if TYPE_CHECKING:
    from pathlib import Path

MatchKind = Literal["exact", "wildcard", "cidr"]
MOST_MATCHES = 100
"""How many rows of a lookup's table an event meets where the lookup does not say (max_matches)."""
FieldKind = Literal["string", "number", "bool", "time", "cidr", "array"]


@dataclass(frozen=True, slots=True)
class Macro:
    """A search macro; the same name with another number of arguments is another macro.

    `definition` holds `$argument$` tokens. `is_eval` marks definitions that are an eval
    expression whose value is the text to insert (macros.conf: `iseval`). `validation` is an eval
    expression over the arguments, `refusal` what is said when it is not true (`errormsg`).
    """

    name: str
    definition: str
    arguments: tuple[str, ...] = ()
    is_eval: bool = False
    validation: str = ""
    refusal: str = ""
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class LookupDefinition:
    """A lookup: its table and how events are matched against it (transforms.conf).

    `table` is a CSV file inside an app or a content folder, or `None` for a table that has no
    file (a KV store without a seed). Fields without an entry in `match_types` match exactly.
    `collection` names a KV store's, whose columns are `fields`; `kinds` are those of its fields,
    and `enforced` drops records that break them. `filter` is a search that a row has to meet.
    With `time_field` a row has a time, read by `time_format` (empty: epoch seconds), and meets
    events that are later by `offsets`, the least and the most seconds.
    """

    name: str
    table: Path | None
    match_types: tuple[tuple[MatchKind, str], ...] = ()
    case_sensitive: bool = True
    min_matches: int = 0
    max_matches: int = MOST_MATCHES
    default_match: str | None = None
    fields: tuple[str, ...] = ()
    unsupported: str | None = None
    place: Place = field(default_factory=Place)
    collection: str | None = None
    kinds: tuple[tuple[str, FieldKind], ...] = ()
    enforced: bool = False
    filter: str = ""
    time_field: str = ""
    time_format: str = ""
    offsets: tuple[int, int] = (0, 2_000_000_000)

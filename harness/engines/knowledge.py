"""What a search knows: its apps, and the macros and lookups of the content it belongs to."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.content import filter_macro_default
from harness.errors import HarnessError, Place
from harness.model import LookupDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.apps import Apps
    from harness.model import Macro
    from harness.plan.nodes import Relation
    from harness.plan.types import Typed

MAX_LOOKUP_BYTES = 200_000_000


class BadLookup(HarnessError):
    """A lookup's table cannot be read."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A search's statement, its columns with their types, and the functions of ours it calls.

    `is_open` says that the columns are those which its events might have; the statement holds
    for at most `events` of them, or for any number.
    """

    statement: str
    columns: tuple[str, ...]
    types: tuple[Typed, ...]
    used: frozenset[str]
    is_open: bool = False
    events: int | None = None


@dataclass(slots=True)
class Knowledge:
    """Apps, with content laid over them: content's macros and lookups win.

    `compiled` remembers searches that depend on nothing but this knowledge and the kinds of
    events, since a detection's trials all run the same one; `data_sets` the plans of data sets.

    `locations` is a database of IP locations in MaxMind's format.

    A macro that is called `…_filter` and defined nowhere keeps every row, as content tools
    create it. Source: security_content's convention for filter macros.
    """

    apps: Apps
    content_macros: Mapping[tuple[str, int], Macro] = field(default_factory=dict)
    content_lookups: Mapping[str, LookupDefinition] = field(default_factory=dict)
    locations: Path | None = None
    compiled: dict[object, Compiled] = field(default_factory=dict)
    data_sets: dict[object, Relation] = field(default_factory=dict)

    def find(self, name: str, argument_count: int) -> Macro | None:
        """The macro of a name and number of arguments."""
        key = (name, argument_count)
        found = self.content_macros.get(key) or self.apps.macros.get(key)
        if found is None and argument_count == 0:
            return filter_macro_default(name)
        return found

    def names(self) -> Iterable[str]:
        """The names of all macros."""
        return {name for name, _ in (*self.content_macros, *self.apps.macros)}

    def lookup(self, name: str) -> LookupDefinition | None:
        """A lookup by its name, or by the name of its file."""
        for known in (self.content_lookups, self.apps.lookups):
            if (found := known.get(name)) is not None:
                return found
        if name.endswith(".csv"):
            for known in (self.content_lookups, self.apps.lookups):
                for found in known.values():
                    if found.table is not None and found.table.name == name:
                        return LookupDefinition(name, found.table, place=found.place)
        return None

    def lookup_names(self) -> list[str]:
        """The names of all lookups."""
        return sorted({*self.content_lookups, *self.apps.lookups})


def read_table(path: Path) -> tuple[tuple[str, ...], list[tuple[str | None, ...]]]:
    """A lookup's CSV: its columns, and its rows with empty cells absent.

    A byte order mark is dropped, and space after a comma: tables of security_content that are
    written `a, b` work on Splunk by the names without it. A row with more or fewer cells than
    the header is an error.
    """
    try:
        if path.stat().st_size > MAX_LOOKUP_BYTES:
            raise BadLookup("the lookup table is too large", place=Place(str(path)))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, skipinitialspace=True))
    except OSError as error:
        raise BadLookup(
            f"the lookup table cannot be read: {error.strerror}", place=Place(str(path))
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadLookup(f"the lookup table is no CSV: {error}", place=Place(str(path))) from error
    if not rows:
        raise BadLookup("the lookup table is empty", place=Place(str(path)))
    header = tuple(name.strip() for name in rows[0])
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(header):
            raise BadLookup(
                f"the row has {len(row)} cells and the header {len(header)}",
                place=Place(str(path), number, 1),
            )
    return header, [tuple(cell or None for cell in row) for row in rows[1:] if row]

"""What a search knows: its apps, and the macros and lookups of the content it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.content import filter_macro_default
from harness.model import LookupDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.apps import Apps
    from harness.fields.membership import Membership
    from harness.model import Macro
    from harness.plan.expressions import Expr
    from harness.plan.nodes import Relation
    from harness.plan.types import Typed

MAX_VALUES = 1_000
"""So many values of macros' expressions are remembered."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A search's statement, its columns with their types, and the functions of ours it calls.

    `is_open` says that the columns are those which its events might have; the statement holds
    for at most `events` of them, or for any number. `places` are where the columns' values stand
    in a row if that is not in their order (see `Compiler.shared`).
    """

    statement: str
    columns: tuple[str, ...]
    types: tuple[Typed, ...]
    used: frozenset[str]
    is_open: bool = False
    events: int | None = None
    places: tuple[int, ...] = ()


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
    calculated: dict[str, Expr] = field(default_factory=dict)
    _membership: Membership | None = None
    _values: dict[object, str | bool | None] = field(default_factory=dict)

    @property
    def membership(self) -> Membership:
        """What puts events into event types and under tags: the same for every search."""
        if self._membership is None:
            from harness.fields.membership import Membership  # noqa: PLC0415 - only a search asks

            self._membership = Membership(self.apps, self)
        return self._membership

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

    def evaluated(self, expression: str, fields: Mapping[str, str]) -> str | bool | None:
        """The value of an eval expression over these fields alone, for a macro."""
        key = (expression, tuple(fields.items()))
        if key not in self._values:
            if len(self._values) >= MAX_VALUES:
                self._values.clear()
            from harness.engines.macro_values import value_of  # noqa: PLC0415 - few macros ask

            self._values[key] = value_of(expression, fields)
        return self._values[key]

    def lookup(self, name: str) -> LookupDefinition | None:
        """A lookup by its name, or by the name of its file."""
        for known in (self.content_lookups, self.apps.lookups):
            if (found := known.get(name)) is not None:
                return found
        if name.endswith((".csv", ".csv.gz")):
            for known in (self.content_lookups, self.apps.lookups):
                for found in known.values():
                    if found.table is not None and found.table.name == name:
                        return LookupDefinition(name, found.table, place=found.place)
        return None

    def lookup_names(self) -> list[str]:
        """The names of all lookups."""
        return sorted({*self.content_lookups, *self.apps.lookups})

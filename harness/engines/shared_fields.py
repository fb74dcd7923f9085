"""Fields of events worked out once for all searches of a batch.

A library's searches ask the same events for the same fields again and again. The names that
stand in the searches' texts are known beforehand: after a group of events was asked a few times,
its events are kept in a table with all of those.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.fields.defaults import INDEX_TIME, METADATA
from harness.fields.discovery import field_names
from harness.plan.expressions import TRUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.fields.resolver import FieldResolver, Group
    from harness.model import Rows
    from harness.plan import nodes

OFTEN = 2
"""Searches that a group answers from its raw events; they cost less than a table would."""
MOST_FIELDS = 600
WORD = re.compile(r"[\w.]+")


class SharedFields:
    """Tables of fields, by group, for searches whose `texts` hold the names of all they ask."""

    def __init__(self, texts: str) -> None:
        self.stored: dict[str, nodes.Stored] = {}
        self._texts = texts
        words = WORD.findall(texts)
        self._words = frozenset([*words, *(part for word in words for part in word.split("."))])
        self._asked: Counter[int] = Counter()
        self._tables: dict[int, _Table | None] = {}

    def table(
        self,
        group: Group,
        names: frozenset[str],
        resolver: FieldResolver,
        run: Callable[[nodes.Relation], Rows],
        keep: Callable[[nodes.Relation, tuple[str, ...]], nodes.Stored],
    ) -> str | None:
        """The table that answers for these fields of a group; none where it would not."""
        self._asked[group.number] += 1
        if self._asked[group.number] <= OFTEN or group.table or group.has_indexed:
            return None
        if group.number not in self._tables:
            self._tables[group.number] = None  # what is asked meanwhile is asked of the events
            self._tables[group.number] = self._made(group, resolver, run, keep)
        table = self._tables[group.number]
        return table.name if table is not None and not names & table.others else None

    def _made(
        self,
        group: Group,
        resolver: FieldResolver,
        run: Callable[[nodes.Relation], Rows],
        keep: Callable[[nodes.Relation, tuple[str, ...]], nodes.Stored],
    ) -> _Table | None:
        """A group's table; none where one of its fields cannot be worked out."""
        single = replace(resolver.restricted(frozenset((group.number,))), worked_out=None)
        broken = any(one.extractor.broken for one in single.extractions(group))
        if broken or single.has_tables:
            return None
        try:
            possible = frozenset(field_names(single, TRUE, run).names)
            single.whole(group, possible)
            written = (name for name in possible if self.writes(name))
            names = frozenset((INDEX_TIME, *written))
            if len(names) > MOST_FIELDS:
                return None
            whole = single.whole(group, names)
            stored = keep(whole, whole.columns or ())
        except HarnessError:
            return None
        self.stored[stored.table] = stored
        known = {*names, *METADATA, *single.constants(group)}
        return _Table(stored.table, possible - known)

    def writes(self, name: str) -> bool:
        """Whether a name stands in the texts."""
        return name in self._words or (WORD.fullmatch(name) is None and name in self._texts)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table's name, and the fields that the events may have and it has not."""

    name: str
    others: frozenset[str]

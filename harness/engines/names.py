"""The columns of open relations: what only the data knows is asked of the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import TYPE_CHECKING

from harness.fields.discovery import field_names
from harness.plan import nodes
from harness.plan.expressions import NULL, TRUE, Call, Expr, Field, every
from harness.plan.texts import inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.fields.resolver import FieldResolver
    from harness.model import Rows

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the data says of an open relation: its columns, and the groups of events in it.

    `automatic` are the names in the XML of the events of a group, where all of them were asked.
    """

    columns: Names
    groups: frozenset[int]
    automatic: Mapping[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the events of scans have been asked; of groups in `partly` not all of them were."""

    resolver: FieldResolver
    run: Callable[[nodes.Relation], Rows]
    groups: set[int] = field(default_factory=set)
    partly: set[int] = field(default_factory=set)
    automatic: dict[int, frozenset[str]] = field(default_factory=dict)

    def names(self, predicate: Expr, most: int | None) -> Names:
        """The names of the events that meet a predicate, or of the newest of them."""
        found = field_names(self.resolver, predicate, self.run, most)
        self.groups.update(found.groups)
        if most is not None:
            self.partly.update(found.groups)
        for number, taken in found.automatic.items():
            self.automatic[number] = self.automatic.get(number, frozenset()) | taken
        return found.names

    def opened(self, names: Names) -> Opened:
        """All that was learnt."""
        wholly = {n: taken for n, taken in self.automatic.items() if n not in self.partly}
        return Opened(names, frozenset(self.groups | self.partly), wholly)


def open_names(
    relation: nodes.Relation,
    resolver: FieldResolver,
    run: Callable[[nodes.Relation], Rows],
) -> Opened:
    """The fields that a relation's rows may have: those of the events below it, and added ones.

    `run` gives the rows of a relation whose columns are known. Groups of events that no Scan
    below has any event of can be left out of the relation's statement.
    """
    asked = _Asked(resolver, run)

    def below(relation: nodes.Relation, predicate: Expr = TRUE, most: int | None = None) -> Names:
        if isinstance(relation, nodes.Scan):
            return asked.names(predicate, most)
        if relation.columns is not None:
            asked.partly.update(_scanned(relation, resolver))
            return relation.columns
        if isinstance(relation, nodes.Filter):
            return below(relation.input, every((predicate, relation.predicate)), most)
        if isinstance(relation, nodes.Limit) and _is_filtered_scan(relation.input):
            # Not with the predicate: an event that does not meet it may be one of the first.
            return below(relation.input, most=min(most or relation.count, relation.count))
        if isinstance(relation, nodes.Union):
            return _merged(*(below(one) for one in relation.inputs))
        if isinstance(relation, nodes.Combine):
            return _merged(below(relation.input), below(relation.right))
        if isinstance(relation, nodes.Unfold):
            return _merged(below(relation.input), _unfolded(relation, run))
        if isinstance(relation, nodes.Extend):
            removed = {name for name, value in relation.fields if value == NULL}
            names = _merged(below(relation.input), _added(relation))
            return tuple(name for name in names if name not in removed)
        return _merged(below(getattr(relation, "input")), _added(relation))  # noqa: B009

    names = below(relation)
    return asked.opened(names)


def _is_filtered_scan(relation: nodes.Relation) -> bool:
    """Whether a relation is events, all or some of them, in their own order."""
    while isinstance(relation, nodes.Filter | nodes.Limit):
        relation = relation.input
    return isinstance(relation, nodes.Scan)


def _scanned(relation: nodes.Relation, resolver: FieldResolver) -> Iterable[int]:
    """Every group, where events lie below a relation with known columns."""
    if isinstance(relation, nodes.Scan):
        return [group.number for group in resolver.groups]
    return [number for one in inputs(relation) for number in _scanned(one, resolver)]


def _unfolded(node: nodes.Unfold, run: Callable[[nodes.Relation], Rows]) -> Iterable[str]:
    names = nodes.Aggregation("names", "values", Call(node.names, (Field(node.source),)))
    (row,) = run(nodes.Aggregate(node.input, (), (names,))).rows
    found = row.get("names")
    return found if isinstance(found, list) else () if found is None else (str(found),)


@singledispatch
def _added(_: nodes.Relation) -> Iterable[str]:
    """The names that a node adds to those of its input."""
    return ()


@_added.register
def _(node: nodes.Extend) -> Iterable[str]:
    return [name for name, _ in node.fields if isinstance(name, str)]


@_added.register
def _(node: nodes.Join) -> Iterable[str]:
    return [name for name, _ in node.outputs]


@_added.register
def _(node: nodes.Window) -> Iterable[str]:
    return (node.name,)


@_added.register
def _(node: nodes.Windowed) -> Iterable[str]:
    return [one.name for one in node.aggregations]


def _merged(*names: Iterable[str]) -> Names:
    return tuple(dict.fromkeys(name for some in names for name in some))

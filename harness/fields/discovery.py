"""The names of all fields that events have, for searches that ask for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.fields.defaults import KNOWN, LISTED, SERVER
from harness.fields.extractors import NOT_LISTED, Automatic
from harness.functions.extraction import NAME_BREAK, XML_ATTRIBUTE
from harness.plan import nodes
from harness.plan.expressions import Call, Const

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.fields.resolver import FieldResolver
    from harness.model import Rows
    from harness.plan.expressions import Expr

METADATA = ("_time", "_raw", "host", "index", "source", "sourcetype")


@dataclass(frozen=True, slots=True)
class Discovered:
    """The names of events' fields, metadata first, and the groups that have such events.

    `automatic` are the names in the events' XML, for each group that is read as XML.
    """

    names: tuple[str, ...]
    groups: frozenset[int]
    automatic: Mapping[int, frozenset[str]]


def field_names(
    resolver: FieldResolver,
    predicate: Expr,
    run: Callable[[nodes.Relation], Rows],
    most: int | None = None,
) -> Discovered:
    """Every name that the events meeting a predicate may have.

    With `most`, no more than so many events are asked for, the newest of each group.

    Names that only the data knows are taken from those events, by one search a group and
    extraction.
    """
    names: set[str] = set()
    groups: set[int] = set()
    automatic: dict[int, frozenset[str]] = {}
    resolver = replace(resolver, lenient=True)
    for group in resolver.surviving(predicate):
        single = resolver.restricted(frozenset((group.number,)))
        if not _met(single, predicate, run):
            continue
        groups.add(group.number)
        knowledge = resolver.knowledge(group)
        names |= set(group.fields)
        names |= LISTED if not group.table or "_raw" in group.fields else {SERVER}
        names |= {alias.target for alias in knowledge.aliases}
        names |= {one.field for one in knowledge.calculated}
        names |= {new for one in knowledge.lookups for _, new in resolver.outputs(one)}
        names |= set(resolver.constants(group)) - set(KNOWN)
        for one in resolver.extractors(group):
            names |= set(one.names())
            found = one.found_names()
            if found is not None:
                taken = _found(single, predicate, one.source, found, run, most)
                if isinstance(one, Automatic) and one.mode == "xml":
                    automatic[group.number] = frozenset(taken)
                    taken = {name.partition(":")[2] for name in taken}
                    taken |= NOT_LISTED[XML_ATTRIBUTE]
                names |= taken
    if resolver.apps.eventtypes and groups:
        names |= {"eventtype", "tag", *(f"tag::{name}" for name, _ in resolver.apps.tags)}
    listed = (*METADATA, *sorted(names - set(METADATA)))
    return Discovered(listed, frozenset(groups), automatic)


def _met(single: FieldResolver, predicate: Expr, run: Callable[[nodes.Relation], Rows]) -> bool:
    """Whether any event of the one group meets the predicate."""
    events = nodes.Project(single.resolve(frozenset(("_time",)), predicate), (("_time", "_time"),))
    return bool(run(nodes.Limit(events, 1)).rows)


def _found(
    single: FieldResolver,
    predicate: Expr,
    source: str,
    names: Expr,
    run: Callable[[nodes.Relation], Rows],
    most: int | None,
) -> set[str]:
    """The names that events have: events of one shape have the same, and count once."""
    joined = Call("mvjoin", (names, Const(NAME_BREAK)))
    resolved = single.resolve(frozenset((source,)), predicate)
    kept = resolved if most is None else nodes.Limit(resolved, most)
    events = nodes.Extend(kept, (("names", joined),))
    shapes = run(nodes.Aggregate(events, ("names",), (nodes.Aggregation("count", "count"),))).rows
    return {name for row in shapes for name in str(row["names"]).split(NAME_BREAK)}

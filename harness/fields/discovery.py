"""The names of all fields that events have, for searches that ask for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan import nodes
from harness.plan.expressions import TRUE, Expr

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.fields.resolver import FieldResolver
    from harness.model import Rows

Run = "Callable[[nodes.Relation], Rows]"


def field_names(
    resolver: FieldResolver, predicate: Expr, run: Callable[[nodes.Relation], Rows]
) -> tuple[str, ...]:
    """Every name that the events meeting a predicate may have, metadata first.

    Names that only the data knows are taken from it by one search a group and extraction.
    """
    names: set[str] = set()
    for group in resolver.surviving(predicate):
        knowledge = resolver.knowledge(group)
        names |= set(group.fields)
        names |= {alias.target for alias in knowledge.aliases}
        names |= {one.field for one in knowledge.calculated}
        names |= {new for one in knowledge.lookups for _, new in resolver.outputs(one)}
        for one in resolver.extractors(group):
            names |= set(one.names())
            found = one.found_names()
            if found is not None:
                names |= _found(resolver, group.number, one.source, found, run)
    if resolver.apps.eventtypes:
        names |= {"eventtype", "tag"}
    metadata = ("_time", "_raw", "host", "index", "source", "sourcetype")
    return (*metadata, *sorted(names - set(metadata)))


def _found(
    resolver: FieldResolver,
    number: int,
    source: str,
    names: Expr,
    run: Callable[[nodes.Relation], Rows],
) -> set[str]:
    single = type(resolver)(
        resolver.apps,
        resolver.macros,
        tuple(group for group in resolver.groups if group.number == number),
        resolver.lookup,
    )
    relation = nodes.Aggregate(
        single.resolve(frozenset((source,)), TRUE),
        (),
        (nodes.Aggregation("names", "values", names),),
    )
    (row,) = run(relation).rows
    found = row.get("names")
    return set(found) if isinstance(found, list) else {str(found)} if found else set()

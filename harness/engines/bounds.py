"""How many rows a relation can have at most, told without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan import nodes
from harness.plan.expressions import every

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.expressions import Expr

Same = (
    nodes.Filter
    | nodes.Extend
    | nodes.Project
    | nodes.Window
    | nodes.Windowed
    | nodes.Join
    | nodes.Sort
    | nodes.Reverse
    | nodes.Unfold
)
"""Nodes that give each row of their input once, or not at all."""


GROUPS = 10


def most_rows(relation: nodes.Relation, events: int, stored: Callable[[str], int]) -> int | None:
    """A number that the rows do not exceed, or None where their values decide.

    `events` is the number of all events, `stored` gives the number of a stored table's rows.
    A row whose BY fields have several values is taken to be in `GROUPS` groups at most.
    """
    if isinstance(relation, nodes.Scan | nodes.EventGroup):
        return events
    if isinstance(relation, nodes.Values):
        return len(relation.rows)
    if isinstance(relation, nodes.Stored):
        return stored(relation.table)
    if isinstance(relation, nodes.Union):
        parts = [most_rows(one, events, stored) for one in relation.inputs]
        return None if None in parts else sum(part for part in parts if part is not None)
    if isinstance(relation, nodes.Aggregate):
        below = most_rows(relation.input, events, stored) if relation.by else 1
        return below and below * GROUPS
    if isinstance(relation, nodes.Limit):
        below = most_rows(relation.input, events, stored)
        return relation.count if below is None else min(below, relation.count)
    return most_rows(relation.input, events, stored) if isinstance(relation, Same) else None


def is_empty(
    relation: nodes.Relation, meets: Callable[[Expr], object], stored: Callable[[str], int]
) -> bool:
    """Whether a relation cannot have a row, told without running it.

    `meets` says whether events of some group may meet a predicate, `stored` gives the number of
    a stored table's rows. A BY clause over nothing gives nothing, too; a statistic without one
    gives a row.
    """
    predicates: list[Expr] = []
    while isinstance(relation, nodes.Filter):
        predicates.append(relation.predicate)
        relation = relation.input
    if isinstance(relation, nodes.Scan):
        return not meets(every(reversed(predicates)))
    if isinstance(relation, nodes.Values):
        return not relation.rows
    if isinstance(relation, nodes.Stored):
        return stored(relation.table) == 0
    if isinstance(relation, nodes.Union):
        return all(is_empty(one, meets, stored) for one in relation.inputs)
    if isinstance(relation, nodes.Aggregate):
        return bool(relation.by) and is_empty(relation.input, meets, stored)
    if isinstance(relation, nodes.Combine | nodes.Limit | nodes.Explode | Same):
        return is_empty(relation.input, meets, stored)
    return False

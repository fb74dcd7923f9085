"""The columns of open relations: what only the data knows is asked of the data."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from typing import TYPE_CHECKING

from harness.fields.discovery import field_names
from harness.plan import nodes
from harness.plan.expressions import NULL, TRUE, Call, Expr, Field, every

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.fields.resolver import FieldResolver
    from harness.model import Rows

Names = tuple[str, ...]


def open_names(
    relation: nodes.Relation,
    resolver: FieldResolver,
    run: Callable[[nodes.Relation], Rows],
) -> Names:
    """The fields that a relation's rows may have: those of the events below it, and added ones.

    `run` gives the rows of a relation whose columns are known.
    """

    def below(relation: nodes.Relation, predicate: Expr = TRUE) -> Names:
        if relation.columns is not None:
            return relation.columns
        if isinstance(relation, nodes.Scan):
            return field_names(resolver, predicate, run)
        if isinstance(relation, nodes.Filter):
            return below(relation.input, every((predicate, relation.predicate)))
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

    return below(relation)


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

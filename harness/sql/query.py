"""One SELECT in the making: merged where that changes nothing, wrapped where it would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.plan.expressions import Demand
    from harness.plan.types import Typed

Node = exp.Expression
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OrderKey:
    """A part of a relation's order: a column of its source, NULLs always last."""

    column: Node
    descending: bool = False

    def node(self) -> Node:
        """The key as an ORDER BY term."""
        return exp.Ordered(this=self.column, desc=self.descending, nulls_first=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT: its source, what each name means over the source, conditions and order.

    Names are SPL's, exact in letter case; the SQL columns have names of our own, since SQL
    does not tell `User` from `user`.
    """

    source: Node
    columns: Mapping[Demand, Typed]
    conditions: tuple[Node, ...] = ()
    order: tuple[OrderKey, ...] = ()

    def merges(self, names: Iterable[Demand]) -> bool:
        """Whether expressions over these names can stand beside the names' own."""
        return all(is_simple(self.columns[name]) for name in names if name in self.columns)

    def where(self, condition: Node) -> Query:
        """The rows that meet a condition over the source."""
        return replace(self, conditions=(*self.conditions, condition))


def is_simple(value: Typed) -> bool:
    """Whether a value is a column or a constant, so that repeating it costs nothing."""
    return isinstance(value.sql, exp.Column) or value.constant is not None or value.absent


def identity(value: Node) -> object:
    """What two nodes share that are one value: the same column, or the same node."""
    if isinstance(value, exp.Column):
        return (value.text("table"), value.name)
    return id(value)


def column(table: str, name: str) -> Node:
    """A column of a named source."""
    return exp.Column(this=identifier(name), table=identifier(table))


def identifier(name: str) -> exp.Identifier:
    """A quoted name."""
    return exp.Identifier(this=name, quoted=True)


def aliased(value: Node, name: str) -> Node:
    """`value AS name`."""
    return exp.Alias(this=value, alias=identifier(name))


def select(
    expressions: Sequence[Node],
    source: Node | None,
    *,
    conditions: Sequence[Node] = (),
    group: Sequence[Node] = (),
    order: Sequence[OrderKey] = (),
    limit: int | None = None,
) -> exp.Select:
    """A SELECT statement from its parts."""
    statement = exp.Select(expressions=list(expressions) or [exp.Literal.number(1)])
    if source is not None:
        statement.set("from_", exp.From(this=source))
    if conditions:
        statement.set("where", exp.Where(this=conjunction(conditions)))
    if group:
        statement.set("group", exp.Group(expressions=list(group)))
    if order:
        statement.set("order", exp.Order(expressions=[key.node() for key in order]))
    if limit is not None:
        statement.set("limit", exp.Limit(expression=exp.Literal.number(limit)))
    return statement


def conjunction(conditions: Sequence[Node]) -> Node:
    """Conditions joined by AND."""
    result: Node = exp.Paren(this=conditions[0]) if len(conditions) > 1 else conditions[0]
    for condition in conditions[1:]:
        result = exp.And(this=result, expression=exp.Paren(this=condition))
    return result


def subquery(statement: Node, name: str) -> Node:
    """A SELECT as a source."""
    return exp.Subquery(this=statement, alias=exp.TableAlias(this=identifier(name)))

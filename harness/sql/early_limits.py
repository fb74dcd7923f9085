"""The first rows chosen before their fields are worked out, where that gives the same rows.

A LIMIT stands above layers of extraction, and the engine works out every row of them. A layer
that gives each row of its source once, and whose conditions lie below it, can have the LIMIT of
the rows above it: the order keys are columns that it only passes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from harness.sql.query import OrderKey, column, select, subquery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sql.query import Node

ONCE = ("group", "having", "order", "limit", "distinct", "joins", "qualify")
"""Clauses with which a SELECT does not give each row of its source once."""


def early(statement: exp.Select, keys: Sequence[OrderKey], limit: int) -> exp.Select:
    """A SELECT of a source's rows, the source cut to the first rows where that can be."""
    found = _limited(statement, keys, limit)
    if found is None:
        return statement
    source, conditions = found
    made = exp.Select(**statement.args)
    made.set("from_", exp.From(this=source))
    if not conditions:
        made.set("where", None)
    return made


def _limited(
    statement: exp.Select, keys: Sequence[OrderKey], limit: int
) -> tuple[Node, bool] | None:
    """The source with fewer rows, and whether the conditions still stand above it."""
    start = statement.args.get("from_")
    source = start.this if start is not None else None
    where = statement.args.get("where")
    if source is None or any(source.args.get(one) for one in ("joins", "laterals")):
        return None
    if any(statement.args.get(one) for one in ("joins", "laterals")):
        return None
    if isinstance(source, exp.Table):
        table = source.alias
        if not table or not all(_is_of(key.column, table) for key in keys):
            return None
        used = {one.name for one in statement.find_all(exp.Column) if one.table == table}
        used |= {key.column.name for key in keys}
        outputs: list[Node] = [
            exp.Alias(this=column(table, name), alias=exp.Identifier(this=name, quoted=True))
            for name in sorted(used)
        ]
        conditions = [where.this] if where is not None else []
        inner = select(outputs, source, conditions=conditions, order=keys, limit=limit)
        return subquery(inner, table), False
    if not isinstance(source, exp.Subquery) or where is not None:
        return None
    below, name = source.this, source.alias
    if isinstance(below, exp.Union):
        united = _branches(below, name, keys, limit)
        return None if united is None else (subquery(united, name), True)
    cut = _layer(below, name, keys, limit)
    return None if cut is None else (subquery(cut, name), True)


def _layer(below: Node, name: str, keys: Sequence[OrderKey], limit: int) -> exp.Select | None:
    """A layer whose source is cut to the first rows."""
    if not isinstance(below, exp.Select) or any(below.args.get(one) for one in ONCE):
        return None
    if any(_is_set(one) for one in below.expressions):
        return None
    passed = _passed(below, name, keys)
    if passed is None:
        return None
    made = early(below, passed, limit)
    return None if made is below else made


def _branches(
    united: exp.Union, name: str, keys: Sequence[OrderKey], limit: int
) -> exp.Union | None:
    """A union whose branches are cut, each by itself, where all can be."""
    if united.args.get("distinct"):
        return None
    first = united.this
    left: Node | None
    if isinstance(first, exp.Union):
        left = _branches(first, name, keys, limit)
    else:
        left = _layer(first, name, keys, limit)
    right = _layer(united.expression, name, keys, limit)
    if left is None or right is None:
        return None
    return exp.Union(this=left, expression=right, distinct=False)


def _passed(below: exp.Select, name: str, keys: Sequence[OrderKey]) -> list[OrderKey] | None:
    """The keys as columns of the layer's own source; None where one is worked out there."""
    outputs = {one.alias: one.this for one in below.expressions if isinstance(one, exp.Alias)}
    found = []
    for key in keys:
        inner = outputs.get(key.column.name) if _is_of(key.column, name) else None
        if not isinstance(inner, exp.Column):
            return None
        found.append(OrderKey(inner, key.descending))
    return found


def _is_of(node: Node, table: str) -> bool:
    return isinstance(node, exp.Column) and node.table == table


def _is_set(node: Node) -> bool:
    """Whether an output looks at other rows, or gives several."""
    return any(
        isinstance(one, exp.Window | exp.AggFunc | exp.Unnest | exp.Explode)
        or (isinstance(one, exp.Anonymous) and str(one.this).upper() == "UNNEST")
        for one in node.walk()
    )

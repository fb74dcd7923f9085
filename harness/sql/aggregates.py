"""Groups of rows and the statistics over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from harness.plan import nodes
from harness.plan.expressions import Demand, demands
from harness.plan.types import Typed, null
from harness.registry import known_stats_function
from harness.sql.query import Node, OrderKey, Query, aliased, column, select, subquery

if TYPE_CHECKING:
    from harness.sql.compiler import Compiler, Wanted


def compile_aggregate(c: Compiler, node: nodes.Aggregate, wanted: Wanted) -> Query:
    """One row for each combination of the BY fields; their order is the rows' order.

    A multivalue BY field gives a row for each of its values.
    """
    used = [a for a in node.aggregations if a.name in wanted] or list(node.aggregations[:1])
    functions = [known_stats_function(a.function) for a in used]
    needed: set[Demand] = set(node.by)
    for aggregation, found in zip(used, functions, strict=True):
        if aggregation.argument is not None:
            needed |= demands(aggregation.argument)
        needed |= set(found.needs)
    in_order = any(found.ordered for found in functions)
    relation = node.input
    query: Query = c.compile(relation, frozenset(needed), ordered=in_order)
    for name in node.by:
        if (value := query.columns.get(name)) is not None and value.multi:
            relation = nodes.Explode(relation, name)
    if relation is not node.input:
        query = c.compile(relation, frozenset(needed), ordered=in_order)
    if not query.merges(needed):
        query = c.wrapped(query, needed)
    return _aggregated(c, node, used, query)


def _aggregated(
    c: Compiler, node: nodes.Aggregate, used: list[nodes.Aggregation], query: Query
) -> Query:
    d, table = c.dialect, c.fresh("a")
    d.order = query.order
    outputs: list[Node] = []
    group: list[Node] = []
    columns: dict[Demand, Typed] = {}
    order: list[OrderKey] = []
    conditions = list(query.conditions)
    for name in node.by:
        value = query.columns.get(name) or null(d)
        label = c.label(name)
        outputs.append(aliased(value.sql, label))
        columns[name] = Typed(column(table, label), value.kind)
        order.append(OrderKey(column(table, label)))
        if value.constant is None:
            group.append(value.sql)
        if value.constant is None or value.absent:
            conditions.append(d.function("is_not_null", value.sql))
    for aggregation in used:
        typed = aggregated(c, aggregation, query)
        label = c.label(aggregation.name)
        outputs.append(aliased(typed.sql, label))
        columns[aggregation.name] = Typed(column(table, label), typed.kind, typed.multi)
    if node.by and not group:
        group.append(exp.Null())
    statement = select(outputs, query.source, conditions=conditions, group=group)
    d.order = ()
    return Query(subquery(statement, table), columns, (), tuple(order))


def aggregated(c: Compiler, aggregation: nodes.Aggregation, query: Query) -> Typed:
    """One statistic over a query's rows; of the dialect's window where one is set."""
    found = known_stats_function(aggregation.function)
    arguments: list[object] = []
    if aggregation.argument is not None:
        arguments.append(c.expression(aggregation.argument, query))
    if aggregation.parameter is not None:
        arguments.append(aggregation.parameter)
    arguments += [query.columns.get(name) or null(c.dialect) for name in found.needs]
    if aggregation.inner is not None:
        arguments += [aggregation.inner, aggregation.starts]
    return found.lower(c.dialect, *arguments)

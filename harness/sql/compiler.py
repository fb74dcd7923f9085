"""Plans to SELECT statements, from the result down: each node is asked for what is wanted."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from harness.plan import nodes
from harness.plan.expressions import Belongs, Demand, Expr, demands, every
from harness.plan.types import Kind, Typed, as_any, null, unify
from harness.sql.aggregates import compile_aggregate
from harness.sql.early_limits import early
from harness.sql.expressions import Scope, compile_expression
from harness.sql.joins import compile_join
from harness.sql.ordering import sort_keys
from harness.sql.query import (
    Node,
    OrderKey,
    Query,
    aliased,
    column,
    identifier,
    identity,
    select,
    subquery,
)
from harness.sql.windows import compile_combine, compile_unfold, compile_windowed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from harness.sql.duckdb import DuckDBDialect

Wanted = frozenset[Demand]
METADATA = {
    "_raw": Kind.TEXT,
    "_time": Kind.NUMBER,
    "host": Kind.ANY,
    "_meta": Kind.TEXT,
    "source": Kind.ANY,
    "sourcetype": Kind.ANY,
    "index": Kind.ANY,
    nodes.SEQUENCE: Kind.NUMBER,
}
SEQUENCE, GROUP = "rowid", "grp"
NULL_TEXT = "NULL"

MOST_PARTED = 300
"""DuckDB plans the parts of lists in quadratic time: 5,000 of them in half a minute."""


class Resolver(Protocol):
    """Gives the events with their fields (the fields layer)."""

    def resolve(self, wanted: Wanted, predicate: Expr) -> nodes.Relation:
        """A relation over event groups with the wanted fields, filtered by the predicate."""
        ...


class Compiler:
    """Compiles one statement. `stored` has the columns of the engine's tables by name.

    `sizes` are the numbers of their rows, where these are known.
    """

    def __init__(
        self,
        dialect: DuckDBDialect,
        resolver: Resolver,
        stored: Mapping[str, tuple[nodes.Column, ...]],
        events: str,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.sizes = {} if sizes is None else sizes
        self.dialect = dialect
        self.resolver = resolver
        self.stored = stored
        self.events = events
        self._names = 0

    def statement(
        self, relation: nodes.Relation, columns: tuple[str, ...]
    ) -> tuple[exp.Select, tuple[Typed, ...]]:
        """The SELECT of exactly these columns in the relation's order, with their types."""
        query = self.compile(relation, frozenset(columns), ordered=True)
        types = tuple(query.columns.get(name) or null(self.dialect) for name in columns)
        return self._selected([value.sql for value in types], query), types

    def shared(
        self, relation: nodes.Relation, columns: tuple[str, ...], *, parted: bool
    ) -> tuple[exp.Select, tuple[Typed, ...], tuple[int, ...]]:
        """As `statement`, with every value once, and the place of each column's value among them.

        Where lists are `parted` a value is given as a text if it is one only, and the lists of
        several stand behind all values, in the same order; but not of so many that the engine's
        planning would cost more: then the values are the columns', and there are no places.
        """
        query = self.compile(relation, frozenset(columns), ordered=True)
        if parted and sum(_is_multi(query, name) for name in columns) > MOST_PARTED:
            types = tuple(query.columns.get(name) or null(self.dialect) for name in columns)
            return self._selected([value.sql for value in types], query), types, ()
        if parted and not query.merges(name for name in columns if _is_multi(query, name)):
            query = self.wrapped(query, columns)
        types = tuple(query.columns.get(name) or null(self.dialect) for name in columns)
        values, lists, numbers = list[Node](), list[Node](), dict[object, int]()
        for value in types:
            key = NULL_TEXT if value.absent else identity(value.sql)
            if key in numbers:
                continue
            numbers[key] = len(values)
            one, several = self._parted(value) if parted and value.multi else (value.sql, None)
            values.append(one)
            lists += [] if several is None else [several]
        places = tuple(numbers[NULL_TEXT if v.absent else identity(v.sql)] for v in types)
        return self._selected([*values, *lists], query), types, places

    def _selected(self, values: list[Node], query: Query) -> exp.Select:
        outputs = [aliased(value, f"c{n}") for n, value in enumerate(values)]
        outputs = outputs or [aliased(exp.null(), "nothing")]
        return select(outputs, query.source, conditions=query.conditions, order=query.order)

    def _parted(self, value: Typed) -> tuple[Node, Node]:
        """The only value of a list, and a list of several."""
        d = self.dialect
        length = exp.Anonymous(this="LEN", expressions=[value.sql])
        is_one = exp.EQ(this=length, expression=exp.Literal.number(1))
        one = d.case([(is_one, d.function("list_extract", value.sql, d.position(1)))])
        return one, d.case([(exp.Not(this=is_one), value.sql)])

    @singledispatchmethod
    def compile(self, node: nodes.Relation, wanted: Wanted, *, ordered: bool) -> Query:
        """The query of a node, with at least the wanted columns that the node can give."""
        raise TypeError(node)

    def fresh(self, prefix: str) -> str:
        """A name for a source or a column that no other has."""
        self._names += 1
        return f"{prefix}{self._names}"

    def expression(self, expression: Expr, query: Query) -> Typed:
        """An expression over a query's columns."""
        return compile_expression(expression, Scope(self.dialect, query.columns))

    def wrapped(self, query: Query, wanted: Iterable[Demand], *, limit: int | None = None) -> Query:
        """The query as a source of its own, so that its columns are plain."""
        table = self.fresh("q")
        outputs: list[Node] = []
        columns: dict[Demand, Typed] = {}
        labels: dict[object, str] = {}
        for name in sorted(set(wanted), key=str):
            value = query.columns.get(name)
            if value is None:
                continue
            if value.constant is not None or value.absent:
                columns[name] = value
                continue
            key = identity(value.sql)
            if key not in labels:
                labels[key] = self.label(name)
                outputs.append(aliased(value.sql, labels[key]))
            columns[name] = Typed(column(table, labels[key]), value.kind, value.multi)
        order = []
        for key in query.order:
            label = self.fresh("o")
            outputs.append(aliased(key.column, label))
            order.append(OrderKey(column(table, label), key.descending))
        statement = select(
            outputs,
            query.source,
            conditions=query.conditions,
            order=query.order if limit is not None else (),
            limit=limit,
        )
        if limit is not None and query.order:
            statement = early(statement, query.order, limit)
        return Query(subquery(statement, table), columns, (), tuple(order))

    def label(self, name: Demand) -> str:
        """A readable SQL name for a column."""
        text = name if isinstance(name, str) else f"{name.kind} {name.name}"
        return self.fresh(re.sub(r"\W+", "_", text)[:40] + "_")

    # Leaves

    @compile.register
    def _(self, node: nodes.Scan, wanted: Wanted, *, ordered: bool) -> Query:
        return self._events(wanted, every([]), ordered=ordered)

    def _events(self, wanted: Wanted, predicate: Expr, *, ordered: bool) -> Query:
        relation = self.resolver.resolve(wanted, predicate)
        query: Query = self.compile(relation, wanted, ordered=ordered)
        return query

    @compile.register
    def _(self, node: nodes.EventGroup, wanted: Wanted, *, ordered: bool) -> Query:
        if node.table:
            return self._event_table(node, ordered=ordered)
        table = self.fresh("e")
        columns: dict[Demand, Typed] = {
            name: Typed(column(table, SEQUENCE if name == nodes.SEQUENCE else name), METADATA[name])
            for name in node.names
        }
        source = exp.Table(
            this=identifier("events"),
            db=identifier(self.events),
            alias=exp.TableAlias(this=identifier(table)),
        )
        condition = exp.EQ(this=column(table, GROUP), expression=exp.Literal.number(node.number))
        order: tuple[OrderKey, ...] = ()
        if ordered:
            order = (
                OrderKey(column(table, "_time"), descending=True),
                OrderKey(column(table, SEQUENCE), descending=True),
            )
        return Query(source, columns, (condition,), order)

    def _event_table(self, node: nodes.EventGroup, *, ordered: bool) -> Query:
        """Events that came as a table of fields, newest first, later rows first among equals."""
        query = self._stored(node.table, {*node.names, nodes.SEQUENCE})
        if not ordered:
            return query
        row = query.columns.get(nodes.SEQUENCE)
        keys = (
            OrderKey(query.columns["_time"].sql, descending=True),
            OrderKey(row.sql if row else column(query.source.alias, "row"), descending=True),
        )
        return replace(query, order=keys)

    @compile.register
    def _(self, node: nodes.Stored, wanted: Wanted, *, ordered: bool) -> Query:
        query = self._stored(node.table)
        order = (OrderKey(column(query.source.alias, "row")),) if ordered else ()
        return replace(query, order=order)

    def _stored(self, name: str, wanted: Container[Demand] | None = None) -> Query:
        table = self.fresh("s")
        columns: dict[Demand, Typed] = {
            stored.name: Typed(
                column(table, f"c{number if stored.place is None else stored.place}"),
                stored.kind,
                stored.multi,
            )
            for number, stored in enumerate(self.stored[name])
            if wanted is None or stored.name in wanted
        }
        source = exp.Table(
            this=identifier(name),
            db=identifier(self.events),
            alias=exp.TableAlias(this=identifier(table)),
        )
        return Query(source, columns)

    @compile.register
    def _(self, node: nodes.Values, wanted: Wanted, *, ordered: bool) -> Query:
        table = self.fresh("v")
        kinds = [_kind_of(node, number) for number in range(len(node.names))]
        labels = [f"c{number}" for number in range(len(node.names))]
        rows = [
            exp.Tuple(
                expressions=[
                    *(self._cell(cell, *kinds[number]) for number, cell in enumerate(row)),
                    exp.Literal.number(position),
                ]
            )
            for position, row in enumerate(node.rows)
        ]
        columns: dict[Demand, Typed] = {
            name: Typed(column(table, label), *kind)
            for name, label, kind in zip(node.names, labels, kinds, strict=True)
        }
        if not rows:
            columns = {
                name: Typed(self._cell(None, *kind), *kind)
                for name, kind in zip(node.names, kinds, strict=True)
            }
            return Query(
                subquery(select([exp.Literal.number(1)], None), table), columns, (exp.false(),)
            )
        alias = exp.TableAlias(
            this=identifier(table), columns=[identifier(label) for label in (*labels, "row")]
        )
        source = exp.Values(expressions=rows, alias=alias)
        return Query(source, columns, (), (OrderKey(column(table, "row")),))

    def _cell(self, cell: object, kind: Kind, multi: bool) -> Node:
        d = self.dialect
        if cell is None or cell == []:
            name = "null_list" if multi else "null_number" if kind is Kind.NUMBER else "null_text"
            return d.function(name)
        if multi:
            items = cell if isinstance(cell, list) else [cell]
            return d.function("make_list", *(d.literal(str(item)) for item in items))
        if kind is Kind.NUMBER and isinstance(cell, int | float):
            return d.literal(float(cell))
        if isinstance(cell, int | float):
            return d.function("number_text", d.literal(float(cell)))
        return d.literal(str(cell))

    # Rows kept and fields added

    @compile.register
    def _(self, node: nodes.Filter, wanted: Wanted, *, ordered: bool) -> Query:
        predicates, below = [node.predicate], node.input
        while isinstance(below, nodes.Filter):
            predicates.append(below.predicate)
            below = below.input
        predicate = every(reversed(predicates))
        if isinstance(below, nodes.Scan):
            return self._events(wanted, predicate, ordered=ordered)
        needed = demands(predicate)
        query: Query = self.compile(below, wanted | needed, ordered=ordered)
        if not query.merges(needed):
            query = self.wrapped(query, wanted | needed)
        return query.where(self.expression(predicate, query).sql)

    @compile.register
    def _(self, node: nodes.Extend, wanted: Wanted, *, ordered: bool) -> Query:
        fields = [(name, value) for name, value in node.fields if name in wanted]
        needed: Wanted = frozenset().union(*(demands(value) for _, value in fields))
        below = (wanted - {name for name, _ in fields}) | needed
        query: Query = self.compile(node.input, below, ordered=ordered)
        if not query.merges(needed):
            query = self.wrapped(query, below)
        columns = dict(query.columns)
        values: dict[Expr, Typed] = {}
        for name, value in fields:
            if value not in values:
                values[value] = self.expression(value, query)
            columns[name] = values[value]
        return replace(query, columns=columns)

    @compile.register
    def _(self, node: nodes.Project, wanted: Wanted, *, ordered: bool) -> Query:
        below = frozenset(old for new, old in node.fields if new in wanted)
        query: Query = self.compile(node.input, below, ordered=ordered)
        columns: dict[Demand, Typed] = {
            new: query.columns.get(old) or null(self.dialect)
            for new, old in node.fields
            if new in wanted
        }
        return replace(query, columns=columns)

    @compile.register
    def _(self, node: nodes.Explode, wanted: Wanted, *, ordered: bool) -> Query:
        below = wanted | {node.field}
        query: Query = self.compile(node.input, below, ordered=ordered)
        value = query.columns.get(node.field)
        if value is None or not value.multi:
            return query
        query = self.wrapped(query, below)
        table = self.fresh("x")
        values = query.columns[node.field].sql
        pairs = exp.Anonymous(
            this="LIST_ZIP",
            expressions=[
                values,
                exp.Anonymous(
                    this="RANGE", expressions=[exp.Anonymous(this="LEN", expressions=[values])]
                ),
            ],
        )
        outputs = [aliased(exp.Anonymous(this="UNNEST", expressions=[pairs]), "pair")]
        columns: dict[Demand, Typed] = {}
        for name, typed in query.columns.items():
            if name == node.field:
                continue
            if not isinstance(typed.sql, exp.Column):
                columns[name] = typed
                continue
            label = self.label(name)
            outputs.append(aliased(typed.sql, label))
            columns[name] = Typed(column(table, label), typed.kind, typed.multi)
        order = []
        for key in query.order:
            label = self.fresh("o")
            outputs.append(aliased(key.column, label))
            order.append(OrderKey(column(table, label), key.descending))
        pair = column(table, "pair")
        columns[node.field] = Typed(_part(pair, 1), Kind.ANY)
        source = subquery(select(outputs, query.source, conditions=query.conditions), table)
        exploded = Query(source, columns, (), (*order, OrderKey(_part(pair, 2))))
        return self.wrapped(exploded, below)

    # Order

    @compile.register
    def _(self, node: nodes.Sort, wanted: Wanted, *, ordered: bool) -> Query:
        below = wanted | {key.field for key in node.keys}
        query: Query = self.compile(node.input, below, ordered=True)
        names = [key.field for key in node.keys]
        if not query.merges(names):
            query = self.wrapped(query, below)
        keys = [part for key in node.keys for part in sort_keys(self.dialect, key, query)]
        sortable = Query(query.source, dict(query.columns), query.conditions, query.order)
        return self.wrapped(replace(sortable, order=(*keys, *query.order)), wanted)

    @compile.register
    def _(self, node: nodes.Reverse, wanted: Wanted, *, ordered: bool) -> Query:
        query = self.numbered(self.compile(node.input, wanted, ordered=True), wanted)
        (key,) = query.order
        return replace(query, order=(OrderKey(key.column, descending=True),))

    def numbered(self, query: Query, wanted: Iterable[Demand]) -> Query:
        """The query with its order as one column of row numbers."""
        number = exp.Window(
            this=exp.Anonymous(this="ROW_NUMBER", expressions=[]),
            order=exp.Order(expressions=[key.node() for key in query.order])
            if query.order
            else None,
        )
        return self.wrapped(replace(query, order=(OrderKey(number),)), wanted)

    @compile.register
    def _(self, node: nodes.Limit, wanted: Wanted, *, ordered: bool) -> Query:
        query: Query = self.compile(node.input, wanted, ordered=True)
        return self.wrapped(query, wanted, limit=node.count)

    @compile.register
    def _(self, node: nodes.Window, wanted: Wanted, *, ordered: bool) -> Query:
        below = (wanted - {node.name}) | frozenset(node.partition)
        query: Query = self.compile(node.input, below, ordered=True)
        d = self.dialect
        if not query.merges(node.partition):
            query = self.wrapped(query, below)
        parts = [as_any(d, query.columns.get(name) or null(d)).sql for name in node.partition]
        if node.runs:
            query = self._run_numbers(self.numbered(query, below), node.partition, below)
            parts = [query.columns[Belongs("run", "")].sql]
        order = exp.Order(expressions=[key.node() for key in query.order])
        number = exp.Window(
            this=exp.Anonymous(this="ROW_NUMBER", expressions=[]),
            partition_by=parts,
            order=order if query.order else None,
        )
        columns = dict(query.columns)
        columns[node.name] = Typed(d.function("double", number), Kind.NUMBER)
        return self.wrapped(replace(query, columns=columns), wanted | {node.name})

    def _run_numbers(self, query: Query, partition: tuple[str, ...], below: Wanted) -> Query:
        """Number the runs of neighbours with equal values: a run starts where one differs."""
        d = self.dialect
        order = exp.Order(expressions=[key.node() for key in query.order])
        parts = [as_any(d, query.columns.get(name) or null(d)).sql for name in partition]
        values = exp.Anonymous(this="ROW", expressions=parts)
        previous = exp.Window(this=exp.Anonymous(this="LAG", expressions=[values]), order=order)
        starts = exp.NullSafeNEQ(this=values, expression=previous)
        flag, run = Belongs("starts", ""), Belongs("run", "")
        columns = {**query.columns, flag: Typed(d.function("integer", starts), Kind.NUMBER)}
        query = self.wrapped(replace(query, columns=columns), below | {flag})
        total = exp.Window(
            this=exp.Anonymous(this="SUM", expressions=[query.columns[flag].sql]),
            order=exp.Order(expressions=[key.node() for key in query.order]),
        )
        columns = {**query.columns, run: Typed(total, Kind.NUMBER)}
        return self.wrapped(replace(query, columns=columns), below | {run})

    # Several relations

    @compile.register
    def _(self, node: nodes.Union, wanted: Wanted, *, ordered: bool) -> Query:
        branches: list[Query] = [
            self.compile(relation, wanted, ordered=ordered) for relation in node.inputs
        ]
        if len(branches) == 1:
            return branches[0]
        if not ordered:
            branches = [replace(branch, order=()) for branch in branches]
        elif node.merged:
            most = max(len(branch.order) for branch in branches)
            branches = [replace(one, order=_filled(one.order, most)) for one in branches]
        else:
            numbered = [self.numbered(branch, wanted) for branch in branches]
            branches = [
                replace(branch, order=(OrderKey(exp.Literal.number(position)), *branch.order))
                for position, branch in enumerate(numbered)
            ]
        return self._united(branches, wanted)

    def _united(self, branches: list[Query], wanted: Wanted) -> Query:
        d, table = self.dialect, self.fresh("u")
        names = [name for name in wanted if any(name in branch.columns for branch in branches)]
        names.sort(key=str)
        labels = {name: self.label(name) for name in names}
        aligned = {
            name: unify(d, [branch.columns.get(name) or null(d) for branch in branches])
            for name in names
        }
        orders = [self.fresh("o") for _ in branches[0].order]
        statement: Node | None = None
        for position, branch in enumerate(branches):
            outputs = [aliased(aligned[name][position].sql, labels[name]) for name in names]
            outputs += [
                aliased(key.column, label) for key, label in zip(branch.order, orders, strict=True)
            ]
            one = select(outputs, branch.source, conditions=branch.conditions)
            statement = (
                one
                if statement is None
                else exp.Union(this=statement, expression=one, distinct=False)
            )
        columns: dict[Demand, Typed] = {
            name: Typed(column(table, labels[name]), aligned[name][0].kind, aligned[name][0].multi)
            for name in names
        }
        order = tuple(
            OrderKey(column(table, label), key.descending)
            for key, label in zip(branches[0].order, orders, strict=True)
        )
        return Query(subquery(statement or exp.Select(), table), columns, (), order)

    @compile.register
    def _(self, node: nodes.Join, wanted: Wanted, *, ordered: bool) -> Query:
        return compile_join(self, node, wanted, ordered=ordered)

    @compile.register
    def _(self, node: nodes.Aggregate, wanted: Wanted, *, ordered: bool) -> Query:
        return compile_aggregate(self, node, wanted)

    @compile.register
    def _(self, node: nodes.Windowed, wanted: Wanted, *, ordered: bool) -> Query:
        return compile_windowed(self, node, wanted)

    @compile.register
    def _(self, node: nodes.Combine, wanted: Wanted, *, ordered: bool) -> Query:
        return compile_combine(self, node, wanted, ordered=ordered)

    @compile.register
    def _(self, node: nodes.Unfold, wanted: Wanted, *, ordered: bool) -> Query:
        return compile_unfold(self, node, wanted, ordered=ordered)


def _filled(order: tuple[OrderKey, ...], count: int) -> tuple[OrderKey, ...]:
    """An order with as many keys as another one that goes on within one event."""
    return (*order, *(OrderKey(exp.Literal.number(0)) for _ in range(count - len(order))))


def _is_multi(query: Query, name: str) -> bool:
    value = query.columns.get(name)
    return value is not None and value.multi


def _part(pair: Node, position: int) -> Node:
    return exp.Anonymous(this="STRUCT_EXTRACT", expressions=[pair, exp.Literal.number(position)])


def _kind_of(node: nodes.Values, number: int) -> tuple[Kind, bool]:
    cells = [row[number] for row in node.rows]
    if any(isinstance(cell, list) for cell in cells):
        return Kind.ANY, True
    present = [cell for cell in cells if cell is not None]
    if present and all(isinstance(cell, int | float) for cell in present):
        return Kind.NUMBER, False
    return Kind.ANY, False

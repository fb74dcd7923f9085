"""Statistics beside rows, rows beside rows, and fields out of texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from harness.plan.expressions import Call, Const, Demand, Field, demands
from harness.plan.types import Typed, as_any, as_number, null, unify
from harness.registry import known_stats_function
from harness.sql.aggregates import aggregated
from harness.sql.query import Node, Query, aliased, column, identity, select, subquery

if TYPE_CHECKING:
    from harness.plan import nodes
    from harness.sql.compiler import Compiler, Wanted

METADATA = frozenset({"_time", "_raw", "_meta", "host", "source", "sourcetype", "index"})


def compile_windowed(c: Compiler, node: nodes.Windowed, wanted: Wanted) -> Query:
    """The rows with window functions beside them, in the rows' own order."""
    used = [one for one in node.aggregations if one.name in wanted]
    functions = [known_stats_function(one.function) for one in used]
    needed: set[Demand] = set(node.by)
    for one, function in zip(used, functions, strict=True):
        needed |= demands(one.argument) if one.argument is not None else frozenset()
        needed |= set(function.needs)
    if node.frame is not None:
        named = (node.frame.over, node.frame.preceding)
        needed |= {name for name in named if isinstance(name, str)}
    below = frozenset((wanted - {one.name for one in used}) | needed)
    query = c.numbered(c.compile(node.input, below, ordered=True), below)
    d, by = c.dialect, [query.columns.get(name) or null(c.dialect) for name in node.by]
    d.order = query.order
    d.window = _window(c, node.frame, [as_any(d, value).sql for value in by], query)
    columns = dict(query.columns)
    for one in used:
        columns[one.name] = aggregated(c, one, query)
    d.order, d.window = (), None
    for one in used:
        columns[one.name] = _only_with(c, by, columns[one.name])
    return c.wrapped(replace(query, columns=columns), wanted)


def _only_with(c: Compiler, by: list[Typed], value: Typed) -> Typed:
    """A result where every BY field is present."""
    d = c.dialect
    if not by:
        return value
    present = [d.function("is_not_null", one.sql) for one in by]
    condition = d.function("and", *present) if len(present) > 1 else present[0]
    return Typed(d.case([(condition, value.sql)]), value.kind, value.multi)


def _window(
    c: Compiler, frame: nodes.Frame | None, partition: list[Node], query: Query
) -> exp.Window:
    """The window that every aggregate of a Windowed node runs over."""
    (number,) = query.order
    order, kind = [number.node()], "ROWS"
    start: str | Node = "UNBOUNDED"
    end, side, exclude = "CURRENT ROW", None, None
    if frame is None:
        end, side = "UNBOUNDED", "FOLLOWING"
    else:
        exclude = None if frame.current else "CURRENT ROW"
        if frame.over is not None:
            value = as_number(c.dialect, query.columns.get(frame.over) or null(c.dialect))
            order, kind = [exp.Ordered(this=value.sql, nulls_first=False)], "RANGE"
        if isinstance(frame.preceding, str):
            reach = as_number(c.dialect, query.columns.get(frame.preceding) or null(c.dialect))
            start = c.dialect.function("integer", reach.sql)
        elif frame.preceding is not None:
            start = exp.Literal.number(repr(frame.preceding))
    spec = exp.WindowSpec(
        kind=kind, start=start, start_side="PRECEDING", end=end, end_side=side, exclude=exclude
    )
    return exp.Window(partition_by=partition, order=exp.Order(expressions=order), spec=spec)


def compile_combine(c: Compiler, node: nodes.Combine, wanted: Wanted, *, ordered: bool) -> Query:
    """SPL's join: the left rows with those right rows that share the BY fields' values."""
    d, asked = c.dialect, {name for name in wanted if isinstance(name, str)}
    known = node.right.columns or [name for name in asked if not name.startswith("\0")]
    given = frozenset(asked & set(known)) - set(node.by)
    below = frozenset(wanted | set(node.by))
    left = c.wrapped(c.compile(node.input, below, ordered=True), below)
    needed = given | set(node.by)
    right = c.numbered(c.compile(node.right, frozenset(needed), ordered=True), needed)
    table, labels = c.fresh("j"), {name: c.label(name) for name in sorted(needed)}
    keys = {
        name: unify(d, [left.columns.get(name) or null(d), right.columns.get(name) or null(d)])
        for name in node.by
    }
    (number,) = right.order
    place = exp.Window(
        this=exp.Anonymous(this="ROW_NUMBER", expressions=[]),
        partition_by=[keys[name][1].sql for name in node.by],
        order=exp.Order(expressions=[number.node()]),
    )
    values = {name: right.columns.get(name) or null(d) for name in given}
    chosen = {name: keys[name][1].sql for name in node.by}
    chosen |= {name: values[name].sql for name in sorted(given)}
    outputs = _once(chosen, labels)
    outputs += [aliased(place, "place"), aliased(exp.true(), "found")]
    statement = select(outputs, right.source, conditions=right.conditions)
    condition: Node = exp.true()
    for name in node.by:
        equal = exp.EQ(this=keys[name][0].sql, expression=column(table, labels[name]))
        condition = exp.And(this=condition, expression=exp.Paren(this=equal))
    if node.most is not None:
        first = exp.LTE(this=column(table, "place"), expression=exp.Literal.number(node.most))
        condition = exp.And(this=condition, expression=exp.Paren(this=first))
    side = "LEFT" if node.outer else "INNER"
    join = (
        exp.Join(this=subquery(statement, table), side="LEFT", on=condition)
        if side == "LEFT"
        else exp.Join(this=subquery(statement, table), kind="INNER", on=condition)
    )
    source = left.source
    source.set("joins", [*(source.args.get("joins") or []), join])
    columns = dict(left.columns)
    for name in given:
        found = Typed(column(table, labels[name]), values[name].kind, values[name].multi)
        columns[name] = _either(c, left.columns.get(name), found, first=node.only_missing)
    order = (*left.order, type(number)(column(table, "place"))) if ordered else ()
    joined = replace(left, source=source, columns=columns, order=order)
    return c.wrapped(joined, wanted)


def _once(chosen: dict[str, Node], labels: dict[str, str]) -> list[Node]:
    """The columns under their labels; names of one column share a label.

    DuckDB 2.0 mixes up columns where a SELECT that numbers rows has one of them twice.
    """
    found: dict[object, str] = {}
    outputs: list[Node] = []
    for name, sql in chosen.items():
        label = found.setdefault(identity(sql), labels[name])
        if label == labels[name]:
            outputs.append(aliased(sql, label))
        labels[name] = label
    return outputs


def _either(c: Compiler, before: Typed | None, found: Typed, *, first: bool) -> Typed:
    """What the right row has, else what the left one had; the other way round if `first`."""
    if before is None:
        return found
    left, right = unify(c.dialect, [before, found])
    one, other = (left, right) if first else (right, left)
    return Typed(c.dialect.function("coalesce", one.sql, other.sql), left.kind, left.multi)


def compile_unfold(c: Compiler, node: nodes.Unfold, wanted: Wanted, *, ordered: bool) -> Query:
    """Each wanted name read out of the source, or what the input has under it."""
    fields = sorted(
        name
        for name in wanted
        if isinstance(name, str)
        and name not in METADATA | {node.source}
        and not name.startswith("\0")
    )
    below = frozenset(wanted | {node.source})
    query = c.compile(node.input, below, ordered=ordered)
    if not query.merges(below):
        query = c.wrapped(query, below)
    columns = dict(query.columns)
    for name in fields:
        call = Call(node.reader, (Field(node.source), Const(name)))
        found, before = c.expression(call, query), query.columns.get(name)
        columns[name] = _either(c, before, found, first=False)
    return replace(query, columns=columns)

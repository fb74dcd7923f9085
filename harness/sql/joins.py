"""The join behind `lookup`: each row with the table's values for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from harness.plan import nodes
from harness.plan.types import Kind, Typed, as_number, as_text, as_values, null
from harness.sql.query import Node, OrderKey, Query, aliased, column, identifier, select, subquery

if TYPE_CHECKING:
    from harness.plan.expressions import Demand
    from harness.sql.compiler import Compiler, Wanted

SMALL_TABLE = 10_000
"""A table of more rows is grouped only where its keys are looked up."""


def compile_join(c: Compiler, node: nodes.Join, wanted: Wanted, *, ordered: bool) -> Query:
    """The left rows joined to one row of lists for each combination of key values.

    The distinct keys of the left are matched against the table first, so that a wildcard or a
    network is compared once for each value and not once for each event. The left rows are read
    twice and worked out once: they stand in a WITH clause. Where keys are compared as they are
    and the table is small, it is grouped as a whole, and the left rows, read once, stream by.
    """
    outputs = [(new, old) for new, old in node.outputs if new in wanted]
    kept: frozenset[Demand] = frozenset(n for n, _ in outputs) if node.only_missing else frozenset()
    below = (wanted - {new for new, _ in outputs}) | kept | {m.left for m in node.matches}
    if node.times is not None:
        below |= {node.times.left}
    left: Query = c.compile(node.input, below, ordered=ordered)
    if not _is_plain(left, below):
        left = c.wrapped(left, below)
    if not outputs:
        return left
    keys = [_key(c, left, match) for match in node.matches]
    if _streams(c, node, keys):
        return _streamed(c, node, outputs, left, keys, wanted)
    rows, common = left.source.this, c.fresh("w")
    alias = exp.TableAlias(this=identifier(left.source.alias))
    left = replace(left, source=exp.Table(this=identifier(common), alias=alias))
    if node.times is not None:
        moment = left.columns.get(node.times.left) or null(c.dialect)
        keys.append(as_number(c.dialect, moment))
    name, labels = c.fresh("l"), [c.fresh("k") for _ in keys]
    lists, found = _matched(c, node, outputs, left, keys, labels)
    known = [key.sql for key in keys]
    joined = _joined(c, node, outputs, left, wanted, _Found(found, name, known, labels, lists))
    named = exp.CTE(this=rows, alias=exp.TableAlias(this=identifier(common)), materialized=True)
    joined.source.this.set("with_", exp.With(expressions=[named]))
    return joined


def _is_plain(query: Query, names: Wanted) -> bool:
    """Whether a query is the columns of a subquery as they are."""
    source = query.source
    alone = isinstance(source, exp.Subquery) and not source.args.get("joins")
    return alone and not query.conditions and query.merges(names)


@dataclass(frozen=True, slots=True)
class _Found:
    """A SELECT of the matches, under a name: a column for each key, and a list for each output.

    `keys` are the left side's, to be compared with them.
    """

    matches: exp.Select
    name: str
    keys: list[Node]
    labels: list[str]
    lists: list[str]


def _joined(
    c: Compiler,
    node: nodes.Join,
    outputs: list[tuple[str, str]],
    left: Query,
    wanted: Wanted,
    found: _Found,
) -> Query:
    condition: Node = exp.true()
    for key, label in zip(found.keys, found.labels, strict=True):
        same = exp.EQ(this=key, expression=column(found.name, label))
        condition = exp.And(this=condition, expression=exp.Paren(this=same))
    join = exp.Join(this=subquery(found.matches, found.name), side="LEFT", on=condition)
    columns = dict(left.columns)
    for (new, _), label in zip(outputs, found.lists, strict=True):
        columns[new] = _output(c, node, column(found.name, label), left.columns.get(new))
    left.source.set("joins", [join])
    return c.wrapped(replace(left, columns=columns), wanted)


def _streams(c: Compiler, node: nodes.Join, keys: list[Typed]) -> bool:
    """Whether one text is compared as it is for each key, with a table that is small."""
    table = node.table
    while isinstance(table, nodes.Filter):
        table = table.input
    if not isinstance(table, nodes.Stored) or c.sizes.get(table.table, SMALL_TABLE) >= SMALL_TABLE:
        return False
    exact = all(match.kind == "exact" for match in node.matches) and node.times is None
    return bool(keys) and exact and not any(key.multi for key in keys)


def _streamed(
    c: Compiler,
    node: nodes.Join,
    outputs: list[tuple[str, str]],
    left: Query,
    keys: list[Typed],
    wanted: Wanted,
) -> Query:
    """The left rows joined to the table, of which each key has one row of lists."""
    d, name = c.dialect, c.fresh("l")
    needed = frozenset([*(m.right for m in node.matches), *(old for _, old in outputs)])
    table = c.wrapped(c.compile(node.table, needed, ordered=True), needed)
    asked, given = [], []
    for match, key in zip(node.matches, keys, strict=True):
        right = as_text(d, table.columns.get(match.right) or null(d)).sql
        folds = not match.case_sensitive
        asked.append(d.function("lower", key.sql) if folds else key.sql)
        given.append(d.function("lower", right) if folds else right)
    labels, lists = [c.fresh("k") for _ in keys], [c.fresh("r") for _ in outputs]
    results = [aliased(value, label) for value, label in zip(given, labels, strict=True)]
    results += _lists(c, node, outputs, table, lists)
    matches = select(results, table.source, conditions=table.conditions, group=given)
    found = _Found(matches, name, asked, labels, lists)
    return _joined(c, node, outputs, left, wanted, found)


def _lists(
    c: Compiler,
    node: nodes.Join,
    outputs: list[tuple[str, str]],
    table: Query,
    labels: list[str],
) -> list[Node]:
    """The table's values for each output, in its order, as far as they are wanted."""
    d = c.dialect
    results: list[Node] = []
    for (_, old), label in zip(outputs, labels, strict=True):
        value = as_text(d, table.columns.get(old) or null(d)).sql
        filled = _in_order(d.function("coalesce", value, d.literal("")), table.order)
        listed = exp.Anonymous(this="LIST", expressions=[filled])
        results.append(aliased(_first(c, listed, node.max_matches), label))
    return results


def _matched(
    c: Compiler,
    node: nodes.Join,
    outputs: list[tuple[str, str]],
    left: Query,
    keys: list[Typed],
    labels: list[str],
) -> tuple[list[str], exp.Select]:
    d, distinct = c.dialect, c.fresh("d")
    present = [d.function("is_not_null", key.sql) for key in keys]
    values = select(
        [aliased(key.sql, label) for key, label in zip(keys, labels, strict=True)],
        left.source.copy(),
        conditions=(*left.conditions, *present),
    )
    values.set("distinct", exp.Distinct())
    times = node.times
    needed = frozenset([*(m.right for m in node.matches), *(old for _, old in outputs)])
    needed |= frozenset((times.right,) if times is not None else ())
    table = c.wrapped(c.compile(node.table, needed, ordered=True), needed)
    condition: Node = exp.true()
    for match, key, label in zip(node.matches, keys, labels, strict=False):
        right = as_text(d, table.columns.get(match.right) or null(d)).sql
        test = _any_test(c, match, Typed(column(distinct, label), key.kind, key.multi), right)
        condition = exp.And(this=condition, expression=exp.Paren(this=test))
    lists = [c.fresh("r") for _ in outputs]
    if times is not None:
        of_row = (table.columns.get(times.right) or null(d)).sql
        within = _within(c, times, column(distinct, labels[-1]), of_row)
        condition = exp.And(this=condition, expression=within)
        table = replace(table, order=(OrderKey(of_row, descending=True), *table.order))
    results: list[Node] = [aliased(column(distinct, label), label) for label in labels]
    results += _lists(c, node, outputs, table, lists)
    source = subquery(values, distinct)
    source.set("joins", [exp.Join(this=table.source, kind="INNER", on=condition)])
    group = [column(distinct, label) for label in labels]
    return lists, select(results, source, conditions=table.conditions, group=group)


def _within(c: Compiler, times: nodes.Offsets, event: Node, of_row: Node) -> Node:
    """Whether an event is later than a row by as much as it has to be, and no more."""
    later = exp.Paren(this=exp.Sub(this=event, expression=of_row))
    return exp.Between(
        this=later, low=c.dialect.literal(times.least), high=c.dialect.literal(times.most)
    )


def _in_order(value: Node, order: tuple[OrderKey, ...]) -> Node:
    return exp.Order(this=value, expressions=[key.node() for key in order]) if order else value


def _first(c: Compiler, values: Node, count: int) -> Node:
    return c.dialect.function(
        "list_slice", values, c.dialect.position(1), c.dialect.position(count)
    )


def _key(c: Compiler, left: Query, match: nodes.Match) -> Typed:
    """What a row is looked up by: a text, or all of a field's values."""
    value = left.columns.get(match.left) or null(c.dialect)
    return value if value.multi else as_text(c.dialect, value)


def _any_test(c: Compiler, match: nodes.Match, key: Typed, right: Node) -> Node:
    """Whether a table's cell matches the key, or any of its values."""
    if not key.multi:
        return _test(c, match, key.sql, right)
    d = c.dialect
    return d.function("is_not_null", d.where(key.sql, lambda v: _test(c, match, v, right)))


def _test(c: Compiler, match: nodes.Match, left: Node, right: Node) -> Node:
    d = c.dialect
    if match.kind == "cidr":
        return d.function("spl_cidr_match", right, left)
    if not match.case_sensitive:
        left, right = d.function("lower", left), d.function("lower", right)
    if match.kind == "exact":
        return d.function("equals", left, right)
    pattern = right
    for plain, escaped in (("\\", "\\\\"), ("%", "\\%"), ("_", "\\_"), ("*", "%")):
        pattern = d.function("replace", pattern, d.literal(plain), d.literal(escaped))
    return d.function("like", left, pattern)


def _output(c: Compiler, node: nodes.Join, values: Node, before: Typed | None) -> Typed:
    """The list of matches: filled up with the default, empty cells dropped, NULL when none."""
    d = c.dialect
    if node.default is not None and node.min_matches > 0:
        missing = d.function("make_list", *([d.literal(node.default)] * node.min_matches))
        values = d.case(
            [
                (d.function("is_null", values), missing),
                (
                    d.function(
                        "less", d.function("list_length", values), d.position(node.min_matches)
                    ),
                    d.function(
                        "list_slice",
                        d.function("list_concat", values, missing),
                        d.position(1),
                        d.position(node.min_matches),
                    ),
                ),
            ],
            values,
        )
    kept = d.where(values, lambda v: d.function("differs", v, d.literal("")))
    single = node.max_matches == 1 and node.min_matches <= 1
    found = (
        Typed(d.function("list_extract", kept, d.position(1)), Kind.ANY)
        if single
        else Typed(kept, Kind.ANY, multi=True)
    )
    if not node.only_missing or before is None:
        return found
    if before.multi or found.multi:
        first, second = as_values(d, before), as_values(d, found)
        return Typed(d.function("coalesce", first.sql, second.sql), Kind.ANY, multi=True)
    return Typed(d.function("coalesce", as_text(d, before).sql, found.sql), Kind.ANY)

"""Why a search gives what it gives: the rows, conditions and empty fields of each stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import alike
from harness.plan import nodes
from harness.plan.expressions import TRUE, Call, Expr, Field, demands
from harness.plan.texts import expression_text, inputs, relation_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.engines.duckdb import DuckDBEngine
    from harness.engines.search import LocalSearch
    from harness.model import Rows

SAMPLE_ROWS = 3
MOST_VALUES, MOST_NAMES = 3, 3
UNLISTED = frozenset({"_raw", "_time"})
"""Fields whose most frequent values tell nothing."""


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """One condition of a stage: how many rows came to it, how many of them meet it alone.

    `empty` are the fields that it reads, with the number of rows that lack them. Where no row
    meets it, `nearest` are the filled fields with names like one that is empty in all rows, and
    `values` the most frequent values of the one field that it reads, of so many `different` ones.
    """

    text: str
    rows: int
    met: int
    empty: tuple[tuple[str, int], ...] = ()
    nearest: tuple[tuple[str, tuple[str, ...]], ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    different: int = 0


@dataclass(frozen=True, slots=True)
class StageReport:
    """A stage: its text, the rows that came in and went out, its conditions, a sample.

    `needed` are fields without which it drops a row (BY fields and those of a join), with the
    rows that lack them; `nearest` as in a condition.
    """

    text: str
    rows_in: int
    rows_out: int
    conditions: tuple[ConditionReport, ...]
    needed: tuple[tuple[str, int], ...]
    sample: Rows
    nearest: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A search explained: its stages, its plan as a tree, and its SQL."""

    events: int
    stages: tuple[StageReport, ...]
    plan: str
    sql: str
    warnings: tuple[str, ...] = ()


def explained(engine: DuckDBEngine, search: LocalSearch) -> Explanation:
    """Run a search stage by stage and count what each one keeps and drops."""
    before: nodes.Relation | None = None
    rows_in, reports = engine.events, list[StageReport]()
    relation: nodes.Relation | None = None
    for text, relation in search.stages():
        rows_out = _count(engine, search, relation)
        own = list(_own(relation, before))
        conditions = [report for node in own for report in _conditions(engine, search, node)]
        needed: list[tuple[str, int]] = []
        like: list[tuple[str, tuple[str, ...]]] = []
        for node in own:
            lacked, names = _needed(engine, search, node)
            needed += lacked
            like += names
        sample = _sample(engine, search, relation, own)
        reports.append(
            StageReport(
                text, rows_in, rows_out, tuple(conditions), tuple(needed), sample, tuple(like)
            )
        )
        before, rows_in = relation, rows_out
    if relation is None:
        raise TypeError(search)
    statement, _ = search.statement(relation, search.columns(relation))
    return Explanation(
        engine.events, tuple(reports), relation_text(relation), statement, tuple(search.warnings)
    )


def _count(engine: DuckDBEngine, search: LocalSearch, relation: nodes.Relation) -> int:
    statement, _ = search.statement(relation, ())
    return int(engine.execute(f"SELECT count(*) FROM ({statement})").fetchall()[0][0])  # noqa: S608


def _sample(
    engine: DuckDBEngine,
    search: LocalSearch,
    relation: nodes.Relation,
    own: Sequence[nodes.Relation],
) -> Rows:
    """The first rows; of events, which may have hundreds of fields, those that the stage reads."""
    first = nodes.Limit(relation, SAMPLE_ROWS)
    if relation.columns is not None:
        return engine.run(first, search)
    filters = [node for node in own if isinstance(node, nodes.Filter)]
    read = [name for node in filters for part in _parts(node.predicate) for name in _read(part)]
    names = dict.fromkeys(("_time", "host", "source", "sourcetype", *read, "_raw"))
    return engine.run(nodes.Project(first, tuple((name, name) for name in names)), search)


def _read(part: Expr) -> list[str]:
    """The fields that a condition reads."""
    return sorted(name for name in demands(part) if isinstance(name, str))


def _own(relation: nodes.Relation, before: nodes.Relation | None) -> Iterator[nodes.Relation]:
    """The nodes that a stage added to the plan, the first one to work first."""
    chain: list[nodes.Relation] = []
    below: nodes.Relation | None = relation
    while below is not None and below is not before:
        chain.append(below)
        below = next(iter(inputs(below)), None)
    if before is not None and below is None:
        # The stage put a table in the place of what came before it.
        chain = chain[:-1] if isinstance(chain[-1], nodes.Stored) else chain
    yield from reversed(chain)


def _parts(predicate: Expr) -> Iterator[Expr]:
    if isinstance(predicate, Call) and predicate.name == "and":
        for part in predicate.arguments:
            yield from _parts(part)
    elif predicate != TRUE:
        yield predicate


def _conditions(
    engine: DuckDBEngine, search: LocalSearch, node: nodes.Relation
) -> Iterator[ConditionReport]:
    """Each part of a filter alone, over the rows that came to the filter."""
    if not isinstance(node, nodes.Filter):
        return
    parts = list(_parts(node.predicate))
    fields = sorted({name for part in parts for name in _read(part)})
    counts = [nodes.Aggregation("rows", "count")]
    counts += [nodes.Aggregation(f"met{n}", "count", part) for n, part in enumerate(parts)]
    counts += [_empty(name) for name in fields]
    (row,) = engine.run(nodes.Aggregate(node.input, (), tuple(counts)), search).rows
    rows = _number(row.get("rows"))
    for number, part in enumerate(parts):
        read = _read(part)
        empty = tuple((name, _number(row.get(f"empty {name}"))) for name in read)
        report = ConditionReport(
            expression_text(part),
            rows,
            _number(row.get(f"met{number}")),
            tuple((name, count) for name, count in empty if count),
        )
        if report.rows and not report.met:
            near = _nearest(engine, search, node.input, report.empty, rows)
            values, different = (
                _values(engine, search, node.input, read[0])
                if len(read) == 1 and not near and read[0] not in UNLISTED
                else ((), 0)
            )
            report = replace(report, nearest=near, values=values, different=different)
        yield report


def _needed(
    engine: DuckDBEngine, search: LocalSearch, node: nodes.Relation
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The fields that some row lacks and is dropped for, and names like those that all lack."""
    names: tuple[str, ...] = ()
    if isinstance(node, nodes.Aggregate) or (isinstance(node, nodes.Combine) and not node.outer):
        names = node.by
    elif isinstance(node, nodes.Explode):
        names = (node.field,)
    if not names:
        return (), ()
    below = next(iter(inputs(node)))
    counts = (nodes.Aggregation("rows", "count"), *(_empty(name) for name in names))
    (row,) = engine.run(nodes.Aggregate(below, (), counts), search).rows
    lacking = [(name, _number(row.get(f"empty {name}"))) for name in names]
    lacking = [(name, count) for name, count in lacking if count]
    near = _nearest(engine, search, below, lacking, _number(row.get("rows")))
    return tuple((name.replace("\0", "·"), count) for name, count in lacking), near


def _nearest(
    engine: DuckDBEngine,
    search: LocalSearch,
    rows: nodes.Relation,
    empty: Sequence[tuple[str, int]],
    count: int,
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each field that all rows lack, the fields with names like it that some row has."""
    found = []
    for name, lacking in empty:
        if lacking < count or name.startswith("\0"):
            continue
        names = alike(name, set(search.columns(rows)) - {name}, limit=MOST_NAMES)
        if not names:
            continue
        filled = tuple(
            nodes.Aggregation(f"filled {one}", "count", Call("isnotnull", (Field(one),)))
            for one in names
        )
        (row,) = engine.run(nodes.Aggregate(rows, (), filled), search).rows
        there = tuple(one for one in names if _number(row.get(f"filled {one}")))
        if there:
            found.append((name, there))
    return tuple(found)


def _values(
    engine: DuckDBEngine, search: LocalSearch, rows: nodes.Relation, name: str
) -> tuple[tuple[tuple[str, int], ...], int]:
    """The most frequent values of a field with their numbers, and how many different ones."""
    counted = nodes.Aggregate(rows, (name,), (nodes.Aggregation("rows in all", "count"),))
    (row,) = engine.run(
        nodes.Aggregate(counted, (), (nodes.Aggregation("different", "count"),)), search
    ).rows
    keys = (nodes.SortKey("rows in all", descending=True), nodes.SortKey(name))
    first = engine.run(nodes.Limit(nodes.Sort(counted, keys), MOST_VALUES), search)
    values = ((str(one.get(name)), _number(one.get("rows in all"))) for one in first.rows)
    return tuple(values), _number(row.get("different"))


def _empty(name: str) -> nodes.Aggregation:
    return nodes.Aggregation(f"empty {name}", "count", Call("isnull", (Field(name),)))


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0

"""Why a search gives what it gives: the rows, conditions and empty fields of each stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan import nodes
from harness.plan.expressions import TRUE, Call, Expr, Field, demands
from harness.plan.texts import expression_text, inputs, relation_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.engines.duckdb import DuckDBEngine
    from harness.engines.search import LocalSearch
    from harness.model import Rows

SAMPLE_ROWS = 3


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """One condition of a stage: how many rows came to it, how many of them meet it alone.

    `empty` are the fields that it reads, with the number of rows that lack them.
    """

    text: str
    rows: int
    met: int
    empty: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StageReport:
    """A stage: its text, the rows that came in and went out, its conditions, a sample.

    `needed` are fields without which it drops a row (BY fields), with the rows that lack them.
    """

    text: str
    rows_in: int
    rows_out: int
    conditions: tuple[ConditionReport, ...]
    needed: tuple[tuple[str, int], ...]
    sample: Rows


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
        needed = [found for node in own for found in _needed(engine, search, node)]
        sample = _sample(engine, search, relation, own)
        reports.append(
            StageReport(text, rows_in, rows_out, tuple(conditions), tuple(needed), sample)
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
    for number, part in enumerate(parts):
        empty = tuple((name, _number(row.get(f"empty {name}"))) for name in _read(part))
        yield ConditionReport(
            expression_text(part),
            _number(row.get("rows")),
            _number(row.get(f"met{number}")),
            tuple((name, count) for name, count in empty if count),
        )


def _needed(
    engine: DuckDBEngine, search: LocalSearch, node: nodes.Relation
) -> Iterator[tuple[str, int]]:
    """The BY fields of an aggregation that some row lacks."""
    if not isinstance(node, nodes.Aggregate) or not node.by:
        return
    counts = tuple(_empty(name) for name in node.by)
    (row,) = engine.run(nodes.Aggregate(node.input, (), counts), search).rows
    for name in node.by:
        if count := _number(row.get(f"empty {name}")):
            yield name.replace("\0", "·"), count


def _empty(name: str) -> nodes.Aggregation:
    return nodes.Aggregation(f"empty {name}", "count", Call("isnull", (Field(name),)))


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0

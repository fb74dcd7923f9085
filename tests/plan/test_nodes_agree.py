"""Nodes that several commands build, made here by themselves: the engine and the interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, seed
from hypothesis import strategies as st
from test_oracles_agree import FIXED, NAMES, SEED, apps, check, values_node

from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.model import ALL_TIME
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = st.sampled_from(NAMES)
BY = st.lists(st.sampled_from(["t", "u", "x"]), max_size=2, unique=True).map(tuple)
FUNCTIONS = """
    count dc sum avg min max range values list first last stdev var median
""".split()
AGGREGATIONS = st.lists(
    st.builds(nodes.Aggregation, st.sampled_from(["r", "s", "n"]), st.sampled_from(FUNCTIONS),
              st.one_of(FIELDS.map(Field), st.just(Const(1.0)))),
    min_size=1, max_size=2, unique_by=lambda one: one.name,
).map(tuple)  # fmt: skip
FRAMES = st.none() | st.builds(
    nodes.Frame, st.none() | st.sampled_from([0.0, 1.0, 2.0]), st.booleans()
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(Knowledge(apps()))
    yield made
    made.close()


def agreed(engine: DuckDBEngine, relation: nodes.Relation) -> None:
    note(repr(relation))
    search = LocalSearch(engine, SearchRequest("| x", 0.0, ALL_TIME), relation)
    with engine.own_tables():
        check(engine, search, relation)


@st.composite
def inputs(draw: st.DrawFn) -> nodes.Relation:
    """Rows as they are, in another order, or the other way round."""
    rows: nodes.Relation = draw(values_node())
    if draw(st.booleans()):
        rows = nodes.Sort(rows, (nodes.SortKey(draw(FIELDS), draw(st.booleans())),))
    return nodes.Reverse(rows) if draw(st.booleans()) else rows


@seed(SEED)
@FIXED
@given(inputs(), BY, AGGREGATIONS, FRAMES)
def test_statistics_beside_rows(
    engine: DuckDBEngine, rows: nodes.Relation, by: Any, found: Any, frame: Any
) -> None:
    agreed(engine, nodes.Windowed(rows, by, found, frame))


@seed(SEED)
@FIXED
@given(inputs(), st.sampled_from([0.0, 1.0, 5.0]), st.booleans(), BY, AGGREGATIONS)
def test_statistics_over_a_span(
    engine: DuckDBEngine,
    rows: nodes.Relation,
    reach: float,
    current: bool,
    by: Any,
    found: Any,
) -> None:
    present = nodes.Filter(rows, Call("isnotnull", (Field("n"),)))
    ordered = nodes.Sort(present, (nodes.SortKey("n"),))
    frame = nodes.Frame(reach, current, "n")
    agreed(engine, nodes.Windowed(ordered, by, found, frame))


@seed(SEED)
@FIXED
@given(
    inputs(),
    inputs(),
    st.lists(st.sampled_from(["t", "u", "x", "n"]), min_size=1, max_size=2, unique=True),
    st.booleans(),
    st.sampled_from([None, 1, 2]),
    st.booleans(),
)
def test_rows_beside_rows(
    engine: DuckDBEngine,
    left: nodes.Relation,
    right: nodes.Relation,
    by: list[str],
    outer: bool,
    most: int | None,
    only_missing: bool,
) -> None:
    agreed(engine, nodes.Combine(left, right, tuple(by), outer, most, only_missing))


@seed(SEED)
@FIXED
@given(inputs(), inputs(), st.lists(FIELDS, max_size=3, unique=True))
def test_rows_below_rows(
    engine: DuckDBEngine, first: nodes.Relation, second: nodes.Relation, names: list[str]
) -> None:
    projected = nodes.Project(second, tuple((name, name) for name in names))
    agreed(engine, nodes.Union((first, projected, first)))


@seed(SEED)
@FIXED
@given(inputs(), FIELDS, st.integers(0, 3))
def test_a_row_for_each_value(
    engine: DuckDBEngine, rows: nodes.Relation, name: str, count: int
) -> None:
    agreed(engine, nodes.Limit(nodes.Explode(rows, name), count + 1))

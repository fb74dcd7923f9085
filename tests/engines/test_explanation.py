"""harness explain: the rows, conditions and empty fields of each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError
from harness.model import ALL_TIME, EventBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engines.explanation import Explanation, StageReport

RAW = ["code=1 user=ann size=5", "code=1 user=bob", "code=2 user=ann size=50", "other=x"]


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(Knowledge(load_apps((), builtin=True)))
    count = len(RAW)
    made.load([EventBatch("main", "s", "text", RAW, [float(n) for n in range(count)], ["H"] * 4)])
    yield made
    made.close()


def explain(engine: DuckDBEngine, spl: str) -> Explanation:
    return engine.explain(SearchRequest(spl, 100.0, ALL_TIME))


def counts(stages: tuple[StageReport, ...]) -> list[tuple[int, int]]:
    return [(stage.rows_in, stage.rows_out) for stage in stages]


def test_rows_in_and_out_of_every_stage(engine: DuckDBEngine) -> None:
    found = explain(engine, "search code=1 | stats count by user | where count > 5 | table user")
    assert found.events == 4
    assert counts(found.stages) == [(4, 2), (2, 2), (2, 0), (0, 0)]
    assert [stage.text.split()[0] for stage in found.stages] == [
        "search", "stats", "where", "table",
    ]  # fmt: skip


def test_each_condition_alone_and_the_fields_that_are_empty(engine: DuckDBEngine) -> None:
    (stage,) = explain(engine, "search code=1 size>20 user=ann").stages
    assert (stage.rows_in, stage.rows_out) == (4, 0)
    assert [(one.text, one.rows, one.met, one.empty) for one in stage.conditions] == [
        ('code="1"', 4, 2, (("code", 1),)),
        ('size>"20"', 4, 1, (("size", 2),)),
        ('user="ann"', 4, 2, (("user", 1),)),
    ]


def test_or_is_one_condition_and_not_another(engine: DuckDBEngine) -> None:
    (stage,) = explain(engine, "search (code=1 OR code=2) NOT user=bob").stages
    assert [one.met for one in stage.conditions] == [3, 3]


def test_where_counts_unknown_as_not_met(engine: DuckDBEngine) -> None:
    stage = explain(engine, "search index=main | where size > 3 AND code = 1").stages[1]
    assert [(one.met, one.rows) for one in stage.conditions] == [(2, 4), (2, 4)]


def test_rows_without_a_by_field_are_dropped_and_told(engine: DuckDBEngine) -> None:
    stage = explain(engine, "search index=main | stats count by size user").stages[1]
    assert stage.needed == (("size", 2), ("user", 1))
    assert stage.rows_out == 2


def test_a_sample_of_rows_and_of_events_with_the_fields_that_are_read(
    engine: DuckDBEngine,
) -> None:
    found = explain(engine, "search index=main NOT size=7 | stats count by user")
    sample = found.stages[0].sample
    assert [row["_raw"] for row in sample.rows] == RAW[:0:-1]
    assert [row.get("size") for row in sample.rows] == [None, "50", None]
    assert found.stages[1].sample.rows == [
        {"user": "ann", "count": 2}, {"user": "bob", "count": 1},
    ]  # fmt: skip


def test_data_models_show_their_constraints_and_the_where(engine: DuckDBEngine) -> None:
    spl = "| tstats count from datamodel=Endpoint.Processes where Processes.user=bob"
    (stage,) = explain(engine, spl).stages
    assert [one.text for one in stage.conditions][:2] == ["tag=process", "tag=report"]
    assert 'Processes.user="bob"' in stage.conditions[-1].text
    assert (stage.rows_in, stage.rows_out) == (4, 1)


@pytest.mark.parametrize(
    ("spl", "expected"),
    [
        ("| makeresults | eval x=1", [(4, 1), (1, 1)]),
        ("search index=main | table *", [(4, 4), (4, 4)]),
        ("search index=main | stats count | append [search code=1]", [(4, 4), (4, 1), (1, 3)]),
        ("search index=main | join user [search code=2 | table user]", [(4, 4), (4, 2)]),
        ("search index=main | head 2 | tail 1", [(4, 4), (4, 2), (2, 1)]),
        ("search index=main | transaction user", [(4, 4), (4, 2)]),
        ("search [search code=2 | table user]", [(4, 2)]),
        ("search index=main | eventstats count by user | dedup user", [(4, 4), (4, 4), (4, 2)]),
        ("search index=main | foreach size code [eval t=<<FIELD>>]", [(4, 4), (4, 4)]),
    ],
)
def test_stages_of_other_shapes(
    engine: DuckDBEngine, spl: str, expected: list[tuple[int, int]]
) -> None:
    assert counts(explain(engine, spl).stages) == expected


def test_plan_and_sql(engine: DuckDBEngine) -> None:
    found = explain(engine, "search code=1 | stats count by user")
    assert found.plan.splitlines()[0] == "Aggregate count = count() BY user"
    assert [line.split()[0] for line in found.plan.splitlines()] == ["Aggregate", "Filter", "Scan"]
    assert found.sql.startswith(("SELECT", "WITH"))
    assert "\0" not in found.plan + found.sql


def test_nothing_of_it_stays(engine: DuckDBEngine) -> None:
    tables = "SELECT count(*) FROM duckdb_tables() WHERE database_name = ?"
    before = engine.cursor.execute(tables, [engine.schema]).fetchall()
    explain(
        engine,
        "search index=main | transaction user | append [search code=1 | join user [search x]]",
    )
    assert engine.cursor.execute(tables, [engine.schema]).fetchall() == before


def test_the_search_gives_the_same_afterwards(engine: DuckDBEngine) -> None:
    request = SearchRequest("search index=main | stats count by user", 100.0, ALL_TIME)
    before = engine.search(request).rows
    engine.explain(request)
    assert engine.search(request).rows == before


def test_errors_have_their_place(engine: DuckDBEngine) -> None:
    with pytest.raises(HarnessError) as caught:
        explain(engine, "search index=main | stats cuont")
    assert caught.value.place is not None
    assert caught.value.place.column == 27

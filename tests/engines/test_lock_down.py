from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.lookup_tables import read_table
from harness.errors import HarnessError
from harness.model import ALL_TIME, EventBatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(Knowledge(load_apps()))
    yield made
    made.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM '{path}'",
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM read_text('{path}')",
        "COPY (SELECT 1) TO '{path}.out'",
        "ATTACH '{path}.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ],
)
def test_sql_reaches_nothing_outside(engine: DuckDBEngine, tmp_path: Path, statement: str) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n")
    with pytest.raises(duckdb.Error):
        engine.cursor.execute(statement.format(path=path))
    assert not (tmp_path / "secret.csv.out").exists()


def test_python_variables_are_no_tables(engine: DuckDBEngine) -> None:
    secret = duckdb.sql("SELECT 42 AS answer")
    assert secret is not None
    with pytest.raises(duckdb.Error):
        engine.cursor.execute("SELECT * FROM secret")


def test_letter_case_tells_fields_apart(engine: DuckDBEngine) -> None:
    """DuckDB's columns ignore letter case, SPL's fields do not."""
    engine.load([EventBatch("main", "s", "t", ["User=Big user=small"], [1.0], ["h"])])
    request = SearchRequest("search index=main | table User user USER", 2.0, ALL_TIME)
    assert engine.search(request).rows.rows == [{"User": "Big", "user": "small"}]


def test_log_text_is_never_code(engine: DuckDBEngine) -> None:
    hostile = "name='; DROP TABLE events; --"
    engine.load([EventBatch("main", hostile, "t", [f'x="{hostile}"'], [1.0], [hostile])])
    request = SearchRequest("search index=main | stats count by source host", 2.0, ALL_TIME)
    assert engine.search(request).rows.rows == [{"source": hostile, "host": hostile, "count": 1}]


def test_a_pattern_that_backtracks_without_end_is_an_error(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.functions.REGEX_SECONDS", 0.2)
    engine.load([EventBatch("main", "s", "t", ["a" * 60 + "!"], [1.0], ["h"])])
    spl = 'search index=main | where match(_raw, "^(?=(a|aa)+$)")'
    with pytest.raises(HarnessError, match=r"took more than"):
        engine.search(SearchRequest(spl, 2.0, ALL_TIME))


def test_newest_first_and_later_input_first(engine: DuckDBEngine) -> None:
    batch = EventBatch("main", "s", "t", ["n=1", "n=2", "n=3"], [5.0, 9.0, 5.0], ["h"] * 3)
    engine.load([batch])
    rows = engine.search(SearchRequest("search index=main | table n", 10.0, ALL_TIME)).rows.rows
    assert [row["n"] for row in rows] == ["2", "3", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a,b\n1\n", "has 1 cells and the header 2"),
        ('a,b\n"1,2\n', "cells|CSV"),
    ],
)
def test_a_lookup_table_that_is_broken_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(HarnessError, match=message):
        read_table(path)


def test_a_lookup_s_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,\n")
    assert read_table(path) == (("a", "b"), [("1", None)])


@pytest.mark.parametrize(
    ("search", "rows"),
    [
        (
            "search index=main [search index=main kind=bad | table user] | stats count by user",
            ([{"user": "ann", "count": 2}], [{"user": "bob", "count": 2}]),
        ),
        (
            "search index=main kind=bad | fields user* | fields - _*",
            ([{"user": "ann"}], [{"user": "bob"}]),
        ),
        (
            "search kind=bad | stats values(only*) as only*",
            ([{"only_ann": "1"}], [{"only_bob": "1"}]),
        ),
    ],
)
def test_a_search_compiled_for_one_trial_s_events_is_not_run_on_another_s(
    search: str, rows: tuple[list[dict[str, object]], list[dict[str, object]]]
) -> None:
    """Subsearches and open columns look at the events while the search is compiled."""
    knowledge = Knowledge(load_apps())
    for name, wanted in zip(("ann", "bob"), rows, strict=True):
        engine = DuckDBEngine(knowledge)
        texts = [
            f"user={name} kind=bad only_{name}=1",
            f"user={name} kind=good",
            "user=eve kind=good",
        ]
        engine.load([EventBatch("main", "s", "t", texts, [1.0, 2.0, 3.0], ["h"] * 3)])
        found = engine.search(SearchRequest(search, 10.0, ALL_TIME)).rows.rows
        engine.close()
        assert found == wanted

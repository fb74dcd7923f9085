"""The first events are chosen before their fields are worked out; the rows stay the same.

Source: Search Reference, head: the first results in search order.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.engines.base import SearchRequest
from harness.engines.search import LocalSearch
from harness.model import ALL_TIME, EventBatch
from harness.trials import Project
from harness.trials.settings import Settings

if TYPE_CHECKING:
    from harness.engines.duckdb import DuckDBEngine


@pytest.fixture(scope="module")
def engine() -> DuckDBEngine:
    made = Project(Settings(root=Path())).local_engine()
    for source in ("first", "second"):
        numbers = range(100)
        made.load(
            [
                EventBatch(
                    "main",
                    source,
                    "lines",
                    [f"n={number} from={source} odd{number % 2}=yes" for number in numbers],
                    [float(number // 2) for number in numbers],
                    ["h"] * 100,
                )
            ]
        )
    return made


def rows(engine: DuckDBEngine, text: str) -> list[tuple[object, object]]:
    found = engine.search(SearchRequest(text, 1000.0, ALL_TIME)).rows.rows
    return [(row.get("from"), row.get("n")) for row in found]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        # Newest first; of the same time, the one that arrived later.
        ("* | head 3", [("second", "99"), ("second", "98"), ("first", "99")]),
        ("source=first | head 2", [("first", "99"), ("first", "98")]),
        ("source=first n<10 | head 2", [("first", "9"), ("first", "8")]),
        ("* | where n<5 | head 3", [("second", "4"), ("first", "4"), ("second", "3")]),
        ("* | head 3 | search from=first", [("first", "99")]),
        ("* | sort num(n) | head 2 | table from n", [("second", "0"), ("first", "0")]),
        ("* | reverse | head 2", [("first", "0"), ("first", "1")]),
        ("* | dedup from | head 5", [("second", "99"), ("first", "99")]),
        ("* | streamstats count | where count>2 | head 1", [("first", "99")]),
        ("source=second | head 4 | tail 1", [("second", "96")]),
    ],
)
def test_the_first_rows(
    engine: DuckDBEngine, search: str, expected: list[tuple[object, object]]
) -> None:
    assert rows(engine, search) == expected


def test_columns_of_the_first_events_alone(engine: DuckDBEngine) -> None:
    request = SearchRequest("source=first | head 1 | table *", 1000.0, ALL_TIME)
    columns = engine.search(request).rows.columns
    assert "odd1" in columns
    assert "odd0" not in columns


def test_the_limit_stands_below_the_extractions(engine: DuckDBEngine) -> None:
    request = SearchRequest("source=first | head 1 | table n from", 1000.0, ALL_TIME)
    statement = LocalSearch(engine, request).compiled().statement
    assert statement.count("LIMIT 1") == 2

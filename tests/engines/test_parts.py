"""Events in several tables, one for each thread, are as events in one."""

from __future__ import annotations

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import PART_ROWS, DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventBatch


def loaded(*sizes: int) -> DuckDBEngine:
    """An engine with batches of so many events, numbered throughout, two to each second."""
    engine = DuckDBEngine(Knowledge(load_apps()))
    begun = 0
    for size in sizes:
        numbers = range(begun, begun + size)
        raw = [f"number={number}" for number in numbers]
        times: list[float | None] = [float(number // 2) for number in numbers]
        engine.load([EventBatch("main", "a", "parts", raw=raw, time=times, host=["h"] * size)])
        begun += size
    return engine


@pytest.mark.parametrize(
    "sizes",
    [
        (1,),
        (PART_ROWS,),
        (PART_ROWS + 1,),
        (PART_ROWS + 2, 3, PART_ROWS * 2 + 1),
        (2, PART_ROWS * 3 + 1, 5),
    ],
)
def test_events_are_newest_first_and_later_ones_first_among_equals(sizes: tuple[int, ...]) -> None:
    engine = loaded(*sizes)
    found = engine.search(SearchRequest("search index=main | table number", 0.0, ALL_TIME))
    count = sum(sizes)
    assert engine.events == count
    assert [int(str(row["number"])) for row in found.rows.rows] == list(range(count - 1, -1, -1))
    engine.close()

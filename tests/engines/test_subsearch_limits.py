"""Where a limit cuts rows of a subsearch, of sort or of mvexpand, the result says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventBatch, Limits

LIMITS = Limits(join_rows=2, append_rows=2, map_searches=2, sorted_rows=2, exploded_rows=4)
ROWS = "[search index=main | table n]"


@pytest.mark.parametrize(
    ("search", "count", "warning"),
    [
        (f"index=main | append {ROWS} | stats count", 5, "the subsearch of append"),
        ("index=main | append [search index=main] | stats count", 5, "the subsearch of append"),
        (f"index=main | table n | join n {ROWS} | stats count", 2, "the subsearch of join"),
        ("index=main | join n [search index=main] | stats count", 2, "the subsearch of join"),
        (f"index=main | table n | union {ROWS} | stats count", 5, "the subsearch of union"),
        ('index=main | map search="search n=$n$" | stats count', 2, "map ran for the first 2"),
        (f"index=main | head 1 | appendcols {ROWS} | stats count", 1, "appendcols left out"),
        ("index=main | sort n | stats count", 2, "sort gave more than 2 rows"),
        ("index=main | stats count by n | sort n | stats count", 2, "sort gave more than 2 rows"),
        ("index=main | sort 0 n | stats count", 3, None),
        ("index=main | sort 1 n | stats count", 1, None),
        ("index=main | head 2 | sort n | stats count", 2, None),
        ('index=main | eval m=split("a b", " ") | mvexpand m | stats count', 4, "mvexpand gave"),
        ('index=main | table n | eval m="a" | mvexpand m | stats count', 3, None),
        ("index=main | eval m=mvrange(0, 3) | mvexpand m limit=1 | stats count", 3, None),
        (f"index=main | append maxout=3 {ROWS} | stats count", 6, None),
    ],
)
def test_a_cut_is_told(search: str, count: int, warning: str | None) -> None:
    engine = DuckDBEngine(Knowledge(load_apps()), timezone="UTC")
    try:
        raw = [f"n={number}" for number in range(3)]
        engine.load([EventBatch("main", "s", "text", raw, [1.0, 2.0, 3.0], ["h"] * 3)])
        result = engine.search(SearchRequest(search, 1e9, ALL_TIME, limits=LIMITS))
    finally:
        engine.close()
    assert result.rows.rows == [{"count": count}]
    assert bool(result.warnings) == (warning is not None)
    assert warning is None or any(one.startswith(warning) for one in result.warnings)


def test_a_statement_is_not_kept_for_more_events_than_it_was_counted_for() -> None:
    knowledge = Knowledge(load_apps())
    counts = []
    for events in (2, 3):
        engine = DuckDBEngine(knowledge, timezone="UTC")
        try:
            raw = [f"n={number}" for number in range(events)]
            batch = EventBatch("main", "s", "text", raw, [1.0] * events, ["h"] * events)
            engine.load([batch])
            request = SearchRequest("index=main | sort n | stats count", 1e9, ALL_TIME)
            result = engine.search(replace(request, limits=LIMITS))
            counts.append((result.rows.rows[0]["count"], bool(result.warnings)))
        finally:
            engine.close()
    assert counts == [(2, False), (2, True)]

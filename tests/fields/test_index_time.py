"""tstats sees what the index holds, and nothing that a search would take out of the text."""

from __future__ import annotations

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.model import ALL_TIME, EventBatch


def rows(spl: str, *batches: EventBatch) -> tuple[list[dict[str, object]], list[str]]:
    engine = DuckDBEngine(Knowledge(load_apps()), timezone="UTC")
    try:
        engine.load(batches)
        search = LocalSearch(engine, SearchRequest(spl, 1_600_000_000.0, ALL_TIME))
        found = engine.run(search.relation(), search)
        return [dict(row) for row in found.rows], search.warnings
    finally:
        engine.close()


def batch(sourcetype: str, raw: str, meta: str | None) -> EventBatch:
    return EventBatch(
        "main", "s", sourcetype, [raw], [1.0], ["h"], [meta] if meta is not None else []
    )


def test_fields_beside_the_event_are_grouped_by() -> None:
    found, warnings = rows(
        "| tstats count where index=main zone=* by zone",
        batch("a", "user=eve zone=text", '{"zone": "dmz"}'),
        batch("a", "zone=text", '{"other": "x"}'),
        batch("b", "zone=text", None),
    )
    assert found == [{"zone": "dmz", "count": 1}]
    assert warnings == []


def test_several_values_beside_the_event_are_several_groups() -> None:
    found, _ = rows(
        "| tstats count where index=main by zone",
        batch("a", "x", '{"zone": ["dmz", "lan"]}'),
    )
    assert found == [{"zone": "dmz", "count": 1}, {"zone": "lan", "count": 1}]


def test_prestats_of_fields_beside_the_event() -> None:
    found, _ = rows(
        "| tstats prestats=t count where index=main by zone | stats count by zone",
        batch("a", "zone=text", '{"zone": "dmz"}'),
        batch("b", "zone=text", None),
    )
    assert found == [{"zone": "dmz", "count": 1}]

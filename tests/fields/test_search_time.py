"""The cases of search_time.yml: one event each, read with the app TA_features."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError
from harness.model import ALL_TIME, EventBatch, Value
from harness.model.documents import read_document

HERE = Path(__file__).parent
KEYS = frozenset(
    "name sourcetype from host time event fields absent search rows results error source".split()
)
CASES: list[dict[str, Any]] = read_document(HERE / "search_time.yml").data


@cache
def feature_apps() -> Apps:
    return load_apps([HERE / "TA_features"], builtin=False)


def searched(case: dict[str, Any], spl: str) -> list[dict[str, Value]]:
    engine = DuckDBEngine(Knowledge(feature_apps()))
    batch = EventBatch(
        "main",
        case.get("from", "src"),
        case["sourcetype"],
        [case["event"]],
        [case.get("time", 0.0)],
        [case.get("host", "some-host")],
    )
    try:
        engine.load([batch])
        return engine.search(SearchRequest(spl, 0.0, ALL_TIME)).rows.rows
    finally:
        engine.close()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    assert not case.keys() - KEYS
    assert case["source"]
    fields, absent = case.get("fields", {}), case.get("absent", [])
    names = " ".join(f'"{name}"' for name in (*fields, *absent))
    spl = f"search index=main | {case.get('search') or f'table {names}'}"
    if "error" in case:
        with pytest.raises(HarnessError) as raised:
            searched(case, spl)
        assert case["error"] in str(raised.value)
        return
    rows = searched(case, spl)
    if "results" in case:
        assert rows == case["results"]
    elif "rows" in case:
        assert len(rows) == case["rows"]
    else:
        assert rows == [fields]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_all_fields_at_once_are_the_same(case: dict[str, Any]) -> None:
    if "search" in case or any(name.startswith("tag::") for name in case.get("fields", {})):
        return
    [row] = searched(case, "search index=main | table *")
    given = {name: row.get(name) for name in case.get("fields", {}) if name[0] != "_"}
    assert given == {n: v for n, v in case.get("fields", {}).items() if n[0] != "_"}
    assert not [name for name in case.get("absent", []) if name in row]


def test_every_case_has_its_own_name() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)

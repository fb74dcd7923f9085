"""Events of Microsoft's cloud, Exchange and IIS, after their documentation, and their fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import EventBatch, TimeRange

CASES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def searched(apps: Apps, case: dict[str, Any], text: str) -> list[dict[str, Any]]:
    event = case["event"]
    raw = event if isinstance(event, str) else json.dumps(event)
    engine = DuckDBEngine(Knowledge(apps), threads=1)
    try:
        source = case.get("source", "case")
        engine.load(iter([EventBatch("main", source, case["sourcetype"], [raw], [0.0], ["h"])]))
        found = engine.search(SearchRequest(text, 1e9, TimeRange())).rows.rows
        return [dict(row) for row in found]
    finally:
        engine.close()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_event_has_the_fields_that_documentation_says(apps: Apps, case: dict[str, Any]) -> None:
    assert case["source_page"]
    wanted: dict[str, Any] = case.get("fields", {})
    absent: list[str] = case.get("absent", [])
    names = ",".join(json.dumps(name) for name in (*wanted, *absent))
    row = searched(apps, case, f"search index=main | table {names}")[0]
    assert {name: row.get(name) for name in wanted} == wanted
    assert {name: row.get(name) for name in absent} == dict.fromkeys(absent)


@pytest.mark.parametrize(
    ("case", "model"),
    [(case, model) for case in CASES for model in case.get("models", [])],
    ids=[f"{case['name']}-{model}" for case in CASES for model in case.get("models", [])],
)
def test_an_event_is_in_its_data_model(apps: Apps, case: dict[str, Any], model: str) -> None:
    assert searched(apps, case, f"| tstats count from datamodel={model}") == [{"count": 1}]

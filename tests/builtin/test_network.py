"""Fields and data models of the built-in apps for networks, clouds and applications, by event.

The cases lie in `network/`, one file for each app. Events are ours, written after the vendor's
documentation, which each case names; `models` are the data sets that the event belongs to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.ingest import ingest_text
from harness.model import ALL_TIME, Origin

CASES = Path(__file__).parent / "network"
NOW = 2_000_000_000.0


@dataclass(frozen=True)
class Case:
    """One event, and what is known of it."""

    name: str
    sourcetype: str
    source: str
    raw: str
    fields: dict[str, Any]
    absent: tuple[str, ...]
    models: tuple[str, ...]


def cases() -> list[Case]:
    found = []
    for path in sorted(CASES.glob("*.yml")):
        for number, one in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), 1):
            assert one["documentation"], f"{path.name}, case {number}, names no documentation"
            event = one["event"]
            raw = event if isinstance(event, str) else json.dumps(event)
            found.append(
                Case(
                    f"{path.stem}-{number}",
                    one["sourcetype"],
                    one.get("source", one["sourcetype"]),
                    raw.rstrip("\n"),
                    one["fields"],
                    tuple(one.get("absent", ())),
                    tuple(one.get("models", ())),
                )
            )
    return found


ALL = cases()


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def rows(engine: DuckDBEngine, text: str) -> list[dict[str, Any]]:
    request = SearchRequest(text, NOW, ALL_TIME)
    return [dict(row) for row in engine.search(request).rows.rows]


def as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [as_text(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_event(apps: Apps, case: Case) -> None:
    engine = DuckDBEngine(Knowledge(apps), threads=1)
    origin = Origin("main", case.source, case.sourcetype)
    try:
        engine.load(ingest_text(case.raw, origin, "events.log", apps))
        listed = ", ".join(json.dumps(name) for name in [*case.fields, *case.absent])
        found = rows(engine, f"search index=* | table {listed}")
        assert len(found) == 1, "the event is one event"
        given = {
            name: as_text(value) for name, value in found[0].items() if value not in (None, "", [])
        }
        assert given == {name: as_text(value) for name, value in case.fields.items()}
        for model in case.models:
            counted = rows(engine, f"| tstats count from datamodel={model.lstrip('!')}")
            assert counted[0]["count"] == (0 if model.startswith("!") else 1), model
    finally:
        engine.close()

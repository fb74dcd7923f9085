"""Runs the cases beside each command's and function's name.

A case: `name`, `spl`, `source` (the public documentation that states or implies the result), and
`output` or `error`; optional `input` (rows), `events`, `lookups`, `macros`, `now`, `timezone`,
`columns`, `note`. Expected rows are worked out from the documentation, never copied from output.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.errors import HarnessError
from harness.model import ALL_TIME, EventBatch, LookupDefinition, Macro, Value
from harness.plan.nodes import Relation, Values
from harness.registry import command_names, eval_function_names, stats_function_names

HERE = Path(__file__).parent
KEYS = {
    "columns", "error", "events", "input", "lookups", "macros", "name", "note", "now", "output",
    "source", "spl", "timezone",
}  # fmt: skip
FEWEST = 3


@cache
def read(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    return found


def cases() -> list[Any]:
    paths = sorted([*HERE.glob("commands/*.yml"), *HERE.glob("functions/*.yml")])
    return [
        pytest.param(case, id=f"{path.stem}: {case.get('name')}")
        for path in paths
        for case in read(path)
    ]


@cache
def apps() -> Apps:
    return load_apps()


def rows_of(given: list[dict[str, Value]]) -> Relation:
    names = tuple(dict.fromkeys(name for row in given for name in row))
    return Values(names, tuple(tuple(row.get(name) for name in names) for row in given))


def tables(case: dict[str, Any], folder: Path) -> dict[str, LookupDefinition]:
    found = {}
    for name, table in case.get("lookups", {}).items():
        path = folder / f"{name}.csv"
        path.write_text(table["csv"], encoding="utf-8")
        options = dict(table.get("definition", {}))
        kinds = tuple(tuple(pair) for pair in options.pop("match_types", ()))
        found[name] = LookupDefinition(name, path, match_types=kinds, **options)
    return found


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) <= KEYS, set(case) - KEYS
    assert case.get("source"), "a case needs its source"
    assert ("output" in case) != ("error" in case)
    macros = {
        (name, len(one.get("arguments", ()))): Macro(
            name, one["definition"], tuple(one.get("arguments", ()))
        )
        for name, one in case.get("macros", {}).items()
    }
    knowledge = Knowledge(apps(), macros, tables(case, tmp_path))
    engine = DuckDBEngine(knowledge, timezone=case.get("timezone", "UTC"))
    try:
        for one in case.get("events", ()):
            engine.load(
                [
                    EventBatch(
                        one.get("index", "main"),
                        one.get("source", "source"),
                        one.get("sourcetype", "text"),
                        [one["raw"]],
                        [one.get("time")],
                        [one.get("host", "host")],
                    )
                ]
            )
        request = SearchRequest(case["spl"], float(case.get("now", 1_600_000_000)), ALL_TIME)
        given = rows_of(case["input"]) if "input" in case else None
        search = LocalSearch(engine, request, given)
        if "error" in case:
            with pytest.raises(HarnessError) as caught:
                engine.run(search.relation(), search)
            assert caught.value.message == case["error"]
            return
        rows = engine.run(search.relation(), search)
        assert rows.rows == case["output"]
        if "columns" in case:
            assert list(rows.columns) == case["columns"]
    finally:
        engine.close()


def counted(folder: str) -> str:
    return "\n".join(case["spl"] for path in HERE.glob(f"{folder}/*.yml") for case in read(path))


@pytest.mark.parametrize("name", [n for n in command_names() if n not in ("bucket", "discretize")])
def test_every_command_has_cases(name: str) -> None:
    path = HERE / "commands" / f"{name}.yml"
    assert len(read(path)) >= FEWEST


@pytest.mark.parametrize(
    "name",
    sorted({*eval_function_names(), *stats_function_names()}),
)
def test_every_function_has_cases(name: str) -> None:
    text = counted("functions") + counted("commands")
    used = text.count(f"{name}(") + (text.count(f" {name} ") if name.isalpha() else 0)
    used += sum(text.count(f"{name}{digit}") for digit in "123456789")
    assert used >= FEWEST, used

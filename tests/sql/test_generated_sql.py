"""The SQL of a few plans, word for word: sqlglot drops what it does not know without a word.

A snapshot that is missing is written, and the test fails once so that somebody reads it. What
the statement gives is worked out by hand beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot.dialects.duckdb import DuckDB

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.model import ALL_TIME
from harness.plan.nodes import Values
from harness.sql.compiler import Compiler
from harness.sql.duckdb import DuckDBDialect

SNAPSHOTS = Path(__file__).parent / "snapshots"
ROWS = Values(
    ("user", "host", "n"),
    (("bob", "a", 1), ("bob", "b", 5), ("eve", "a", 10), ("bob", "a", 3), (None, "b", 9)),
)
PLANS = {
    "statistics": (
        "| stats count dc(host) AS hosts max(n) by user | where count>1 | sort -count",
        ("user", "count", "hosts", "max(n)"),
        [("bob", 3.0, 2.0, 5.0)],
    ),
    "order": (
        "| search NOT user=e* | dedup user host | sort -n | head 2 | table host n",
        ("host", "n"),
        [("b", 5.0), ("a", 1.0)],
    ),
    "expressions": (
        """
        | eval big=if(n>4, "yes", n), who=upper(user) | rex field=host "(?<first>[ab])"
        | where match(who, "^B") AND big!="yes" | table who big first
        """,
        ("who", "big", "first"),
        [("BOB", "1", "a"), ("BOB", "3", "a")],
    ),
}


def statement_of(spl: str, columns: tuple[str, ...]) -> str:
    engine = DuckDBEngine(Knowledge(load_apps()))
    try:
        search = LocalSearch(engine, SearchRequest(spl, 0.0, ALL_TIME), ROWS)
        compiler = Compiler(DuckDBDialect(), search.resolver, {}, "events")
        node: Any = compiler.statement(search.relation(), columns)[0]
    finally:
        engine.close()
    return DuckDB().generator(pretty=True).generate(node)


@pytest.mark.parametrize("name", PLANS)
def test_statement(name: str) -> None:
    spl, columns, rows = PLANS[name]
    statement = statement_of(spl, columns)
    assert duckdb.connect().execute(statement).fetchall() == rows
    path = SNAPSHOTS / f"{name}.sql"
    if not path.exists():
        SNAPSHOTS.mkdir(exist_ok=True)
        path.write_text(f"{statement}\n", encoding="utf-8")
        pytest.fail(f"{path.name} was missing and is written now: read it, then run again")
    assert f"{statement}\n" == path.read_text(encoding="utf-8")

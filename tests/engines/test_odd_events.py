"""Events that nobody would write: every search over them gives rows, and none an accident."""

from __future__ import annotations

import json

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventBatch, Value

NAMES = [
    'a"b', "a'b", "a.b", "a{}", "a b", "é", "'; DROP TABLE events; --", "a\\b", "a$b", "a|b", "a[b",
    "a`b", "a*b", "", " ", "\0schema", "count", "c0", "row", "grp", "a\nb", "\ud800", "a::b",
    "NULL", "<<FIELD>>", "1", "a,b", "select", "A", "a",
]  # fmt: skip
EVENTS = {
    "names": ("_json", json.dumps({name: f"v{n}" for n, name in enumerate(NAMES)})),
    "nested": ("_json", json.dumps({name: {"x": [1, {name: 2}]} for name in NAMES})),
    "halves": (
        "_json",
        r'{"s": "\ud800", "t": "\udfff\ud83d\ude00", "u": "\u0000z"}',
    ),
    "NUL": ("text", 'user=a\0b cmd="x\0y" \0 end'),
    "a long field": ("_json", json.dumps({"s": "x" * 1_000_000, "t": 1})),
    "a long event": ("text", "user=bob data=" + "y" * 1_000_000),
    "XML": (
        "XmlWinEventLog",
        "<Event><EventData><Data Name='a\0b'>q\0r</Data><Data Name='C.D{}&quot;'>2</Data>",
    ),
}
SEARCHES = [
    "index=main",
    "index=main | table *",
    "index=main | stats values(*) as *",
    "index=main | rename * as x_* | table x*",
    "index=main | spath | fieldsummary",
    "index=main | transpose | outputlookup odd.csv",
    "index=main | tojson | table _raw",
    "index=main s=* OR user=* | transaction host | untable _time name value",
    "index=main | fillnull | join type=outer host [search index=main] | sort *",
    'index=main | eval x=s.t.user, y=replace(_raw, "(?=.)z", s), z=json_keys(_raw) | table x y z',
    "index=main [search index=main | fields user s t | format] | stats count by s",
]


def found(sourcetype: str, raw: str, search: str) -> list[dict[str, Value]]:
    engine = DuckDBEngine(Knowledge(load_apps()), timezone="UTC")
    try:
        engine.load([EventBatch("main", "source", sourcetype, [raw], [1.0], ["host"])])
        return engine.search(SearchRequest(search, 1e9, ALL_TIME)).rows.rows
    finally:
        engine.close()


@pytest.mark.parametrize("event", EVENTS)
def test_odd_events(event: str) -> None:
    for search in SEARCHES:
        rows = found(*EVENTS[event], search)
        assert json.dumps(rows, ensure_ascii=False).encode()


def test_half_a_character_is_a_replacement_character() -> None:
    (row,) = found(*EVENTS["halves"], "index=main | table s t u")
    assert row == {"s": "\ufffd", "t": "\ufffd😀", "u": "\0z"}


def test_a_name_is_no_sql() -> None:
    (row,) = found(
        *EVENTS["names"], "index=main | eval a='a\"b' | table a, \"'; DROP TABLE events; --\""
    )
    assert row == {"a": "v0", "'; DROP TABLE events; --": "v6"}


def test_five_thousand_fields() -> None:
    event = json.dumps({f"f{number}": number for number in range(5_000)})
    (row,) = found("_json", event, "index=main")
    assert row["f4999"] == "4999"

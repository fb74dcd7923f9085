"""Parquet files as events: types, what is missing, kinds of events, odd names, hostile files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.placing import SearchFailed
from harness.engines.tables import BadTable
from harness.errors import HarnessError, Unsupported
from harness.model import ALL_TIME, EventBatch, EventTable, Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Rows = list[dict[str, Any]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write what a query gives as a Parquet file."""

    def run(query: str, name: str = "events.parquet") -> Path:
        path = tmp_path / name
        target = str(path).replace("'", "''")
        duckdb.sql(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
        return path

    return run


def engine_for(*paths: Path, **origin: Any) -> DuckDBEngine:
    tables = [EventTable(path, Origin(**origin)) for path in paths]
    return DuckDBEngine(Knowledge(load_apps((), builtin=False)), tables=tables, threads=1)


def search(spl: str, *paths: Path, **origin: Any) -> Rows:
    engine = engine_for(*paths, **origin)
    try:
        return engine.search(SearchRequest(spl, 1e9, ALL_TIME)).rows.rows
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("7::TINYINT", 7),
        ("7::BIGINT", 7),
        ("7.25::DOUBLE", 7.25),
        ("7.50::DECIMAL(10,2)", 7.5),
        ("9007199254740993::BIGINT", "9007199254740993"),
        ("18446744073709551615::UBIGINT", "18446744073709551615"),
        ("'text'", "text"),
        ("'10.0'", "10.0"),
        ("true", "true"),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("TIMESTAMP '2024-02-29 01:02:03'", "2024-02-29 01:02:03"),
        ("['a', 'b']", ["a", "b"]),
        ("['a']", "a"),
        ("['a', NULL]", "a"),
        ("[1, 2]", ["1", "2"]),
        ("{'a': 1, 'b': ['x']}", '{"a":1,"b":["x"]}'),
        ("NULL::VARCHAR", None),
        ("[]::VARCHAR[]", None),
        ("[NULL]::VARCHAR[]", None),
        ("'nan'::DOUBLE", None),
        ("'-inf'::FLOAT", None),
    ],
)
def test_types(write: Callable[..., Path], sql: str, value: object) -> None:
    rows = search("search index=main | table x", write(f"SELECT {sql} AS x, 1 AS n"))
    assert rows == [{} if value is None else {"x": value}]


def test_fields_without_a_value_are_null(write: Callable[..., Path]) -> None:
    path = write("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) t(n, x)")
    assert search("search NOT x=* | table n", path) == [{"n": 2}]
    assert search("search index=main | where isnull(x) | stats count", path) == [{"count": 1}]


@pytest.mark.parametrize(
    ("sql", "moment"),
    [
        ("1704067200.25::DOUBLE", 1704067200.25),
        ("1704067200::BIGINT", 1704067200),
        ("TIMESTAMP '2024-01-01 00:00:00.5'", 1704067200.5),
        ("TIMESTAMP_MS '2024-01-01 00:00:00'", 1704067200),
        ("TIMESTAMPTZ '2024-01-01 02:00:00+02'", 1704067200),
        ("DATE '2024-01-01'", 1704067200),
        ("'1704067200.5'", 1704067200.5),
        ("'2024-01-01T00:00:00Z'", 1704067200),
        ("'no time'", None),
        ("'nan'", None),
        ("NULL::DOUBLE", None),
    ],
)
def test_times(write: Callable[..., Path], sql: str, moment: float | None) -> None:
    path = write(f"SELECT {sql} AS _time, 1 AS n")
    engine = engine_for(path)
    assert (engine.events, engine.newest) == (1, moment)
    rows = engine.search(SearchRequest("search n=1 | table _time", 1e9, ALL_TIME)).rows.rows
    engine.close()
    assert rows == [{} if moment is None else {"_time": moment}]


def test_newest_first_and_later_rows_first_among_equals(write: Callable[..., Path]) -> None:
    path = write("SELECT * FROM (VALUES (1, 10), (2, 30), (3, 20), (4, 30)) t(n, _time)")
    assert [row["n"] for row in search("search index=main | table n", path)] == [4, 2, 3, 1]


def test_without_time_and_host(write: Callable[..., Path]) -> None:
    spl = "search index=main | table _time host source sourcetype n"
    assert search(spl, write("SELECT 1 AS n", "one.parquet")) == [
        {"host": "localhost", "source": "one.parquet", "sourcetype": "parquet", "n": 1}
    ]
    told = search("search index=a | table host source sourcetype",
                  write("SELECT 1 AS n, 'H' AS host", "one.parquet"),
                  index="a", source="s", sourcetype="t")  # fmt: skip
    assert told == [{"host": "H", "source": "s", "sourcetype": "t"}]


def test_columns_of_the_kind_of_event(write: Callable[..., Path]) -> None:
    path = write(
        "SELECT * FROM (VALUES (1, 'win', 'a', 's1'), (2, 'win', 'b', 's1'), (3, NULL, 'a', ''))"
        " t(n, index, sourcetype, source)"
    )
    assert search("search index=win | table n | sort n", path) == [{"n": 1}, {"n": 2}]
    assert search("search index=win sourcetype=b | table n", path) == [{"n": 2}]
    assert search("search index=main | table n source sourcetype", path) == [
        {"n": 3, "source": "events.parquet", "sourcetype": "a"}
    ]
    assert search("search index=win sourcetype=told | stats count", path, sourcetype="told") == [
        {"count": 2}
    ]
    assert search("search source=s1 | stats count by sourcetype", path) == [
        {"sourcetype": "a", "count": 1}, {"sourcetype": "b", "count": 1},
    ]  # fmt: skip


def test_too_many_kinds_of_events(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.tables.MOST_KINDS", 3)
    path = write("SELECT 's' || i AS source FROM range(4) t(i)")
    with pytest.raises(Unsupported, match="more than 3 kinds of events"):
        engine_for(path)
    assert search("search index=main | stats count", path, source="told") == [{"count": 4}]


def test_a_raw_column_is_read_as_events_are(write: Callable[..., Path]) -> None:
    path = write("SELECT 'EventCode=4688 user=bob x=raw' AS _raw, 'column' AS x")
    assert search("search user=bob | table EventCode user x _raw", path) == [
        {"EventCode": "4688", "user": "bob", "x": "column",
         "_raw": "EventCode=4688 user=bob x=raw"}
    ]  # fmt: skip
    assert search("search 4688 | stats count", path) == [{"count": 1}]


@pytest.mark.parametrize(
    "name",
    ["it's.parquet", 'two"quotes.parquet', "a*b?.parquet", "[ab].parquet", "ü ; --.parquet"],
)
def test_odd_file_names(write: Callable[..., Path], tmp_path: Path, name: str) -> None:
    write("SELECT 2 AS n", "axb1.parquet")
    write("SELECT 3 AS n", "a.parquet")
    path = write("SELECT 1 AS n", "plain.parquet").rename(tmp_path / name)
    assert search("search index=main | table n source", path) == [{"n": 1, "source": name}]


@pytest.mark.parametrize(
    "name", ["with space", "it's", 'a"b', "a.b{}.c", "select", "c0", "row", "x); DROP TABLE y; --"]
)
def test_odd_column_names(write: Callable[..., Path], name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    engine = engine_for(write(f"SELECT 5 AS {quoted}, 6 AS other"))
    (row,) = engine.search(SearchRequest("search other=6 | table *", 1e9, ALL_TIME)).rows.rows
    engine.close()
    assert row[name] == 5


def test_names_that_differ_in_letter_case_are_unsupported(write: Callable[..., Path]) -> None:
    path = write('SELECT 1 AS "Xser", 2 AS "user"')
    path.write_bytes(path.read_bytes().replace(b"Xser", b"User"))
    with pytest.raises(Unsupported, match="differ only in letter case"):
        engine_for(path)


def test_several_tables_and_events_beside_them(write: Callable[..., Path]) -> None:
    one = write("SELECT 1 AS n, 10 AS _time", "one.parquet")
    two = write("SELECT 'x' AS n, 30 AS _time", "two.parquet")
    engine = engine_for(one, two)
    batch = EventBatch("main", "three", "text", ["n=3"], [20.0], ["H"])
    assert engine.load([batch]).events == 3
    spl = "search index=main | table source n"
    rows = engine.search(SearchRequest(spl, 1e9, ALL_TIME)).rows.rows
    engine.close()
    assert [(row["source"], str(row["n"])) for row in rows] == [
        ("two.parquet", "x"), ("three", "3"), ("one.parquet", "1"),
    ]  # fmt: skip


def test_one_table_twice(write: Callable[..., Path]) -> None:
    path = write("SELECT 1 AS n")
    assert search("search index=main | stats count", path, path) == [{"count": 2}]


def test_a_table_without_rows(write: Callable[..., Path]) -> None:
    path = write("SELECT 1 AS n, 'a' AS sourcetype WHERE false")
    engine = engine_for(path)
    assert (engine.events, engine.newest) == (0, None)
    assert engine.search(SearchRequest("index=main", 1.0, ALL_TIME)).rows.rows == []
    engine.close()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table", b"PAR1" + b"\0" * 60 + b"PAR1"])
def test_what_is_no_parquet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    with pytest.raises(BadTable, match="the table cannot be read") as caught:
        engine_for(path)
    assert caught.value.place is not None
    assert caught.value.place.path == str(path)
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadTable):
        engine_for(tmp_path / "no.parquet")


def test_nothing_but_the_named_files_can_be_read(write: Callable[..., Path]) -> None:
    named, other = write("SELECT 1 AS n", "a.parquet"), write("SELECT 'secret' AS n", "b.parquet")
    engine = engine_for(named)
    for statement in (
        f"SELECT * FROM read_parquet('{other}')",
        f"SELECT * FROM '{other}'",
        f"SELECT * FROM read_parquet('{other.parent}/*.parquet')",
        f"SELECT * FROM read_text('{other}')",
        f"COPY (SELECT 1) TO '{other.parent}/c.parquet'",
        f"ATTACH '{other.parent}/d.db'",
        "SET enable_external_access = true",
        f"SET allowed_paths = ['{other}']",
        "INSTALL httpfs",
    ):
        with pytest.raises(HarnessError):
            engine.execute(statement)
    for spl in (f"| inputcsv {other}", f"| from '{other}'", f"search x | lookup {other} n"):
        with pytest.raises(HarnessError):
            engine.search(SearchRequest(spl, 1.0, ALL_TIME))
    read = engine.search(SearchRequest(f"| inputlookup {other}", 1.0, ALL_TIME))
    assert (read.rows.rows, len(read.warnings)) == ([], 1)
    engine.close()
    assert sorted(path.name for path in other.parent.iterdir()) == ["a.parquet", "b.parquet"]


def test_the_named_file_cannot_be_written(write: Callable[..., Path]) -> None:
    path = write("SELECT 1 AS n")
    before = path.read_bytes()
    engine = engine_for(path)
    with pytest.raises(SearchFailed):
        engine.execute(f"COPY (SELECT 2 AS n) TO '{path}' (FORMAT parquet)")
    engine.close()
    assert path.read_bytes() == before

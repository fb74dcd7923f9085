"""Tables of events: Parquet files whose columns are the fields of their events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.engines.connection import pattern_of
from harness.errors import HarnessError, Place, Unsupported
from harness.model import name_of
from harness.plan.nodes import Column
from harness.plan.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model import EventTable

SMALL_NUMBERS = frozenset("TINYINT SMALLINT INTEGER UTINYINT USMALLINT UINTEGER".split())
LARGE_NUMBERS = frozenset("BIGINT HUGEINT UBIGINT UHUGEINT".split())
FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
TIMES = ("TIMESTAMP", "DATE")
DEFAULT_HOST = "localhost"
RESERVED = ("index", "source", "sourcetype")
ROW = "file_row_number"
EXACT = 2**53
"""Up to here a double holds every whole number; larger ones stay the digits that they are."""
DIGITS = "digits"
MOST_KINDS = 1_000


class BadTable(HarnessError):
    """A Parquet file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A view of those events of a table that have one index, source and source type."""

    view: str
    index: str
    source: str
    sourcetype: str
    columns: tuple[Column, ...]
    count: int
    newest: float | None


def attach(cursor: Any, schema: str, prefix: str, table: EventTable) -> list[Attached]:
    """Make views of a table's events, one for each index, source and source type in it.

    A view's columns are `c0`, `c1`…, one for each field, and `row`. The columns `index`,
    `source` and `sourcetype` are what they say; a source or a source type that was told wins.
    `_time` may be epoch seconds, a timestamp (of UTC, where it has no zone of its own), or a text
    of either; another timestamp becomes text, a list a multivalue field, what is nested JSON.
    """
    import duckdb  # noqa: PLC0415 - a connection exists

    scan = f"read_parquet({_file(table)}, file_row_number=true)"
    try:
        described = cursor.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()  # noqa: S608
        found = [(str(row[0]), str(row[1])) for row in described if str(row[0]) != ROW]
        _refuse_renamed(cursor, found, table)
        outputs, columns = _outputs(found, _inexact(cursor, scan, found))
        listed = ", ".join((*outputs, f"{ROW} AS row"))
        time = f"c{next(n for n, column in enumerate(columns) if column.name == '_time')}"
        views = []
        for number, (key, condition) in enumerate(_kinds(cursor, scan, found, table)):
            view = f"{prefix}x{number}"
            cursor.execute(
                f"CREATE VIEW {schema}.{view} AS SELECT {listed} FROM {scan} WHERE {condition}"  # noqa: S608
            )
            measured = f"SELECT count(*), max({time}) FROM {schema}.{view}"  # noqa: S608
            ((count, newest),) = cursor.execute(measured).fetchall()
            views.append(Attached(view, *key, columns, count, newest))
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise BadTable(
            f"the table cannot be read: {first}", place=Place(str(table.path))
        ) from error
    return views


def _refuse_renamed(cursor: Any, found: Sequence[tuple[str, str]], table: EventTable) -> None:
    """Columns whose names differ only in letter case: DuckDB would give one a name of its own."""
    schema = f"parquet_schema({_file(table)})"
    named = cursor.execute(f"SELECT name FROM {schema}").fetchall()  # noqa: S608
    written = {str(row[0]) for row in named}
    for name, _ in found:
        if name not in written:
            raise Unsupported(
                f"columns whose names differ only in letter case, as `{name}`",
                place=Place(str(table.path)),
                hints=["rename one of them in the file"],
            )


def _kinds(
    cursor: Any, scan: str, found: Sequence[tuple[str, str]], table: EventTable
) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Each index, source and source type of a table's events, with the condition for them."""
    told = table.origin
    defaults = (told.index, told.source or name_of(table.path), told.sourcetype or "parquet")
    settled = (None, told.source, told.sourcetype)
    names = [name for name, _ in found]
    cells = {
        position: f"coalesce(CAST({_quoted(name)} AS VARCHAR), '')"
        for position, name in enumerate(RESERVED)
        if name in names and settled[position] is None
    }
    if not cells:
        yield defaults, "true"
        return
    listed = ", ".join(cells.values())
    rows = cursor.execute(
        f"SELECT DISTINCT {listed} FROM {scan} ORDER BY ALL LIMIT {MOST_KINDS + 1}"  # noqa: S608
    ).fetchall()
    if len(rows) > MOST_KINDS:
        raise Unsupported(
            f"a table with more than {MOST_KINDS:,} kinds of events",
            place=Place(str(table.path)),
            hints=["say --sourcetype and --source, or drop the columns of these names"],
        )
    for row in rows:
        key = list(defaults)
        conditions = []
        for (position, cell), value in zip(cells.items(), row, strict=True):
            key[position] = value or key[position]
            conditions.append(f"{cell} = {_literal(value)}")
        yield (key[0], key[1], key[2]), " AND ".join(conditions)


def _inexact(cursor: Any, scan: str, found: Sequence[tuple[str, str]]) -> frozenset[str]:
    """The columns of whole numbers that hold one which a double cannot."""
    names = [name for name, kind in found if kind in LARGE_NUMBERS and name != "_time"]
    if not names:
        return frozenset()
    bounds = ", ".join(
        f"max({_quoted(n)}) > {EXACT} OR min({_quoted(n)}) < -{EXACT}" for n in names
    )
    (answers,) = cursor.execute(f"SELECT {bounds} FROM {scan}").fetchall()  # noqa: S608
    return frozenset(name for name, answer in zip(names, answers, strict=True) if answer)


def _outputs(
    found: Sequence[tuple[str, str]], inexact: frozenset[str]
) -> tuple[list[str], tuple[Column, ...]]:
    outputs: list[str] = []
    columns: list[Column] = []
    for name, kind in found:
        if name in RESERVED:
            continue
        sql, column = _column(name, DIGITS if name in inexact else kind)
        outputs.append(f"{sql} AS c{len(columns)}")
        columns.append(column)
    for name, sql, kind_of in (
        ("_time", "CAST(NULL AS DOUBLE)", Kind.NUMBER),
        ("host", _literal(DEFAULT_HOST), Kind.ANY),
    ):
        if all(column.name != name for column in columns):
            outputs.append(f"{sql} AS c{len(columns)}")
            columns.append(Column(name, kind_of, multi=False))
    return outputs, tuple(columns)


def _column(name: str, kind: str) -> tuple[str, Column]:
    quoted = _quoted(name)
    text = f"CAST({quoted} AS VARCHAR)"
    if name == "_time":
        return _finite(_moment(quoted, kind)), Column(name, Kind.NUMBER, multi=False)
    if name == "_raw":
        return text, Column(name, Kind.TEXT, multi=False)
    if kind in SMALL_NUMBERS | LARGE_NUMBERS or kind.startswith(FRACTIONS):
        number = f"CAST({quoted} AS DOUBLE)"
        whole = kind in SMALL_NUMBERS | LARGE_NUMBERS
        return number if whole else _finite(number), Column(name, Kind.NUMBER, multi=False)
    if kind == "VARCHAR":
        return quoted, Column(name, Kind.ANY, multi=False)
    if kind == "BOOLEAN" or kind.startswith(TIMES) or kind in ("UUID", "TIME", DIGITS):
        return text, Column(name, Kind.ANY, multi=False)
    if kind.endswith("[]") and not kind.endswith("[][]") and "(" not in kind:
        present = f"list_filter(CAST({quoted} AS VARCHAR[]), lambda v: v IS NOT NULL)"
        full = f"CASE WHEN len({present}) > 0 THEN {present} END"
        return full, Column(name, Kind.ANY, multi=True)
    return f"CAST(to_json({quoted}) AS VARCHAR)", Column(name, Kind.ANY, multi=False)


def _moment(quoted: str, kind: str) -> str:
    if kind.startswith(TIMES):
        return f"epoch({quoted})"
    if kind == "VARCHAR":
        return f"coalesce(TRY_CAST({quoted} AS DOUBLE), epoch(TRY_CAST({quoted} AS TIMESTAMPTZ)))"
    return f"CAST({quoted} AS DOUBLE)"


def _finite(sql: str) -> str:
    """A number, or nothing where it is infinite or none: SPL has no such numbers."""
    return f"CASE WHEN isfinite({sql}) THEN {sql} END"


def _file(table: EventTable) -> str:
    return _literal(pattern_of(table.path))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

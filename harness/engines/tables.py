"""Tables of events: Parquet files whose columns are the fields of their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, Place
from harness.plan.nodes import Column
from harness.plan.types import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import EventTable

NUMBERS = frozenset(
    """
    TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT
    DOUBLE
    """.split()
)
TIMES = ("TIMESTAMP", "DATE")
DEFAULT_HOST = "localhost"
RESERVED = frozenset({"index", "source", "sourcetype"})
ROW = "file_row_number"


class BadTable(HarnessError):
    """A Parquet file that cannot be read."""


def attach(
    cursor: Any, schema: str, name: str, table: EventTable
) -> tuple[tuple[Column, ...], int, float | None]:
    """Make a view of a table's events; its columns, the number of events, the newest one's time.

    Its columns are `c0`, `c1`…, one for each field, and `row`. `_time` may be epoch seconds or a
    timestamp (of UTC, where it has no zone of its own); another timestamp becomes text, a list
    of texts a multivalue field, what is nested JSON.
    """
    import duckdb  # noqa: PLC0415 - a connection exists

    path = str(table.path.resolve())
    quoted = "'" + path.replace("'", "''") + "'"
    scan = f"read_parquet({quoted}, file_row_number=true)"
    try:
        described = cursor.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()  # noqa: S608
        found = [(str(row[0]), str(row[1])) for row in described if str(row[0]) != ROW]
        outputs, columns = _outputs(found)
        listed = ", ".join((*outputs, f"{ROW} AS row"))
        cursor.execute(f"CREATE VIEW {schema}.{name} AS SELECT {listed} FROM {scan}")  # noqa: S608
        position = next(n for n, column in enumerate(columns) if column.name == "_time")
        measured = f"SELECT count(*), max(c{position}) FROM {schema}.{name}"  # noqa: S608
        ((count, newest),) = cursor.execute(measured).fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise BadTable(
            f"the table cannot be read: {first}", place=Place(str(table.path))
        ) from error
    return columns, count, newest


def _outputs(found: Sequence[tuple[str, str]]) -> tuple[list[str], tuple[Column, ...]]:
    outputs: list[str] = []
    columns: list[Column] = []
    for name, kind in found:
        if name in RESERVED:
            continue
        sql, column = _column(name, kind)
        outputs.append(f"{sql} AS c{len(columns)}")
        columns.append(column)
    for name, sql, kind_of in (
        ("_time", "CAST(NULL AS DOUBLE)", Kind.NUMBER),
        ("host", f"'{DEFAULT_HOST}'", Kind.ANY),
    ):
        if all(column.name != name for column in columns):
            outputs.append(f"{sql} AS c{len(columns)}")
            columns.append(Column(name, kind_of, multi=False))
    return outputs, tuple(columns)


def _column(name: str, kind: str) -> tuple[str, Column]:
    quoted = '"' + name.replace('"', '""') + '"'
    if name == "_time":
        if kind.startswith(TIMES):
            return f"epoch({quoted})", Column(name, Kind.NUMBER, multi=False)
        return f"CAST({quoted} AS DOUBLE)", Column(name, Kind.NUMBER, multi=False)
    if kind in NUMBERS or kind.startswith("DECIMAL"):
        return f"CAST({quoted} AS DOUBLE)", Column(name, Kind.NUMBER, multi=False)
    if kind == "VARCHAR":
        return quoted, Column(name, Kind.TEXT if name == "_raw" else Kind.ANY, multi=False)
    if kind == "BOOLEAN" or kind.startswith(TIMES) or kind in ("UUID", "TIME"):
        return f"CAST({quoted} AS VARCHAR)", Column(name, Kind.ANY, multi=False)
    if kind.endswith("[]") and not kind.endswith("[][]") and "(" not in kind:
        present = f"list_filter(CAST({quoted} AS VARCHAR[]), lambda v: v IS NOT NULL)"
        full = f"CASE WHEN len({present}) > 0 THEN {present} END"
        return full, Column(name, Kind.ANY, multi=True)
    return f"CAST(to_json({quoted}) AS VARCHAR)", Column(name, Kind.ANY, multi=False)

"""The embedded engine: DuckDB in memory, one connection a process, one schema a trial."""

from __future__ import annotations

import itertools
import json
import re
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.engines.base import Loaded, SearchResult, StageRows
from harness.engines.bounds import is_empty
from harness.engines.connection import Connection, connection, leave_connection
from harness.engines.functions import create
from harness.engines.lookup_tables import table_of
from harness.engines.placing import EngineLimit, SearchFailed, placing
from harness.engines.rows import filled_rows, rows_of, uncollected
from harness.engines.search import SCHEMA, LocalSearch
from harness.engines.shared_fields import SharedFields
from harness.engines.tables import attach
from harness.engines.watchdog import interrupted_after
from harness.errors import HarnessError
from harness.fields.resolver import Group
from harness.model.numbers import number_text
from harness.plan.nodes import Column, Stored
from harness.plan.types import Kind, Typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from harness.engines.base import SearchRequest
    from harness.engines.explanation import Explanation
    from harness.engines.knowledge import Knowledge
    from harness.fields.provenance import EventReport
    from harness.model import EventBatch, EventTable, LookupDefinition, Rows, Value
    from harness.plan.nodes import Relation

SEARCH_SECONDS = 300.0
PART_ROWS = 4_096
MOST_PARTS = 8
SAMPLE_ROWS = 3
ENTITIES = ("none", "named", "numeric")
REFUSED = re.compile(
    r"executing the UDF: (?:SlowPattern|TooManyValues): (.+)"
    r"|Invalid Input Error: (mvappend gives more than .+)"
)
"""What DuckDB makes of an error that a function of ours raises on purpose."""

_schemas = itertools.count(1)


class BadValue(HarnessError):
    """A function of ours refuses a value of some row."""


class DuckDBEngine:
    """One trial's events in a schema of their own.

    With `shares`, the texts of a batch of searches that all have the same time range, the
    fields of events and data sets that they name are worked out once for all of them. `tables`
    are files whose columns are fields. `threads` and `memory` count for the process's first
    engine, and for every one that reads tables.
    """

    name = "local"

    def __init__(
        self,
        knowledge: Knowledge,
        *,
        timezone: str = "UTC",
        shares: str | None = None,
        threads: int | None = None,
        memory: str | None = None,
        tables: Sequence[EventTable] = (),
        connected: Connection | None = None,
    ) -> None:
        self.shares = SharedFields(shares) if shares is not None else None
        self.shared: dict[tuple[str, str], Stored] = {}
        self.knowledge = knowledge
        self.timezone = timezone
        self.schema = f"trial{next(_schemas)}"
        self.groups: dict[tuple[str, ...], Group] = {}
        self.stored: dict[str, tuple[Column, ...]] = {}
        self.sizes: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._lookups: dict[tuple[Path | None, str], Stored] = {}
        self._tables = itertools.count()
        self.events = 0
        self.newest: float | None = None
        paths = [table.path for table in tables]
        self.connection = connected or connection(threads=threads, memory=memory, tables=paths)
        self.cursor = self.connection.duckdb.cursor()
        self._filled: list[int] = []
        self._make_events()
        for table in tables:
            self._attach(table)

    def _make_events(self) -> None:
        """Make the schema and, in it, the tables of events."""
        self.connection.duckdb.execute(f"ATTACH ':memory:' AS {self.schema}")
        self._more_parts(1)

    def _attach(self, table: EventTable) -> None:
        for one in attach(self.cursor, self.schema, f"columns{len(self.groups)}", table):
            key = (one.index, one.source, one.sourcetype)
            fields = tuple(column.name for column in one.columns)
            group = Group(len(self.groups), *key, entities="none", table=one.view, fields=fields)
            self.groups[(*key, one.view)] = group
            self.stored[one.view] = one.columns
            self._seen(one.count, one.newest)

    def _seen(self, count: int, newest: float | None) -> None:
        self.events += count
        if newest is not None:
            self.newest = newest if self.newest is None else max(newest, self.newest)

    def _more_parts(self, count: int) -> None:
        """Let the events be in so many tables; `events` is all of them.

        Threads share out the tables of a statement, and of one table in memory only parts of
        122,880 rows: that many large events would be read by one thread.
        """
        for number in range(len(self._filled), count):
            self.cursor.execute(
                f"CREATE TABLE {self.schema}.events{number} (grp INTEGER, _time DOUBLE,"
                " host VARCHAR, _raw VARCHAR, _meta VARCHAR, rowid BIGINT)"
            )
            self._filled.append(0)
        parts = (
            f"SELECT * FROM {self.schema}.events{number}"  # noqa: S608
            for number in range(len(self._filled))
        )
        self.cursor.execute(
            f"CREATE OR REPLACE VIEW {self.schema}.events AS {' UNION ALL '.join(parts)}"
        )

    def _insert(self, table: Any, group: Group) -> None:
        """Put a group's events into the tables: many evenly, few where the fewest are."""
        rows = table.num_rows
        if sum(self._filled) + rows > PART_ROWS and len(self._filled) == 1:
            (threads,) = self.cursor.execute("SELECT current_setting('threads')").fetchall()[0]
            self._more_parts(min(int(threads), MOST_PARTS))
        parts = len(self._filled) if rows > PART_ROWS else 1
        size = -(-rows // parts)
        emptiest = sorted(range(len(self._filled)), key=self._filled.__getitem__)
        for number, start in zip(emptiest, range(0, rows, size), strict=False):
            piece = table.slice(start, min(size, rows - start))
            self._filled[number] += piece.num_rows
            self.cursor.register("batch", piece)
            self.cursor.execute(
                f"INSERT INTO {self.schema}.events{number}"  # noqa: S608
                f" SELECT {group.number}, t, h, r, m, n FROM batch"
            )
            self.cursor.unregister("batch")

    def load(self, batches: Iterable[EventBatch]) -> Loaded:
        """Add events, column by column, as they arrive."""
        from arro3.core import Array, DataType, Table  # noqa: PLC0415 - only loading needs Arrow

        for batch, kind in self._by_host(batches):
            if not batch.raw:
                continue
            group = self._group(batch, kind)
            table = Table.from_arrays(
                [
                    Array(batch.time, DataType.float64()),
                    Array(batch.host, DataType.string()),
                    Array(batch.raw, DataType.string()),
                    Array(batch.meta or [None] * len(batch.raw), DataType.string()),
                    Array(range(self.events, self.events + len(batch.raw)), DataType.int64()),
                ],
                names=["t", "h", "r", "m", "n"],
            )
            self._insert(table, group)
            times = [moment for moment in batch.time if moment is not None]
            self._seen(len(batch.raw), max(times, default=None))
        return Loaded(self.events, self.newest)

    def _by_host(
        self, batches: Iterable[EventBatch]
    ) -> Iterator[tuple[EventBatch, tuple[str, ...]]]:
        """The batches, each with the stanzas about its hosts, parted where these differ."""
        kind_of = self.knowledge.apps.host_kind
        for batch in batches:
            kinds = {host: kind_of(host) for host in set(batch.host)}
            different = set(kinds.values())
            if len(different) <= 1:
                yield batch, next(iter(different), ())
                continue
            for kind in sorted(different):
                yield (
                    batch.chosen([n for n, host in enumerate(batch.host) if kinds[host] == kind]),
                    kind,
                )

    def _group(self, batch: EventBatch, kind: tuple[str, ...]) -> Group:
        name = (batch.index, batch.source, batch.sourcetype)
        key = (*name, *kind)
        host = batch.host[0] if kind else ""
        free = 1 + max((group.number for group in self.groups.values()), default=-1)
        known = self.groups.get(key) or Group(free, *name, entities="none", host=host)
        entities = max(known.entities, _entities(batch.raw), key=ENTITIES.index)
        indexed = known.has_indexed or bool(batch.meta)
        self.groups[key] = replace(known, entities=entities, has_indexed=indexed)
        return self.groups[key]

    def search(self, request: SearchRequest) -> SearchResult:
        """Compile the search and run it."""
        started = time.perf_counter()
        search = LocalSearch(self, request)
        with placing(self, request), self.own_tables():
            found = search.compiled()
            self.prepare(set(found.used))
            compiled = time.perf_counter()
            statement = found.statement.replace(f'"{SCHEMA}"', f'"{self.schema}"')
            rows = self.fetch(statement, found.columns, found.types, found.places)
        rows = filled_rows(rows, search.always) if found.is_open else rows
        done = time.perf_counter()
        timings = {"compile": (compiled - started) * 1000, "run": (done - compiled) * 1000}
        known = not (found.is_open or search.asked_data)
        forgiven = tuple(search.forgiven)
        return SearchResult(rows, timings, tuple(search.warnings), known, forgiven)

    def count(self, request: SearchRequest) -> tuple[int, tuple[str, ...]]:
        """How many rows a search gives, with its warnings: no column is worked out for itself."""
        search = LocalSearch(self, request)
        with placing(self, request), self.own_tables():
            relation = search.relation()
            if is_empty(relation, search.resolver.surviving, self.row_count):
                return 0, tuple(search.warnings)
            statement, _ = search.statement(relation, ())
            ((rows,),) = self.execute(f"SELECT count(*) FROM ({statement})").fetchall()  # noqa: S608
        return rows, tuple(search.warnings)

    def stages(self, request: SearchRequest) -> list[StageRows]:
        """The rows after each stage: their number and the first few."""
        search = LocalSearch(self, request)
        found = []
        with self.own_tables():
            for text, relation in search.stages():
                columns = search.columns(relation)
                statement, types = search.statement(relation, columns)
                counted = self.execute(f"SELECT count(*) FROM ({statement})").fetchall()  # noqa: S608
                sample = self.fetch(f"{statement} LIMIT {SAMPLE_ROWS}", columns, types)
                found.append(StageRows(text, counted[0][0], sample))
        return found

    def explain(self, request: SearchRequest) -> Explanation:
        """Run a search stage by stage and say what each stage keeps, drops and lacks."""
        from harness.engines.explanation import explained  # noqa: PLC0415 - a run does without

        with placing(self, request), self.own_tables():
            return explained(self, LocalSearch(self, request))

    def report(self, request: SearchRequest) -> EventReport:
        """The fields of the one event that is loaded, each with where it comes from."""
        from harness.fields.provenance import event_report  # noqa: PLC0415 - as above

        search = LocalSearch(self, request)
        with placing(self, request), self.own_tables():
            return event_report(search.resolver, lambda relation: self.run(relation, search))

    @contextmanager
    def own_tables(self) -> Iterator[None]:
        """Tables that a search stores go when it is done; those of lookups stay."""
        try:
            yield
        finally:
            fields = self.shares.stored.values() if self.shares else ()
            shared = (*self._lookups.values(), *self.shared.values(), *fields)
            lasting = {table.table for table in shared}
            lasting |= {group.table for group in self.groups.values()}
            for name in [name for name in self.stored if name not in lasting]:
                with suppress(*_broken()):
                    self.cursor.execute(f"DROP TABLE IF EXISTS {self.schema}.{name}")
                del self.stored[name]

    def lookup_table(self, definition: LookupDefinition) -> Stored:
        """A lookup's table, its file read once."""
        key = (definition.table, definition.name if definition.collection else "")
        if key not in self._lookups:
            columns, rows = table_of(definition)
            self._lookups[key] = Stored(self.store_rows(columns, rows), columns)
        return self._lookups[key]

    def fetch(
        self,
        statement: str,
        columns: tuple[str, ...],
        types: tuple[Typed, ...],
        places: tuple[int, ...] = (),
    ) -> Rows:
        """The rows of a statement whose columns are these, in this order.

        With `places` these are where their values stand, and lists stand behind all of them.
        """
        with uncollected():
            return rows_of(self.execute(statement).fetchall(), columns, types, places)

    def store(
        self,
        statement: str,
        columns: tuple[str, ...],
        types: tuple[Typed, ...],
        places: tuple[int, ...],
    ) -> str:
        """Keep a statement's rows in order as a table; columns that are all NULL are left out.

        `places` are where the columns' values stand in the statement.
        """
        name = f"stored{next(self._tables)}"
        self.execute(
            f"CREATE TABLE {self.schema}.{name} AS"  # noqa: S608
            f" SELECT *, row_number() OVER () AS row FROM ({statement})"
        )
        counts = ", ".join(f"count(c{number})" for number in range(max(places) + 1))
        counted = f"SELECT {counts}, count(*) FROM {self.schema}.{name}"  # noqa: S608
        ((*filled, self._counts[name]),) = self.execute(counted).fetchall()
        self.stored[name] = tuple(
            Column(column, typed.kind, typed.multi, place)
            for column, typed, place in zip(columns, types, places, strict=True)
            if filled[place]
        )
        return name

    def store_rows(self, columns: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> str:
        """Keep rows of text as a table."""
        from arro3.core import Array, DataType, Table  # noqa: PLC0415 - only lookups need Arrow

        cells = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
        arrays = [Array(list(column), DataType.string()) for column in cells]
        arrays.append(Array(list(range(len(rows))), DataType.int64()))
        labels = [*(f"c{number}" for number in range(len(columns))), "row"]
        kept = tuple(Column(column, Kind.ANY, multi=False) for column in columns)
        name = self._store_table(Table.from_arrays(arrays, names=labels), kept)
        self.sizes[name] = len(rows)
        return name

    def store_values(self, rows: Rows) -> str:
        """Keep rows of mixed cells as a table, each column with the type that its cells have."""
        from arro3.core import Array, DataType, Table  # noqa: PLC0415 - only few commands need it

        arrays: list[Any] = []
        kept: list[Column] = []
        for name in rows.columns:
            cells = [row.get(name) for row in rows.rows]
            column = _column(name, cells)
            kept.append(column)
            if column.multi:
                lists = [None if cell in (None, []) else json.dumps(_texts(cell)) for cell in cells]
                arrays.append(Array(lists, DataType.string()))
            elif column.kind is Kind.NUMBER:
                numbers = [None if cell is None else float(cell) for cell in cells]  # type: ignore[arg-type]
                arrays.append(Array(numbers, DataType.float64()))
            else:
                texts = [None if cell is None else _text(cell) for cell in cells]
                arrays.append(Array(texts, DataType.string()))
        arrays.append(Array(list(range(len(rows))), DataType.int64()))
        labels = [*(f"c{number}" for number in range(len(kept))), "row"]
        return self._store_table(Table.from_arrays(arrays, names=labels), tuple(kept))

    def _store_table(self, table: object, columns: tuple[Column, ...]) -> str:
        name = f"stored{next(self._tables)}"
        self.cursor.register("batch", table)
        cells = [
            f"from_json(c{number}, '[\"VARCHAR\"]') AS c{number}" if column.multi else f"c{number}"
            for number, column in enumerate(columns)
        ]
        self.execute(
            f"CREATE TABLE {self.schema}.{name} AS SELECT {', '.join((*cells, 'row'))} FROM batch"  # noqa: S608
        )
        self.cursor.unregister("batch")
        self.stored[name] = columns
        return name

    def row_count(self, table: str) -> int:
        """How many rows a stored table has."""
        if table not in self._counts:
            counted = self.execute(f"SELECT count(*) FROM {self.schema}.{table}").fetchall()  # noqa: S608
            ((self._counts[table],),) = counted
        return self._counts[table]

    def run(self, relation: Relation, search: LocalSearch) -> Rows:
        """The rows of a relation whose columns are known."""
        columns = search.columns(relation)
        statement, types = search.statement(relation, columns)
        rows = self.fetch(statement, columns, types)
        return filled_rows(rows, search.always) if search.is_open(relation) else rows

    def execute(self, statement: str) -> duckdb.DuckDBPyConnection:
        """Run a statement, bounded in time."""
        with self._bounded():
            return self.cursor.execute(statement)

    def prepare(self, used: set[str]) -> None:
        """Create the functions of ours that a statement uses."""
        create(self.connection, used)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        import duckdb  # noqa: PLC0415 - already imported by connection()

        self.connection.failures.clear()
        try:
            with interrupted_after(SEARCH_SECONDS, self.cursor.interrupt):
                yield
        except duckdb.InterruptException as error:
            raise EngineLimit(f"the search took more than {SEARCH_SECONDS:g} s") from error
        except duckdb.OutOfMemoryException as error:
            raise EngineLimit(
                "the search needs more memory than there is", hints=["narrow its time range"]
            ) from error
        except _broken() as error:
            leave_connection()
            raise EngineLimit(
                "the search broke the engine: a text or a list longer than it can hold",
                hints=["later searches begin with a new engine"],
            ) from error
        except duckdb.Error as error:
            if self.connection.failures:
                raise self.connection.failures[0] from None
            first = str(error).splitlines()[0]
            if (refused := REFUSED.search(first)) is not None:
                raise BadValue(refused[1] or refused[2]) from error
            raise SearchFailed(f"the engine rejects the search: {first}") from error

    def close(self) -> None:
        """Forget the events and whatever the searches kept."""
        self.cursor.close()
        with suppress(*_broken()):
            self.connection.duckdb.execute(f"DETACH {self.schema}")


def _broken() -> tuple[type[Exception], ...]:
    """What DuckDB raises when a database can be used no more."""
    import duckdb  # noqa: PLC0415 - already imported by connection()

    return duckdb.FatalException, duckdb.InternalException


def _column(name: str, cells: list[Value]) -> Column:
    if any(isinstance(cell, list) for cell in cells):
        return Column(name, Kind.ANY, multi=True)
    present = [cell for cell in cells if cell is not None]
    numbers = bool(present) and all(isinstance(cell, int | float) for cell in present)
    return Column(name, Kind.NUMBER if numbers else Kind.ANY, multi=False)


def _texts(cell: Value) -> list[str]:
    return [_text(one) for one in (cell if isinstance(cell, list) else [cell]) if one is not None]


def _text(cell: str | float | list[str]) -> str:
    return number_text(float(cell)) if isinstance(cell, int | float) else str(cell)


def _entities(raw: list[str]) -> str:
    if not any("&" in text for text in raw):
        return "none"
    return "numeric" if any("&#" in text for text in raw) else "named"

"""The server's events and settings, in one DuckDB database: a file, or memory.

A batch of events and the groups that they make are one transaction, so after a crash either all
of it is there or nothing. DuckDB writes its log to the disk before a transaction is said to be
done. Source: DuckDB's documentation, "Transaction Management" and "Persistence".
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from harness.engines.base import SearchRequest
from harness.engines.connection import connection
from harness.engines.duckdb import DuckDBEngine
from harness.engines.functions import FUNCTIONS, create
from harness.engines.search import LocalSearch
from harness.errors import HarnessError
from harness.fields.resolver import Group
from harness.model import TimeRange
from harness.plan import nodes
from harness.sql.duckdb import generate
from harness.sql.query import select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.engines.connection import Connection
    from harness.engines.knowledge import Knowledge
    from harness.model import EventBatch, Rows
    from harness.plan.nodes import Relation
    from harness.plan.types import Typed
    from harness.server.access import View

MOST_ROWS = 200_000
"""How many rows of a search are kept."""
SCHEMA = "state"
FILE = "events.duckdb"
TABLES = (
    "CREATE SEQUENCE IF NOT EXISTS state.ids",
    """CREATE TABLE IF NOT EXISTS state.events
    (grp INTEGER, _time DOUBLE, host VARCHAR, _raw VARCHAR, _meta VARCHAR,
    id BIGINT DEFAULT nextval('state.ids'), _indextime DOUBLE DEFAULT epoch(now()))""",
    """ALTER TABLE state.events
    ADD COLUMN IF NOT EXISTS _indextime DOUBLE DEFAULT epoch(now())""",
    "CREATE TABLE IF NOT EXISTS state.groups (key VARCHAR, said VARCHAR)",
    """CREATE TABLE IF NOT EXISTS state.settings
    (file VARCHAR, stanza VARCHAR, key VARCHAR, value VARCHAR)""",
)


class StateUnusable(HarnessError):
    """The folder of --state cannot be used."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What searches may see: the groups of events, their number and the newest time."""

    groups: dict[tuple[str, ...], Group]
    events: int
    newest: float | None


class Store(DuckDBEngine):
    """All events. One thread writes at a time; searches have engines of their own."""

    def __init__(
        self, knowledge: Knowledge, folder: Path | None, *, timezone: str, memory: str | None
    ) -> None:
        path = str(_prepared(folder) / FILE) if folder is not None else ":memory:"
        try:
            connected = connection(memory=memory, database=(SCHEMA, path))
        except _database_errors() as error:
            raise StateUnusable(
                f"the state in {folder} cannot be opened: {str(error).splitlines()[0]}",
                hints=["another server may be using it"],
            ) from error
        create(connected, set(FUNCTIONS))
        self.lock = threading.RLock()
        super().__init__(knowledge, timezone=timezone, connected=connected)
        self.visible = Visible(dict(self.groups), self.events, self.newest)

    def _make_events(self) -> None:
        self.schema = SCHEMA
        for statement in TABLES:
            self.cursor.execute(statement)
        for key, said in self.cursor.execute("SELECT key, said FROM state.groups").fetchall():
            number, index, source, sourcetype, entities, table, fields, has_indexed, host = (
                json.loads(said)
            )
            self.groups[tuple(json.loads(key))] = Group(
                number, index, source, sourcetype, entities, table, tuple(fields), has_indexed, host
            )
        ((count, newest),) = self.cursor.execute(
            "SELECT count(*), max(_time) FROM state.events"
        ).fetchall()
        self._seen(count, newest)

    def _insert(self, table: Any, group: Group) -> None:
        """Put a group's events into the one table, which numbers them itself."""
        self.cursor.register("batch", table)
        self.cursor.execute(
            "INSERT INTO state.events (grp, _time, host, _raw, _meta)"  # noqa: S608
            f" SELECT {int(group.number)}, t, h, r, m FROM batch"
        )
        self.cursor.unregister("batch")

    def add(self, batches: Iterable[EventBatch]) -> int:
        """Add events; when this returns they are kept and every later search finds them."""
        with self.lock:
            before = (dict(self.groups), self.events, self.newest)
            try:
                self.cursor.execute("BEGIN")
                self.load(batches)
                self._keep_groups(before[0])
                self.cursor.execute("COMMIT")
            except BaseException:
                with suppress(Exception):
                    self.cursor.execute("ROLLBACK")
                self.groups, self.events, self.newest = before
                raise
            self.visible = Visible(dict(self.groups), self.events, self.newest)
            return self.events - before[1]

    def _keep_groups(self, before: dict[tuple[str, ...], Group]) -> None:
        changed = {key: group for key, group in self.groups.items() if before.get(key) != group}
        for key, group in changed.items():
            name = json.dumps(key)
            if key in before:
                self.cursor.execute("DELETE FROM state.groups WHERE key = ?", [name])
            said = json.dumps(astuple(group))
            self.cursor.execute("INSERT INTO state.groups VALUES (?, ?)", [name, said])

    def remove(self, ids: Sequence[int]) -> int:
        """Delete events by their numbers; how many there were."""
        with self.lock:
            self.cursor.execute("BEGIN")
            try:
                ((removed,),) = self.cursor.execute(
                    "DELETE FROM state.events WHERE id IN (SELECT unnest(?::BIGINT[]))", [list(ids)]
                ).fetchall()
                ((count, newest),) = self.cursor.execute(
                    "SELECT count(*), max(_time) FROM state.events"
                ).fetchall()
                self.cursor.execute("COMMIT")
            except BaseException:
                with suppress(Exception):
                    self.cursor.execute("ROLLBACK")
                raise
            self.events, self.newest = count, newest
            self.visible = Visible(dict(self.groups), count, newest)
            return int(removed)

    def remove_index(self, index: str) -> None:
        """Delete an index with its events and their kinds."""
        with self.lock:
            gone = {key: group for key, group in self.groups.items() if group.index == index}
            with self._transaction():
                self.cursor.execute(
                    "DELETE FROM state.events WHERE grp IN (SELECT unnest(?::INTEGER[]))",
                    [[group.number for group in gone.values()]],
                )
                for key in gone:
                    self.cursor.execute("DELETE FROM state.groups WHERE key = ?", [json.dumps(key)])
                ((count, newest),) = self.cursor.execute(
                    "SELECT count(*), max(_time) FROM state.events"
                ).fetchall()
            self.groups = {key: one for key, one in self.groups.items() if key not in gone}
            self.events, self.newest = count, newest
            self.visible = Visible(dict(self.groups), count, newest)

    @property
    def is_usable(self) -> bool:
        """Whether the database still answers: a search may break it for good."""
        try:
            cursor = self.connection.duckdb.cursor()
            cursor.execute("SELECT count(*) FROM state.events WHERE false").fetchall()
            cursor.close()
        except _database_errors():
            return False
        return True

    def index_counts(self) -> dict[str, tuple[int, float | None, float | None]]:
        """Each index's number of events and their earliest and latest time."""
        index_of = {group.number: group.index for group in self.visible.groups.values()}
        cursor = self.connection.duckdb.cursor()
        rows = cursor.execute(
            "SELECT grp, count(*), min(_time), max(_time) FROM state.events GROUP BY grp"
        ).fetchall()
        cursor.close()
        found: dict[str, tuple[int, float | None, float | None]] = {}
        for number, count, first, last in rows:
            index = index_of.get(number, "")
            before = found.get(index, (0, None, None))
            firsts = [one for one in (before[1], first) if one is not None]
            lasts = [one for one in (before[2], last) if one is not None]
            found[index] = (
                before[0] + count,
                min(firsts, default=None),
                max(lasts, default=None),
            )
        return found

    # Settings: what clients wrote into conf files

    def settings(self) -> list[tuple[str, str, str, str]]:
        """Everything that clients set: file, stanza, key, value."""
        with self.lock:
            found: list[tuple[str, str, str, str]] = self.cursor.execute(
                "SELECT file, stanza, key, value FROM state.settings"
            ).fetchall()
        return found

    def keep_stanza(self, file: str, stanza: str, values: dict[str, str] | None) -> None:
        """Keep a stanza as it is now, or forget it."""
        with self.lock, self._transaction():
            self.cursor.execute(
                "DELETE FROM state.settings WHERE file = ? AND stanza = ?", [file, stanza]
            )
            # A stanza without a key is one all the same.
            rows = [] if values is None else [("", ""), *values.items()]
            for key, value in rows:
                self.cursor.execute(
                    "INSERT INTO state.settings VALUES (?, ?, ?, ?)", [file, stanza, key, value]
                )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.cursor.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(Exception):
                self.cursor.execute("ROLLBACK")
            raise
        self.cursor.execute("COMMIT")

    def close(self) -> None:
        """Write what is in the log into the file, and let go of it."""
        with self.lock:
            with suppress(Exception):
                self.cursor.execute(f"CHECKPOINT {SCHEMA}")
            self.cursor.close()
            self.connection.duckdb.close()


class SearchEngine(DuckDBEngine):
    """Searches over a store's events, one at a time, in a schema and a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self.held = store
        self._is_inner = False
        self._is_restricted = False
        connected: Connection = store.connection
        super().__init__(store.knowledge, timezone=store.timezone, connected=connected)

    def _make_events(self) -> None:
        self.cursor.execute(f"ATTACH ':memory:' AS {self.schema}")
        self._see("")

    @contextmanager
    def looking(self, view: View) -> Iterator[None]:
        """One moment's events as far as a view goes, whatever arrives in the meantime."""
        with self.held.lock:
            self.cursor.execute("BEGIN")
            self.cursor.execute("SELECT count(*) FROM state.events WHERE false").fetchall()
            visible = self.held.visible
        self.groups, self.events, self.newest = (
            {key: group for key, group in visible.groups.items() if view.sees(group.index)},
            visible.events,
            visible.newest,
        )
        self.timezone = view.timezone or self.held.timezone
        try:
            self._restrict(view, len(self.groups) < len(visible.groups))
            yield
        except BaseException:
            with suppress(Exception):
                self.cursor.execute("ROLLBACK")
            raise
        self.cursor.execute("COMMIT")

    def _restrict(self, view: View, some: bool) -> None:
        """Let the view of the events hold those that may be seen, so that no command sees more."""
        if self._is_restricted:
            self._see("")
        conditions = []
        if some:
            numbers = ", ".join(str(int(group.number)) for group in self.groups.values())
            conditions.append(f"grp IN ({numbers})" if numbers else "false")
        if view.indexed_from is not None:
            conditions.append(f"_indextime >= {float(view.indexed_from)!r}")
        if view.indexed_until is not None:
            conditions.append(f"_indextime < {float(view.indexed_until)!r}")
        if conditions:
            self._see(f" WHERE {' AND '.join(conditions)}")
        if not view.filter:
            return
        request = SearchRequest(f"search {view.filter}", 0.0, TimeRange(None, None))
        search = LocalSearch(self, request)
        self.execute(
            f"CREATE OR REPLACE TABLE {self.schema}.seen AS"
            f" {self.ids_of(search.relation(), search)}"
        )
        self._see(f" WHERE id IN (SELECT id FROM {self.schema}.seen)")  # noqa: S608

    def _see(self, condition: str) -> None:
        self._is_restricted = bool(condition)
        self.cursor.execute(
            f"CREATE OR REPLACE VIEW {self.schema}.events AS"  # noqa: S608
            f" SELECT id AS rowid, grp, _time, host, _raw, _meta FROM state.events{condition}"
        )

    def ids_of(self, relation: Relation, search: LocalSearch) -> str:
        """A statement that gives the numbers of a relation's events, in a column `id`.

        They are the last key of its order. What is shown of the events does not matter.
        """
        plain = nodes.Project(relation, ()) if relation.columns is None else relation
        dialect = search._dialect()  # noqa: SLF001 - a search's own statement, but for its columns
        compiler = search._compiler(dialect, self.schema, plain)  # noqa: SLF001
        query = compiler.compile(plain, frozenset(), ordered=True)
        column = query.order[-1].column
        statement = generate(select([column], query.source, conditions=query.conditions))
        return f"SELECT * FROM ({statement}) AS found(id)"  # noqa: S608

    def run(self, relation: Relation, search: LocalSearch) -> Rows:
        """The rows of a relation that a search looks at on its way: all of them."""
        before, self._is_inner = self._is_inner, True
        try:
            return super().run(relation, search)
        finally:
            self._is_inner = before

    def fetch(
        self,
        statement: str,
        columns: tuple[str, ...],
        types: tuple[Typed, ...],
        places: tuple[int, ...] = (),
    ) -> Rows:
        """The rows of a statement; of a search's own, one more than are kept, to tell it."""
        if not self._is_inner:
            statement = f"{statement} LIMIT {MOST_ROWS + 1}"
        return super().fetch(statement, columns, types, places)

    def prepare(self, used: set[str]) -> None:
        """All functions exist since the store was opened."""

    def interrupt(self) -> None:
        """Stop the statement that runs."""
        self.cursor.interrupt()

    def close(self) -> None:
        """Forget what the searches kept; other threads may be using the connection."""
        self.cursor.close()
        with suppress(Exception):
            cursor = self.connection.duckdb.cursor()
            cursor.execute(f"DETACH {self.schema}")
            cursor.close()


def _prepared(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateUnusable(f"{folder} cannot be made: {error.strerror or error}") from error
    return folder


def _database_errors() -> tuple[type[Exception], ...]:
    import duckdb  # noqa: PLC0415 - as late as the connection

    return (duckdb.Error,)

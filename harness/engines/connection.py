"""Connections to DuckDB: in memory, closed to the outside, bounded in memory and threads.

After a connection is made nothing outside it can be read or written, but for the tables of
events that were named for it and a folder of its own to spill into: external access,
replacement scans and extension loading are off and the configuration is locked.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from harness.errors import HarnessError

ROW_GROUP = 16_384
CHECKPOINT_SIZE = "256MB"
"""How long the log of a database's file may become: what is in it is safe, only not yet packed."""

UNWANTED = ("filter_pushdown", "distinct_aggregate_rewrite")
"""DuckDB's optimizers that cost more than they give on events."""

_shared: list[Connection] = []
_lost: list[Connection] = []
_spill: list[str] = []


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection with the names of our own functions that were created on it.

    `failures` are the errors that they raised in the last statement: of an exception in a
    function the engine passes on nothing but the text.
    """

    duckdb: duckdb.DuckDBPyConnection
    created: set[str] = field(default_factory=set)
    failures: list[HarnessError] = field(default_factory=list)


def connection(
    *,
    threads: int | None = None,
    memory: str | None = None,
    tables: Sequence[Path] = (),
    database: tuple[str, str] | None = None,
) -> Connection:
    """The process's connection, made at first use; one of its own where tables are to be read.

    The same for a `database`: the name under which it is attached, and its file or `:memory:`.

    `memory` is DuckDB's spelling (`2GB`). Making a connection takes 15 ms, so trials share one.
    DuckDB's filter pushdown is off on it: the fields layer puts filters where they belong, and
    pushing them down would copy the expressions of extractions (28 of 39 ms of a small search).
    So is its rewrite of distinct aggregates, which has the events' fields worked out by one thread
    (0.73 and 0.37 s for 100 MB and `dc` beside `values`).
    """
    if tables or database is not None:
        return Connection(_made(threads, memory, tables, database))
    if not _shared:
        made = _made(threads, memory, ())
        _shared.append(Connection(made))
    return _shared[0]


def pattern_of(path: Path) -> str:
    """A file's path as DuckDB wants one, with nothing in it that could mean another file."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path.resolve()))


def forget_connection() -> None:
    """Let a process that was forked make a connection of its own.

    The one of before has lost its threads: it can be neither used nor closed, so it is kept.
    """
    _lost.extend(_shared)
    _shared.clear()


def leave_connection() -> None:
    """Let later engines have a new connection: a search broke the database of this one."""
    _shared.clear()


def _made(
    threads: int | None,
    memory: str | None,
    tables: Sequence[Path],
    database: tuple[str, str] | None = None,
) -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - 0.1 s that only a search pays

    workers = max(1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "threads": threads or max(1, (os.cpu_count() or 1) // workers),
        "memory_limit": memory or f"{60 // workers}%",
    }
    made = duckdb.connect(":memory:", config=config)
    made.execute("SET temp_directory = ?", [_spill_folder()])
    if tables:
        allowed = {name for path in tables for name in (str(path.resolve()), pattern_of(path))}
        made.execute("SET allowed_paths = ?", [sorted(allowed)])
    else:
        made.execute(f"SET disabled_optimizers = '{','.join(UNWANTED)}'")
    if database is not None:
        name, path = database
        quoted = path.replace("'", "''")
        made.execute(f"SET checkpoint_threshold = '{CHECKPOINT_SIZE}'")
        made.execute(f"ATTACH '{quoted}' AS {name} (ROW_GROUP_SIZE {ROW_GROUP})")
    for setting in (
        "SET python_enable_replacements = false",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        made.execute(setting)
    return made


def _spill_folder() -> str:
    """Where DuckDB may spill: a name in the temporary folder, which it makes when it needs it."""
    if not _spill:
        folder = tempfile.mkdtemp(prefix="detection-harness-")
        _spill.append(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _spill[0]

"""What index time asks of an engine: searches over events that are not indexed yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engines.base import SearchRequest
from harness.model import ALL_TIME, Rows
from harness.plan.nodes import Stored

if TYPE_CHECKING:
    from harness.apps import Apps
    from harness.engines.duckdb import DuckDBEngine


class IndexTimeSearches:
    """Runs searches over given rows, in an engine without events that begins with the first."""

    def __init__(self, apps: Apps, now: float = 0.0) -> None:
        """Take the apps, whose lookups the searches may read, and the clock."""
        self.apps = apps
        self.now = now
        self._engine: DuckDBEngine | None = None

    def __call__(self, text: str, rows: Rows) -> Rows:
        """The rows that a search makes of those that its first command receives."""
        from harness.engines.duckdb import DuckDBEngine  # noqa: PLC0415 - few apps need it
        from harness.engines.knowledge import Knowledge  # noqa: PLC0415
        from harness.engines.search import LocalSearch  # noqa: PLC0415

        if self._engine is None:
            self._engine = DuckDBEngine(Knowledge(self.apps))
        engine = self._engine
        with engine.own_tables():
            table = engine.store_values(rows)
            given = Stored(table, rows.columns)
            search = LocalSearch(engine, SearchRequest(text, self.now, ALL_TIME), given)
            return engine.run(search.relation(), search)

    def close(self) -> None:
        """Forget the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

"""untable: each cell of a table as a row of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.errors import Unsupported
from harness.model import Rows
from harness.registry import command

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("untable")
@dataclass(frozen=True, slots=True)
class Untable:
    """untable <row field> <name field> <value field>: the inverse of xyseries.

    Each row gives one row for each of its other fields that has a value: the row field, the
    other field's name, and its value. Fields that begin with `_` stay out, unless one is the row
    field. Source: Splunk Search Reference, `untable`.
    """

    stage: Stage
    row: str
    name: str
    value: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the three fields."""
        arguments = stage.arguments
        found = arguments.fields()
        if len(found) != 3:
            stage.fail(
                f"`{stage.name}` takes three fields, not {len(found)}",
                None,
                "untable <row field> <name field> <value field>",
            )
        return cls(stage, *found)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Take the table apart."""
        if rows is None:
            self.stage.fail("`untable` cannot begin a search")
        most = context.limits.fetched_rows
        return context.applied(rows, lambda found: self._apart(found, most))

    def _apart(self, rows: Rows, most: int) -> Rows:
        names = [name for name in rows.columns if name != self.row and not name.startswith("_")]
        found: list[dict[str, Value]] = []
        for row in rows.rows:
            for name in names:
                value = row.get(name)
                if value is not None:
                    found.append({self.row: row.get(self.row), self.name: name, self.value: value})
            if len(found) > most:
                raise Unsupported(
                    f"more than {most:,} cells for untable", hints=["aggregate before it"]
                )
        return Rows(tuple(dict.fromkeys((self.row, self.name, self.value))), found)

"""table: exactly these fields, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Project, Relation
from harness.registry import command
from harness.registry.names import is_wild, spread

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("table")
@dataclass(frozen=True, slots=True)
class Table:
    """table <field>…: a field that no row has is an empty column."""

    stage: Stage
    names: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the fields."""
        names = stage.arguments.fields()
        if not names:
            stage.arguments.fail("`table` needs a field")
        return cls(stage, tuple(names))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Project the columns."""
        if rows is None:
            self.stage.fail("`table` cannot begin a search")
        if any(is_wild(name) for name in self.names):
            rows = context.shown(rows, [name for name in self.names if not is_wild(name)])
        return Project(rows, tuple((name, name) for name in spread(self.names, rows.columns)))

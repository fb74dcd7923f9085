"""uniq: rows that differ from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Filter, Project, Relation, Window
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("uniq")
@dataclass(frozen=True, slots=True)
class Uniq:
    """uniq: a row that is in all fields as the one before it is removed.

    Source: Search Reference, `uniq`.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """There is nothing to read."""
        stage.arguments.finish()
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Number the rows of each run of equal rows and keep the first."""
        if rows is None:
            self.stage.fail("`uniq` cannot begin a search")
        rows = context.closed(rows)
        columns = rows.columns or ()
        number = context.spare("number")
        numbered = Window(rows, number, columns, runs=True)
        first = Filter(numbered, Call("=", (Field(number), Const(1.0))))
        return Project(first, tuple((name, name) for name in columns))

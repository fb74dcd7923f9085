"""delta: the difference from an earlier row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, with_columns

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("delta")
@dataclass(frozen=True, slots=True)
class Delta:
    """delta <field> [AS <name>] [p=<number>]: a field minus its value `p` rows before.

    Rows count in the search's order, newest first for events. Without two numbers there is no
    difference. The name is `delta(<field>)` by default. Source: Splunk Search Reference, `delta`.
    """

    stage: Stage
    field: str
    name: str
    distance: int

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field, the difference's name and the distance."""
        arguments = stage.arguments
        options = arguments.options(("p",))
        field = arguments.field()
        options |= arguments.options(("p",))
        name = arguments.field("a name") if arguments.accept_word("as") else f"delta({field})"
        options |= arguments.options(("p",))
        arguments.finish()
        distance = arguments.integer(options["p"], "p", minimum=1) if "p" in options else 1
        return cls(stage, field, name, distance)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Subtract, row after row."""
        if rows is None:
            self.stage.fail("`delta` cannot begin a search")
        return context.applied(rows, self._subtracted)

    def _subtracted(self, rows: Rows) -> Rows:
        numbers = [number_of(row.get(self.field)) for row in rows.rows]
        before = [None] * self.distance + numbers
        found = []
        for row, number, earlier in zip(rows.rows, numbers, before, strict=False):
            known = number is not None and earlier is not None
            found.append({**row, self.name: number - earlier} if known else row)  # type: ignore[operator]
        return Rows(with_columns(rows, (self.name,)), found)

"""accum: a running total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL, Call, Expr, Field
from harness.plan.nodes import Aggregation, Extend, Frame, Project, Relation, Windowed
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("accum")
@dataclass(frozen=True, slots=True)
class Accum:
    """accum <field> [AS <name>]: the sum of a field's numbers up to and including each row.

    Rows come in the search's order. A row whose field is no number gets no total; under the
    field's own name its value stays. Source: Splunk Search Reference, `accum`.
    """

    stage: Stage
    field: str
    name: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field and the total's name."""
        arguments = stage.arguments
        field = arguments.field()
        name = arguments.field("a name") if arguments.accept_word("as") else field
        arguments.finish()
        return cls(stage, field, name)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Sum over the rows up to each one."""
        if rows is None:
            self.stage.fail("`accum` cannot begin a search")
        columns, total = rows.columns, context.spare("total")
        summed = Windowed(rows, (), (Aggregation(total, "sum", Field(self.field)),), Frame())
        number = Call("isnum", (Field(self.field),))
        otherwise: Expr = Field(self.name) if self.name == self.field else NULL
        value = Call("if", (number, Field(total), otherwise))
        extended = Extend(summed, ((self.name, value),))
        if columns is None:
            return extended
        names = dict.fromkeys((*columns, self.name))
        return Project(extended, tuple((name, name) for name in names))

"""nomv: several values made into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.delimiters import delimiter_of

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("nomv")
@dataclass(frozen=True, slots=True)
class Nomv:
    """nomv <field>: the values one below the other, or between the delimiter they were given.

    `delim` of mvcombine or stats is what a nomv right after it puts between the values; else it
    is a line's end. Source: Search Reference, `nomv` and `mvcombine`.
    """

    stage: Stage
    field: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field."""
        field = stage.arguments.field()
        stage.arguments.finish()
        return cls(stage, field)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Join the values."""
        if rows is None:
            self.stage.fail("`nomv` cannot begin a search")
        between = delimiter_of(rows, self.field)
        value = Call("mvjoin", (Field(self.field), Const(between)))
        return Extend(rows, ((self.field, value),))

"""mvexpand: a row for each value of a multivalue field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Explode, Extend, Filter, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("mvexpand")
@dataclass(frozen=True, slots=True)
class Mvexpand:
    """mvexpand <field> [limit=<count>]: the other fields are in each of the rows.

    `limit` is the number of values of a row that are used, 0 (the default) for all. A row
    without the field has no value to stand for it and is dropped. Source: Search Reference,
    `mvexpand`: one result for each value.
    """

    stage: Stage
    field: str
    limit: int

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field and the limit."""
        arguments = stage.arguments
        options = arguments.options(("limit",))
        field = arguments.field()
        options.update(arguments.options(("limit",)))
        arguments.finish()
        limit = arguments.integer(options["limit"], "limit") if "limit" in options else 0
        return cls(stage, field, limit)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Explode the field."""
        if rows is None:
            self.stage.fail("`mvexpand` cannot begin a search")
        field = Field(self.field)
        rows = Filter(rows, Call("isnotnull", (field,)))
        if self.limit:
            first = Call("mvindex", (field, Const(0.0), Const(float(self.limit - 1))))
            rows = Extend(rows, ((self.field, first),))
        return Explode(rows, self.field)

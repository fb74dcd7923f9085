"""mvexpand: a row for each value of a multivalue field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import (
    Aggregate,
    Aggregation,
    Explode,
    Extend,
    Filter,
    Frame,
    Limit,
    Project,
    Relation,
    Windowed,
)
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

FARTHEST = 100
"""How many times the limit may be passed: beyond, nothing is worked out."""


@command("mvexpand")
@dataclass(frozen=True, slots=True)
class Mvexpand:
    """mvexpand <field> [limit=<count>]: the other fields are in each of the rows.

    `limit` is the number of values of a row that are used, 0 (the default) for all. A row
    without the field has no value to stand for it and is dropped. 1,000,000 rows at most, with a
    warning where there would be more (Splunk bounds the memory: limits.conf, [mvexpand],
    max_mem_usage_mb). Source: Search Reference, `mvexpand`: one result for each value.
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

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Explode the field."""
        if rows is None:
            self.stage.fail("`mvexpand` cannot begin a search")
        field = Field(self.field)
        rows = Filter(rows, Call("isnotnull", (field,)))
        if self.limit:
            first = Call("mvindex", (field, Const(0.0), Const(float(self.limit - 1))))
            rows = Extend(rows, ((self.field, first),))
        return self._bounded(rows, context)

    def _bounded(self, rows: Relation, context: Context) -> Relation:
        """The exploded rows: they are counted before, and the rows that give too many are cut."""
        if (names := rows.columns) is not None:
            rows = Project(context.kept(rows), tuple((name, name) for name in names))
        most, values = context.limits.exploded_rows, Call("mvcount", (Field(self.field),))
        total = Aggregate(rows, (), (Aggregation("total", "sum", values),))
        (found,) = context.fetched(total).rows
        count = found.get("total")
        if not isinstance(count, int | float) or count <= most:
            return Explode(rows, self.field)
        if count > most * FARTHEST:
            self.stage.unsupported(f"mvexpand into {count:,.0f} rows", None, "limit the values")
        context.warn(f"mvexpand gave more than {most:,} rows: the others were left out")
        so_far = context.spare("rows")
        rows = Windowed(rows, (), (Aggregation(so_far, "sum", values),), Frame())
        before = Call("-", (Field(so_far), values))
        rows = Filter(rows, Call("<", (before, Const(float(most)))))
        if names is not None:
            rows = Project(rows, tuple((name, name) for name in names))
        return Limit(Explode(rows, self.field), most)

"""fromjson: a field for each key of a JSON object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Relation, Unfold
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("fromjson")
@dataclass(frozen=True, slots=True)
class Fromjson:
    """fromjson <field> [prefix=<text>].

    The keys of the object in the field become fields, with the prefix before their names. An
    array gives a multivalue field; an object inside the object stays JSON. A null gives no
    field, and a text that is no JSON object changes nothing.

    Source: Search Reference, fromjson.
    """

    stage: Stage
    field: str
    prefix: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field and the prefix."""
        arguments = stage.arguments
        options = arguments.options(("prefix",))
        field = arguments.field("a field with JSON")
        options.update(arguments.options(("prefix",)))
        arguments.finish()
        return cls(stage, field, options["prefix"].value if "prefix" in options else "")

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Unfold the object, with its keys renamed first if they get a prefix."""
        if rows is None:
            self.stage.fail("`fromjson` cannot begin a search")
        source = self.field
        if self.prefix:
            source = context.spare("object")
            renamed = Call("object_prefixed", (Field(self.field), Const(self.prefix)))
            rows = Extend(rows, ((source, renamed),))
        return Unfold(rows, source, "object_value", "object_names")

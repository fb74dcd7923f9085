"""xmlkv: fields from the elements of XML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Relation, Unfold
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("maxinputs",)


@command("xmlkv")
@dataclass(frozen=True, slots=True)
class Xmlkv:
    """xmlkv [<field>] [maxinputs=<count>].

    Each element that holds nothing but text becomes a field called like the element, with the
    text as its value; entities are decoded. The text around the elements need not be XML.
    maxinputs says how many rows Splunk hands over at once, and changes nothing.

    Source: Search Reference, xmlkv.
    """

    stage: Stage
    field: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        field = "_raw" if arguments.done else arguments.field()
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        for name, token in options.items():
            arguments.integer(token, name, minimum=1)
        return cls(stage, field)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Unfold the elements."""
        if rows is None:
            self.stage.fail("`xmlkv` cannot begin a search")
        return Unfold(rows, self.field, "xmlkv_value", "xmlkv_names")

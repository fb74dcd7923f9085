"""strcat: fields and texts put together in one field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field, every
from harness.plan.nodes import Extend, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("strcat")
@dataclass(frozen=True, slots=True)
class Strcat:
    """strcat [allrequired=<bool>] <source>… <field>: a source is a field, or a text in quotes.

    A source field that a row lacks counts as an empty text; with allrequired=true nothing is
    written where one is missing. Source: Search Reference, `strcat`.
    """

    stage: Stage
    sources: tuple[Field | Const, ...]
    name: str
    all_required: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the option, the sources, and the field that comes last."""
        arguments = stage.arguments
        options = arguments.options(("allrequired",))
        required = "allrequired" in options and arguments.boolean(
            options["allrequired"], "allrequired"
        )
        taken = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            token = arguments.next("a source")
            if token.kind not in ("word", "string", "quoted"):
                stage.fail("a field or a text in quotes is expected here", token.span)
            taken.append(token)
        if len(taken) < 2:
            arguments.fail("`strcat` needs sources and a field", 'write strcat a ":" b result')
        target = taken.pop()
        sources = tuple(
            Const(token.value) if token.kind == "string" else Field(token.value) for token in taken
        )
        return cls(stage, sources, target.value, required)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the field."""
        if rows is None:
            self.stage.fail("`strcat` cannot begin a search")
        fields = [source for source in self.sources if isinstance(source, Field)]
        value: Expr = Const("")
        for source in self.sources:
            part: Expr = source
            if isinstance(source, Field):
                part = Call("coalesce", (source, Const("")))
            value = Call(".", (value, part))
        if self.all_required and fields:
            present = every(Call("isnotnull", (field,)) for field in fields)
            value = Call("if", (present, value, Field(self.name)))
        return Extend(rows, ((self.name, value),))

"""setfields: the same values in every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Const
from harness.plan.nodes import Extend, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("setfields")
@dataclass(frozen=True, slots=True)
class Setfields:
    """setfields <field>=<text>[, …]: fields added, or replaced where they are present.

    Source: Search Reference, `setfields`.
    """

    stage: Stage
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the assignments."""
        arguments = stage.arguments
        fields: dict[str, str] = {}
        while not arguments.done:
            if arguments.accept(","):
                continue
            name = arguments.field()
            token = arguments.next("`=`")
            if token.value != "=":
                stage.fail("`=` is expected here", token.span, 'write field="text"')
            token = arguments.next("a text")
            if token.kind not in ("word", "string"):
                stage.fail("a text is expected here", token.span)
            fields[name] = token.value
        if not fields:
            arguments.fail("`setfields` needs a field", 'write setfields field="text"')
        return cls(stage, tuple(fields.items()))

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the fields."""
        if rows is None:
            self.stage.fail("`setfields` cannot begin a search")
        return Extend(rows, tuple((name, Const(value)) for name, value in self.fields))

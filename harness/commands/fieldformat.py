"""fieldformat: how a field is shown, its value unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.evaluation import Evaluation
from harness.spl.expressions import ExpressionParser

if TYPE_CHECKING:
    from harness.plan.expressions import Expr
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("fieldformat")
@dataclass(frozen=True, slots=True)
class Fieldformat:
    """fieldformat <field>=<expression>: only Splunk Web shows the expression's value.

    The field keeps its own value for later commands, exports and what a trial compares, so the
    rows stay as they are. Source: Search Reference, `fieldformat`, Description and Usage.
    """

    stage: Stage
    value: Expr

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the assignment, which has to be right although it changes nothing."""
        parser = ExpressionParser(stage.text, stage.span)
        token = parser.take()
        if token.kind not in ("name", "text", "field") or not token.value:
            stage.fail("a field is expected here", token.span, "write field=expression")
        while token.kind == "name" and parser.accept("."):
            parser.take()
        if not parser.accept("="):
            stage.fail("`=` is expected here", parser.peek().span, "write field=expression")
        value = Evaluation(stage.text, provided=True).value(parser.expression())
        rest = parser.peek()
        if rest.kind != "end":
            stage.fail(f"`{rest.value}` is not expected here", rest.span)
        return cls(stage, value)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Nothing changes."""
        if rows is None:
            self.stage.fail("`fieldformat` cannot begin a search")
        return rows

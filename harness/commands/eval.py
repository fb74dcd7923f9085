"""eval: new fields from expressions, worked out from left to right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.evaluation import Evaluation
from harness.spl.expressions import ExpressionParser

if TYPE_CHECKING:
    from harness.plan.expressions import Expr
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("eval")
@dataclass(frozen=True, slots=True)
class Eval:
    """eval <field>=<expression>[, …]: a later expression sees the fields of the earlier ones."""

    stage: Stage
    fields: tuple[tuple[str, Expr], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the assignments."""
        parser = ExpressionParser(stage.text, stage.span)
        evaluation = Evaluation(stage.text)
        fields: list[tuple[str, Expr]] = []
        while True:
            fields.append((cls._name(stage, parser), evaluation.value(parser.expression())))
            if not parser.accept(","):
                break
        rest = parser.peek()
        if rest.kind != "end":
            stage.fail(f"`{rest.value}` is not expected here", rest.span)
        return cls(stage, tuple(fields))

    @staticmethod
    def _name(stage: Stage, parser: ExpressionParser) -> str:
        raw, position = stage.text.text, parser.position
        while position < parser.end and raw[position].isspace():
            position += 1
        if raw.startswith("{", position):
            stage.unsupported(
                "eval of a field that the data names", type(stage.span)(position, position + 1)
            )
        token = parser.take()
        if token.kind not in ("name", "text", "field") or not token.value:
            stage.fail("a field is expected here", token.span, "write field=expression")
        name = token.value
        while token.kind == "name" and parser.accept("."):
            name += f".{parser.take().value}"
        if not parser.accept("="):
            stage.fail("`=` is expected here", parser.peek().span, "write field=expression")
        return name

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the fields one after the other."""
        if rows is None:
            self.stage.fail("`eval` cannot begin a search", None, "begin with | makeresults")
        for name, value in self.fields:
            rows = Extend(rows, ((name, value),))
        return rows

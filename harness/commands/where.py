"""where: keep the rows for which an eval condition is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL
from harness.plan.nodes import Filter, Relation
from harness.registry import command
from harness.registry.evaluation import Evaluation
from harness.registry.provisions import provided, without_provisions
from harness.spl.expressions import has_subsearch, parse_expression

if TYPE_CHECKING:
    from harness.plan.expressions import Expr
    from harness.registry.context import Context
    from harness.spl.expressions import Expression
    from harness.spl.pipeline import Stage


@command("where")
@dataclass(frozen=True, slots=True)
class Where:
    """where <condition>: letter case counts; a comparison with an absent field is not true.

    A subsearch is run first: what it returns stands in its place, its rows are the condition
    that their fields have their values. Source: Search Reference, `where` and `return`.
    """

    stage: Stage
    condition: Expr | None
    later: Expression | None = None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the condition."""
        if not stage.raw:
            stage.fail("`where` needs a condition")
        expression = parse_expression(stage.text, stage.span)
        if has_subsearch(expression):
            return cls(stage, None, expression)
        return cls(stage, Evaluation(stage.text, provided=True).condition(expression))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Filter the rows."""
        if rows is None:
            self.stage.fail("`where` cannot begin a search")
        written = self.condition
        if written is None:
            evaluation = Evaluation(self.stage.text, provided=True, context=context)
            written = evaluation.condition(self.later) if self.later else NULL
        extended, condition = provided(rows, written, context, self.stage)
        filtered = Filter(extended, condition)
        return filtered if extended is rows else without_provisions(filtered, rows)

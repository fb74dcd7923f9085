"""where: keep the rows for which an eval condition is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Filter, Relation
from harness.registry import command
from harness.registry.evaluation import Evaluation
from harness.registry.provisions import provided, without_provisions
from harness.spl.expressions import parse_expression

if TYPE_CHECKING:
    from harness.plan.expressions import Expr
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("where")
@dataclass(frozen=True, slots=True)
class Where:
    """where <condition>: letter case counts; a comparison with an absent field is not true."""

    stage: Stage
    condition: Expr

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the condition."""
        if not stage.raw:
            stage.fail("`where` needs a condition")
        expression = parse_expression(stage.text, stage.span)
        return cls(stage, Evaluation(stage.text, provided=True).condition(expression))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Filter the rows."""
        if rows is None:
            self.stage.fail("`where` cannot begin a search")
        extended, condition = provided(rows, self.condition, context, self.stage)
        filtered = Filter(extended, condition)
        return filtered if extended is rows else without_provisions(filtered, rows)

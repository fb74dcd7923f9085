"""regex: the rows whose field matches a pattern, or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field, negation
from harness.plan.nodes import Filter, Relation
from harness.registry import command
from harness.registry.patterns import checked

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("regex")
@dataclass(frozen=True, slots=True)
class Regex:
    """regex [<field>=|<field>!=]<pattern>: the pattern may occur anywhere in the value.

    Without a field it is asked of `_raw`. Of several values any may match; with `!=` the rows
    that match are removed, so that those without the field stay. Source: Search Reference,
    `regex`.
    """

    stage: Stage
    condition: Expr

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field, the operator and the pattern."""
        arguments = stage.arguments
        field, operator = "_raw", "="
        following = arguments.peek(1)
        if following is not None and following.kind == "operator":
            field = arguments.field()
            token = arguments.next("`=` or `!=`")
            operator = token.value
            if operator not in ("=", "!="):
                stage.fail("`regex` takes = or !=", token.span)
        token = arguments.next("a pattern in quotes")
        if token.kind not in ("string", "word"):
            stage.fail("a pattern is expected here", token.span, "write it in quotes")
        if not arguments.done and token.kind == "word":
            arguments.fail("the pattern ends here", "write the pattern in quotes")
        arguments.finish()
        checked(token.value, stage.text, token.span)
        found = Call("regex_any", (Field(field), Const(token.value)))
        return cls(stage, found if operator == "=" else negation(found))

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Filter the rows."""
        if rows is None:
            self.stage.fail("`regex` cannot begin a search")
        return Filter(rows, self.condition)

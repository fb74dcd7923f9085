"""head: the first rows, by number or as long as a condition holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field, negation
from harness.plan.nodes import (
    Aggregation,
    Extend,
    Filter,
    Frame,
    Limit,
    Project,
    Relation,
    Windowed,
)
from harness.registry import command
from harness.registry.evaluation import Evaluation

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("limit", "null", "keeplast")
DEFAULT_COUNT = 10


@command("head")
@dataclass(frozen=True, slots=True)
class Head:
    """head [<count> | (<condition>)] [limit=<count>] [null=<bool>] [keeplast=<bool>].

    The first rows in the order they arrive, 10 by default. With a condition, all rows up to the
    first one for which it is false; `keeplast` keeps that one too, `null=false` makes a condition
    without an answer end them as well. Source: Search Reference, `head`.
    """

    stage: Stage
    count: int | None = DEFAULT_COUNT
    condition: Expr | None = None
    goes_on_at_null: bool = True
    keeps_last: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the count or the condition, and the options around it."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        count, condition = None, None
        token = arguments.peek()
        if token is not None and token.kind == "(":
            condition = Evaluation(stage.text).condition(arguments.expression())
        elif token is not None and token.value.isdigit():
            count = arguments.integer(arguments.next("a count"), "the count")
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        if "limit" in options:
            count = arguments.integer(options["limit"], "limit")
        elif condition is None and count is None:
            count = DEFAULT_COUNT
        flags = {
            name: arguments.boolean(options[name], name)
            for name in ("null", "keeplast")
            if name in options
        }
        return cls(stage, count, condition, flags.get("null", True), flags.get("keeplast", False))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Limit the rows."""
        if rows is None:
            self.stage.fail("`head` cannot begin a search")
        if self.condition is not None:
            rows = self._while(rows, self.condition, context)
        return rows if self.count is None else Limit(rows, self.count)

    def _while(self, rows: Relation, condition: Expr, context: Context) -> Relation:
        """The rows before (or up to) the first that ends them: a running count of such rows."""
        columns = rows.columns
        ends: Expr = negation(condition)
        if self.goes_on_at_null:
            ends = Call("not", (condition,))
        ended, total = context.spare("ended"), context.spare("total")
        flagged = Extend(rows, ((ended, Call("if", (ends, Const(1.0), Const(0.0)))),))
        counted = Windowed(
            flagged,
            (),
            (Aggregation(total, "sum", Field(ended)),),
            Frame(current=not self.keeps_last),
        )
        before = Call("coalesce", (Field(total), Const(0.0)))
        kept: Relation = Filter(counted, Call("=", (before, Const(0.0))))
        if columns is not None:
            kept = Project(kept, tuple((name, name) for name in columns))
        return kept

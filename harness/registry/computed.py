"""Values worked out from statistics: `eval(avg(size) / max(delay)) AS ratio`.

Source: Splunk Search Reference, `chart` and `timechart`, eval-expression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.plan.expressions import Expr, Field
from harness.registry.aggregations import Statistic, check_function
from harness.registry.evaluation import Evaluation, is_condition
from harness.registry.functions import find_stats_function
from harness.spl.expressions import Call, Expression, FieldName, Operation

if TYPE_CHECKING:
    from harness.spl.arguments import Arguments
    from harness.spl.source import Span

HIDDEN = "\1"
"""Begins the names of the statistics inside an expression; no search can write it."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A named expression over the results of some statistics, which have hidden names."""

    name: str
    value: Expr
    parts: tuple[Statistic, ...]


def at_computed(arguments: Arguments) -> bool:
    """Whether an expression comes next: `eval(…)` or `(…)`."""
    following = arguments.peek(1 if arguments.at_word("eval") else 0)
    return following is not None and following.kind == "("


def parse_computed(arguments: Arguments) -> Computed:
    """Take an expression over statistics, with its name."""
    start = arguments.here()
    arguments.accept_word("eval")
    arguments.expect("(")
    expression = arguments.expression()
    end = arguments.expect(")").span
    text = arguments.stage.text
    name = text.text[start.start : end.end]
    if arguments.accept_word("as"):
        name = arguments.field("a name")
    parts: list[Statistic] = []
    replaced = _replaced(expression, arguments, name, parts)
    if not parts:
        arguments.stage.fail("an expression needs a statistical function", expression.span)
    return Computed(name, Evaluation(text).value(replaced), tuple(parts))


def result_name(hidden: str) -> str:
    """The name of the expression that a hidden statistic belongs to."""
    return hidden.split(HIDDEN)[1]


def _replaced(
    expression: Expression, arguments: Arguments, name: str, parts: list[Statistic]
) -> Expression:
    """The expression with each statistic's call replaced by the name of its result."""
    if isinstance(expression, Operation):
        inner = tuple(_replaced(one, arguments, name, parts) for one in expression.operands)
        return replace(expression, operands=inner)
    if isinstance(expression, FieldName):
        _bare(arguments, expression.name, expression.span)
    if not isinstance(expression, Call):
        return expression
    found = find_stats_function(expression.name.lower())
    if found is None or len(expression.arguments) > 1:
        inner = tuple(_replaced(one, arguments, name, parts) for one in expression.arguments)
        return replace(expression, arguments=inner)
    if not expression.arguments and not found[0].bare:
        arguments.stage.fail(f"`{expression.name}` needs a field", expression.span)
    check_function(arguments.stage, expression.name, expression.span, *found)
    hidden = f"{HIDDEN}{name}{HIDDEN}{len(parts)}"
    argument = _argument(expression, arguments)
    parts.append(Statistic(found[0].name, found[1], None, argument, hidden))
    return FieldName(hidden, span=expression.span)


def _argument(call: Call, arguments: Arguments) -> Expr | None:
    if not call.arguments:
        return None
    (argument,) = call.arguments
    if isinstance(argument, Call) and argument.name.lower() == "eval":
        inside = argument.arguments
        argument = inside[0] if len(inside) == 1 else argument
    if isinstance(argument, FieldName):
        return Field(argument.name)
    evaluation = Evaluation(arguments.stage.text)
    return evaluation.condition(argument) if is_condition(argument) else evaluation.value(argument)


def _bare(arguments: Arguments, name: str, span: Span) -> None:
    arguments.stage.fail(
        f"`{name}` is a field of many rows here: a function of it is needed",
        span,
        f"for example avg({name})",
    )

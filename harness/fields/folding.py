"""Predicates over an event group, with what is known of the whole group worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.expressions import (
    FALSE,
    NULL,
    TRUE,
    Belongs,
    Call,
    Const,
    Each,
    Expr,
    Field,
    every,
    negation,
    some,
)
from harness.registry.predicates import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDED = {"search_equals", "search_wildcard"}


def fold(
    expression: Expr, constants: Mapping[str, str], belongs: Callable[[Belongs], Expr]
) -> Expr:
    """The expression with the group's constants put in and decided where they decide.

    `belongs` gives the predicate of an event type or tag, itself already folded.
    """
    if isinstance(expression, Field):
        value = constants.get(expression.name)
        return expression if value is None else Const(value)
    if isinstance(expression, Belongs):
        return belongs(expression)
    if isinstance(expression, Each):
        return Each(expression.field, fold(expression.body, constants, belongs))
    if isinstance(expression, Const):
        return expression
    arguments = tuple(fold(argument, constants, belongs) for argument in expression.arguments)
    return _decided(Call(expression.name, arguments))


def _decided(call: Call) -> Expr:
    if call.name == "and":
        return every(call.arguments)
    if call.name == "or":
        return some(call.arguments)
    if call.name == "not_true":
        return negation(call.arguments[0])
    if call.name == "isnotnull" and isinstance(call.arguments[0], Const):
        return FALSE if call.arguments[0] == NULL else TRUE
    name = call.name.removesuffix("_not")
    if name in FOLDED and all(isinstance(argument, Const) for argument in call.arguments):
        value, wanted = (
            argument.value for argument in call.arguments if isinstance(argument, Const)
        )
        found = matches(str(value), name, str(wanted))
        return Const(found if name == call.name else not found)
    return call

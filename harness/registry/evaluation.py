"""Eval expressions, as parsed, to expressions of a plan."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING, NoReturn

from harness.errors import HarnessError, Unsupported, nearest
from harness.plan.expressions import NULL, Call, Const, Each, Expr, Field
from harness.registry.functions import (
    SPLUNK_FUNCTIONS,
    eval_function_names,
    find_eval_function,
    find_stats_function,
)
from harness.registry.patterns import checked
from harness.spl import expressions as spl

if TYPE_CHECKING:
    from harness.registry.functions import EvalFunction
    from harness.spl.source import Span, SplText

CONDITIONS = frozenset({"and", "or", "xor", "not", "=", "!=", "<", "<=", ">", ">=", "like", "in"})
BOOLEAN_FUNCTIONS = frozenset(
    """
    cidrmatch in isbool isdouble isint ismv isnotnull isnull isnum isstr like match searchmatch
    true false
    """.split()
)

PATTERNS = {"match": 1, "mvfind": 1, "replace": 1}
"""Where these functions take a regular expression."""
PAIRED = frozenset({"case", "validate"})


class UnknownFunction(HarnessError):
    """An expression calls a function that Splunk does not have either."""


class Evaluation:
    """Lowers the expressions of one text; errors point into it."""

    def __init__(self, text: SplText) -> None:
        self.text = text

    def condition(self, expression: spl.Expression) -> Expr:
        """An expression that decides; a bare value is an error, as in Splunk."""
        if not is_condition(expression):
            self.lower(expression)
            raise self.text.syntax_error(
                "a condition is expected here, not a value",
                expression.span,
                "compare it with something",
            )
        return self.lower(expression)

    def value(self, expression: spl.Expression) -> Expr:
        """An expression whose value goes into a field; a condition's cannot."""
        if is_condition(expression):
            raise self.text.syntax_error(
                "a truth value cannot be assigned to a field",
                expression.span,
                'write if(…, "true", "false")',
            )
        return self.lower(expression)

    @singledispatchmethod
    def lower(self, expression: spl.Expression) -> Expr:
        """The plan's expression."""
        raise TypeError(expression)

    @lower.register
    def _(self, expression: spl.Text) -> Expr:
        return Const(expression.value)

    @lower.register
    def _(self, expression: spl.Number) -> Expr:
        return Const(expression.value)

    @lower.register
    def _(self, expression: spl.FieldName) -> Expr:
        return Field(expression.name)

    @lower.register
    def _(self, expression: spl.Operation) -> Expr:
        return Call(
            expression.operator, tuple(self.lower(operand) for operand in expression.operands)
        )

    @lower.register
    def _(self, expression: spl.Call) -> Expr:
        name = expression.name.lower()
        if name == "null" and not expression.arguments:
            return NULL
        if name in ("mvmap", "mvfilter"):
            return self._each(name, expression)
        function = find_eval_function(name)
        if function is None or name not in SPLUNK_FUNCTIONS:
            self._unknown(expression, name)
        self._check_arguments(function, name, expression)
        return Call(name, tuple(self.lower(argument) for argument in expression.arguments))

    def _check_arguments(self, function: EvalFunction, name: str, expression: spl.Call) -> None:
        """Their number, those that have to be written out, and the patterns among them."""
        count = len(expression.arguments)
        if count < function.minimum or (function.maximum is not None and count > function.maximum):
            raise self.text.syntax_error(
                f"`{name}` takes {_count(function.minimum, function.maximum)}, not {count}",
                expression.span,
            )
        for position in function.literal:
            if position < count and isinstance(
                expression.arguments[position], spl.FieldName | spl.Call | spl.Operation
            ):
                raise Unsupported(
                    f"`{name}` with a computed argument {position + 1}",
                    place=self.text.place(expression.arguments[position].span),
                    hints=("write it out as a string", *self.text.hints(expression.span)),
                )
        if name in PAIRED and count % 2:
            raise self.text.syntax_error(
                f"`{name}` takes pairs of a condition and a value", expression.span
            )
        pattern = expression.arguments[PATTERNS[name]] if name in PATTERNS else None
        if isinstance(pattern, spl.Text):
            checked(pattern.value, self.text, pattern.span)

    def _each(self, name: str, expression: spl.Call) -> Expr:
        """`mvmap(field, value)` and `mvfilter(condition over one field)`."""
        if name == "mvmap":
            if len(expression.arguments) != 2:
                raise self.text.syntax_error("`mvmap` takes 2 arguments", expression.span)
            field, body = expression.arguments
        else:
            if len(expression.arguments) != 1:
                raise self.text.syntax_error("`mvfilter` takes 1 argument", expression.span)
            (body,) = expression.arguments
            named = sorted(set(_fields(body)))
            if len(named) != 1:
                raise self.text.syntax_error(
                    "`mvfilter` takes a condition over exactly one field", expression.span
                )
            field = spl.FieldName(named[0])
        if not isinstance(field, spl.FieldName):
            raise Unsupported(
                f"`{name}` over something other than a field",
                place=self.text.place(field.span),
                hints=self.text.hints(field.span),
            )
        lowered = self.condition(body) if name == "mvfilter" else self.value(body)
        return Call(name, (Field(field.name), Each(field.name, lowered)))

    def _unknown(self, expression: spl.Call, name: str) -> NoReturn:
        span = _name_span(expression)
        place, calls = self.text.place(span), self.text.hints(span)
        if name in SPLUNK_FUNCTIONS:
            raise Unsupported(
                f"the function `{name}` is not supported yet", place=place, hints=calls
            )
        known = {*eval_function_names(), *SPLUNK_FUNCTIONS}
        hints = nearest(name, known)
        if find_stats_function(name) is not None:
            hints = ("it is a statistical function: use stats or eventstats",)
        raise UnknownFunction(
            f"unknown function `{expression.name}` in an expression",
            place=place,
            hints=(*hints, *calls),
        )


def is_condition(expression: spl.Expression) -> bool:
    """Whether an expression is true or false, rather than a value."""
    if isinstance(expression, spl.Operation):
        return expression.operator in CONDITIONS
    return isinstance(expression, spl.Call) and expression.name.lower() in BOOLEAN_FUNCTIONS


def _fields(expression: spl.Expression) -> list[str]:
    if isinstance(expression, spl.FieldName):
        return [expression.name]
    if isinstance(expression, spl.Call):
        return [name for argument in expression.arguments for name in _fields(argument)]
    if isinstance(expression, spl.Operation):
        return [name for operand in expression.operands for name in _fields(operand)]
    return []


def _name_span(expression: spl.Call) -> Span:
    return type(expression.span)(
        expression.span.start, expression.span.start + len(expression.name)
    )


def _count(minimum: int, maximum: int | None) -> str:
    if maximum is None:
        return f"at least {minimum} argument{'' if minimum == 1 else 's'}"
    if minimum == maximum:
        return f"{minimum} argument{'' if minimum == 1 else 's'}"
    return f"{minimum} to {maximum} arguments"

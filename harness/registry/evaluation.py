"""Eval expressions, as parsed, to expressions of a plan."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING, NoReturn

from harness.errors import HarnessError, Unsupported, nearest
from harness.plan.expressions import NULL, Call, Const, Each, Expr, Field
from harness.registry.functions import (
    SPL2_FUNCTIONS,
    SPLUNK_FUNCTIONS,
    BadArgument,
    UnsupportedArgument,
    eval_function_names,
    find_eval_function,
    find_stats_function,
)
from harness.registry.patterns import checked
from harness.registry.predicates import Searching
from harness.registry.provisions import PROVIDED
from harness.registry.results import subsearch_result
from harness.spl import expressions as spl
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.registry.functions import EvalFunction
    from harness.spl.source import Span

CONDITIONS = frozenset({"and", "or", "xor", "not", "=", "!=", "<", "<=", ">", ">=", "like", "in"})
BOOLEAN_FUNCTIONS = frozenset(
    """
    cidrmatch false in isarray isbool isdouble isint ismv isnotnull isnull isnum isobject isstr
    json_has_key_exact json_valid like match searchmatch tobool true
    """.split()
)

PATTERNS = {"match": 1, "mvfind": 1, "replace": 1}
"""Where these functions take a regular expression."""
PAIRED = frozenset({"case", "validate"})


class UnknownFunction(HarnessError):
    """An expression calls a function that Splunk does not have either."""


class Evaluation:
    """Lowers the expressions of one text; errors point into it.

    `provided` if the command provides what `random` and `lookup` need (see `provisions`).
    `context` runs subsearches; without one there are none.
    """

    def __init__(
        self, text: SplText, *, provided: bool = False, context: Context | None = None
    ) -> None:
        self.text = text
        self.provided = provided
        self.context = context

    def condition(self, expression: spl.Expression) -> Expr:
        """An expression that decides; a bare value is an error, as in Splunk."""
        lowered = self.lower(expression)
        if isinstance(expression, spl.Subsearch) and _decides(lowered):
            return lowered
        if not _is_decision(expression):
            raise self.text.syntax_error(
                "a condition is expected here, not a value",
                expression.span,
                "compare it with something",
            )
        return lowered

    def value(self, expression: spl.Expression) -> Expr:
        """An expression whose value goes into a field; a condition's cannot."""
        lowered = NULL if is_condition(expression) else self.lower(expression)
        found = isinstance(expression, spl.Subsearch) and lowered != NULL and _decides(lowered)
        if found or is_condition(expression):
            raise self.text.syntax_error(
                "a truth value cannot be assigned to a field",
                expression.span,
                'write if(…, "true", "false")',
            )
        return lowered

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
    def _(self, expression: spl.Subsearch) -> Expr:
        if self.context is None:
            raise Unsupported(
                "a subsearch in an expression that is not of eval or where",
                place=self.text.place(expression.span),
                hints=("put its result into a field before", *self.text.hints(expression.span)),
            )
        found = subsearch_result(self.text, expression.span, self.context)
        if not isinstance(found, str):
            return found
        inner = SplText.of(Source(found, "subsearch"))
        try:
            return Evaluation(inner).lower(spl.parse_expression(inner))
        except HarnessError as error:
            raise self.text.syntax_error(
                f"what the subsearch gives is no expression: {error.message}",
                expression.span,
                "a text needs quotes of its own",
            ) from error

    @lower.register
    def _(self, expression: spl.Call) -> Expr:
        name = expression.name.lower()
        if name == "null" and not expression.arguments:
            return NULL
        if name in ("mvmap", "mvfilter"):
            return self._each(name, expression)
        if name == "searchmatch":
            return self._search(expression)
        if name == "sigfig":
            return self._significant(expression)
        if name in PROVIDED:
            return self._provided(name, expression)
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
        if function.check is not None:
            self._check_written(function, expression)
        pattern = expression.arguments[PATTERNS[name]] if name in PATTERNS else None
        if isinstance(pattern, spl.Text):
            checked(pattern.value, self.text, pattern.span)

    def _check_written(self, function: EvalFunction, expression: spl.Call) -> None:
        """The function's own check of its arguments; what it finds gets its place."""
        written = [
            one.value if isinstance(one, spl.Text | spl.Number) else None
            for one in expression.arguments
        ]
        if function.check is None:
            return
        try:
            function.check(written)
        except (BadArgument, Unsupported) as error:
            first = function.literal[0] if function.literal else 0
            at = first
            if isinstance(error, BadArgument | UnsupportedArgument):
                at = error.position
            span = expression.arguments[at].span if expression.arguments else expression.span
            error.place = self.text.place(span)
            error.hints = (*error.hints, *self.text.hints(span))
            raise

    def _search(self, expression: spl.Call) -> Expr:
        """`searchmatch("search")`: whether the row meets a search, as `| search` would ask it."""
        written = expression.arguments[0] if len(expression.arguments) == 1 else None
        if not isinstance(written, spl.Text):
            raise self.text.syntax_error(
                "`searchmatch` takes a search in double quotes", expression.span
            )
        inner = SplText.of(Source(written.value, "searchmatch"))
        return Searching(inner, None, events=False).lower(parse_predicate(inner))

    def _provided(self, name: str, expression: spl.Call) -> Expr:
        """`random()` and `lookup(…)`, which need more than their row."""
        wanted = 3 if name == "lookup" else 0
        if len(expression.arguments) != wanted:
            count = len(expression.arguments)
            raise self.text.syntax_error(
                f"`{name}` takes {_count(wanted, wanted)}, not {count}", expression.span
            )
        if not self.provided:
            raise Unsupported(
                f"the function `{name}` elsewhere than in eval and where",
                place=self.text.place(expression.span),
                hints=("put its value into a field before", *self.text.hints(expression.span)),
            )
        if name == "random":
            return Call(name, ())
        self._check_lookup(expression)
        return Call(name, tuple(self.lower(argument) for argument in expression.arguments))

    def _check_lookup(self, expression: spl.Call) -> None:
        """The names of the table and of its columns have to be written out."""
        table, given, wanted = expression.arguments
        columns: list[spl.Expression] = [table]
        for argument, name, step in ((given, "json_object", 2), (wanted, "json_array", 1)):
            if not isinstance(argument, spl.Call) or argument.name.lower() != name:
                raise self.text.syntax_error(f"`{name}(…)` is expected here", argument.span)
            if not argument.arguments or len(argument.arguments) % step:
                raise self.text.syntax_error(
                    f"`{name}` takes a column{' and a value' if step == 2 else ''} here",
                    argument.span,
                )
            columns += argument.arguments[::step]
        for column in columns:
            if not isinstance(column, spl.Text):
                raise Unsupported(
                    "`lookup` with a computed name",
                    place=self.text.place(column.span),
                    hints=("write it out as a string", *self.text.hints(column.span)),
                )

    def _significant(self, expression: spl.Call) -> Expr:
        """`sigfig(expression)`: its value with the digits that its operands vouch for."""
        if len(expression.arguments) != 1:
            count = len(expression.arguments)
            raise self.text.syntax_error(
                f"`sigfig` takes {_count(1, 1)}, not {count}", expression.span
            )
        (argument,) = expression.arguments
        return Call("sigfig", (self.lower(argument), self._decimals(argument)))

    def _decimals(self, expression: spl.Expression) -> Expr:
        """How many decimals of an expression are significant; negative ones are zeros before."""
        if isinstance(expression, spl.Number):
            return Const(float(len(expression.spelling.partition(".")[2])))
        if isinstance(expression, spl.Operation) and expression.operator in "+-":
            return Call("min", tuple(self._decimals(one) for one in expression.operands))
        if isinstance(expression, spl.Operation) and expression.operator in "*/":
            figures = [
                Call("significant_figures", (self.lower(one), self._decimals(one)))
                for one in expression.operands
            ]
            return Call("significant_decimals", (self.lower(expression), *figures))
        if isinstance(expression, spl.Operation) and expression.operator == "negate":
            return self._decimals(expression.operands[0])
        return Call("written_decimals", (self.lower(expression),))

    def _each(self, name: str, expression: spl.Call) -> Expr:
        """`mvmap(values, value)` and `mvfilter(condition)`, over the values of one field."""
        wanted = 2 if name == "mvmap" else 1
        if len(expression.arguments) != wanted:
            raise self.text.syntax_error(
                f"`{name}` takes {_count(wanted, wanted)}", expression.span
            )
        body = expression.arguments[-1]
        named = sorted(set(_fields(expression.arguments[0])))
        if len(named) != 1 and name == "mvfilter":
            raise self.text.syntax_error(
                "`mvfilter` takes a condition over exactly one field", expression.span
            )
        if len(named) != 1:
            raise Unsupported(
                "`mvmap` over something other than one field or a function of it",
                place=self.text.place(expression.arguments[0].span),
                hints=self.text.hints(expression.arguments[0].span),
            )
        (field,) = named
        inside = Evaluation(self.text)
        lowered = inside.condition(body) if name == "mvfilter" else inside.value(body)
        values = self.lower(expression.arguments[0]) if name == "mvmap" else Field(field)
        return Call(name, (values, Each(field, lowered)))

    def _unknown(self, expression: spl.Call, name: str) -> NoReturn:
        span = _name_span(expression)
        place, calls = self.text.place(span), self.text.hints(span)
        if name in SPLUNK_FUNCTIONS:
            raise Unsupported(
                f"the function `{name}` is not supported yet", place=place, hints=calls
            )
        if name in SPL2_FUNCTIONS:
            raise Unsupported(f"`{name}`, a function of SPL2 alone", place=place, hints=calls)
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


def _decides(lowered: Expr) -> bool:
    """Whether a plan's expression is true or false, or NULL, which may be either."""
    names = CONDITIONS | BOOLEAN_FUNCTIONS
    return lowered == NULL or (isinstance(lowered, Call) and lowered.name in names)


def _is_decision(expression: spl.Expression) -> bool:
    """Whether an expression is true or false, be it by way of the branches of `if` or `case`."""
    if not isinstance(expression, spl.Call):
        return is_condition(expression)
    name, arguments = expression.name.lower(), expression.arguments
    branches = arguments[1:] if name == "if" else arguments[1::2] if name == "case" else ()
    if not branches:
        return is_condition(expression)
    return all(_is_decision(branch) for branch in branches)


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

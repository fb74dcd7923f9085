"""Expressions of a plan to an engine's expressions, typed on the way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

from harness.plan.expressions import Belongs, Call, Const, Each, Expr, Field
from harness.plan.types import Kind, Typed, as_values, null
from harness.registry import find_eval_function

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.plan.expressions import Demand
    from harness.plan.types import Dialect


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use; a name that is not there is NULL."""

    dialect: Dialect
    columns: Mapping[Demand, Typed]

    def of(self, name: Demand) -> Typed:
        """What a name means here."""
        return self.columns.get(name) or null(self.dialect)


@singledispatch
def compile_expression(expression: Expr, scope: Scope) -> Typed:
    """The typed expression over a scope."""
    raise TypeError(expression, scope)


@compile_expression.register
def _(expression: Field, scope: Scope) -> Typed:
    return scope.of(expression.name)


@compile_expression.register
def _(expression: Belongs, scope: Scope) -> Typed:
    found = scope.columns.get(expression)
    if found is None:
        return Typed(scope.dialect.literal(value=False), Kind.BOOLEAN, constant=False)
    return found


@compile_expression.register
def _(expression: Const, scope: Scope) -> Typed:
    value = expression.value
    if value is None:
        return null(scope.dialect)
    sql = scope.dialect.literal(value)
    if isinstance(value, bool):
        return Typed(sql, Kind.BOOLEAN, constant=value)
    return Typed(sql, Kind.TEXT if isinstance(value, str) else Kind.NUMBER, constant=value)


@compile_expression.register
def _(expression: Call, scope: Scope) -> Typed:
    if expression.name in ("mvmap", "mvfilter"):
        return _each(expression, scope)
    function = find_eval_function(expression.name)
    if function is None:
        raise KeyError(expression.name)
    arguments = [compile_expression(argument, scope) for argument in expression.arguments]
    return function.lower(scope.dialect, *arguments)


def _each(expression: Call, scope: Scope) -> Typed:
    each = expression.arguments[1]
    if not isinstance(each, Each):
        raise TypeError(each)
    values = as_values(scope.dialect, compile_expression(expression.arguments[0], scope))

    def body(element: object) -> Typed:
        inner = dict(scope.columns)
        inner[each.field] = Typed(element, Kind.ANY)
        return compile_expression(each.body, Scope(scope.dialect, inner))

    d = scope.dialect
    if expression.name == "mvfilter":
        return Typed(d.where(values.sql, lambda v: body(v).sql), Kind.ANY, multi=True)
    from harness.plan.types import as_text  # noqa: PLC0415 - shown beside its one use

    changed = d.each(values.sql, lambda v: as_text(d, body(v)).sql)
    return Typed(d.where(changed, lambda v: d.function("is_not_null", v)), Kind.ANY, multi=True)

"""What an expression needs that is not in its row: the row's number, and tables.

`random()` is worked out of the number of the row, `lookup(…)` out of a join. A command that
allows them parses its expressions with `Evaluation(text, provided=True)` and asks here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Project, Relation, Window
from harness.registry.lookups import joined

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

PROVIDED = frozenset({"lookup", "random"})


def provided(
    rows: Relation, expression: Expr, context: Context, stage: Stage
) -> tuple[Relation, Expr]:
    """The rows with what the expression needs in spare fields, and the expression over them."""
    if not isinstance(expression, Call):
        return rows, expression
    arguments: list[Expr] = []
    before = rows
    for argument in expression.arguments:
        rows, over = provided(rows, argument, context, stage)
        arguments.append(over)
    if expression.name == "random":
        number = context.spare("number")
        return Window(rows, number, ()), Call("random", (Field(number), Const(number)))
    if expression.name == "lookup":
        return _looked_up(rows, arguments, context, stage)
    return rows, expression if rows is before else Call(expression.name, tuple(arguments))


def without_provisions(rows: Relation, before: Relation, *added: str) -> Relation:
    """The rows without the spare fields, where their columns are known."""
    if before.columns is None:
        return rows
    names = dict.fromkeys((*before.columns, *added))
    return Project(rows, tuple((name, name) for name in names))


def _looked_up(
    rows: Relation, arguments: list[Expr], context: Context, stage: Stage
) -> tuple[Relation, Expr]:
    """A join for `lookup(table, json_object(…), json_array(…))`, and the object of its outputs."""
    table, given, wanted = arguments
    if not (isinstance(table, Const) and isinstance(given, Call) and isinstance(wanted, Call)):
        raise TypeError(arguments)
    inputs: list[tuple[str, str]] = []
    for column, value in zip(given.arguments[::2], given.arguments[1::2], strict=True):
        field = context.spare("input")
        rows = Extend(rows, ((field, value),))
        inputs.append((_text(column), field))
    outputs = [(_text(column), context.spare("output")) for column in wanted.arguments]
    named = (_text(table), stage)
    rows = joined(rows, named, tuple(inputs), tuple(outputs), context)
    cells = [part for column, field in outputs for part in (Const(column), Field(field))]
    return rows, Call("lookup", tuple(cells))


def _text(expression: Expr) -> str:
    if not isinstance(expression, Const):
        raise TypeError(expression)
    return str(expression.value)

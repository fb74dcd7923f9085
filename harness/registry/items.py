"""The values of one field, one after the other, as foreach evaluates over them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.model import Rows, Value
from harness.model.numbers import number_text
from harness.plan.expressions import Call, Const, Demand, Each, Expr, Field
from harness.plan.nodes import Aggregate, Aggregation, Extend, Project, Relation
from harness.registry.functions import find_eval_function

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Pipeline, Stage

MAX_ITEMS = 100


def items_of(rows: Relation, name: str, mode: str, context: Context) -> tuple[Relation, str, int]:
    """The rows with a field's values under a name of their own, and how many there are at most."""
    values = context.spare("values")
    if mode == "multivalue":
        rows = Extend(rows, ((values, Field(name)),))
    else:
        rows = context.applied(rows, lambda found: _read(found, name, values, mode))
    counted = Aggregation("count", "max", Call("mvcount", (Field(values),)))
    (row,) = context.fetched(Aggregate(rows, (), (counted,))).rows
    count = row.get("count") or 0
    return rows, values, int(count) if isinstance(count, int | float) else 0


def _read(rows: Rows, name: str, values: str, mode: str) -> Rows:
    """The rows with the elements of a JSON array as values."""
    read = [{**row, values: _elements(row.get(name), mode)} for row in rows.rows]
    return Rows((*rows.columns, values), read)


def _elements(value: Value, mode: str) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        if mode == "json_array":
            return None
        return value if isinstance(value, list) else [number_text(float(value))]
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list):
        return [one if isinstance(one, str) else json.dumps(one) for one in found]
    return None if mode == "json_array" else [value]


def evaluated_for_items(
    stage: Stage,
    pipeline: Pipeline,
    rows: Relation,
    item: Expr,
    names: dict[str, Expr],
    context: Context,
) -> Relation:
    """An eval over the rows, in which names stand for an item and its number.

    Rows without the item stay. A name may also stand within a text, where the text of what it
    means takes its place.
    """
    if [one.name.lower() for one in pipeline.stages] != ["eval"]:
        stage.unsupported("foreach over values with anything but a single eval")
    fields: list[tuple[Demand, Expr]] = []
    below = context.lowered(pipeline, rows)
    while isinstance(below, Extend) and below is not rows:
        fields += below.fields
        below = below.input
    if below is not rows:
        raise TypeError(below)
    present = Call("isnotnull", (item,))
    for target, value in reversed(fields):
        if not isinstance(target, str):
            raise TypeError(target)
        meant = value
        for named in names.items():
            meant = _replaced(meant, named, stage)
        rows = Extend(rows, ((target, Call("if", (present, meant, Field(target)))),))
    return rows


def _replaced(value: Expr, item: tuple[str, Expr], stage: Stage) -> Expr:
    """An expression with what a name means in place of the name."""
    name, meaning = item
    if isinstance(value, Field):
        return meaning if value.name == name else value
    if isinstance(value, Const):
        if not isinstance(value.value, str) or name not in value.value:
            return value
        parts: list[Expr] = []
        for number, text in enumerate(value.value.split(name)):
            parts += [meaning] if number else []
            parts += [Const(text)] if text else []
        joined = parts[0]
        for part in parts[1:]:
            joined = Call(".", (joined, part))
        return joined
    if isinstance(value, Call):
        function = find_eval_function(value.name)
        arguments = tuple(_replaced(one, item, stage) for one in value.arguments)
        for position in function.literal if function else ():
            if arguments[position : position + 1] != value.arguments[position : position + 1]:
                stage.unsupported(f"an item as argument {position + 1} of `{value.name}`")
        return Call(value.name, arguments)
    if isinstance(value, Each):
        return Each(value.field, _replaced(value.body, item, stage))
    return value


def without(rows: Relation, name: str) -> Relation:
    """The rows without a column of our own."""
    if rows.columns is None:
        return rows
    return Project(rows, tuple((one, one) for one in rows.columns if one != name))

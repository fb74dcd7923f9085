"""Plans as text for people: a condition on one line, a relation as an indented tree."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

from harness.plan import nodes
from harness.plan.expressions import Belongs, Call, Const, Each, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

INFIX = frozenset({"=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", ".", "like", "xor"})
SEARCHED = {
    "search_equals": "=",
    "search_wildcard": "=",
    "search_cidr": "=",
    "search_equals_not": "!=",
    "search_wildcard_not": "!=",
    "search_cidr_not": "!=",
    "search_less": "<",
    "search_at_most": "<=",
    "search_greater": ">",
    "search_at_least": ">=",
}
MOST_ROWS = 3


@singledispatch
def expression_text(expression: Expr) -> str:
    """An expression as somebody would write it in SPL, as near as that can be."""
    raise TypeError(expression)


@expression_text.register
def _(expression: Field) -> str:
    return expression.name.replace("\0", "·")


@expression_text.register
def _(expression: Const) -> str:
    value = expression.value
    if value is None:
        return "null()"
    if isinstance(value, bool):
        return "true()" if value else "false()"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{value:g}" if abs(value) < 1e6 else repr(value).removesuffix(".0")


@expression_text.register
def _(expression: Belongs) -> str:
    field = f"{expression.kind}::{expression.field}" if expression.field else expression.kind
    return f"{field}={expression.name}"


@expression_text.register
def _(expression: Each) -> str:
    return expression_text(expression.body)


@expression_text.register
def _(expression: Call) -> str:
    name, parts = expression.name, [expression_text(one) for one in expression.arguments]
    if name in SEARCHED:
        return f"{parts[0]}{SEARCHED[name]}{parts[1]}"
    if name == "search_term":
        return parts[1]
    if name in ("and", "or"):
        return f" {name.upper()} ".join(
            f"({part})" if isinstance(one, Call) and one.name in ("and", "or") else part
            for one, part in zip(expression.arguments, parts, strict=True)
        )
    if name in ("not", "not_true"):
        return f"NOT ({parts[0]})"
    if name in INFIX and len(parts) == 2:
        return f"{parts[0]} {name} {parts[1]}"
    return f"{name}({', '.join(parts)})"


def relation_text(relation: nodes.Relation) -> str:
    """A relation as a tree, the last node first, inputs indented."""
    return "\n".join(_lines(relation, 0))


def _lines(relation: nodes.Relation, depth: int) -> Iterator[str]:
    said = _said(relation)
    yield f"{'  ' * depth}{type(relation).__name__}{f' {said}' if said else ''}"
    for below in inputs(relation):
        yield from _lines(below, depth + 1)


def inputs(relation: nodes.Relation) -> tuple[nodes.Relation, ...]:
    """The relations that a node reads, the one whose rows it passes on first."""
    if isinstance(relation, nodes.Union):
        return relation.inputs
    if isinstance(relation, nodes.Join):
        return relation.input, relation.table
    if isinstance(relation, nodes.Combine):
        return relation.input, relation.right
    below: Any = getattr(relation, "input", None)
    return () if below is None else (below,)


@singledispatch
def _said(_: nodes.Relation) -> str:
    return ""


@_said.register
def _(relation: nodes.Filter) -> str:
    return expression_text(relation.predicate)


@_said.register
def _(relation: nodes.Extend) -> str:
    return ", ".join(
        f"{name if isinstance(name, str) else expression_text(name)} = {expression_text(value)}"
        for name, value in relation.fields
    ).replace("\0", "·")


@_said.register
def _(relation: nodes.Project) -> str:
    return ", ".join(
        new if new == old else f"{new} = {old}" for new, old in relation.fields
    ).replace("\0", "·")


@_said.register
def _(relation: nodes.Aggregate) -> str:
    return _statistics(relation.aggregations, relation.by)


@_said.register
def _(relation: nodes.Windowed) -> str:
    return _statistics(relation.aggregations, relation.by)


def _statistics(aggregations: tuple[nodes.Aggregation, ...], by: tuple[str, ...]) -> str:
    found = []
    for one in aggregations:
        argument = "" if one.argument is None else expression_text(one.argument)
        found.append(f"{one.name} = {one.function}({argument})")
    return (", ".join(found) + (f" BY {', '.join(by)}" if by else "")).replace("\0", "·")


@_said.register
def _(relation: nodes.Sort) -> str:
    return ", ".join(f"{'-' if key.descending else ''}{key.field}" for key in relation.keys)


@_said.register
def _(relation: nodes.Limit) -> str:
    return str(relation.count)


@_said.register
def _(relation: nodes.Explode) -> str:
    return relation.field


@_said.register
def _(relation: nodes.Window) -> str:
    kind = "runs of " if relation.runs else ""
    return f"{relation.name} = row number BY {kind}{', '.join(relation.partition)}".replace(
        "\0", "·"
    )


@_said.register
def _(relation: nodes.Join) -> str:
    parts = [f"{match.left} {match.kind} {match.right}" for match in relation.matches]
    if relation.times is not None:
        times = relation.times
        parts.append(f"{times.left} within {times.least:g} to {times.most:g} seconds")
    return ", ".join(parts)


@_said.register
def _(relation: nodes.Combine) -> str:
    return f"{'outer ' if relation.outer else ''}BY {', '.join(relation.by)}".replace("\0", "·")


@_said.register
def _(relation: nodes.Unfold) -> str:
    return f"{relation.reader} of {relation.source}"


@_said.register
def _(relation: nodes.Values) -> str:
    return f"{len(relation.rows)} rows of {', '.join(relation.names[:8])}"


@_said.register
def _(relation: nodes.Stored) -> str:
    return f"{relation.table}: {', '.join(relation.names[:8])}"

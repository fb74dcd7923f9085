"""Expressions of a plan: fields, constants, calls by name, and a value at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the row, NULL where the row lacks it."""

    name: str


@dataclass(frozen=True, slots=True)
class Const:
    """A text, a number, a truth value, or NULL."""

    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator, by the name under which the registry knows it."""

    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """An expression over each value of a multivalue field, which it calls by its own name."""

    field: str
    body: Expr


@dataclass(frozen=True, slots=True)
class Belongs:
    """Whether an event has an event type or a tag; `kind` is eventtype or tag.

    `name` may hold wildcards; `field` narrows a tag to the values of one field (`tag::field`).
    """

    kind: str
    name: str
    field: str | None = None


Expr = Field | Const | Call | Each | Belongs
Demand = str | Belongs
"""What a plan asks of the relation below it: a field, or membership in a kind of event."""

TRUE = Const(value=True)
FALSE = Const(value=False)
NULL = Const(None)


def every(parts: Iterable[Expr]) -> Expr:
    """The conjunction of the parts, with what is constant folded."""
    kept: list[Expr] = []
    for part in parts:
        if part == TRUE:
            continue
        if part in (FALSE, NULL):
            return FALSE
        kept.append(part)
    return _joined("and", kept, TRUE)


def some(parts: Iterable[Expr]) -> Expr:
    """The disjunction of the parts, with what is constant folded."""
    kept: list[Expr] = []
    for part in parts:
        if part in (FALSE, NULL):
            continue
        if part == TRUE:
            return TRUE
        kept.append(part)
    return _joined("or", kept, FALSE)


def negation(part: Expr) -> Expr:
    """What holds when the part does not, unknown counting as not."""
    if part == TRUE:
        return FALSE
    if part in (FALSE, NULL):
        return TRUE
    return Call("not_true", (part,))


def _joined(name: str, parts: list[Expr], empty: Expr) -> Expr:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else Call(name, tuple(parts))


@singledispatch
def demands(expression: Expr) -> frozenset[Demand]:
    """The fields and memberships that an expression reads."""
    raise TypeError(expression)


@demands.register
def _(expression: Field) -> frozenset[Demand]:
    return frozenset((expression.name,))


@demands.register
def _(_: Const) -> frozenset[Demand]:
    return frozenset()


@demands.register
def _(expression: Call) -> frozenset[Demand]:
    found: frozenset[Demand] = frozenset()
    return found.union(*(demands(argument) for argument in expression.arguments))


@demands.register
def _(expression: Each) -> frozenset[Demand]:
    return demands(expression.body) | {expression.field}


@demands.register
def _(expression: Belongs) -> frozenset[Demand]:
    return frozenset((expression,))

"""Event types and tags of an event, each of their conditions worked out once.

An event type is a value of `eventtype`, and puts its tags into `tag` and `tag::eventtype`: written
into each of these fields, a condition would be planned and worked out three times and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan import nodes
from harness.plan.expressions import Call, Const, Demand, Expr, Field, some

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECT = "collect_names"
SHARED = "\0holds "


def with_collected(relation: nodes.Relation, fields: Mapping[Demand, Expr]) -> nodes.Relation:
    """The rows with fields that event types and tags give."""
    conditions: dict[Expr, str] = {}
    shared = tuple((name, _shared(value, conditions)) for name, value in fields.items())
    if conditions:
        layer = tuple((name, condition) for condition, name in conditions.items())
        relation = nodes.Extend(relation, layer)
    return nodes.Extend(relation, shared)


def _shared(value: Expr, conditions: dict[Expr, str]) -> Expr:
    """The field with columns in the place of its conditions, which are noted with their names."""
    if not isinstance(value, Call) or value.name != COLLECT:
        return value
    tests = [_any(test, conditions) for test in value.arguments[::2]]
    pairs = zip(tests, value.arguments[1::2], strict=True)
    return Call(COLLECT, tuple(one for pair in pairs for one in pair))


def _any(test: Expr, conditions: dict[Expr, str]) -> Expr:
    parts = test.arguments if isinstance(test, Call) and test.name == "or" else (test,)
    return some(_column(part, conditions) for part in parts)


def _column(test: Expr, conditions: dict[Expr, str]) -> Expr:
    if isinstance(test, Const):
        return test
    return Field(conditions.setdefault(test, f"{SHARED}{len(conditions)}"))

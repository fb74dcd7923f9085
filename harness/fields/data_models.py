"""Data models as relations: constraints, then fields in their order, by qualified name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Field, demands
from harness.registry.evaluation import Evaluation
from harness.registry.predicates import Searching
from harness.spl.expressions import parse_expression
from harness.spl.macros import MacroSource, expand
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.apps import DataSet, ModelField
    from harness.plan.expressions import Expr

BASE_FIELDS = ("_time", "host", "source", "sourcetype", "index")


def data_set_relation(
    data_set: DataSet, events: nodes.Relation, macros: MacroSource
) -> nodes.Relation:
    """The events of a data set: base fields bare, the set's own by qualified name."""
    relation = events
    for constraint in data_set.constraints:
        text = expand(Source(constraint), macros)
        relation = nodes.Filter(relation, Searching(text, None).lower(parse_predicate(text)))
    for layer in _layers(data_set.fields):
        relation = nodes.Extend(relation, tuple(layer.items()))
    columns = [(name, name) for name in BASE_FIELDS]
    columns += [
        (field.qualified_name, field.name)
        for field in data_set.fields
        if field.qualified_name not in BASE_FIELDS
    ]
    return nodes.Project(relation, tuple(dict(columns).items()))


def _layers(fields: Iterable[ModelField]) -> Iterator[dict[str, Expr]]:
    """The calculated fields in their order, those that need no other of a layer together."""
    layer: dict[str, Expr] = {}
    for field in fields:
        if field.expression is None and field.unsupported is None:
            continue
        if field.unsupported:
            raise Unsupported(
                f"the field `{field.qualified_name}`: {field.unsupported}", place=field.place
            )
        value = _calculation(field)
        if layer.keys() & (demands(value) | {field.name}):
            yield layer
            layer = {}
        layer[field.name] = value
    if layer:
        yield layer


def _calculation(field: ModelField) -> Expr:
    if field.calculation == "Rex":
        source = Field(field.input_field or "_raw")
        pattern = Const(field.expression)
        return Call("extract_group", (source, pattern, Const(field.name)))
    text = SplText.of(Source(field.expression or "", field.place.path))
    return Evaluation(text).lower(parse_expression(text))

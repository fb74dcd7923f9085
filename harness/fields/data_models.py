"""Data models as relations: constraints, then fields in their order, by qualified name.

Source: Splunk Knowledge Manager Manual, "About data models" (a child's constraints narrow its
parent's, and its fields are added to those that it inherits).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Each, Field, demands, every
from harness.registry.evaluation import Evaluation
from harness.registry.predicates import Searching
from harness.spl.expressions import parse_expression
from harness.spl.macros import MacroSource, expand
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.apps import DataModel, DataSet, ModelField
    from harness.plan.expressions import Expr

BASE_FIELDS = ("_time", "host", "source", "sourcetype", "index")
MEMBER = "\0member "


def model_relation(
    model: DataModel, events: Callable[[DataSet], nodes.Relation], macros: MacroSource
) -> nodes.Relation:
    """The events of every root data set, each with the fields of its own tree of data sets."""
    roots = [one for one in model.datasets if len(one.lineage) == 1]
    trees = [data_set_relation(one, model, events(one), macros) for one in roots]
    return trees[0] if len(trees) == 1 else nodes.Union(tuple(trees))


def data_set_relation(
    data_set: DataSet, model: DataModel, events: nodes.Relation, macros: MacroSource
) -> nodes.Relation:
    """The events of a data set: base fields bare, the set's own by qualified name.

    The fields of the data sets below it are there too, in the events that belong to those.
    """
    if data_set.unsupported:
        raise Unsupported(
            f"the data set `{data_set.name}`: {data_set.unsupported}", place=data_set.place
        )
    below = [
        one
        for one in model.datasets
        if one is not data_set and one.lineage[: len(data_set.lineage)] == data_set.lineage
    ]
    relation = events
    for constraint in data_set.constraints:
        relation = nodes.Filter(relation, _predicate(constraint, macros))
    members = tuple((_member(one), _membership(one, data_set, macros)) for one in below)
    if members:
        relation = nodes.Extend(relation, members)
    own = [(field.name, value) for field in data_set.fields if (value := _value(field))]
    for layer in _layers(own):
        relation = nodes.Extend(relation, tuple(layer.items()))
    columns = {name: name for name in BASE_FIELDS}
    columns |= {field.qualified_name: field.name for field in data_set.fields}
    for one in below:
        for layer in _layers(_added(one, columns)):
            relation = nodes.Extend(relation, tuple(layer.items()))
        columns |= {
            field.qualified_name: field.qualified_name
            for field in one.fields
            if field.qualified_name not in columns
        }
    columns |= {name: name for name in BASE_FIELDS}
    return nodes.Project(relation, tuple(columns.items()))


def _predicate(constraint: str, macros: MacroSource) -> Expr:
    text = expand(Source(constraint), macros)
    return Searching(text, None).lower(parse_predicate(text))


def _member(data_set: DataSet) -> str:
    return MEMBER + ".".join(data_set.lineage)


def _membership(data_set: DataSet, above: DataSet, macros: MacroSource) -> Expr:
    """Whether an event of `above` is one of a data set below it."""
    added = data_set.constraints[len(above.constraints) :]
    holds = every(_predicate(one, macros) for one in added)
    return Call("if", (holds, Const(1), Const(None)))


def _added(data_set: DataSet, given: Mapping[str, str]) -> Iterator[tuple[str, Expr]]:
    """The fields that a data set adds to those above it, by qualified name, in its own events.

    Another data set may add a field of the same plain name: a calculation's result stands under
    the qualified name only, and the later ones of this data set read it there.
    """
    belongs = Call("isnotnull", (Field(_member(data_set)),))
    names: dict[str, str] = {}
    for field in data_set.fields:
        if field.qualified_name in given:
            if given[field.qualified_name] == field.qualified_name:
                names[field.name] = field.qualified_name
            continue
        value = _value(field) or Field(field.name)
        yield field.qualified_name, Call("if", (belongs, _renamed(value, names), Const(None)))
        names[field.name] = field.qualified_name


def _renamed(expression: Expr, names: Mapping[str, str]) -> Expr:
    """The expression over other fields."""
    if isinstance(expression, Field):
        return Field(names.get(expression.name, expression.name))
    if isinstance(expression, Call):
        arguments = tuple(_renamed(one, names) for one in expression.arguments)
        return replace(expression, arguments=arguments)
    if isinstance(expression, Each) and demands(expression) & names.keys():
        raise Unsupported("a calculated field that goes through values of another one")
    return expression


def _layers(fields: Iterable[tuple[str, Expr]]) -> Iterator[dict[str, Expr]]:
    """Calculated fields in their order, those that need no other of a layer together."""
    layer: dict[str, Expr] = {}
    for name, value in fields:
        if layer.keys() & (demands(value) | {name}):
            yield layer
            layer = {}
        layer[name] = value
    if layer:
        yield layer


def _value(field: ModelField) -> Expr | None:
    """What calculates a field; None for one that the events have."""
    if field.unsupported:
        raise Unsupported(
            f"the field `{field.qualified_name}`: {field.unsupported}", place=field.place
        )
    if field.expression is None:
        return None
    if field.calculation == "Rex":
        source = Field(field.input_field or "_raw")
        pattern = Const(field.expression)
        return Call("extract_group", (source, pattern, Const(field.name)))
    text = SplText.of(Source(field.expression or "", field.place.path))
    return Evaluation(text).lower(parse_expression(text))

"""Data models as relations: constraints, then fields in their order, by qualified name.

Source: Splunk Knowledge Manager Manual, "About data models" (a child's constraints narrow its
parent's, and its fields are added to those that it inherits).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError, Unsupported
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Each, Field, demands, every
from harness.registry.evaluation import Evaluation
from harness.registry.lookups import check_columns, lookup_join
from harness.registry.predicates import Searching
from harness.spl.expressions import parse_expression
from harness.spl.macros import MacroSource, expand
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.apps import DataModel, DataSet, ModelField
    from harness.model import LookupDefinition
    from harness.plan.expressions import Expr


BASE_FIELDS = ("_time", "host", "source", "sourcetype", "index")
MEMBER = "\0member "


@dataclass(frozen=True, slots=True)
class Sources:
    """What data sets draw on beside their events: macros, lookups, and a database of locations."""

    macros: MacroSource
    lookup: Callable[[str], tuple[LookupDefinition, nodes.Relation]]
    locations: str | None = None


@dataclass(frozen=True, slots=True)
class _LookedUp:
    """Fields that one lookup gives: inputs and outputs are (column, field)."""

    field: ModelField
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]


_Step = tuple[str, "Expr"] | _LookedUp


def model_relation(
    model: DataModel, events: Callable[[DataSet], nodes.Relation], sources: Sources
) -> nodes.Relation:
    """The events of every root data set, each with the fields of its own tree of data sets."""
    roots = [one for one in model.datasets if len(one.lineage) == 1]
    trees = [data_set_relation(one, model, events(one), sources) for one in roots]
    return trees[0] if len(trees) == 1 else nodes.Union(tuple(trees))


def data_set_relation(
    data_set: DataSet, model: DataModel, events: nodes.Relation, sources: Sources
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
        relation = nodes.Filter(relation, _predicate(constraint, sources.macros))
    members = tuple((_member(one), _membership(one, data_set, sources.macros)) for one in below)
    if members:
        relation = nodes.Extend(relation, members)
    relation = _worked_out(relation, _own(data_set, sources), sources)
    needed = [_present(field.name) for field in data_set.fields if field.required]
    if needed:
        relation = nodes.Filter(relation, every(needed))
    columns = {name: name for name in BASE_FIELDS}
    columns |= {field.qualified_name: field.name for field in data_set.fields}
    for one in below:
        relation = _worked_out(relation, _added(one, columns, sources), sources)
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
    holds = [_predicate(one, macros) for one in added]
    for field in data_set.fields:
        if field.required and field not in above.fields:
            if field.kind == "calculated":
                raise Unsupported(
                    f"the field `{field.qualified_name}`: calculated and required",
                    place=field.place,
                )
            holds.append(_present(field.name))
    return Call("if", (every(holds), Const(1), Const(None)))


def _present(name: str) -> Expr:
    return Call("isnotnull", (Field(name),))


def _own(data_set: DataSet, sources: Sources) -> Iterator[_Step]:
    """What works out the calculated fields of a data set, in their order."""
    for field in data_set.fields:
        if field.lookup is not None:
            yield _looked_up(field, field.name, {})
        elif (value := _value(field, sources)) is not None:
            yield field.name, value


def _looked_up(field: ModelField, target: str, names: Mapping[str, str]) -> _LookedUp:
    _refuse(field)
    inputs = tuple((column, names.get(event, event)) for column, event in field.inputs)
    return _LookedUp(field, inputs, ((field.output or field.name, target),))


def _added(data_set: DataSet, given: Mapping[str, str], sources: Sources) -> Iterator[_Step]:
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
        if field.lookup is not None:
            found = f"{MEMBER}lookup {field.qualified_name}"
            yield _looked_up(field, found, names)
            value: Expr = Field(found)
        else:
            value = _value(field, sources) or Field(field.name)
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


def _worked_out(
    relation: nodes.Relation, steps: Iterable[_Step], sources: Sources
) -> nodes.Relation:
    """The rows with calculated fields, in their order: what needs no other of a layer together."""
    layer: dict[str, Expr] = {}
    for step in steps:
        if isinstance(step, _LookedUp):
            relation, layer = _extended(relation, layer), {}
            relation = _joined(relation, step, sources)
            continue
        name, value = step
        if layer.keys() & (demands(value) | {name}):
            relation, layer = _extended(relation, layer), {}
        layer[name] = value
    return _extended(relation, layer)


def _extended(relation: nodes.Relation, layer: Mapping[str, Expr]) -> nodes.Relation:
    return nodes.Extend(relation, tuple(layer.items())) if layer else relation


def _joined(relation: nodes.Relation, step: _LookedUp, sources: Sources) -> nodes.Relation:
    field = step.field
    known = sources.lookup(field.lookup or "")
    columns = [column for column, _ in (*step.inputs, *step.outputs)]
    try:
        check_columns(known, columns)
    except HarnessError as error:
        raise type(error)(error.message, place=field.place, hints=error.hints) from error
    return lookup_join(relation, known, step.inputs, step.outputs)


def _refuse(field: ModelField) -> None:
    if field.unsupported:
        raise Unsupported(
            f"the field `{field.qualified_name}`: {field.unsupported}", place=field.place
        )


def _value(field: ModelField, sources: Sources) -> Expr | None:
    """What calculates a field; None for one that the events have."""
    _refuse(field)
    if field.calculation == "GeoIP":
        return _location(field, sources)
    if field.expression is None:
        return None
    if field.calculation == "Rex":
        source = Field(field.input_field or "_raw")
        pattern = Const(field.expression)
        return Call("extract_group", (source, pattern, Const(field.name)))
    text = SplText.of(Source(field.expression or "", field.place.path))
    return Evaluation(text).lower(parse_expression(text))


def _location(field: ModelField, sources: Sources) -> Expr:
    """A part of the place of an address, as `iplocation` finds it."""
    if sources.locations is None:
        raise Unsupported(
            f"the field `{field.qualified_name}`: by GeoIP, without a database of locations",
            place=field.place,
            hints=["name a file in MaxMind's format: --iplocation FILE"],
        )
    address = Field(field.input_field or "")
    parts = (Const(sources.locations), Const(field.output or field.name), Const("en"))
    return Call("ip_location", (address, *parts))

"""JSON functions. Source: Splunk Search Reference, "JSON functions" and "Conversion functions".

JSON is text: an object or array in a field is embedded as such in another, a string written out
stays a string (decision 0003). Text that is no JSON gives NULL.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.functions.operators import condition
from harness.plan.types import Kind, Typed, as_text, as_values
from harness.registry import eval_function
from harness.registry.functions import BadArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.plan.types import Dialect, Sql
    from harness.registry.functions import Constant


def value_json(d: Dialect, value: Typed) -> Sql:
    """A value's JSON text."""
    if value.absent:
        return d.literal("null")
    if value.kind is Kind.BOOLEAN:
        return d.function("coalesce", d.function("boolean_text", value.sql), d.literal("null"))
    if isinstance(value.constant, str):
        return d.literal(json.dumps(value.constant, ensure_ascii=False))
    if value.multi:
        one = d.function("spl_json_value", d.function("only_value", value.sql))
        single = d.function("equals", d.function("list_length", value.sql), d.literal(1.0))
        return d.case([(single, one)], d.function("spl_json_values", value.sql))
    return d.function("spl_json_value", as_text(d, value).sql)


def _list(d: Dialect, items: Sequence[Sql]) -> Sql:
    return d.function("make_list", *items) if items else d.function("empty_list")


def _pairs(name: str, before: int = 0) -> Callable[[Sequence[Constant]], None]:
    def check(written: Sequence[Constant]) -> None:
        if (len(written) - before) % 2:
            what = "a key" if before == 0 else "a path"
            raise BadArgument(f"`{name}` takes pairs of {what} and a value")

    return check


def _texts(d: Dialect, values: Sequence[Typed]) -> list[Sql]:
    return [as_text(d, value).sql for value in values]


@eval_function(check=_pairs("json_object"))
def json_object(d: Dialect, *members: Typed) -> Typed:
    """json_object(<key>, <value>, …): a JSON object."""
    keys = _list(d, _texts(d, members[::2]))
    values = _list(d, [value_json(d, value) for value in members[1::2]])
    return Typed(d.function("spl_json_object", keys, values), Kind.ANY)


@eval_function()
def json_array(d: Dialect, *values: Typed) -> Typed:
    """json_array(<value>, …): a JSON array."""
    items = _list(d, [value_json(d, value) for value in values])
    return Typed(d.function("spl_json_array", items), Kind.ANY)


@eval_function("json")
def json_(d: Dialect, value: Typed) -> Typed:
    """json(<value>): the value if it is JSON, else NULL."""
    return Typed(d.function("spl_json", as_text(d, value).sql), Kind.ANY)


@eval_function()
def json_valid(d: Dialect, value: Typed) -> Typed:
    """json_valid(<text>): the text is JSON."""
    return condition(d.function("spl_json_valid", as_text(d, value).sql))


@eval_function()
def isarray(d: Dialect, value: Typed) -> Typed:
    """isarray(<value>): the value is a JSON array."""
    return condition(d.function("spl_json_is_array", as_text(d, value).sql))


@eval_function()
def isobject(d: Dialect, value: Typed) -> Typed:
    """isobject(<value>): the value is a JSON object."""
    return condition(d.function("spl_json_is_object", as_text(d, value).sql))


def _changing(name: str, kind: str, what: str) -> None:
    def change(d: Dialect, text: Typed, path: Typed, value: Typed, *others: Typed) -> Typed:
        given = (path, value, *others)
        paths = _list(d, _texts(d, given[::2]))
        values = _list(d, [value_json(d, one) for one in given[1::2]])
        document = as_text(d, text).sql
        return Typed(
            d.function("spl_json_changed", document, paths, values, d.literal(kind)), Kind.ANY
        )

    change.__doc__ = f"{name}(<json>, <path>, <value>, …): {what}; paths that lead nowhere do not."
    eval_function(name, check=_pairs(name, 1))(change)


_changing("json_set", "set", "the document with the values at the paths, keys created")
_changing("json_append", "append", "the document with each value after those at its path")
_changing("json_extend", "extend", "the document with each array's values after those at its path")


def _check_one_pair(written: Sequence[Constant]) -> None:
    _pairs("json_set_exact", 1)(written)
    if len(written) > 3:
        raise Unsupported("`json_set_exact` of several keys", hints=("call it for each key",))


@eval_function(check=_check_one_pair)
def json_set_exact(d: Dialect, text: Typed, key: Typed, value: Typed, *others: Typed) -> Typed:  # noqa: ARG001 - refused by the check
    """json_set_exact(<json>, <key>, <value>): the object with the key set, dots not counting."""
    arguments = as_text(d, text).sql, as_text(d, key).sql, value_json(d, value)
    return Typed(d.function("spl_json_set_exact", *arguments), Kind.ANY)


@eval_function()
def json_delete(d: Dialect, text: Typed, key: Typed, *others: Typed) -> Typed:
    """json_delete(<object>, <key>, …): the object without the keys; dots lead inwards."""
    keys = _list(d, _texts(d, (key, *others)))
    return Typed(d.function("spl_json_delete", as_text(d, text).sql, keys), Kind.ANY)


@eval_function()
def json_extract(d: Dialect, text: Typed, *paths: Typed) -> Typed:
    """json_extract(<json>, <path>, …): what lies at the path; of several paths an array."""
    found = d.function("spl_json_extract", as_text(d, text).sql, _list(d, _texts(d, paths)))
    return Typed(found, Kind.ANY)


@eval_function()
def json_extract_exact(d: Dialect, text: Typed, *keys: Typed) -> Typed:
    """json_extract_exact(<json>, <key>, …): as json_extract, keys instead of paths."""
    wanted = _list(d, _texts(d, keys))
    return Typed(d.function("spl_json_extract_exact", as_text(d, text).sql, wanted), Kind.ANY)


@eval_function()
def json_has_key_exact(d: Dialect, text: Typed, key: Typed) -> Typed:
    """json_has_key_exact(<object>, <key>): the object has the key."""
    arguments = as_text(d, text).sql, as_text(d, key).sql
    return condition(d.function("spl_json_has_key", *arguments))


@eval_function()
def json_keys(d: Dialect, text: Typed) -> Typed:
    """json_keys(<object>): the keys as a JSON array."""
    return Typed(d.function("spl_json_keys", as_text(d, text).sql), Kind.ANY)


@eval_function()
def json_entries(d: Dialect, text: Typed) -> Typed:
    """json_entries(<object>): an array of objects with a `key` and a `value`."""
    return Typed(d.function("spl_json_entries", as_text(d, text).sql), Kind.ANY)


def _flag(d: Dialect, flag: Typed | None) -> Sql:
    if flag is None or flag.kind is not Kind.BOOLEAN:
        return d.literal(value=False)
    return d.function("coalesce", flag.sql, d.literal(value=False))


@eval_function()
def json_array_to_mv(d: Dialect, text: Typed, quoted: Typed | None = None) -> Typed:
    """json_array_to_mv(<array>, <boolean>): the elements as values, quotes kept on demand."""
    found = d.function("spl_json_array_values", as_text(d, text).sql, _flag(d, quoted))
    return Typed(found, Kind.ANY, multi=True)


@eval_function()
def mv_to_json_array(d: Dialect, value: Typed, infer: Typed | None = None) -> Typed:
    """mv_to_json_array(<field>, <boolean>): strings, or on demand what each value is as JSON."""
    found = d.function("spl_json_values_array", as_values(d, value).sql, _flag(d, infer))
    return Typed(found, Kind.ANY)


@eval_function()
def toarray(d: Dialect, value: Typed) -> Typed:
    """toarray(<value>): the JSON array that a text is, or that several values make."""
    single = d.function("spl_json_to_array", as_text(d, value).sql)
    if not value.multi:
        return Typed(single, Kind.ANY)
    several = d.function("spl_json_values_array", value.sql, d.literal(value=True))
    one = d.function("equals", d.function("list_length", value.sql), d.literal(1.0))
    return Typed(d.case([(one, single)], several), Kind.ANY)


@eval_function()
def toobject(d: Dialect, value: Typed) -> Typed:
    """toobject(<value>): the JSON object that a text is."""
    return Typed(d.function("spl_json_to_object", as_text(d, value).sql), Kind.ANY)


@eval_function()
def tomv(d: Dialect, value: Typed) -> Typed:
    """tomv(<value>): several values as they are, a JSON array's elements with their quotes."""
    text = as_text(d, value).sql
    elements = d.function("spl_json_array_values", text, d.literal(value=True))
    if not value.multi:
        return Typed(elements, Kind.ANY, multi=True)
    one = d.function("equals", d.function("list_length", value.sql), d.literal(1.0))
    return Typed(d.case([(one, elements)], value.sql), Kind.ANY, multi=True)


@eval_function()
def lookup(d: Dialect, *cells: Typed) -> Typed:
    """lookup("<table>", json_object("<column>", <value>, …), json_array("<column>", …)).

    A JSON object of columns of a table where others have the values; of several matches an array
    each. Names are written out; how values match is the lookup's definition. Differences: NULL
    where nothing matches, a column without a value is left out, and values are strings, as they
    are in the table: the manual does not say. In eval and where alone.
    """
    names = [name.sql for name in cells[::2]]
    values = [d.function("spl_json_strings", as_values(d, one).sql) for one in cells[1::2]]
    found = d.function("spl_lookup_object", _list(d, names), _list(d, values))
    return Typed(found, Kind.TEXT)

"""Fields out of JSON objects, delimited pairs and XML, for commands; they have no name in SPL.

Source: Splunk Search Reference, fromjson, extract and xpath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect


@eval_function("object_value", literal=(1,))
def object_value(d: Dialect, text: Typed, name: Typed) -> Typed:
    """The values under a key of a JSON object: an array gives several, an object its JSON."""
    found = d.function("spl_object_value", as_text(d, text).sql, d.literal(name.constant))
    return Typed(found, Kind.ANY, multi=True)


@eval_function("object_names")
def object_names(d: Dialect, text: Typed) -> Typed:
    """The keys of a JSON object that have a value."""
    return Typed(d.function("spl_object_names", as_text(d, text).sql), Kind.ANY, multi=True)


@eval_function("table_objects")
def table_objects(d: Dialect, text: Typed) -> Typed:
    """The rows of the tables in a text as JSON objects, each with its line under the key ``.

    A text without a table is one row without cells.
    """
    return Typed(d.function("spl_table_objects", as_text(d, text).sql), Kind.ANY, multi=True)


@eval_function("object_prefixed", literal=(1,))
def object_prefixed(d: Dialect, text: Typed, prefix: Typed) -> Typed:
    """A JSON object with a prefix before each of its keys."""
    found = d.function("spl_object_prefixed", as_text(d, text).sql, d.literal(prefix.constant))
    return Typed(found, Kind.TEXT)


@eval_function("pair_object", literal=(1, 2, 3, 4, 5))
def pair_object(
    d: Dialect,
    text: Typed,
    pairs: Typed,
    middles: Typed,
    limit: Typed,
    clean: Typed,
    adds: Typed,
) -> Typed:
    """The pairs of a text as a JSON object, cut at the delimiters between and within them."""
    cuts = (d.literal(one.constant) for one in (pairs, middles))
    most = d.position(int(limit.constant or 0))
    flags = (d.literal(one.constant) for one in (clean, adds))
    return Typed(
        d.function("spl_pair_object", as_text(d, text).sql, *cuts, most, *flags), Kind.TEXT
    )


@eval_function("auto_object", literal=(1, 2, 3))
def auto_object(d: Dialect, text: Typed, limit: Typed, clean: Typed, adds: Typed) -> Typed:
    """The `key=value` pairs of a text as a JSON object."""
    most = d.position(int(limit.constant or 0))
    flags = (d.literal(one.constant) for one in (clean, adds))
    return Typed(d.function("spl_auto_object", as_text(d, text).sql, most, *flags), Kind.TEXT)


@eval_function("xpath_values", literal=(1, 2))
def xpath_values(d: Dialect, text: Typed, path: Typed, attribute: Typed) -> Typed:
    """The texts of the XML elements at a path, or their values of an attribute."""
    name = d.function("null_text") if attribute.constant is None else d.literal(attribute.constant)
    found = d.function("spl_xpath", as_text(d, text).sql, d.literal(path.constant), name)
    return Typed(found, Kind.ANY, multi=True)

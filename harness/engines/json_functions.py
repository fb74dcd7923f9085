"""The JSON functions of eval, in Python: DuckDB calls them.

Each gives NULL for what is no JSON, as the documentation says. Values are handed over as JSON
texts of their own (`value_json`). Source: Splunk Search Reference, "JSON functions".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from harness.engines import json_documents
from harness.engines.json_documents import Number, clean
from harness.engines.paths import Step, json_values, steps
from harness.errors import HarnessError
from harness.model.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TEXT = 16_000_000
INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
TEXT, LIST, NUMBER_TYPE, TRUTH = "VARCHAR", "VARCHAR[]", "DOUBLE", "BOOLEAN"


class TooLong(HarnessError):
    """A JSON text grows, or nests, beyond what any field holds."""


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TooLong(f"a JSON text of more than {MAX_TEXT:,} characters")
    return text


def _number(spelled: str) -> Number | None:
    """A number as SPL prints it: whole ones with all of their digits, `1.00` as 1."""
    if INTEGER.fullmatch(spelled):
        return Number(spelled)
    value = float(spelled)
    return Number(number_text(value)) if abs(value) < float("inf") else None


def _native(value: Any) -> Any:
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, dict):
        return {key: _native(inner) for key, inner in value.items()}
    return [_native(inner) for inner in value] if isinstance(value, list) else value


def _parsed(text: str | None) -> Any:
    """The document that a text is, numbers as SPL has them; ValueError if it is none."""
    if text is None:
        raise ValueError(text)
    return _native(json_documents.parse(text))


def _container(text: str | None, *kinds: type) -> Any:
    document = None if text is None else json_documents.container(text)
    return _native(document) if isinstance(document, kinds or (dict, list)) else None


def _written(value: Any) -> str:
    try:
        return _bounded(json_documents.write(value))
    except RecursionError as error:
        raise TooLong("a JSON text nested more deeply than any field") from error


def value_json(text: str | None) -> str:
    """A field's value as JSON: objects and arrays as they are, numbers, else a string."""
    if text is None:
        return "null"
    if (document := _container(text)) is not None:
        return _written(document)
    if NUMBER.fullmatch(text) and (number := _number(text.strip())) is not None:
        return str(number)
    return json.dumps(clean(text), ensure_ascii=False)


def values_json(values: list[str] | None) -> str:
    """Several values as a JSON array."""
    return "null" if values is None else "[" + ",".join(map(value_json, values)) + "]"


def make_object(keys: list[str | None], values: list[str]) -> str:
    """An object of keys and the JSON of their values; a key that is NULL is left out."""
    members = {key: value for key, value in zip(keys, values, strict=True) if key is not None}
    pairs = [f"{json_documents.write(key)}:{value}" for key, value in members.items()]
    return _bounded("{" + ",".join(pairs) + "}")


def make_array(values: list[str]) -> str:
    """An array of the JSON of its values."""
    return _bounded("[" + ",".join(values) + "]")


def strings_json(values: list[str] | None) -> str | None:
    """A value as a JSON string, several as an array of them; NULL for none."""
    if values is None:
        return None
    return _written(values[0] if len(values) == 1 else list(values))


def lookup_object(columns: list[str] | None, values: list[str | None] | None) -> str | None:
    """An object of the columns that have a value; NULL if none has."""
    pairs = zip(columns or (), values or (), strict=False)
    found = {name: value for name, value in pairs if value is not None}
    return make_object(list(found), list(found.values())) if found else None


def json_text(text: str | None) -> str | None:
    """A text that is JSON, without spaces; else NULL."""
    try:
        return _written(_parsed(text))
    except ValueError:
        return None


def is_json(text: str | None) -> bool:
    """Whether a text is JSON."""
    return json_text(text) is not None


def is_array(text: str | None) -> bool:
    """Whether a text is a JSON array."""
    return _container(text, list) is not None


def is_object(text: str | None) -> bool:
    """Whether a text is a JSON object."""
    return _container(text, dict) is not None


def to_array(text: str | None) -> str | None:
    """A text that is a JSON array, without spaces."""
    return None if (found := _container(text, list)) is None else _written(found)


def to_object(text: str | None) -> str | None:
    """A text that is a JSON object, without spaces."""
    return None if (found := _container(text, dict)) is None else _written(found)


def _field(value: Any) -> str | None:
    return None if value is None else json_documents.field_text(value)


def extract(text: str | None, paths: list[str | None]) -> str | None:
    """What lies at a path; of several paths, or of all elements of an array, a JSON array."""
    try:
        document = _parsed(text)
    except ValueError:
        return None
    if not paths:
        return _field(document)
    found = [_at(document, path) for path in paths]
    return _field(found[0]) if len(found) == 1 else _written(found)


def _at(document: Any, path: str | None) -> Any:
    way = steps(path) if path else None
    if way is None:
        return None
    values = json_values(document, way)
    if _spreads(document, way):
        return values or None
    return values[0] if values else None


def _spreads(document: Any, way: tuple[Step, ...]) -> bool:
    """Whether the braces of a path stand for all elements of an array somewhere."""
    for number, step in enumerate(way):
        if step.kind == "index" and step.position is None:
            before = json_values(document, way[:number])
            if any(isinstance(value, list) for value in before):
                return True
    return False


def extract_exact(text: str | None, keys: list[str | None]) -> str | None:
    """The values of keys, dots and braces not counting; of several keys a JSON array."""
    try:
        document = _parsed(text)
    except ValueError:
        return None
    if not keys:
        return _field(document)
    if not isinstance(document, dict):
        return None
    found = [document.get(key) for key in keys]
    return _field(found[0]) if len(found) == 1 else _written(found)


def has_key(text: str | None, key: str | None) -> bool | None:
    """Whether an object has a key."""
    found = _container(text, dict)
    return None if found is None or key is None else key in found


def keys(text: str | None) -> str | None:
    """An object's keys as an array."""
    found = _container(text, dict)
    return None if found is None else _written(list(found))


def entries(text: str | None) -> str | None:
    """An object's members as an array of objects with `key` and `value`."""
    found = _container(text, dict)
    if found is None:
        return None
    return _written([{"key": key, "value": value} for key, value in found.items()])


def array_values(text: str | None, quoted: bool) -> list[str] | None:
    """An array's elements as values; strings keep their quotes on demand."""
    found = _container(text, list)
    if found is None:
        return None
    return [(_written if quoted else json_documents.field_text)(one) for one in found] or None


def values_array(values: list[str] | None, infer: bool) -> str | None:
    """Values as an array of strings, or of what each is as JSON, null where it is none."""
    if values is None:
        return None
    if not infer:
        return _written(list(values))
    found = []
    for value in values:
        try:
            found.append(_parsed(value))
        except ValueError:
            found.append(None)
    return _written(found)


def delete(text: str | None, names: list[str | None] | None) -> str | None:
    """An object without some keys; dots lead into objects within, an array is several keys."""
    found = _container(text, dict)
    if found is None or names is None:
        return None
    for name in names:
        several = _container(name, list)
        for key in [name] if several is None else several:
            if isinstance(key, str):
                _deleted(found, key.split("."))
    return _written(found)


def _deleted(document: Any, way: list[str]) -> None:
    for name in way[:-1]:
        document = document.get(name) if isinstance(document, dict) else None
    if isinstance(document, dict):
        document.pop(way[-1], None)


def changed(text: str | None, paths: list[str | None], values: list[str], kind: str) -> str | None:
    """A document with values set at paths, appended there, or spread out there (extend)."""
    document = _container(text)
    if document is None:
        return None
    root = [document]
    for path, spelled in zip(paths, values, strict=True):
        way = steps(path) if path else None
        if way is None or any(step.kind == "attribute" for step in way):
            continue
        if kind == "extend" and not spelled.startswith("["):
            continue
        for place, key in _places(root, way, create=kind == "set"):
            _change(place, key, json_documents.parse(spelled), kind)
    return _written(root[0])


def _change(place: Any, key: Any, value: Any, kind: str) -> None:
    if kind == "set":
        place[key] = value
        return
    before = place[key] if isinstance(place[key], list) else [place[key]]
    place[key] = [*before, *(value if kind == "extend" else [value])]


def _places(root: list[Any], way: tuple[Step, ...], *, create: bool) -> list[tuple[Any, Any]]:
    """The containers and keys that a path leads to; missing objects on the way are created."""
    places: list[tuple[Any, Any]] = [(root, 0)]
    for number, step in enumerate(way):
        last = number == len(way) - 1
        following: list[tuple[Any, Any]] = []
        for place, key in places:
            value = place[key]
            if step.kind == "name" and isinstance(value, dict):
                if create and not last and step.name not in value:
                    value[step.name] = {}
                if step.name in value or (create and last):
                    following.append((value, step.name))
            elif step.kind == "index" and isinstance(value, list):
                wanted = range(len(value)) if step.position is None else (step.position,)
                following += [(value, at) for at in wanted if at < len(value)]
            elif step.kind == "index" and step.position is None and isinstance(value, dict):
                following.append((place, key))
        places = following
    return places


def set_exact(text: str | None, key: str | None, value: str) -> str | None:
    """An object with a key set, dots and braces not counting."""
    found = _container(text, dict)
    if found is None or key is None:
        return None
    found[key] = json_documents.parse(value)
    return _written(found)


JSON_FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "spl_json_value": (value_json, [TEXT], TEXT),
    "spl_json_values": (values_json, [LIST], TEXT),
    "spl_json_object": (make_object, [LIST, LIST], TEXT),
    "spl_json_array": (make_array, [LIST], TEXT),
    "spl_json_strings": (strings_json, [LIST], TEXT),
    "spl_lookup_object": (lookup_object, [LIST, LIST], TEXT),
    "spl_json": (json_text, [TEXT], TEXT),
    "spl_json_valid": (is_json, [TEXT], TRUTH),
    "spl_json_is_array": (is_array, [TEXT], TRUTH),
    "spl_json_is_object": (is_object, [TEXT], TRUTH),
    "spl_json_to_array": (to_array, [TEXT], TEXT),
    "spl_json_to_object": (to_object, [TEXT], TEXT),
    "spl_json_extract": (extract, [TEXT, LIST], TEXT),
    "spl_json_extract_exact": (extract_exact, [TEXT, LIST], TEXT),
    "spl_json_has_key": (has_key, [TEXT, TEXT], TRUTH),
    "spl_json_keys": (keys, [TEXT], TEXT),
    "spl_json_entries": (entries, [TEXT], TEXT),
    "spl_json_array_values": (array_values, [TEXT, TRUTH], LIST),
    "spl_json_values_array": (values_array, [LIST, TRUTH], TEXT),
    "spl_json_delete": (delete, [TEXT, LIST], TEXT),
    "spl_json_changed": (changed, [TEXT, LIST, LIST, TEXT], TEXT),
    "spl_json_set_exact": (set_exact, [TEXT, TEXT, TEXT], TEXT),
}

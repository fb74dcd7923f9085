"""Fields out of JSON objects, of delimited pairs and of XML, in Python: DuckDB calls them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from harness.engines.json_documents import (
    REMEMBERED,
    REMEMBERED_CHARACTERS,
    clean,
    container,
    field_text,
    write,
)
from harness.functions.extraction import PAIR_END
from harness.registry.text_tables import TableOptions, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEXT = 1_000_000
"""Longer texts hold no fields for these functions: one event never is that long."""
AUTO_PAIR = re.compile(
    rf'(?:^|[{PAIR_END}])([A-Za-z_][\w.]*)\s*=\s*(?:"([^"]*)"|([^\s,;|&"\])}}]+))', re.ASCII
)
CLEANED, LEADING = re.compile(r"[^A-Za-z0-9_]"), re.compile(r"^[0-9_]+")


def _object(text: str) -> dict[str, Any]:
    return _remembered(text) if len(text) <= REMEMBERED_CHARACTERS else _read_object(text)


def _read_object(text: str) -> dict[str, Any]:
    found = container(text) if len(text) <= MAX_TEXT else None
    return {clean(name): value for name, value in found.items()} if isinstance(found, dict) else {}


_remembered = lru_cache(maxsize=REMEMBERED)(_read_object)


def object_value(text: str | None, name: str) -> list[str] | None:
    """The values under a key of an object; what lies deeper is given as JSON."""
    if text is None:
        return None
    found = _object(text).get(name)
    values = found if isinstance(found, list) else [found]
    return [field_text(one) for one in values if one is not None] or None


def object_names(text: str | None) -> list[str] | None:
    """The keys of an object that have a value."""
    if text is None:
        return None
    found = _object(text).items()
    return [name for name, value in found if name and value not in (None, [])] or None


def table_objects(text: str | None) -> list[str] | None:
    """The rows of a text's tables as objects: the line under an empty key, and the cells."""
    if text is None:
        return None
    found = table_rows(text, TableOptions())
    rows = [json.dumps({"": line, **cells}, ensure_ascii=False) for line, cells in found]
    return rows or [json.dumps({"": text}, ensure_ascii=False)]


def object_prefixed(text: str | None, prefix: str) -> str | None:
    """An object with a prefix before each of its keys; NULL for what is no object."""
    if text is None or not (found := _object(text)):
        return None
    return write({prefix + name: value for name, value in found.items()})


def pair_object(
    text: str | None, pairs: str, middles: str, limit: int, clean: bool, adds: bool
) -> str | None:
    """The pairs of a text as an object: cut at any of `pairs`, each at any of `middles`.

    Delimiters within double quotes do not count. A pair that is cut more than once is none, as
    are those beyond the limit. Of a repeated key the first value stays, or all if it `adds`.
    """
    if text is None:
        return None
    found: dict[str, list[str]] = {}
    for number, pair in enumerate(_cut(text, pairs)):
        if number >= limit:
            break
        parts = list(_cut(pair, middles))
        if len(parts) != 2:
            continue
        key, value = parts[0].strip().strip('"'), parts[1].strip()
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1]
        if clean:
            key = LEADING.sub("", CLEANED.sub("_", key))
        if key and value and (adds or key not in found):
            found.setdefault(key, []).append(value)
    return write(found)


def auto_object(text: str | None, limit: int, clean: bool, adds: bool) -> str | None:
    """The first `limit` pairs of `key=value` text as an object; see `pair_object`."""
    if text is None:
        return None
    found: dict[str, list[str]] = {}
    for matched in islice(AUTO_PAIR.finditer(text), limit):
        key, value = matched[1], matched[2] or matched[3] or ""
        if clean:
            key = LEADING.sub("", CLEANED.sub("_", key))
        if key and value and (adds or key not in found):
            found.setdefault(key, []).append(value)
    return write(found)


def _cut(text: str, delimiters: str) -> Iterator[str]:
    """The parts between delimiters, empty ones left out."""
    begin, quoted = 0, False
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character in delimiters and not quoted:
            if text[begin:position].strip():
                yield text[begin:position]
            begin = position + 1
    if text[begin:].strip():
        yield text[begin:]


@lru_cache(maxsize=256)
def _document(text: str) -> ET.Element | None:
    """The elements of a text below one root; without a prologue there are no entities."""
    if len(text) > MAX_TEXT or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ET.fromstring(f"<root>{text}</root>")  # noqa: S314 - no DOCTYPE: nothing expands
    except ET.ParseError:
        return None


def xpath_values(text: str | None, path: str, attribute: str | None) -> list[str] | None:
    """The texts of the elements at a path, or their values of an attribute."""
    document = None if text is None else _document(text)
    if document is None:
        return None
    found = document.findall(path)
    values = [one.text if attribute is None else one.get(attribute) for one in found]
    return [value for value in values if value and value.strip()] or None

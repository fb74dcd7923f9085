"""Location paths into JSON and XML, as `spath` reads them.

A path is names with dots between; braces after a name hold a position, nothing (all of them), or
`@` and an attribute. Positions count from 0 in JSON and from 1 in XML. Source: Splunk Search
Reference, `spath`, "Usage"; `{}` after an object stands for the object, as in json_extract's
first example and in detections that Splunk publishes.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.engines import json_documents, xml_documents
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engines.xml_documents import Element

EXTRACTION_CUTOFF = 5_000
"""How many characters automatic extraction reads (limits.conf, [spath], extraction_cutoff)."""
STEP = re.compile(r"(?P<name>[^.{}]+)|\{(?P<index>\d*)\}|\{@(?P<attribute>[^{}]+)\}|(?P<dot>\.)")
OBJECT = re.compile(r'\s*\{\s*"')
"""How an event begins that was an object before it was cut (TRUNCATE): what is there counts."""
PUNCTUATION = re.compile(r'[\s,:]*(?:([\[\]{}])|(")|([^\s,:\[\]{}"]+))')

SIGNS = ("\x1f", "\x1e")
"""What no text holds, as a rule."""
WORDS: dict[bool | None, str] = {None: "null", True: "true", False: "false"}


class NoSign(HarnessError):
    """A text in which nothing can be set apart."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a name, a position, every position (`position` is None), or an attribute."""

    kind: str
    name: str = ""
    position: int | None = None


@lru_cache(maxsize=512)
def steps(path: str) -> tuple[Step, ...] | None:
    """The steps of a path, or None if it is none."""
    found: list[Step] = []
    position, after_dot = 0, True
    while position < len(path):
        matched = STEP.match(path, position)
        if matched is None:
            return None
        position = matched.end()
        if matched["dot"]:
            if after_dot:
                return None
            after_dot = True
            continue
        if matched["name"]:
            if not after_dot:
                return None
            found.append(Step("name", matched["name"]))
        elif matched["attribute"]:
            found.append(Step("attribute", matched["attribute"]))
        else:
            index = matched["index"]
            found.append(Step("index", position=int(index) if index else None))
        after_dot = False
    if after_dot or not 0 < len(found) <= json_documents.MAX_DEPTH:
        return None
    return tuple(found)


def read_path(text: str | None, path: str | None) -> list[str] | None:
    """The values at a path of a JSON or XML text, in order; None where there is none."""
    way = steps(path) if path else None
    if text is None or way is None:
        return None
    if (document := json_documents.container(text)) is not None:
        return [json_documents.field_text(value) for value in json_values(document, way)] or None
    if (top := xml_documents.document(text)) is not None:
        return [value for value in _xml_values(top, way) if value] or None
    return None


def json_values(document: Any, way: tuple[Step, ...]) -> list[Any]:
    """What lies at the end of a path of a JSON document."""
    found = [document]
    for step in way:
        if step.kind == "name":
            found = [v[step.name] for v in found if isinstance(v, dict) and step.name in v]
        elif step.kind == "attribute":
            return []
        elif step.position is not None:
            at = step.position
            found = [v[at] for v in found if isinstance(v, list) and at < len(v)]
        else:
            spread = [
                v if isinstance(v, list) else [v] for v in found if isinstance(v, dict | list)
            ]
            found = [inner for values in spread for inner in values]
    return found


def _xml_values(top: Element, way: tuple[Step, ...]) -> Iterator[str]:
    groups: list[list[Element]] = [[top]]
    for number, step in enumerate(way):
        if step.kind == "attribute":
            if number == len(way) - 1:
                for group in groups:
                    yield from (one.attributes.get(step.name, "") for one in group)
            return
        if step.kind == "name":
            parents = [element for group in groups for element in group]
            groups = [[c for c in one.children if c.name == step.name] for one in parents]
        elif step.position is not None:
            at = step.position
            groups = [group[at - 1 : at] if at else [] for group in groups]
    for group in groups:
        yield from (one.inner if one.children else one.text for one in group)


def all_paths(text: str, cutoff: int = EXTRACTION_CUTOFF) -> dict[str, list[str]]:
    """Every field of a text with its values, named by their paths, as automatic `spath` does.

    Only the beginning of a long text is read: the fields that end before the cut.
    """
    return _all_paths(text[:cutoff], len(text) > cutoff)


@lru_cache(maxsize=json_documents.REMEMBERED)
def _all_paths(part: str, cut: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    pairs: Iterator[tuple[str, str]]
    if (document := json_documents.container(part)) is not None:
        return _json_fields(document, part)
    if cut and part.lstrip().startswith(("{", "[")):
        pairs = _cut_leaves(part)
    elif (top := xml_documents.document(part)) is not None:
        pairs = _xml_leaves(top, "", cut=cut)
    else:
        return found
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def names(text: str | None) -> list[str] | None:
    """The names of the fields that automatic extraction gives."""
    return (list(all_paths(text)) or None) if text is not None else None


def named_values(text: str | None, name: str | None) -> list[str] | None:
    """The values that automatic extraction gives one field."""
    return all_paths(text).get(name) if text is not None and name is not None else None


def json_field(text: str | None, path: str) -> list[str] | None:
    """The values at a path of a JSON event, as KV_MODE=json extracts them: `null` is a text."""
    return None if text is None else _event_fields(text).get(path)


def json_names(text: str | None) -> list[str] | None:
    """The paths of the fields of a JSON event; None if it is none."""
    return None if text is None else list(_event_fields(text)) or None


def json_cells(text: str | None) -> list[str] | None:
    """All fields of a JSON event: two signs, the names between the first of them, and the values.

    The values of one field stand between the second sign. None if there are no fields.
    """
    if text is None:
        return None
    short = len(text) <= json_documents.REMEMBERED_CHARACTERS
    return _remembered_cells(text) if short else _cells(text)


def _cells(text: str) -> list[str] | None:
    found = _fields(text)
    if not found:
        return None
    names, several = list(found), sum(map(len, found.values())) - len(found)
    for first, second in _signs():
        values = [v[0] if len(v) == 1 else second.join(v) for v in found.values()]
        named, valued = first.join(names), first.join(values)
        apart = named.count(first) == valued.count(first) == len(names) - 1
        if apart and valued.count(second) == several:
            return [first, second, named, valued]
    raise NoSign("a JSON event holds every character there is")


_remembered_cells = lru_cache(maxsize=json_documents.REMEMBERED)(_cells)


def _signs() -> Iterator[tuple[str, str]]:
    """Two characters that a text may be free of, the likeliest first."""
    yield SIGNS
    for code in range(ord(" "), sys.maxunicode, 2):
        if code not in xml_documents.SURROGATES:
            yield chr(code), chr(code + 1)


def _event_fields(text: str) -> dict[str, list[str]]:
    short = len(text) <= json_documents.REMEMBERED_CHARACTERS
    return _remembered_fields(text) if short else _remembered_long_fields(text)


def _fields(text: str) -> dict[str, list[str]]:
    document = json_documents.read_container(text)
    if document is not None:
        return _json_fields(document, text)
    found: dict[str, list[str]] = {}
    if OBJECT.match(text):
        for name, value in _cut_leaves(text):
            found.setdefault(name, []).append(value)
    return found


_remembered_fields = lru_cache(maxsize=json_documents.REMEMBERED)(_fields)
_remembered_long_fields = lru_cache(maxsize=json_documents.REMEMBERED_LONG)(_fields)


def _json_fields(document: Any, text: str) -> dict[str, list[str]]:
    """The leaves of a document by their paths; texts are cleaned where that may change them."""
    found: dict[str, list[str]] = {}
    _gather(document, "", found)
    if not json_documents.has_escapes(text):
        return found
    cleaned: dict[str, list[str]] = {}
    for name, values in found.items():
        kept = cleaned.setdefault(json_documents.clean(name), [])
        kept += [json_documents.clean(value) for value in values]
    return cleaned


def _gather(value: Any, path: str, found: dict[str, list[str]]) -> None:
    """Put a value's leaves among those found; no call a leaf, for events have dozens of them."""
    if isinstance(value, dict):
        before = f"{path}." if path else ""
        for key, inner in value.items():
            name = before + key
            if isinstance(inner, dict | list):
                _gather(inner, name, found)
            elif name in found:
                found[name].append(inner if isinstance(inner, str) else WORDS[inner])
            else:
                found[name] = [inner if isinstance(inner, str) else WORDS[inner]]
        return
    if not isinstance(value, list):
        found.setdefault(path, []).append(value if isinstance(value, str) else WORDS[value])
        return
    name = f"{path}{{}}"
    for inner in value:
        if isinstance(inner, dict | list):
            _gather(inner, name, found)
        else:
            found.setdefault(name, []).append(inner if isinstance(inner, str) else WORDS[inner])


def _xml_leaves(element: Element, path: str, *, cut: bool) -> Iterator[tuple[str, str]]:
    """Of a text that was cut, what is still open at its end is left out."""
    for name, value in element.attributes.items():
        if value:
            yield f"{path}{{@{name}}}", value
    if path and element.text and (element.closed or not cut):
        yield path, element.text
    for child in element.children:
        name = f"{path}.{child.name}" if path else child.name
        yield from _xml_leaves(child, name, cut=cut)


def _cut_leaves(text: str) -> Iterator[tuple[str, str]]:
    """The leaves of a JSON text that was cut, up to the cut or to a fault."""
    stack: list[tuple[str, bool]] = []
    key: str | None = None
    position = 0
    while (matched := PUNCTUATION.match(text, position)) is not None:
        position = matched.end()
        path = _joined(stack, key)
        if matched[1] in ("{", "["):
            if len(stack) >= json_documents.MAX_DEPTH:
                return
            stack.append((path, matched[1] == "["))
            key = None
        elif matched[1]:
            if not stack:
                return
            stack.pop()
            key = None
        else:
            value, position = _scalar(text, matched)
            cut = not matched[2] and position >= len(text)
            if value is None or cut:
                return
            if stack and not stack[-1][1] and key is None and matched[2]:
                key = value
                continue
            yield path, value
            key = None


def _joined(stack: list[tuple[str, bool]], key: str | None) -> str:
    path, array = stack[-1] if stack else ("", False)
    if array:
        return f"{path}{{}}"
    return ".".join(part for part in (path, key) if part)


def _scalar(text: str, matched: re.Match[str]) -> tuple[str | None, int]:
    """The text of a scalar that begins at a match, and where it ends; None if it is cut."""
    if not matched[2]:
        return matched[3], matched.end()
    position = matched.end()
    while (end := text.find('"', position)) >= 0:
        before = text[matched.end() : end]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            try:
                return json_documents.field_text(json_documents.parse(f'"{before}"')), end + 1
            except ValueError:
                return None, end
        position = end + 1
    return None, len(text)

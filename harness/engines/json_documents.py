"""JSON texts read and written as Splunk does: numbers as they are spelled, depth bounded."""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from typing import Any, NoReturn

MAX_DEPTH = 200
SURROGATE = re.compile("[\ud800-\udfff]")
VECTOR = 2_048
REMEMBERED = VECTOR * max(1, min(4, os.cpu_count() or 1))
REMEMBERED_CHARACTERS = 8_192
REMEMBERED_LONG = 8
"""How many texts keep their document: each of an engine's threads asks for one field of so many
rows as a vector has, then for the next field. Of texts that are longer than so many characters
only the last few do."""


class Number(str):
    """A number with the digits that its text had."""

    __slots__ = ()


class TooDeep(ValueError):
    """A document nested more deeply than anybody writes one."""


def parse(text: str) -> Any:
    """The document that a text is; ValueError if it is none."""
    try:
        document = _decoder().decode(text)
    except RecursionError as error:
        raise TooDeep(len(text)) from error
    if text.count("{") + text.count("[") >= MAX_DEPTH:
        _check_depth(document)
    return document


@lru_cache(maxsize=1)
def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_number)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _check_depth(document: Any) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise TooDeep(depth)
        inner = [one for one in level if isinstance(one, dict | list)]
        level = [
            value for one in inner for value in (one.values() if isinstance(one, dict) else one)
        ]


def container(text: str) -> Any:
    """The object or array that a text is, or None."""
    return _remembered_long(text) if len(text) > REMEMBERED_CHARACTERS else _remembered(text)


def read_container(text: str) -> Any:
    """The same for one who keeps what comes of it, and the document not."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse(text)
    except ValueError:
        return None


_remembered = lru_cache(maxsize=REMEMBERED)(read_container)
_remembered_long = lru_cache(maxsize=REMEMBERED_LONG)(read_container)


def clean(text: str) -> str:
    """A text without halves of characters, which no engine stores."""
    return SURROGATE.sub("\ufffd", text)


def has_escapes(text: str) -> bool:
    """Whether a document may have halves of characters: only escapes make them."""
    return "\\u" in text


def write(value: Any) -> str:
    """The document's text, without spaces."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        members = [f"{write(key)}:{write(inner)}" for key, inner in value.items()]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join([write(inner) for inner in value]) + "]"
    return clean(json.dumps(value, ensure_ascii=False))


def field_text(value: Any) -> str:
    """What a field holds of a document: texts without their quotes, all else as it is written."""
    return clean(value) if isinstance(value, str) else write(value)

"""JSON texts read and written as Splunk does: numbers as they are spelled, depth bounded."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

MAX_DEPTH = 200
SURROGATE = re.compile("[\ud800-\udfff]")
REMEMBERED = 2_048
REMEMBERED_CHARACTERS = 8_192
REMEMBERED_LONG = 8
"""How many texts keep their document: an engine asks for one field of many rows, then for the
next. Of those that are longer than so many characters only the last few do."""


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


def _container(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse(text)
    except ValueError:
        return None


_remembered = lru_cache(maxsize=REMEMBERED)(_container)
_remembered_long = lru_cache(maxsize=REMEMBERED_LONG)(_container)


def clean(text: str) -> str:
    """A text without halves of characters, which no engine stores."""
    return SURROGATE.sub("\ufffd", text)


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

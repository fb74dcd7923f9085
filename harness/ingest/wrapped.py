"""Events that stand inside of a JSON object, cut out of its text as they stand there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder(parse_int=float)
LIST = "{}"


def inside(text: str, path: str) -> Iterator[tuple[str, Any]]:
    """The text and the meaning of what an object holds under a name; of each one, in a list.

    `text` is one whole JSON object, and `path` a name, with `{}` behind it for a list.
    """
    for key, start, value in _members(text):
        if key != path.removesuffix(LIST):
            continue
        if not path.endswith(LIST):
            yield text[start : DECODER.raw_decode(text, start)[1]], value
        elif isinstance(value, list):
            for one, end, element in _elements(text, start):
                if isinstance(element, dict):
                    yield text[one:end], element


def _members(text: str) -> Iterator[tuple[str, int, Any]]:
    """The names of an object, where their values begin, and the values."""
    position = _after_space(text, _after_space(text, 0) + 1)
    while text[position : position + 1] == '"':
        key, position = DECODER.raw_decode(text, position)
        start = _after_space(text, _after_space(text, position) + 1)
        value, position = DECODER.raw_decode(text, start)
        yield key, start, value
        position = _after_space(text, _after_space(text, position) + 1)


def _elements(text: str, start: int) -> Iterator[tuple[int, int, Any]]:
    """Where the elements of a list begin and end, and the elements."""
    position = _after_space(text, start + 1)
    while text[position : position + 1] not in ("]", ""):
        value, end = DECODER.raw_decode(text, position)
        yield position, end, value
        position = _after_space(text, end)
        if text[position : position + 1] != ",":
            return
        position = _after_space(text, position + 1)


def _after_space(text: str, position: int) -> int:
    found = SPACE.match(text, position)
    return found.end() if found else position

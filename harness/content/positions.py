"""Where in its file a character of a search stands."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.content.detection import Detection

ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
CODES = {"x": 2, "u": 4, "U": 8}


def place_in_file(detection: Detection, line: int, column: int) -> tuple[int, int]:
    """The file's line and column of a line and column of the detection's search, from 1.

    YAML folds lines, doubles quotes and takes escapes, but never changes how many characters
    there are that are no space: so they are counted. What is no scalar in the file, as an alias
    of something else, has the place of its key.
    """
    key = detection.search_place
    begin = (key.line or 1, key.column or 1)
    if detection.generation == "savedsearch":
        # Lines of a conf file go on as they are, after a backslash.
        return begin[0] + line - 1, column + (begin[1] - 1 if line == 1 else 0)
    try:
        text = detection.path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return begin
    scalar = _scalar(text)
    if scalar is None:
        return begin
    lines = detection.search.strip().split("\n")
    before = "\n".join([*lines[: line - 1], "".join(lines[line - 1 : line])[: column - 1]])
    wanted = sum(not character.isspace() for character in before)
    for number, position in enumerate(_positions(text, *scalar)):
        if number == wanted:
            start = text.rfind("\n", 0, position) + 1
            return text.count("\n", 0, position) + 1, position - start + 1
    return begin


def place_in_search(detection: Detection, place: Place | None) -> Place | None:
    """An error's place in a detection's search as a place in its file; None if it is elsewhere.

    What stands in a macro's definition is elsewhere.
    """
    if place is None or getattr(place, "macro", None) is not None:
        return None
    if place.path != str(detection.path) or not place.line or not place.column:
        return None
    return Place(place.path, *place_in_file(detection, place.line, place.column))


def _scalar(text: str) -> tuple[int, int, str | None] | None:
    """Where the value of the key `search` begins and ends, and its style."""
    import yaml  # noqa: PLC0415 - only an error in a search needs it

    depth, awaited, is_key = 0, False, True
    anchors: dict[str, Any] = {}
    try:
        for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                is_alias = isinstance(event, yaml.AliasEvent)
                if awaited:
                    return _bounds(anchors.get(event.anchor or "") if is_alias else event)
                if event.anchor and not is_alias:
                    anchors[event.anchor] = event
                awaited = depth == 1 and is_key and getattr(event, "value", None) == "search"
            elif isinstance(event, yaml.CollectionStartEvent):
                if awaited:
                    return None
                depth += 1
                is_key = depth == 1
                continue
            else:
                continue
            if depth == 1:
                is_key = not is_key
    except yaml.YAMLError:
        return None
    return None


def _bounds(event: Any) -> tuple[int, int, str | None] | None:
    if event is None:
        return None
    return event.start_mark.index, event.end_mark.index, event.style


def _positions(text: str, start: int, end: int, style: str | None) -> Iterator[int]:
    """The positions of a scalar's characters that are no space, as its value has them."""
    position = _begun(text, start, style)
    while position < end:
        character, width = text[position], 1
        if style == '"' and character == "\\":
            character, width = _escaped(text, position)
        elif style == "'" and text[position : position + 2] == "''":
            width = 2
        elif style in ("'", '"') and character == style:
            return
        if not character.isspace():
            yield position
        position += width


def _begun(text: str, start: int, style: str | None) -> int:
    """The first character of a value: past its anchor and tag, its quote or its header."""
    position = start
    while text[position : position + 1] in ("&", "!"):
        while position < len(text) and not text[position].isspace():
            position += 1
        while position < len(text) and text[position].isspace():
            position += 1
    if style in ("|", ">"):
        return text.find("\n", position) + 1 or len(text)
    return position + 1 if style in ("'", '"') else position


def _escaped(text: str, position: int) -> tuple[str, int]:
    """The character that an escape stands for, and the escape's length."""
    kind = text[position + 1 : position + 2]
    digits = text[position + 2 : position + 2 + CODES.get(kind, 0)]
    if kind in CODES and digits and all(digit in string.hexdigits for digit in digits):
        return chr(int(digits, 16)), 2 + len(digits)
    return ESCAPES.get(kind, kind), 2

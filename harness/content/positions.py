"""Where in its YAML file a character of a search stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.content.detection import Detection

ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t", "/": "/"}


def place_in_file(detection: Detection, line: int, column: int) -> tuple[int, int]:
    """The file's line and column of a line and column of the detection's search, from 1.

    YAML folds lines and doubles quotes, so the file's text is walked beside the search's. Where
    the two cannot be laid beside each other it is the place of the key.
    """
    key = detection.search_place
    begin = (key.line or 1, key.column or 1)
    try:
        text = detection.path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return begin
    lines = text.split("\n")
    start = sum(len(one) + 1 for one in lines[: begin[0] - 1]) + begin[1] - 1
    search = detection.search.strip()
    wanted = sum(len(one) + 1 for one in search.split("\n")[: line - 1]) + column - 1
    found = _walked(text, text.find(":", start) + 1, search[: wanted + 1])
    if found is None:
        return begin
    before = text[:found]
    return before.count("\n") + 1, found - (before.rfind("\n") + 1) + 1


def _walked(text: str, position: int, value: str) -> int | None:
    """Where the last character of `value` stands in a scalar that begins at a position."""
    position = _begun(text, position)
    at = position
    for character in value:
        while position < len(text):
            at, current = position, text[position]
            if current == character:
                position += 2 if text[position : position + 2] == "''" and current == "'" else 1
                break
            if character.isspace() and current.isspace():
                position += 1
                break
            if current == "\\" and ESCAPES.get(text[position + 1 : position + 2]) == character:
                position += 2
                break
            if not (current.isspace() or current == "\\"):
                return None
            position += 1
        else:
            return None
    return at


def _begun(text: str, position: int) -> int:
    """The first character of a scalar's value: past space, its quote or its block header."""
    while position < len(text) and text[position].isspace():
        position += 1
    if text[position : position + 1] in ("|", ">"):
        end = text.find("\n", position)
        return len(text) if end < 0 else end + 1
    return position + 1 if text[position : position + 1] in ("'", '"') else position

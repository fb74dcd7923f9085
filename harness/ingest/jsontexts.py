"""JSON in files: an object a line, objects one after another, or one array of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.ingest.errors import Loss

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT = 32 * 1024 * 1024
SEPARATORS = " \t\r\n,[]\ufeff"


def json_events(pieces: Iterator[str], name: str, losses: list[Loss]) -> Iterator[str]:
    """The text of each object, as it stands; arrays are opened, never held as a whole.

    A line that is no JSON is an event as it is, and noted.
    """
    decoder, buffer = json.JSONDecoder(), ""
    noted = False
    for piece, final in _with_last(pieces):
        buffer += piece
        position = 0
        while True:
            position = _skip(buffer, position)
            if position >= len(buffer):
                break
            try:
                _, end = decoder.raw_decode(buffer, position)
            except (ValueError, RecursionError):
                line_end = buffer.find("\n", position)
                complete = line_end >= 0 and _next_begins(buffer, line_end)
                too_long = len(buffer) - position > MAX_EVENT
                if not complete and not final and not too_long:
                    break
                end = line_end if complete else len(buffer)
                if not noted:
                    noted = True
                    losses.append(Loss(name, "some of the text is no JSON; its lines are events"))
            if (text := buffer[position:end].strip()) != "":
                yield text
            position = end
        buffer = buffer[position:]


def _skip(buffer: str, position: int) -> int:
    while position < len(buffer) and buffer[position] in SEPARATORS:
        position += 1
    return position


def _next_begins(buffer: str, line_end: int) -> bool:
    """Whether a new object begins on the line after: then the broken one has ended."""
    return buffer[_skip(buffer, line_end) :][:1] == "{" and buffer[line_end + 1 :][:1] != " "


def _with_last(pieces: Iterator[str]) -> Iterator[tuple[str, bool]]:
    before: str | None = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True

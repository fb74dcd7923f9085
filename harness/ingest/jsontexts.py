"""JSON in files: an object a line, objects one after another, or one array of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from harness.ingest.errors import Loss
from harness.ingest.lines import MAX_EVENT, OVERSIZED, with_last

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ingest.lines import Raw

START = re.compile(r"\s*(?:\[\s*)?\{")
BETWEEN = re.compile(r"[\s,\]\ufeff]*(?:\[(?=\s*[\[\]{])[\s,\]\ufeff]*)*")
OPEN_ARRAY = re.compile(r"\[\s*")
WINDOW = 4096
"""Objects are tried in windows that grow: a fault's error counts the lines of all that was tried,
which would make many broken lines in one piece cost the square of their number."""
LOOKAHEAD = 16
"""How far before the end of what is there a fault may be one of the missing rest."""


def is_json(start: str) -> bool:
    """Whether a text begins with an object, or with an array of objects."""
    return START.match(start) is not None


def json_events(
    pieces: Iterator[str], name: str, losses: list[Loss], *, max_event: int = MAX_EVENT
) -> Iterator[tuple[Raw, Any]]:
    """Each object as it stands (kind `json`), with what it says; arrays are never held whole.

    A line that is no JSON object is an event (kind `line`), and the first one is noted.
    """
    reader = _Reader(name, losses, max_event)
    for piece, final in with_last(pieces):
        yield from reader.read(piece, final=final)


class _Reader:
    """What is read and not yet an event, and where in the text it stands."""

    def __init__(self, name: str, losses: list[Loss], max_event: int) -> None:
        self.name, self.losses, self.max_event = name, losses, max_event
        # Numbers are only read for times; a whole number of 5,000 digits is no reason to fail.
        self.decoder = json.JSONDecoder(parse_int=float)
        self.buffer, self.offset = "", 0
        self.cut = self.noted = False

    def read(self, piece: str, *, final: bool) -> Iterator[tuple[Raw, Any]]:
        """The events that end in this piece."""
        self.buffer += piece
        position = 0
        while True:
            if self.cut:
                end = self.buffer.find("\n", position)
                position = end if end >= 0 else len(self.buffer)
                self.cut = end < 0
            position = self._skipped(position)
            if position >= len(self.buffer):
                break
            document, end = self._decoded(position, final=final)
            if end < 0:
                if len(self.buffer) - position <= self.max_event:
                    break
                end = len(self.buffer)
            text = self.buffer[position:end].rstrip()
            if len(text) > self.max_event:
                self.losses.append(Loss(self.name, OVERSIZED, self.offset + position))
                text, document, self.cut = text[: self.max_event], None, True
            elif document is None and not self.noted:
                self.noted = True
                message = "text that is no JSON object: its lines are events"
                self.losses.append(Loss(self.name, message, self.offset + position))
            yield ("json" if document is not None else "line", text), document
            position = end
        self.offset += position
        self.buffer = self.buffer[position:]

    def _skipped(self, position: int) -> int:
        found = BETWEEN.match(self.buffer, position)
        return found.end() if found else position

    def _decoded(self, position: int, *, final: bool) -> tuple[Any, int]:
        """What stands at `position` (`None` for a line that is no object), and its end.

        The end is negative where the next piece decides.
        """
        buffer = self.buffer
        if buffer[position] == "{":
            size = WINDOW
            while True:
                window = buffer[position : position + size]
                whole = position + size >= len(buffer)
                try:
                    document, end = self.decoder.raw_decode(window)
                except json.JSONDecodeError as error:
                    open_string = error.msg.startswith("Unterminated string")
                    if not open_string and error.pos <= len(window) - LOOKAHEAD:
                        break
                    if whole and not final:
                        return None, -1
                    if whole:
                        break
                    size *= 4
                except RecursionError:
                    break
                else:
                    return document, position + end
        elif not final and OPEN_ARRAY.fullmatch(buffer, position):
            return None, -1
        end = buffer.find("\n", position)
        return None, end if end >= 0 or not final else len(buffer)

"""JSON in files: an object a line, objects one after another, or one array of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from harness.ingest.errors import Loss
from harness.ingest.lines import MAX_EVENT, OVERSIZED, with_last

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ingest.lines import Raw

START = re.compile(r"\s*(?:\[\s*)?\{")
BETWEEN = re.compile(r"[\s,\]\ufeff]*(?:\[(?=\s*[\[\]{])[\s,\]\ufeff]*)*")
OPEN_ARRAY = re.compile(r"\[\s*")
STRUCTURE = re.compile(r'\\.|\n\{|["{}\[\]\n]')
WINDOW = 4096
"""Objects are tried in windows that grow: a fault's error counts the lines of all that was tried,
which would make many broken lines in one piece cost the square of their number."""
LOOKAHEAD = 16
"""How far before the end of what is there a fault may be one of the missing rest."""
MOST_IN_VAIN = 8
FREE_IN_VAIN = 8_000_000
"""How often the text may be read in vain, and how many characters of it in any case. Objects that
open, a line each, and never close would be read from each of their lines on."""
GOES_ON, BROKEN, TOO_LONG = -1, -2, -3


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
        self.buffer, self.offset, self.in_vain = "", 0, 0
        self.cut: Literal["", "line", "object"] = ""
        self.depth, self.in_string, self.noted = 0, False, False

    def read(self, piece: str, *, final: bool) -> Iterator[tuple[Raw, Any]]:
        """The events that end in this piece."""
        self.buffer += piece
        position = 0
        while True:
            if self.cut:
                position = self._left_out(position, final=final)
                if self.cut:
                    break
            position = self._skipped(position)
            if position >= len(self.buffer):
                break
            document, end = self._decoded(position, final=final)
            if end == GOES_ON:
                break
            if end == TOO_LONG:
                text = self.buffer[position : position + self.max_event + 1]
            else:
                text = self.buffer[position:end].rstrip()
            if len(text) > self.max_event:
                self.losses.append(Loss(self.name, OVERSIZED, self.offset + position))
                text, document = text[: self.max_event], None
            elif document is None and not self.noted:
                self.noted = True
                message = "text that is no JSON object: its lines are events"
                self.losses.append(Loss(self.name, message, self.offset + position))
            yield ("json" if document is not None else "line", text), document
            position = max(position, end)
        self.offset += position
        self.buffer = self.buffer[position:]

    def _skipped(self, position: int) -> int:
        found = BETWEEN.match(self.buffer, position)
        return found.end() if found else position

    def _decoded(self, position: int, *, final: bool) -> tuple[Any, int]:
        """What stands at `position` (`None` for a line that is no object), and its end.

        The end is `GOES_ON` where the next piece decides, `TOO_LONG` where the bound does: then
        `cut` says of what.
        """
        buffer = self.buffer
        if buffer[position] == "{":
            document, end = self._object(position, final=final)
            if end != BROKEN:
                return document, end
        elif not final and OPEN_ARRAY.fullmatch(buffer, position):
            return None, GOES_ON if len(buffer) - position <= self.max_event else len(buffer)
        end = buffer.find("\n", position)
        if end >= 0 or final:
            return None, end if end >= 0 else len(buffer)
        if len(buffer) - position <= self.max_event + LOOKAHEAD:
            return None, GOES_ON
        self.cut = "line"
        return None, TOO_LONG

    def _object(self, position: int, *, final: bool) -> tuple[Any, int]:
        """The object at `position`, and its end or what keeps it from having one.

        No more is read for it than the bound allows, so that where pieces end changes nothing.
        """
        limit = self.max_event + LOOKAHEAD
        has_a_line = self.in_vain > MOST_IN_VAIN * (self.offset + position + FREE_IN_VAIN)
        size = WINDOW
        while True:
            window = self.buffer[position : position + min(size, limit)]
            line = window.find("\n") if has_a_line else -1
            try:
                document, end = self.decoder.raw_decode(window[:line] if line >= 0 else window)
            except json.JSONDecodeError as error:
                is_open = error.msg.startswith("Unterminated string")
                if line >= 0 or not (is_open or error.pos > len(window) - LOOKAHEAD):
                    return self._broken(position, error.pos)
                if len(window) == limit:
                    self.cut, self.depth, self.in_string = "object", 0, False
                    return None, TOO_LONG
                if position + len(window) == len(self.buffer):
                    return self._broken(position, error.pos) if final else (None, GOES_ON)
                size *= 4
            except RecursionError:
                return self._broken(position, size // 4)
            else:
                return document, position + end

    def _broken(self, position: int, length: int) -> tuple[Any, int]:
        """Counts what was read beyond the line, all of which will be read again."""
        line = self.buffer.find("\n", position, position + length)
        if line >= 0:
            self.in_vain += position + length - line
        return None, BROKEN

    def _left_out(self, position: int, *, final: bool) -> int:
        """Where the rest of an event that was cut off ends; `cut` stays where it does not yet."""
        if self.cut == "line":
            end = self.buffer.find("\n", position)
            self.cut = "" if end >= 0 or final else self.cut
            return end if end >= 0 else len(self.buffer)
        for found in STRUCTURE.finditer(self.buffer, position):
            mark, position = found[0], found.end()
            if mark == "\n" and position == len(self.buffer) and not (self.in_string or final):
                return position - 1
            if self._ends(mark):
                self.cut = ""
                return found.start() if mark.startswith("\n") else position
        escapes = self.buffer.endswith("\\", position)
        self.cut = "" if final else self.cut
        return len(self.buffer) - (1 if escapes and not final else 0)

    def _ends(self, mark: str) -> bool:
        """Whether a mark of the structure ends an object: its brace, or what it cannot hold.

        No string holds a line break. A line that begins with a brace is taken for the next
        object: one that lost its own end would take all the others with it.
        """
        if mark == "\n{":
            return True
        if self.in_string:
            self.in_string = mark != '"'
            return mark == "\n"
        if mark == '"':
            self.in_string = True
        elif mark in ("{", "["):
            self.depth += 1
        elif mark in ("}", "]"):
            self.depth -= 1
        return mark in ("}", "]") and self.depth <= 0

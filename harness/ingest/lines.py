"""Text of other kinds: an event a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.ingest.errors import Loss

if TYPE_CHECKING:
    from collections.abc import Iterator

Raw = tuple[str, str]
"""An event on its way: its kind (xml, text, json, line) and its text."""

MAX_EVENT = 32 * 1024 * 1024
OVERSIZED = "an event is too long: it was cut off, and the rest of it left out"


def lines(
    pieces: Iterator[str], name: str, losses: list[Loss], *, max_event: int = MAX_EVENT
) -> Iterator[Raw]:
    """The lines of a text that hold something, as pairs of the kind `line` and the line."""
    buffer, offset, cut = "", 0, False
    for piece, final in with_last(pieces):
        *whole, buffer = (buffer + piece).split("\n")
        if final:
            whole, buffer = [*whole, buffer], ""
        for line in whole:
            if not cut and line.strip():
                raw = line.rstrip("\r")
                if len(raw) > max_event:
                    losses.append(Loss(name, OVERSIZED, offset))
                yield "line", raw[:max_event]
            offset += len(line) + 1
            cut = False
        if len(buffer) > max_event + 1:
            if not cut:
                losses.append(Loss(name, OVERSIZED, offset))
                yield "line", buffer[:max_event]
            offset += len(buffer)
            buffer, cut = "", True


def truncated(text: str, most: int) -> str:
    """A line cut to so many bytes, at the beginning of a character; 0 never cuts (TRUNCATE)."""
    if not most or len(text) * 4 <= most or len(encoded := text.encode()) <= most:
        return text
    return encoded[:most].decode(errors="ignore")


def with_last(pieces: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """The pieces, each with whether it is the last."""
    before: str | None = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True

"""Windows events in files: XML events, and text blocks as Splunk's forwarder writes them.

XML events may stand one a line, back to back or over several lines, and among text blocks. No
XML parser runs here: an event is the text from `<Event` to `</Event>`, so nothing is expanded.
Where a piece of the file ends changes nothing: what may go on waits for the next piece.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.ingest.errors import Loss
from harness.ingest.lines import MAX_EVENT, OVERSIZED, with_last

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ingest.lines import Raw

EventKind = Literal["xml", "text", "line"]
Kind = Literal[EventKind, "filler", "doctype", "endless"]

END = "</Event>"
XML_AGAIN = "<Event xmlns"
TEXT_LINE = r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}(?:\.\d{1,9})? [AP]M[ \t]{0,40}\r?\nLogName="
TEXT_START = re.compile(TEXT_LINE)
TEXT_AGAIN = re.compile(rf"\n(?={TEXT_LINE})")
NEXT_START = re.compile(rf"\n(?={TEXT_LINE}|[ \t]{{0,200}}(?:<Event[\s>]|<\?xml ))")
WRAPPED = re.compile(r"\n[ \t]{0,200}<Events[^>]{0,200}>\s*<Event[\s>]")
XML_START = re.compile(r"<Event[\s>]")
# Bounded, or a hostile file of openings without an end would take quadratic time.
FILLER = re.compile(r"(?:\s|\ufeff|<\?xml[^>]{0,200}\?>|</?Events(?:\s[^>]{0,200})?>)+")
DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]{0,1000}(?:\[[^\]]{0,4000}\][^>\[]{0,100})?>")
LONGEST_START = 8192


def is_windows(start: str) -> bool:
    """Whether a line of a text's beginning starts a Windows event, XML or text."""
    lines = f"\n{start}"
    return NEXT_START.search(lines) is not None or WRAPPED.search(lines) is not None


@dataclass(frozen=True, slots=True)
class _Step:
    """A stretch of the buffer; `whole` is false where an event lacks its end."""

    kind: Kind
    start: int
    end: int
    whole: bool = True


def windows_events(
    pieces: Iterator[str], name: str, losses: list[Loss], *, max_event: int = MAX_EVENT
) -> Iterator[Raw]:
    """Pairs of kind (`xml`, `text`) and raw text; what is neither is a `line`."""
    scanner = _Scanner(name, losses, max_event)
    for piece, final in with_last(pieces):
        yield from scanner.scan(piece, final=final)


class _Scanner:
    """What is read and not yet an event, and where in the text it stands."""

    def __init__(self, name: str, losses: list[Loss], max_event: int) -> None:
        self.name, self.losses, self.max_event = name, losses, max_event
        self.buffer, self.offset, self.position = "", 0, 0
        self.found: dict[str, int] = {}
        self.cut: Literal[EventKind, ""] = ""

    def scan(self, piece: str, *, final: bool) -> Iterator[Raw]:
        """The events that end in this piece."""
        self.buffer += piece
        self.found.clear()
        if self.cut:
            self._leave_out(0, final=final)
        if not self.cut:
            yield from self._events(final=final)
            if not self.cut and len(self.buffer) - self.position > self._limit():
                yield self._cut_off(final=final)
        self.offset += self.position
        self.buffer = self.buffer[self.position :]
        self.position = 0

    def _events(self, *, final: bool) -> Iterator[Raw]:
        while True:
            for raw in self._whole():
                yield "xml", raw
            step = self._next(final=final)
            if step is None:
                return
            if step.kind == "endless":
                yield self._cut_off(final=final)
                if self.cut:
                    return
                continue
            if step.kind == "doctype":
                self._note("a document type is left out: no entity is expanded", step.start)
            elif step.kind != "filler":
                yield step.kind, self._checked(step)
            self.position = step.end

    def _whole(self) -> list[str]:
        """The whole XML events at the position, which moves on: the fast way through most files."""
        buffer, position, length = self.buffer, self.position, len(self.buffer)
        raws: list[str] = []
        if not buffer.startswith(XML_AGAIN, position):
            return raws
        end, again = self._find(END, position), self._find(XML_AGAIN, position + 1)
        while end < again and end - position <= self.max_event - len(END):
            stop = end + len(END)
            raws.append(buffer[position:stop])
            position = stop + 1 if buffer.startswith("\n", stop) else stop
            end = buffer.find(END, position)
            end = end if end >= 0 else length
            if again != position:
                break
            again = buffer.find(XML_AGAIN, position + 1)
            again = again if again >= 0 else length
        self.position, self.found = position, {END: end, XML_AGAIN: again}
        return raws

    def _find(self, mark: str, position: int) -> int:
        """Where a mark is next, the buffer's length where it is not.

        It is remembered: searching to the end of the buffer once for each event of many would
        take quadratic time.
        """
        found = self.found.get(mark, -1)
        if found < position:
            found = self.buffer.find(mark, position)
            self.found[mark] = found = found if found >= 0 else len(self.buffer)
        return found

    def _next(self, *, final: bool) -> _Step | None:
        """The next stretch, or `None` where it may go on in the next piece."""
        buffer, position = self.buffer, self.position
        if XML_START.match(buffer, position):
            return self._xml(final=final)
        if position >= len(buffer):
            return None
        if filler := FILLER.match(buffer, position):
            return _Step("filler", position, filler.end())
        if not final and len(buffer) - position < LONGEST_START:
            return None
        if doctype := DOCTYPE.match(buffer, position):
            return _Step("doctype", position, doctype.end())
        kind = event_kind(buffer, position)
        end = _text_end(buffer, position) if kind == "text" else _line_end(buffer, position)
        if end < 0:
            return _Step(kind, position, len(buffer)) if final else None
        return _Step(kind, position, end)

    def _xml(self, *, final: bool) -> _Step | None:
        """An event up to its end, or up to where another one begins before it has ended.

        It is looked for within the bound only, so that where pieces end changes nothing.
        """
        position, length = self.position, len(self.buffer)
        end, again = self._find(END, position), self._find(XML_AGAIN, position + 1)
        limit = position + self._limit()
        if end < min(again, limit):
            return _Step("xml", position, end + len(END))
        if again == length < limit and not final:
            return None
        if text := TEXT_AGAIN.search(self.buffer, position, min(again, limit)):
            return _Step("xml", position, text.start(), whole=False)
        if again >= limit:
            return _Step("endless", position, position)
        return _Step("xml", position, again, whole=False)

    def _limit(self) -> int:
        return self.max_event + LONGEST_START

    def _checked(self, step: _Step) -> str:
        raw = _raw(step.kind, self.buffer[step.start : step.end])
        if len(raw) > self.max_event:
            self._note(OVERSIZED, step.start)
        elif not step.whole:
            self._note("an event is cut short: it has no </Event>", step.start)
        return raw[: self.max_event]

    def _cut_off(self, *, final: bool) -> Raw:
        """The beginning of an event that grows beyond the bound."""
        start = self.position
        self.cut = kind = event_kind(self.buffer, start)
        self._note(OVERSIZED, start)
        text = _raw(kind, self.buffer[start : start + self._limit()])[: self.max_event]
        self._leave_out(start + 1, final=final)
        return kind, text

    def _leave_out(self, position: int, *, final: bool) -> None:
        self.position, found = _after(self.cut, self.buffer, position, final=final)
        if found:
            self.cut = ""

    def _note(self, message: str, position: int) -> None:
        self.losses.append(Loss(self.name, message, self.offset + position))


def event_kind(buffer: str, position: int) -> EventKind:
    """What begins at a position: an event in XML, one in text, or a line."""
    if XML_START.match(buffer, position):
        return "xml"
    return "text" if TEXT_START.match(buffer, position) else "line"


def _text_end(buffer: str, position: int) -> int:
    following = NEXT_START.search(buffer, position)
    return following.start() if following else -1


def _line_end(buffer: str, position: int) -> int:
    end = buffer.find("\n", position)
    limit = end if end >= 0 else len(buffer)
    following = XML_START.search(buffer, position + 1, limit)
    return following.start() if following else end


def _after(cut: str, buffer: str, position: int, *, final: bool) -> tuple[int, bool]:
    """Where the rest of an event that was cut off ends, and whether it does in this piece."""
    if cut == "xml":
        end = buffer.find(END, position)
        again = buffer.find(XML_AGAIN, position, end if end >= 0 else len(buffer))
        ends = again if again >= 0 else end + len(END) if end >= 0 else -1
        if text := TEXT_AGAIN.search(buffer, position, ends if ends >= 0 else len(buffer)):
            ends = text.start()
    elif cut == "text":
        ends = _text_end(buffer, position)
    else:
        ends = _line_end(buffer, position)
    if ends >= 0:
        return ends, True
    return (len(buffer), True) if final else (max(position, len(buffer) - LONGEST_START), False)


def _raw(kind: Kind, text: str) -> str:
    """An event's text; only XML keeps its line breaks as they are."""
    return text.rstrip() if kind == "xml" else text.replace("\r\n", "\n").rstrip("\r\n")

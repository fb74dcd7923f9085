"""SPL text that knows where each of its characters came from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from harness.errors import HarnessError, Place, caret_lines

EXCERPT_WIDTH = 100
CALLS_SHOWN = 4


class SplSyntaxError(HarnessError):
    """SPL that Splunk would not parse either."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text as somebody wrote it: the search, or the definition of a macro.

    `path` is the file it stands in; `calls` names the macros that led here, outermost first.
    """

    text: str
    path: str | None = None
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of an `SplText`, in characters of the expanded text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this span to the end of the other."""
        return Span(self.start, max(self.end, other.end))


NOWHERE = Span(0, 0)


@dataclass(slots=True)
class SplText:
    """A search after macro expansion, with a map back to what was written.

    `pieces` are (start in the expanded text, source, offset in the source), in order.
    """

    text: str = ""
    pieces: list[tuple[int, Source, int]] = field(default_factory=list)

    @classmethod
    def of(cls, source: Source) -> SplText:
        """The text of one source, nothing expanded."""
        return cls(source.text, [(0, source, 0)])

    def append(self, source: Source, start: int, end: int) -> None:
        """Append `source.text[start:end]`."""
        if end > start:
            self.pieces.append((len(self.text), source, start))
            self.text += source.text[start:end]

    def append_mapped(self, other: SplText, start: int, end: int) -> None:
        """Append a stretch of another text with its own map."""
        if end <= start:
            return
        first = max(0, bisect_right(other.pieces, start, key=lambda piece: piece[0]) - 1)
        for number in range(first, len(other.pieces)):
            piece_start, source, offset = other.pieces[number]
            piece_end = (
                other.pieces[number + 1][0] if number + 1 < len(other.pieces) else len(other.text)
            )
            low, high = max(piece_start, start), min(piece_end, end)
            if low >= end:
                break
            if high > low:
                self.append(source, offset + low - piece_start, offset + high - piece_start)

    def place(self, span: Span) -> Place:
        """Where a span was written, with the line that a caret stands under."""
        if not self.pieces:
            return Place()
        number = max(0, bisect_right(self.pieces, span.start, key=lambda piece: piece[0]) - 1)
        start, source, offset = self.pieces[number]
        position = min(len(source.text), offset + span.start - start)
        return place_in(source, position, max(1, span.end - span.start))

    def calls(self, span: Span) -> tuple[str, ...]:
        """The macros through which the span's first character came, outermost first."""
        if not self.pieces:
            return ()
        number = max(0, bisect_right(self.pieces, span.start, key=lambda piece: piece[0]) - 1)
        return self.pieces[number][1].calls

    def hints(self, span: Span) -> tuple[str, ...]:
        """A hint that names the macros around the span, if there are any."""
        calls = self.calls(span)
        if len(calls) > CALLS_SHOWN:
            calls = (*calls[: CALLS_SHOWN - 1], "…", calls[-1])
        return (f"this text comes from macro {' > '.join(calls)}",) if calls else ()

    def syntax_error(self, message: str, span: Span, *hints: str) -> SplSyntaxError:
        """A syntax error at a span, to be raised."""
        return SplSyntaxError(message, place=self.place(span), hints=(*hints, *self.hints(span)))


def place_in(source: Source, position: int, width: int) -> Place:
    """The place of a position in a source; long lines are cut around the caret."""
    text = source.text
    line_start = text.rfind("\n", 0, position) + 1
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else line_end
    line = text.count("\n", 0, position) + 1
    column = position - line_start + 1
    width = max(1, min(width, line_end - position))
    excerpt = text[line_start:line_end].rstrip()
    cut = 0
    if len(excerpt) > EXCERPT_WIDTH:
        cut = max(0, min(column - 30, len(excerpt) - EXCERPT_WIDTH))
        excerpt = excerpt[cut : cut + EXCERPT_WIDTH]
        width = min(width, EXCERPT_WIDTH - (column - 1 - cut)) or 1
    macro = source.calls[-1] if source.calls else None
    return SearchPlace(source.path, line, column, excerpt, width, cut, macro)


@dataclass(frozen=True, slots=True)
class SearchPlace(Place):
    """A place in a search whose excerpt may begin `cut` characters into its line.

    Within a macro, lines and columns count from the start of its definition, not of its file.
    """

    cut: int = 0
    macro: str | None = None

    def caret(self) -> str:
        """The excerpt with a caret line below it."""
        if self.excerpt is None or self.column is None:
            return ""
        return caret_lines(self.excerpt, self.column - 1 - self.cut, self.width)

    def __str__(self) -> str:
        position = f"{self.line}:{self.column}"
        if self.macro is None:
            return f"{self.path or 'search'}:{position}"
        file = f"{self.path}: " if self.path else ""
        return f"{file}macro {self.macro}:{position}"

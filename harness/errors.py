"""The one hierarchy of errors: what went wrong, where, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_EXCERPT = 62
"""So wide an excerpt stands on one line of 80 columns, also where it is shown indented."""
EXIT_USAGE = 2
EXIT_ERROR = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where an input is wrong: a file with line and column, a stretch of a text, or both.

    Lines and columns count from 1. `excerpt` is the one line that a caret can stand under;
    `width` is how many of its characters the caret line covers, from `column` on.
    """

    path: str | None = None
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    width: int = 1

    def __str__(self) -> str:
        parts = [str(part) for part in (self.path, self.line, self.column) if part is not None]
        return ":".join(parts) if self.path is not None else ""

    def caret(self) -> str:
        """The excerpt with a caret line below it, or an empty string without an excerpt."""
        if self.excerpt is None or self.column is None:
            return ""
        return caret_lines(self.excerpt, self.column - 1, self.width)


def caret_lines(excerpt: str, start: int, width: int) -> str:
    """A text and, below it, a caret line from `start` on; of a long text the part around it.

    What a terminal would wrap, its caret would not stand under.
    """
    width = max(1, min(width, MOST_EXCERPT))
    if len(excerpt) > MOST_EXCERPT:
        first = max(0, min(start - (MOST_EXCERPT - width) // 2, len(excerpt) - MOST_EXCERPT))
        last = first + MOST_EXCERPT
        cut = (first > 0, last < len(excerpt))
        excerpt = f"{'…' * cut[0]}{excerpt[first:last]}{'…' * cut[1]}"
        start += cut[0] - first
    before = "".join("\t" if c == "\t" else " " for c in excerpt[:start])
    return f"  {excerpt}\n  {before}{'^' * width}"


class HarnessError(Exception):
    """An error that is meant to be read: a message, its place, and hints that mend it."""

    exit_code: ClassVar[int] = EXIT_ERROR

    def __init__(
        self, message: str, *, place: Place | None = None, hints: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hints = tuple(hints)

    def __str__(self) -> str:
        """One line: `file:line:column: message (hint; hint)`."""
        where = str(self.place) if self.place else ""
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({'; '.join(self.hints)})" if self.hints else text

    def render(self) -> str:
        """Several lines: the message with its place, the caret, and a line a hint."""
        where = str(self.place) if self.place else ""
        lines = [f"{where}: {self.message}" if where else self.message]
        if self.place and (caret := self.place.caret()):
            lines.append(caret)
        lines += [f"hint: {hint}" for hint in self.hints]
        return "\n".join(lines)


class UsageError(HarnessError):
    """What was asked for cannot be meant: an unknown name, a bad option, a bad setting."""

    exit_code: ClassVar[int] = EXIT_USAGE


class Unsupported(HarnessError):
    """Splunk can do this and we cannot, yet or ever; it is never approximated."""


def alike(name: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """The names most like `name`, the nearest first; upper and lower case are the same."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    candidates = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in candidates}
    close = difflib.get_close_matches(name.casefold(), folded, n=limit, cutoff=0.6)
    return tuple(folded[match] for match in close)


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """A hint with the names most like `name`, or no hint: ready for `hints=`."""
    names = [f"`{one}`" for one in alike(name, known, limit=limit)]
    return (f"did you mean {' or '.join(names)}?",) if names else ()

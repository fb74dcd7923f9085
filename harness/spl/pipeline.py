"""A search as stages: `stage | stage | …`, no command known here.

A search that does not begin with `|` begins with an implicit `search`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from harness.errors import Unsupported
from harness.spl.arguments import Arguments
from harness.spl.lexer import closing_bracket, opens_quote, tokens
from harness.spl.macros import skip_quoted
from harness.spl.source import Span

if TYPE_CHECKING:
    from harness.spl.source import SplText

COMMAND_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Stage:
    """One command with its arguments, as text: `name` and the span of what follows it."""

    text: SplText
    name: str
    name_span: Span
    span: Span

    @cached_property
    def arguments(self) -> Arguments:
        """A cursor over the arguments' tokens."""
        return Arguments(self, tokens(self.text, self.span))

    @property
    def raw(self) -> str:
        """The arguments as they were written, macros expanded."""
        return self.text.text[self.span.start : self.span.end].strip()

    def fail(self, message: str, span: Span | None = None, *hints: str) -> NoReturn:
        """Raise a syntax error at a span of this stage, by default the command's name."""
        raise self.text.syntax_error(message, span or self.name_span, *hints)

    def unsupported(self, what: str, span: Span | None = None, *hints: str) -> NoReturn:
        """Raise `Unsupported` at a span of this stage, by default the command's name."""
        where = span or self.name_span
        raise Unsupported(
            what, place=self.text.place(where), hints=(*hints, *self.text.hints(where))
        )

    def pipeline(self, span: Span) -> Pipeline:
        """The pipeline inside a subsearch token's span (brackets included)."""
        return parse_pipeline(self.text, Span(span.start + 1, span.end - 1))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in order; never empty."""

    text: SplText
    stages: tuple[Stage, ...]


def parse_pipeline(text: SplText, span: Span | None = None) -> Pipeline:
    """Split a text, or a subsearch's stretch of it, into stages.

    Only a whole search may begin with search terms; a subsearch begins with a command's name,
    with or without a `|` before it.
    """
    inner, span = span is not None, span or Span(0, len(text.text))
    pieces = _split(text, span)
    if not any(text.text[piece.start : piece.end].strip() for piece in pieces):
        raise text.syntax_error("the search is empty", span, "write a search, or `| command`")
    stages = []
    leading_pipe = len(pieces) > 1 and not text.text[pieces[0].start : pieces[0].end].strip()
    if not leading_pipe:
        stages.append(_stage(text, pieces[0]) if inner else _implicit_search(text, pieces[0]))
    stages += [_stage(text, piece) for piece in pieces[1:]]
    return Pipeline(text, tuple(stages))


def _split(text: SplText, span: Span) -> list[Span]:
    raw, position, begin, pieces = text.text, span.start, span.start, list[Span]()
    while position < span.end:
        character = raw[position]
        if character == '"':
            close = skip_quoted(raw, position)
            if close > span.end or close - position < 2 or raw[close - 1] != '"':
                raise text.syntax_error(
                    "a quote is not closed", Span(position, position + 1), 'add a `"`'
                )
            position = close
        elif character == "\\":
            position += 2
        elif character == "'" and opens_quote(raw, position, span.end):
            position = raw.index("'", position + 1) + 1
        elif character == "[":
            position = closing_bracket(text, position, span.end) + 1
        elif character == "]":
            raise text.syntax_error(
                "a `]` closes nothing", Span(position, position + 1), "remove it, or add a `[`"
            )
        else:
            if character == "|":
                pieces.append(Span(begin, position))
                begin = position + 1
            position += 1
    return [*pieces, Span(begin, span.end)]


def brackets(text: SplText, span: Span) -> tuple[Span, ...]:
    """The outermost brackets within a stretch of text, outside quotes."""
    raw, position, found = text.text, span.start, list[Span]()
    while position < span.end:
        character = raw[position]
        if character == '"':
            position = skip_quoted(raw, position)
        elif character == "'" and opens_quote(raw, position, span.end):
            position = raw.index("'", position + 1) + 1
        elif character == "[":
            close = closing_bracket(text, position, span.end) + 1
            found.append(Span(position, close))
            position = close
        else:
            position += 2 if character == "\\" else 1
    return tuple(found)


def _implicit_search(text: SplText, piece: Span) -> Stage:
    start = _skip_space(text.text, piece)
    matched = COMMAND_NAME.match(text.text, start, piece.end)
    if matched and matched[0] == "search":
        following = text.text[matched.end() : min(matched.end() + 1, piece.end)]
        if not following or following.isspace():
            return _stage(text, piece)
    return Stage(text, "search", Span(start, start), Span(start, piece.end))


def _stage(text: SplText, piece: Span) -> Stage:
    start = _skip_space(text.text, piece)
    matched = COMMAND_NAME.match(text.text, start, piece.end)
    if matched is None:
        position = max(piece.start - 1, 0)
        empty = start >= piece.end
        doubled = empty and text.text[position : position + 2] == "||"
        raise text.syntax_error(
            "a command's name is missing" if empty else "a command begins with its name",
            Span(position, position + 1) if empty else Span(start, start + 1),
            "write a command after the `|`" + (", or OR for `||`" if doubled else ""),
        )
    return Stage(text, matched[0], Span(*matched.span()), Span(matched.end(), piece.end))


def _skip_space(raw: str, piece: Span) -> int:
    position = piece.start
    while position < piece.end and raw[position].isspace():
        position += 1
    return position

r"""Tokens of a stage's arguments, shared by every command but eval and where.

token    = word | string | quoted | operator | "," | "(" | ")" | subsearch
word     = a run without white space, quotes, commas, brackets and operators
string   = '"' … '"'      `\"` is a quote and `\\` a backslash; other backslashes stay
quoted   = "'" … "'"      names a field
subsearch = "[" … "]"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.spl.macros import skip_quoted
from harness.spl.source import Span

if TYPE_CHECKING:
    from harness.spl.source import SplText

Kind = Literal["word", "string", "quoted", "operator", ",", "(", ")", "subsearch"]
OPERATORS = ("==", "!=", "<=", ">=", "=", "<", ">")
ESCAPED = re.compile(r'\\(["\\])')
ENDS_WORD = frozenset(' \t\r\n\f\v",()[]=<>|')


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `value` is what it means, `span` where it stands, `spaced` if space precedes."""

    kind: Kind
    value: str
    span: Span
    spaced: bool = True


def unescape(body: str) -> str:
    r"""The meaning of a quoted string's inside: `\"` and `\\` lose a backslash, others stay."""
    return ESCAPED.sub(r"\1", body) if "\\" in body else body


def opens_quote(raw: str, position: int, end: int) -> bool:
    """Whether the single quote at `position` names a field, rather than being an apostrophe."""
    before = raw[position - 1] if position else " "
    if before.isalnum() or before == "_":
        return False
    close = raw.find("'", position + 1, end)
    return close > position + 1 and "|" not in raw[position:close]


def tokens(text: SplText, span: Span) -> list[Token]:
    """All tokens of a stretch of text; unclosed quotes and brackets are errors."""
    raw, position, found, spaced = text.text, span.start, list[Token](), True
    while position < span.end:
        character = raw[position]
        if character.isspace():
            position, spaced = position + 1, True
            continue
        token = _token(text, position, span.end, spaced=spaced)
        found.append(token)
        position, spaced = token.span.end, False
    return found


def _token(text: SplText, start: int, end: int, *, spaced: bool) -> Token:
    raw, character = text.text, text.text[start]
    if character == '"':
        return _string(text, start, end, spaced=spaced)
    if character == "'" and opens_quote(raw, start, end):
        close = raw.index("'", start + 1)
        return Token("quoted", raw[start + 1 : close], Span(start, close + 1), spaced)
    if character == "[":
        close = closing_bracket(text, start, end)
        return Token("subsearch", raw[start + 1 : close], Span(start, close + 1), spaced)
    if character in "(),":
        kind: Kind = "(" if character == "(" else ")" if character == ")" else ","
        return Token(kind, character, Span(start, start + 1), spaced)
    for operator in OPERATORS:
        if raw.startswith(operator, start):
            return Token("operator", operator, Span(start, start + len(operator)), spaced)
    position = start
    while position < end and (position == start or raw[position] not in ENDS_WORD):
        if position > start and raw.startswith("!=", position):
            break
        if raw[position] == "\\" and position + 1 < end and raw[position + 1] in ENDS_WORD - {" "}:
            position += 1
        position += 1
    position = min(position, end)
    return Token("word", unescape(raw[start:position]), Span(start, position), spaced)


def _string(text: SplText, start: int, end: int, *, spaced: bool) -> Token:
    close = skip_quoted(text.text, start)
    if close > end or text.text[close - 1] != '"' or close - start < 2:
        raise text.syntax_error("a quote is not closed", Span(start, start + 1), 'add a `"`')
    return Token("string", unescape(text.text[start + 1 : close - 1]), Span(start, close), spaced)


def closing_bracket(text: SplText, start: int, end: int) -> int:
    """The position of the `]` that closes the `[` at `start`."""
    raw, depth, position = text.text, 0, start
    while position < end:
        character = raw[position]
        if character == '"':
            position = skip_quoted(raw, position)
            continue
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return position
        position += 1
    raise text.syntax_error("a subsearch is not closed", Span(start, start + 1), "add a `]`")

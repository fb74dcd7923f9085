r"""Values of the data put into a search that repeats: `foreach` and `map`.

A value may never write SPL. Where a token stands decides how its value is written: in double
quotes its quotes and backslashes are escaped; in single quotes it must be a name that these can
hold; elsewhere it stays as it is only if it is a number or, in an expression, a plain name, and
otherwise the whole word becomes a quoted string. A token that names a command, or that stands in
text which is itself parsed as a search, takes plain values only or none. At last the tokens of the
filled search are compared with those of a harmless filling.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.spl.lexer import ENDS_WORD, opens_quote, unescape
from harness.spl.macros import skip_quoted
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Span, SplSyntaxError, SplText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.spl.lexer import Token

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
PLAIN = re.compile(r"[A-Za-z0-9_.:@#{}-]+")
PLAIN_TEXT = re.compile(r"[A-Za-z0-9_.:@ -]*")
OPERATOR_WORDS = frozenset("and or xor not like in".split())
EXPRESSION_COMMANDS = frozenset({"eval", "where", "fieldformat"})
PARSED_TEXT = re.compile(r"searchmatch|\bmap\b", re.IGNORECASE)
NOT_IN_NAMES = frozenset("'\"|[]\\")
MAX_FILLED = 2_000_000
HARMLESS = "0"
Shape = tuple[object, ...]


@dataclass(slots=True)
class _Stage:
    """A stage of the template: whether its name is still to come, and where it stands."""

    start: int
    end: int
    name: str | None = None

    @property
    def begun(self) -> bool:
        """Whether the command's name lies before the place that is being read."""
        return self.name is not None


@dataclass(frozen=True, slots=True)
class _Spot:
    """A token with what encloses it: kinds are string, name and bare."""

    span: Span
    kind: str
    around: Span
    stage: _Stage


class Template:
    """A stretch of a search in which tokens stand for values.

    `token` is the pattern of a token; its first group, or else all of it, is the token's key.
    """

    def __init__(self, text: SplText, span: Span, token: re.Pattern[str]) -> None:
        self.text = text
        self.span = span
        self.token = token
        self._spots = tuple(_spots(text.text, span, token))

    def key(self, span: Span) -> str:
        """The key of the token at a span."""
        matched = self.token.fullmatch(self.text.text, span.start, span.end)
        if matched is None:
            raise ValueError(span)
        return matched[1] if self.token.groups else matched[0]

    def keys(self) -> dict[str, Span]:
        """Each token's key with the place where it first stands."""
        found: dict[str, Span] = {}
        for spot in self._spots:
            found.setdefault(self.key(spot.span), spot.span)
        return found

    def filled(self, value: Callable[[str], str]) -> SplText:
        """The stretch with each token replaced; errors point at the token in the template."""
        result = self._filled(value)
        if self._spots and _shape(result) != self._harmless:
            raise self._refusal("a value that changes how the search is read", self._spots[0])
        return result

    @cached_property
    def _harmless(self) -> Shape:
        return _shape(self._filled(lambda _: HARMLESS))

    def _filled(self, value: Callable[[str], str]) -> SplText:
        result, position, number = SplText(), self.span.start, 0
        while number < len(self._spots):
            spot = self._spots[number]
            together = [one for one in self._spots[number:] if one.around == spot.around]
            if spot.kind == "bare":
                self._copy(result, position, spot.around.start)
                self._replace(result, spot.around, self._word(together, value))
            else:
                for one in together:
                    self._copy(result, position, one.span.start)
                    self._replace(result, one.span, self._quoted(one, value(self.key(one.span))))
                    position = one.span.end
                self._copy(result, position, spot.around.end)
            position, number = spot.around.end, number + len(together)
            if len(result.text) > MAX_FILLED:
                raise self._refusal("the search that its values make is too long", spot)
        self._copy(result, position, self.span.end)
        return result

    def named(self, names: Mapping[str, str]) -> SplText:
        """The stretch of expressions with each token as a field's name, or as that name in texts.

        The names hold nothing that ends quotes.
        """
        result, position = SplText(), self.span.start
        for spot in self._spots:
            if spot.kind == "name":
                raise self._refusal("a field that a value names", spot)
            self._copy(result, position, spot.span.start)
            name = names[self.key(spot.span)]
            self._replace(result, spot.span, name if spot.kind == "string" else f"'{name}'")
            position = spot.span.end
        self._copy(result, position, self.span.end)
        return result

    def _copy(self, result: SplText, start: int, end: int) -> None:
        result.append_mapped(self.text, start, end)

    def _replace(self, result: SplText, span: Span, text: str) -> None:
        """Append a text that has the place of a token of the template."""
        length, pieces = len(result.text), len(result.pieces)
        result.append_mapped(self.text, span.start, span.end)
        result.text = result.text[:length] + text
        del result.pieces[pieces + 1 :]

    def _quoted(self, spot: _Spot, value: str) -> str:
        """A value within quotes."""
        if spot.kind == "name":
            if NOT_IN_NAMES & set(value):
                raise self._refusal("a name with quotes, brackets, backslashes or pipes", spot)
            return value
        stage = self.text.text[spot.stage.start : spot.stage.end]
        if PARSED_TEXT.search(stage) and not PLAIN_TEXT.fullmatch(value):
            raise self._refusal("a value with special characters in text that is parsed", spot)
        before = self.text.text[spot.around.start + 1 : spot.span.start]
        alone = (len(before) - len(before.rstrip("\\"))) % 2
        return "\\" * alone + _escaped(value)

    def _word(self, spots: list[_Spot], value: Callable[[str], str]) -> str:
        """A word outside quotes, with the values of its tokens."""
        raw, stage, around = self.text.text, spots[0].stage, spots[0].around
        if not stage.begun:
            raise self._refusal("a command that the data names", spots[0])
        parts: list[str] = []
        values: list[str] = []
        position = around.start
        for spot in spots:
            parts.append(raw[position : spot.span.start])
            values.append(value(self.key(spot.span)))
            position = spot.span.end
        parts.append(raw[position : around.end])
        plain = "".join(part + filler for part, filler in zip(parts, [*values, ""], strict=True))
        if all(NUMBER.fullmatch(one) for one in values):
            return plain
        if _in_expression(stage, raw):
            if all(PLAIN.fullmatch(one) for one in values) and plain.lower() not in OPERATOR_WORDS:
                return plain
            raise self._refusal("a value with special characters outside quotes", spots[0])
        parts = [unescape(part) for part in parts]
        meant = "".join(part + filler for part, filler in zip(parts, [*values, ""], strict=True))
        return f'"{_escaped(meant)}"'

    def _refusal(self, what: str, spot: _Spot) -> Unsupported:
        hints = ("put the token in quotes",) if spot.kind == "bare" and spot.stage.begun else ()
        return Unsupported(
            what,
            place=self.text.place(spot.span),
            hints=(*hints, *self.text.hints(spot.span)),
        )


def _shape(text: SplText, span: Span | None = None) -> Shape:
    """The stages and the kinds of their tokens, words and strings being the same."""
    return tuple(
        (stage.name, tuple(_kind(text, token) for token in stage.arguments.tokens))
        for stage in parse_pipeline(text, span or Span(0, len(text.text))).stages
    )


def _kind(text: SplText, token: Token) -> Shape:
    if token.kind != "subsearch":
        return ("value" if token.kind in ("word", "string") else token.kind,)
    inner = Span(token.span.start + 1, token.span.end - 1)
    try:
        return ("subsearch", _shape(text, inner))
    except SplSyntaxError:
        return ("text", text.text[inner.start : inner.end])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _in_expression(stage: _Stage, raw: str) -> bool:
    """Whether bare names of the stage may be read as an expression's."""
    return stage.name in EXPRESSION_COMMANDS or "eval(" in raw[stage.start : stage.end]


def _spots(raw: str, span: Span, token: re.Pattern[str]) -> Iterator[_Spot]:
    """The tokens in order, each with what encloses it, as the lexer would see it."""
    stages = [_Stage(span.start, span.end)]
    position = span.start
    while position < span.end:
        character, stage = raw[position], stages[-1]
        if character == '"' or (character == "'" and opens_quote(raw, position, span.end)):
            close = _closing(raw, position, span.end)
            kind = "string" if character == '"' else "name"
            around = Span(position, close)
            for matched in token.finditer(raw, position + 1, max(position + 1, close - 1)):
                yield _Spot(Span(*matched.span()), kind, around, stage)
            position = close
        elif token.match(raw, position, span.end) or character not in ENDS_WORD:
            around, inside = _word_at(raw, position, span.end, token)
            if not inside and stage.name is None:
                stage.name = raw[around.start : around.end].lower()
            for one in inside:
                yield _Spot(one, "bare", around, stage)
            position = max(around.end, position + 1)
        else:
            if character == "|":
                stage.end = position
                stages[-1] = _Stage(position + 1, span.end)
            elif character == "[":
                stages.append(_Stage(position + 1, span.end))
            elif character == "]" and len(stages) > 1:
                stages.pop().end = position
            position += 1


def _closing(raw: str, position: int, end: int) -> int:
    if raw[position] == '"':
        return min(skip_quoted(raw, position), end)
    return raw.index("'", position + 1) + 1


def _word_at(raw: str, start: int, end: int, token: re.Pattern[str]) -> tuple[Span, list[Span]]:
    """The word that begins at a place, with the tokens in it."""
    position, inside = start, list[Span]()
    while position < end:
        if matched := token.match(raw, position, end):
            inside.append(Span(*matched.span()))
            position = matched.end()
        elif raw[position] in ENDS_WORD or raw.startswith("!=", position):
            break
        else:
            position += 2 if raw[position] == "\\" else 1
    return Span(start, max(min(position, end), start + 1)), inside

"""A cursor over a stage's tokens, with the shapes that many commands share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from harness.errors import nearest
from harness.spl.expressions import ExpressionParser
from harness.spl.lexer import Token
from harness.spl.source import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.spl.expressions import Expression
    from harness.spl.pipeline import Stage

MOST_DIGITS = 15
UNQUOTED = re.compile(r"\S+")
WHOLE = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TRUE_WORDS = frozenset({"t", "true", "1", "yes", "y"})
FALSE_WORDS = frozenset({"f", "false", "0", "no", "n"})
BINS = ("write `| bin _time span=…` before it",)
STATISTICS = frozenset(
    """
    avg c count dc distinct_count earliest earliest_time estdc estdc_error exactperc first last
    latest latest_time list max mean median min mode p per_day per_hour per_minute per_second perc
    range rate rate_avg rate_sum sparkline stdev stdevp sum sumsq upperperc values var varp
    """.split()
)
"""The statistical functions of Splunk, a percentile's number left off."""


class Arguments:
    """What is left of a stage's tokens. Every error points at the token it is about."""

    def __init__(self, stage: Stage, tokens: Sequence[Token]) -> None:
        self.stage = stage
        self.tokens = tokens
        self.position = 0

    @property
    def done(self) -> bool:
        """Whether every token is taken."""
        return self.position >= len(self.tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        """The next token, or None at the end."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def here(self) -> Span:
        """The span of the next token, or the end of the stage."""
        token = self.peek()
        if token is not None:
            return token.span
        end = self.stage.span.end
        return self.tokens[-1].span if self.tokens else Span(end, end)

    def fail(self, message: str, *hints: str) -> NoReturn:
        """Raise a syntax error at the next token."""
        self.stage.fail(message, self.here(), *hints)

    def next(self, expected: str) -> Token:
        """Take the next token; `expected` says in an error what was wanted."""
        token = self.peek()
        if token is None:
            self.stage.fail(f"`{self.stage.name}` ends where {expected} is expected", self.here())
        self.position += 1
        return token

    def accept(self, kind: str) -> bool:
        """Take the next token if it is of a kind: `,`, `(`, `)`."""
        token = self.peek()
        if token is not None and token.kind == kind:
            self.position += 1
            return True
        return False

    def expect(self, kind: str) -> Token:
        """Take a token of a kind, or fail."""
        token = self.next(f"`{kind}`")
        if token.kind != kind:
            self.stage.fail(f"`{kind}` is expected here", token.span)
        return token

    def at_word(self, *words: str) -> bool:
        """Whether the next token is one of these words, letter case ignored."""
        token = self.peek()
        return token is not None and token.kind == "word" and token.value.lower() in words

    def accept_word(self, *words: str) -> str | None:
        """Take the next token if it is one of these words (given in lower case)."""
        if not self.at_word(*words):
            return None
        return self.next("a word").value.lower()

    def at_option(self) -> bool:
        """Whether `name=value` comes next."""
        token, following = self.peek(), self.peek(1)
        return (
            token is not None
            and following is not None
            and token.kind == "word"
            and following.kind == "operator"
            and following.value == "="
        )

    def options(self, known: Collection[str], *, stop: Collection[str] = ()) -> dict[str, Token]:
        """Take `name=value` options while they come; an unknown name fails with the nearest."""
        found: dict[str, Token] = {}
        while self.at_option():
            token = self.tokens[self.position]
            name = token.value.lower()
            if name in stop:
                break
            if name not in known:
                hints = nearest(token.value, known) or (f"options: {', '.join(sorted(known))}",)
                self.stage.fail(
                    f"`{self.stage.name}` has no option `{token.value}`",
                    token.span,
                    *(BINS if name == "span" else hints),
                )
            found[name] = self.option_value()
        return found

    def options_and_fields(self, known: Collection[str]) -> tuple[dict[str, Token], list[str]]:
        """Take options and fields to the end, whatever their order."""
        options, fields = self.options(known), list[str]()
        while not self.done:
            if self.at_option():
                options |= self.options(known)
            elif not self.accept(","):
                fields.append(self.field())
        return options, fields

    def option_value(self) -> Token:
        """Take `name=value` and give the value's token."""
        name = self.next("an option")
        self.position += 1
        token = self.next(f"a value of `{name.value}`")
        if token.kind != "(" and not self.stage.text.text.startswith("<<", token.span.start):
            return token
        self.position -= 1
        return self.unquoted()

    def unquoted(self) -> Token:
        r"""Take what comes next up to white space, as one token: a pattern like `(\S+)`."""
        start, raw, end = self.here().start, self.stage.text.text, self.stage.span.end
        matched = UNQUOTED.match(raw, start, end)
        end = matched.end() if matched else start
        spaced = self.tokens[self.position].spaced
        while (token := self.peek()) is not None and token.span.start < end:
            self.position += 1
        return Token("string", raw[start:end], Span(start, end), spaced)

    def field(self, what: str = "a field") -> str:
        """Take a field's name: a word, one in quotes, or one like `sum(bytes)`."""
        token = self.next(what)
        if token.kind not in ("word", "string", "quoted") or not token.value:
            self.stage.fail(f"{what} is expected here", token.span)
        return self.with_brackets(token) if token.kind == "word" else token.value

    def with_brackets(self, token: Token) -> str:
        """A statistic's name with the brackets that follow it without a space: `sum(bytes)`."""
        following, last = self.peek(), token
        opens = following is not None and following.kind == "(" and not following.spaced
        if not opens or not is_statistic(token.value.lstrip("+-")):
            return token.value
        depth = 0
        while depth or last is token:
            last = self.next("`)`")
            depth += (last.kind == "(") - (last.kind == ")")
        return self.stage.text.text[token.span.start : last.span.end]

    def fields(self, *stop: str) -> list[str]:
        """Take fields, separated by commas or space, up to a keyword or the end."""
        found = []
        while not self.done and not self.at_word(*stop):
            if self.accept(","):
                continue
            found.append(self.field())
        return found

    def integer(self, token: Token, what: str, *, minimum: int = 0) -> int:
        """The whole number that a token spells."""
        if not WHOLE.fullmatch(token.value):
            self.stage.fail(f"{what} is a whole number, not `{token.value}`", token.span)
        digits = token.value.lstrip("+-0")
        if len(digits) > MOST_DIGITS:
            self.stage.fail(f"{what} has at most {MOST_DIGITS} digits", token.span)
        value = int(token.value)
        if value < minimum:
            self.stage.fail(f"{what} is at least {minimum}", token.span)
        return value

    def number(self, token: Token, what: str) -> float:
        """The number that a token spells."""
        if not NUMBER.fullmatch(token.value):
            self.stage.fail(f"{what} is a number, not `{token.value}`", token.span)
        return float(token.value)

    def boolean(self, token: Token, what: str) -> bool:
        """The truth value that a token spells, in Splunk's spellings."""
        word = token.value.lower()
        if word not in TRUE_WORDS | FALSE_WORDS:
            self.stage.fail(f"{what} is true or false, not `{token.value}`", token.span)
        return word in TRUE_WORDS

    def choice(self, token: Token, what: str, choices: Collection[str]) -> str:
        """One of a few words."""
        word = token.value.lower()
        if word not in choices:
            self.stage.fail(
                f"{what} is one of {', '.join(sorted(choices))}, not `{token.value}`",
                token.span,
                *nearest(word, choices),
            )
        return word

    def expression(self) -> Expression:
        """Take an eval expression that begins at the next token."""
        parser = ExpressionParser(self.stage.text, Span(self.here().start, self.stage.span.end))
        expression = parser.expression()
        end = parser.position
        while (token := self.peek()) is not None and token.span.start < end:
            self.position += 1
        return expression

    def finish(self) -> None:
        """Fail if a token is left over."""
        if not self.done:
            token = self.tokens[self.position]
            self.stage.fail(f"`{token.value}` is not expected here", token.span)


def is_statistic(word: str) -> bool:
    """Whether a word is a statistical function of Splunk's, with or without a number."""
    return word.lower().rstrip("0123456789.") in STATISTICS

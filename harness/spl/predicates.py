r"""The search language: `search`, the where clause of tstats, event types, constraints.

    all      = any { [ "AND" ] any }
    any      = negated { "OR" negated }
    negated  = "NOT" negated | primary
    value    = word | string | directive "(" … ")" | subsearch
    primary  = "(" all ")" | field operator value | field "IN" "(" value { "," value } ")"
             | directive "(" … ")" | subsearch | word | string

OR binds tighter than AND, written or implied. Source: Splunk Search Reference, `search`,
"Boolean expressions": expressions are evaluated in the order parentheses, NOT, OR, AND.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from harness.spl.lexer import Token, tokens
from harness.spl.source import NOWHERE, Span

if TYPE_CHECKING:
    from harness.spl.source import SplText

INDEXED = re.compile(r"([A-Za-z_][\w.]*)::(.*)", re.DOTALL)
KEYWORDS = frozenset({"AND", "OR", "NOT"})
DIRECTIVES = frozenset({"TERM", "CASE"})
MAX_NESTING = 60


@dataclass(frozen=True, slots=True)
class Everything:
    """A predicate that was left empty: every event matches."""


@dataclass(frozen=True, slots=True)
class Both:
    """Every part holds."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold; events without its fields are kept."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; the value's `*` are wildcards, quoted or not.

    `exact_case` is `field=CASE(…)`.
    """

    field: str
    operator: str
    value: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False)
    exact_case: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """`field operator [subsearch]`: the value is what the subsearch returns.

    `subsearch` is its span, brackets included.
    """

    field: str
    operator: str
    subsearch: Span
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """`field IN (…)`: any of the values, wildcards allowed."""

    field: str
    values: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a quoted phrase that the raw event holds.

    `exact_case` is `CASE(…)`; `whole` is `TERM(…)`, bounded by major breakers only.
    """

    text: str
    exact_case: bool = False
    whole: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Headless:
    """A predicate after an `OR` that has nothing before it, which Splunk refuses.

    Converters of Sigma rules write it; `span` is that of the `OR`.
    """

    part: Predicate
    span: Span = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Subsearch:
    """A bracketed search whose result becomes a predicate; `span` includes the brackets."""

    span: Span


Predicate = (
    Everything
    | Both
    | Either
    | Negation
    | Comparison
    | Returned
    | Membership
    | Term
    | Headless
    | Subsearch
)


class PredicateParser:
    """Parses search syntax from a list of tokens."""

    def __init__(self, text: SplText, found: list[Token], end: int) -> None:
        self.text = text
        self.tokens = found
        self.end = end
        self.position = 0
        self.depth = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The next token, or None."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def everything(self) -> Predicate:
        """The predicate that all tokens spell."""
        if not self.tokens:
            return Everything()
        predicate = self._all()
        if (token := self.peek()) is not None:
            self._fail(f"`{token.value}` is not expected here", token.span)
        return predicate

    def _fail(self, message: str, span: Span, *hints: str) -> NoReturn:
        raise self.text.syntax_error(message, span, *hints)

    def _keyword(self, word: str) -> bool:
        token = self.peek()
        return token is not None and token.kind == "word" and token.value == word

    def _all(self) -> Predicate:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self._fail("the search is nested too deeply", self.tokens[self.position].span)
        parts = [self._any()]
        while (token := self.peek()) is not None and token.kind != ")":
            if self._keyword("AND"):
                self.position += 1
            elif self._keyword("OR"):
                self._fail(f"`{token.value}` is not expected here", token.span)
            elif token.kind == ",":
                self.position += 1
                continue
            parts.append(self._any())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _any(self) -> Predicate:
        parts = [self._negated()]
        while self._keyword("OR"):
            self.position += 1
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _negated(self) -> Predicate:
        if self._keyword("NOT"):
            self.position += 1
            return Negation(self._negated())
        return self._primary()

    def _primary(self) -> Predicate:
        token = self.peek()
        if token is None:
            last = self.tokens[-1].span if self.tokens else Span(self.end, self.end)
            self._fail("the search ends where a condition is expected", last)
        self.position += 1
        if token.kind == "(":
            return self._group(token)
        if token.kind == "subsearch":
            return Subsearch(token.span)
        if token.kind in ("operator", ",", ")"):
            self._fail(f"a condition is expected here, not `{token.value}`", token.span)
        if token.kind == "word" and token.value in KEYWORDS:
            self._fail(f"a condition is expected here, not `{token.value}`", token.span)
        return self._condition(token)

    def _group(self, opened: Token) -> Predicate:
        if (token := self.peek()) is not None and token.kind == ")":
            self.position += 1
            return Everything()
        predicate = self._all()
        if self.peek() is None:
            self._fail("a parenthesis is not closed", opened.span, "add a `)`")
        self.position += 1
        return predicate

    def _condition(self, token: Token) -> Predicate:
        following = self.peek()
        if following is not None and following.kind == "operator":
            self.position += 1
            return self._comparison(token, following)
        if self._opens_directive(token, following):
            value, end = self._directive(token)
            whole = token.value == "TERM"
            return Term(value, not whole, whole, token.span.to(end))
        if self._is_in(following):
            self.position += 1
            values, end = self._list()
            return Membership(token.value, values, token.span.to(end))
        if token.kind == "word" and (indexed := INDEXED.fullmatch(token.value)):
            return self._indexed(indexed[1], indexed[2], token)
        return Term(token.value, span=token.span)

    def _comparison(self, field: Token, operator: Token) -> Predicate:
        sign = "=" if operator.value == "==" else operator.value
        directive = self.peek()
        if directive is not None and directive.kind == "subsearch":
            self.position += 1
            return Returned(field.value, sign, directive.span, field.span.to(directive.span))
        if directive is None or not self._opens_directive(directive, self.peek(1)):
            value, span = self._value(operator)
            return Comparison(field.value, sign, value, field.span.to(span))
        self.position += 1
        value, span = self._directive(directive)
        exact = directive.value == "CASE"
        if exact and sign not in ("=", "!="):
            self._fail("CASE() is compared by = or != alone", operator.span)
        return Comparison(field.value, sign, value, field.span.to(span), exact)

    @staticmethod
    def _opens_directive(token: Token, following: Token | None) -> bool:
        return (
            token.kind == "word"
            and token.value in DIRECTIVES
            and following is not None
            and following.kind == "("
            and not following.spaced
        )

    def _indexed(self, name: str, value: str, token: Token) -> Predicate:
        """`field::value` is how an index holds a field of its own among its terms."""
        span, quoted = token.span, self.peek()
        if not value and quoted is not None and quoted.kind == "string" and not quoted.spaced:
            self.position += 1
            value, span = quoted.value, span.to(quoted.span)
        return Either((Term(f"{name}::{value}", span=span), Comparison(name, "=", value, span)))

    def _is_in(self, token: Token | None) -> bool:
        opened = self.peek(1)
        return (
            token is not None
            and token.kind == "word"
            and token.value.upper() == "IN"
            and opened is not None
            and opened.kind == "("
        )

    def _value(self, operator: Token) -> tuple[str, Span]:
        token = self.peek()
        if token is None or token.kind not in ("word", "string", "quoted"):
            self._fail(f"a value is expected after `{operator.value}`", operator.span)
        self.position += 1
        value, span = self._written(token), token.span
        while (
            (token := self.peek()) is not None
            and not token.spaced
            and token.kind in ("word", "string")
            and not self._begins_comparison()
        ):
            self.position += 1
            value, span = value + self._written(token), span.to(token.span)
        return value, span

    def _begins_comparison(self) -> bool:
        """Whether a field with its operator comes next, without space before it."""
        following = self.peek(1)
        return following is not None and following.kind == "operator"

    def _written(self, token: Token) -> str:
        """Single quotes are part of a value: in the search language they quote nothing."""
        return f"'{token.value}'" if token.kind == "quoted" else token.value

    def _directive(self, token: Token) -> tuple[str, Span]:
        """What stands in the brackets of TERM or CASE: one term, breakers and all."""
        opened, inside = self.tokens[self.position], list[Token]()
        self.position += 1
        while (part := self.peek()) is not None and part.kind != ")":
            inside.append(part)
            self.position += 1
        if part is None:
            self._fail("a parenthesis is not closed", opened.span, "add a `)`")
        self.position += 1
        if not inside:
            self._fail("the list is empty", opened.span.to(part.span))
        if len(inside) == 1 and inside[0].kind in ("word", "string", "quoted"):
            return self._written(inside[0]), part.span
        if any(one.kind == "," or one.spaced for one in inside[1:]):
            self._fail(f"{token.value}() takes one term", token.span.to(part.span))
        return self.text.text[inside[0].span.start : inside[-1].span.end], part.span

    def _list(self) -> tuple[tuple[str, ...], Span]:
        opened = self.tokens[self.position]
        self.position += 1
        values: list[str] = []
        while True:
            if (token := self.peek()) is None:
                self._fail("a parenthesis is not closed", opened.span, "add a `)`")
            if token.kind == ")":
                self.position += 1
                if not values:
                    self._fail("the list is empty", opened.span.to(token.span))
                return tuple(values), token.span
            if token.kind == ",":
                self.position += 1
                continue
            if token.kind not in ("word", "string", "quoted"):
                self._fail(f"a value is expected here, not `{token.value}`", token.span)
            value, _ = self._value(token)
            values.append(value)


def parse_predicate(
    text: SplText, span: Span | None = None, *, headless: bool = False
) -> Predicate:
    """The predicate that a stretch of text is; an empty one matches every event.

    With `headless` an `OR` may begin it, or an `AND`, as macros for comments leave it, which
    then says nothing; elsewhere they are errors.
    """
    span = span or Span(0, len(text.text))
    found = tokens(text, span)
    if headless and len(found) > 1 and found[0].kind == "word" and found[0].value == "AND":
        return PredicateParser(text, found[1:], span.end).everything()
    if headless and len(found) > 1 and found[0].kind == "word" and found[0].value == "OR":
        part = PredicateParser(text, found[1:], span.end).everything()
        return Headless(part, found[0].span)
    return PredicateParser(text, found, span.end).everything()

r"""Eval expressions, by precedence climbing.

    lowest   OR · XOR · AND · NOT · comparison, LIKE, IN · "." · + - · * / % · unary -   highest

    primary = number | '"' text '"' | "'" field "'" | name | name "(" … ")" | "(" … ")"
            | subsearch

Source: Splunk Search Manual, "Evaluation functions" and the eval command's operator table:
NOT binds tightest of the logical operators, then AND, then OR and XOR. `!` is another word for
NOT, as the examples of mvfilter have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.spl.lexer import closing_bracket, unescape
from harness.spl.macros import skip_quoted
from harness.spl.source import NOWHERE, Span

if TYPE_CHECKING:
    from harness.spl.source import SplText


@dataclass(frozen=True, slots=True)
class Text:
    """A string in double quotes."""

    value: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written."""

    value: float
    spelling: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field, in single quotes or bare; `quoted` as it was written."""

    name: str
    quoted: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with one or two operands; its name is in lower case."""

    operator: str
    operands: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Subsearch:
    """A bracketed search whose result stands in its place; `span` includes the brackets."""

    written: str
    span: Span = field(default=NOWHERE, compare=False)


Expression = Text | Number | FieldName | Call | Operation | Subsearch

TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\.\d+|\d+(?:[eE][+-]?\d+)?(?![\w]))
  | (?P<name>(?![\u2018\u2019\u201c\u201d\u201e])[A-Za-z_\u0080-\uffff]
        (?:(?![\u2018\u2019\u201c\u201d\u201e])[\w:@{}\#\u0080-\uffff])*)
  | (?P<operator>==|!=|<=|>=|<>|[-+*/%.=<>(),!])
    """,
    re.VERBOSE,
)
MEANT = dict.fromkeys("\u201c\u201d\u201e", ('write straight quotes: "…"',))
MEANT |= dict.fromkeys("\u2018\u2019", ("write straight quotes: '…'",))
MEANT |= {"&": ("write AND",), "|": ("write OR",)}
MEANT["{"] = ("`{field}` stands in a name before `=`",)
"""What somebody may have meant by a character that means nothing."""
BINARY = {
    "or": 1,
    "xor": 1,
    "and": 2,
    "=": 4,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "like": 4,
    "in": 4,
    ".": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
NOT_LEVEL = 3
NEGATIONS = ("not", "!")
UNARY_LEVEL = 8
MAX_NESTING = 200


@dataclass(frozen=True, slots=True)
class ExpressionToken:
    """A token of an expression.

    Its kind is text, field, number, name, operator, subsearch or end.
    """

    kind: str
    value: str
    span: Span


class ExpressionParser:
    """Parses one expression from the start of a span, leaving `position` where it ended."""

    def __init__(self, text: SplText, span: Span) -> None:
        self.text = text
        self.position = span.start
        self.end = span.end
        self.depth = 0

    def peek(self) -> ExpressionToken:
        """The next token, not taken."""
        raw, position = self.text.text, self.position
        while position < self.end and raw[position].isspace():
            position += 1
        if position >= self.end:
            return ExpressionToken("end", "", Span(self.end, self.end))
        character = raw[position]
        if character in "\"'":
            close = skip_quoted(raw, position)
            if close > self.end or close - position < 2 or raw[close - 1] != character:
                raise self.text.syntax_error(
                    "a quote is not closed", Span(position, position + 1), f"add a `{character}`"
                )
            kind = "text" if character == '"' else "field"
            body = raw[position + 1 : close - 1]
            return ExpressionToken(kind, unescape(body), Span(position, close))
        if character == "[":
            close = closing_bracket(self.text, position, self.end) + 1
            return ExpressionToken("subsearch", raw[position:close], Span(position, close))
        matched = TOKEN.match(raw, position, self.end)
        if matched is None:
            raise self.text.syntax_error(
                f"`{character}` has no meaning in an expression",
                Span(position, position + 1),
                *MEANT.get(character, ()),
            )
        kind = matched.lastgroup or "operator"
        return ExpressionToken(kind, matched[0], Span(*matched.span()))

    def take(self) -> ExpressionToken:
        """The next token."""
        token = self.peek()
        self.position = token.span.end
        return token

    def accept(self, operator: str) -> bool:
        """Take the next token if it is this operator."""
        token = self.peek()
        if token.kind == "operator" and token.value == operator:
            self.position = token.span.end
            return True
        return False

    def expect(self, operator: str, opened: Span) -> None:
        """Take this operator, or fail; `opened` is the bracket that waits for it."""
        token = self.peek()
        if not self.accept(operator):
            if token.kind == "end":
                raise self.text.syntax_error("a parenthesis is not closed", opened, "add a `)`")
            raise self.text.syntax_error(f"`{operator}` is expected here", token.span)

    def expression(self, level: int = 1) -> Expression:
        """An expression whose operators bind at least as tightly as `level`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.text.syntax_error("the expression is nested too deeply", self.peek().span)
        left = self._prefix(level)
        while (operator := self._binary(level)) is not None:
            token = self.take()
            left = self._operation(operator, left, token)
        self.depth -= 1
        return left

    def _binary(self, level: int) -> str | None:
        token = self.peek()
        if token.kind not in ("operator", "name"):
            return None
        operator = token.value.lower()
        if token.kind == "name" and operator == "not":
            return self._negated_in() if level <= BINARY["in"] else None
        found = BINARY.get(operator)
        return operator if found is not None and found >= level else None

    def _negated_in(self) -> str | None:
        """`x NOT IN (…)` and `x NOT LIKE y`: the word after NOT decides."""
        before = self.position
        self.take()
        following = self.peek().value.lower()
        self.position = before
        return f"not {following}" if following in ("in", "like") else None

    def _operation(self, operator: str, left: Expression, token: ExpressionToken) -> Expression:
        if operator.startswith("not "):
            self.take()
            positive = self._operation(operator[4:], left, token)
            return Operation("not", (positive,), left.span.to(positive.span))
        if operator == "in":
            opened = self.peek().span
            if not self.accept("("):
                raise self.text.syntax_error("`IN` takes a list in parentheses", opened)
            operands = (left, *self._arguments(opened))
        else:
            operands = (left, self.expression(BINARY[operator] + 1))
        name = "=" if operator == "==" else operator
        return Operation(name, operands, left.span.to(operands[-1].span))

    def _prefix(self, level: int) -> Expression:
        token = self.peek()
        if (
            token.kind in ("name", "operator")
            and token.value.lower() in NEGATIONS
            and (level <= NOT_LEVEL)
        ):
            self.take()
            operand = self.expression(NOT_LEVEL)
            return Operation("not", (operand,), token.span.to(operand.span))
        if token.kind == "operator" and token.value in "-+":
            self.take()
            operand = self.expression(UNARY_LEVEL)
            if token.value == "+":
                return operand
            if isinstance(operand, Number):
                span = token.span.to(operand.span)
                return Number(-operand.value, f"-{operand.spelling}", span)
            return Operation("negate", (operand,), token.span.to(operand.span))
        return self._primary()

    def _primary(self) -> Expression:
        token = self.take()
        if token.kind == "text":
            return Text(token.value, token.span)
        if token.kind == "field":
            return FieldName(token.value, quoted=True, span=token.span)
        if token.kind == "subsearch":
            return Subsearch(token.value, token.span)
        if token.kind == "number":
            return Number(float(token.value), token.value, token.span)
        if token.kind == "name":
            opened = self.peek().span
            if self.accept("("):
                arguments = self._arguments(opened)
                return Call(token.value, arguments, Span(token.span.start, self.position))
            return FieldName(token.value, span=token.span)
        if token.value == "(" and token.kind == "operator":
            inner = self.expression()
            self.expect(")", token.span)
            return inner
        if token.kind == "end":
            raise self.text.syntax_error("the expression ends too early", self._last())
        raise self.text.syntax_error(f"a value is expected here, not `{token.value}`", token.span)

    def _last(self) -> Span:
        position = self.end
        while position > 0 and self.text.text[position - 1].isspace():
            position -= 1
        return Span(max(0, position - 1), max(1, position))

    def _arguments(self, opened: Span) -> tuple[Expression, ...]:
        found: list[Expression] = []
        if self.accept(")"):
            return ()
        while True:
            found.append(self.expression())
            if not self.accept(","):
                self.expect(")", opened)
                return tuple(found)


def parse_expression(text: SplText, span: Span | None = None) -> Expression:
    """The expression that a whole stretch of text is; anything left over is an error."""
    parser = ExpressionParser(text, span or Span(0, len(text.text)))
    expression = parser.expression()
    rest = parser.peek()
    if rest.kind != "end":
        hints = ("write !=",) if rest.value == "<>" else ()
        raise text.syntax_error(f"`{rest.value}` is not expected here", rest.span, *hints)
    return expression


def has_subsearch(expression: Expression) -> bool:
    """Whether a search has to run before the expression is known."""
    if isinstance(expression, Call):
        return any(map(has_subsearch, expression.arguments))
    if isinstance(expression, Operation):
        return any(map(has_subsearch, expression.operands))
    return isinstance(expression, Subsearch)

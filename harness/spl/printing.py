r"""Parsed SPL as text again: what was meant, with white space, comments and macros gone.

Parsing what is printed gives the same tree. Parentheses stand only where precedence asks for
them; operators are words in upper case; a string escapes `"` and, where it has to, `\`.
"""

from __future__ import annotations

import re
from functools import singledispatch
from typing import TYPE_CHECKING

from harness.spl import expressions as eval_spl
from harness.spl import predicates as search_spl
from harness.spl.expressions import BINARY, NOT_LEVEL, UNARY_LEVEL
from harness.spl.pipeline import parse_pipeline
from harness.spl.predicates import KEYWORDS
from harness.spl.source import Span, SplSyntaxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.spl.expressions import Expression
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Pipeline, Stage
    from harness.spl.predicates import Predicate
    from harness.spl.source import SplText

PRIMARY_LEVEL = UNARY_LEVEL + 1
RESERVED = frozenset({"and", "in", "like", "not", "or", "xor"})
BARE_FIELD = re.compile(r"[A-Za-z_\u0080-\uffff][\w:@{}#\u0080-\uffff]*")
BARE_WORD = re.compile(r"[\w*.:/@%+-]+")
DIRECTIVES = frozenset({"CASE", "IN", "TERM"})
NEEDS_ESCAPE = re.compile(r'\\+(?="|\Z)|\\{2,}|"')


def string_text(value: str) -> str:
    r"""A string in double quotes; a backslash is doubled only where it would mean another thing."""

    def escaped(found: re.Match[str]) -> str:
        return '\\"' if found[0] == '"' else "\\\\" * len(found[0])

    return f'"{NEEDS_ESCAPE.sub(escaped, value)}"'


# Expressions of eval and where


@singledispatch
def expression_text(expression: Expression) -> str:
    """An eval expression."""
    raise TypeError(expression)


@expression_text.register
def _(expression: eval_spl.Text) -> str:
    return string_text(expression.value)


@expression_text.register
def _(expression: eval_spl.Number) -> str:
    return expression.spelling


@expression_text.register
def _(expression: eval_spl.FieldName) -> str:
    name = expression.name
    bare = not expression.quoted and BARE_FIELD.fullmatch(name) and name.lower() not in RESERVED
    return name if bare else _quoted_field(name)


@expression_text.register
def _(expression: eval_spl.Subsearch) -> str:
    return expression.written


@expression_text.register
def _(expression: eval_spl.Call) -> str:
    return f"{expression.name}({_list(expression.arguments)})"


@expression_text.register
def _(expression: eval_spl.Operation) -> str:
    operator, operands = expression.operator, expression.operands
    if operator == "not":
        return f"NOT {_operand(operands[0], NOT_LEVEL)}"
    if operator == "negate":
        return f"-{_operand(operands[0], UNARY_LEVEL)}"
    level = BINARY[operator]
    left = _operand(operands[0], level)
    if operator == "in":
        return f"{left} IN ({_list(operands[1:])})"
    return f"{left} {operator.upper()} {_operand(operands[1], level + 1)}"


def _list(expressions: Sequence[Expression]) -> str:
    return ", ".join(expression_text(one) for one in expressions)


def _operand(expression: Expression, level: int) -> str:
    text = expression_text(expression)
    return text if _level(expression) >= level else f"({text})"


def _level(expression: Expression) -> int:
    """How tightly an expression's outermost operator binds."""
    if not isinstance(expression, eval_spl.Operation):
        return PRIMARY_LEVEL
    if expression.operator == "not":
        return NOT_LEVEL
    return BINARY.get(expression.operator, UNARY_LEVEL)


def _quoted_field(name: str) -> str:
    r"""A field in single quotes; in its name a `'` can only stand after a backslash."""
    if re.search(r"(?<!\\)'", name):
        raise ValueError(f"no expression can name the field {name!r}")
    body = re.sub(r"\\+", lambda run: _backslashes(run, name), name)
    return f"'{body}'"


def _backslashes(run: re.Match[str], name: str) -> str:
    count, following = len(run[0]), name[run.end() : run.end() + 1]
    if following == "'":
        return "\\" * (2 * count - 1)
    return run[0] if count == 1 and following not in ("", '"') else "\\" * (2 * count)


# Predicates of search


def predicate_text(predicate: Predicate, text: SplText | None = None) -> str:
    """A predicate of the search language; `text` is what it was parsed from, for subsearches."""
    return "" if isinstance(predicate, search_spl.Everything) else _predicate(predicate, text)


def _predicate(predicate: Predicate, text: SplText | None) -> str:
    if isinstance(predicate, search_spl.Everything):
        return "()"
    if isinstance(predicate, search_spl.Both):
        return " ".join(_part(one, text, search_spl.Both) for one in predicate.parts)
    if isinstance(predicate, search_spl.Either):
        return " OR ".join(
            _part(one, text, search_spl.Both, search_spl.Either) for one in predicate.parts
        )
    if isinstance(predicate, search_spl.Headless):
        return f"OR {_predicate(predicate.part, text)}"
    if isinstance(predicate, search_spl.Negation):
        return f"NOT {_part(predicate.part, text, search_spl.Both, search_spl.Either)}"
    if isinstance(predicate, search_spl.Comparison | search_spl.Returned):
        return _comparison(predicate, text)
    if isinstance(predicate, search_spl.Membership):
        values = ", ".join(_word(value) for value in predicate.values)
        return f"{_word(predicate.field)} IN ({values})"
    if isinstance(predicate, search_spl.Term):
        return _term(predicate)
    return _subsearch(text, predicate.span)


def _comparison(
    predicate: search_spl.Comparison | search_spl.Returned, text: SplText | None
) -> str:
    if isinstance(predicate, search_spl.Returned):
        value = _subsearch(text, predicate.subsearch)
    else:
        value = _word(predicate.value)
        value = f"CASE({value})" if predicate.exact_case else value
    return f"{_word(predicate.field)}{predicate.operator}{value}"


def _part(predicate: Predicate, text: SplText | None, *bracketed: type) -> str:
    printed = _predicate(predicate, text)
    return f"({printed})" if isinstance(predicate, bracketed) else printed


def _term(term: search_spl.Term) -> str:
    if term.whole or term.exact_case:
        return f"{'TERM' if term.whole else 'CASE'}({_word(term.text)})"
    return _word(term.text)


def _word(value: str) -> str:
    """A field or a value, in double quotes unless it reads as one plain word."""
    plain = BARE_WORD.fullmatch(value) and value.upper() not in KEYWORDS | DIRECTIVES
    return value if plain else string_text(value)


# Pipelines


def pipeline_text(pipeline: Pipeline) -> str:
    """A whole search; one that began with an implicit `search` still does."""
    first, *others = pipeline.stages
    implicit = first.name_span.start == first.name_span.end
    begin = _arguments(first) if implicit else stage_text(first)
    begin = begin if implicit or first.name == "search" else f"| {begin}"
    return " | ".join([begin, *(stage_text(stage) for stage in others)])


def stage_text(stage: Stage) -> str:
    """One command with its arguments, without a pipe."""
    return f"{stage.name} {_arguments(stage)}".rstrip()


def _arguments(stage: Stage) -> str:
    """The tokens as they stand; what touched before does so still."""
    found = stage.arguments.tokens
    printed = ""
    for number, token in enumerate(found):
        before = " " if number and token.spaced else ""
        printed += before + _token(stage.text, found, number)
    return printed


def _token(text: SplText, found: Sequence[Token], number: int) -> str:
    token = found[number]
    if token.kind == "string":
        return string_text(token.value)
    if token.kind == "subsearch" and not _touches(found, number):
        return _subsearch(text, token.span)
    return text.text[token.span.start : token.span.end]


def _touches(found: Sequence[Token], number: int) -> bool:
    """Whether a bracket is part of a word, as in a pattern that was written without quotes."""
    token, after = found[number], found[number + 1 : number + 2]
    if after and not after[0].spaced and after[0].kind in ("word", "operator"):
        return True
    if number == 0 or token.spaced:
        return False
    before = found[number - 1]
    return before.kind not in ("(", ",") and before.value != "="


def _subsearch(text: SplText | None, span: Span) -> str:
    """A subsearch printed like any search; what no search is in brackets stays as it was."""
    if text is None:
        raise ValueError("a subsearch is printed from the text that it stands in")
    try:
        inner = parse_pipeline(text, Span(span.start + 1, span.end - 1))
        return f"[{pipeline_text(inner)}]"
    except SplSyntaxError:
        return text.text[span.start : span.end]

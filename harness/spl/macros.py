r"""Macro expansion and comments, before anything is parsed.

    text    = { other | quoted | comment | call }
    comment = "```" … "```"
    call    = "`" name [ "(" argument { "," argument } ")" ] "`"

Macros are expanded outside double quotes only; an argument may be quoted, which drops the
quotes. `name=value` gives an argument by its name, if the call names all of them. Source: Splunk
Knowledge Manager Manual, "Use search macros in searches" and "Search macro examples".

A macro's validation, and the definition of one with `iseval`, are eval expressions in which the
arguments are fields; `$argument$` is replaced before. Source: macros.conf.spec.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Protocol

from harness.errors import HarnessError, Unsupported, nearest
from harness.spl.source import Source, Span, SplText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.model import Macro

MAX_DEPTH = 32
MAX_ARGUMENTS = 20
MAX_CALLS = 10_000
MAX_EXPANDED = 2_000_000
SURROGATE = re.compile("[\ud800-\udfff]")
ARGUMENT = re.compile(r"\$([A-Za-z0-9_-]+)\$")
NAME = re.compile(r"[A-Za-z0-9_.:-]+")
NAMED = re.compile(r"([A-Za-z0-9_-]+)\s*=(?!=)")


class UnknownMacro(HarnessError):
    """A search calls a macro that neither its apps nor its content define."""


class RefusedArguments(HarnessError):
    """A macro's validation does not accept the arguments of a call."""


class MacroSource(Protocol):
    """Where macros come from."""

    def find(self, name: str, argument_count: int) -> Macro | None:
        """The macro of that name and number of arguments, or None."""
        ...

    def names(self) -> Iterable[str]:
        """All names, for hints."""
        ...

    def evaluated(self, expression: str, fields: Mapping[str, str]) -> str | bool | None:
        """The value of an eval expression over these fields alone."""
        ...


def expand(source: Source, macros: MacroSource) -> SplText:
    """Expand every macro and drop every comment; errors carry the place of the call."""
    text = _expand(SplText.of(source), macros, itertools.count(1), depth=0)
    if (half := SURROGATE.search(text.text)) is not None:
        raise text.syntax_error("half a character, which is no text", Span(*half.span()))
    return text


def _expand(text: SplText, macros: MacroSource, calls: Iterator[int], depth: int) -> SplText:
    result = SplText()
    raw, position, copied = text.text, 0, 0
    while position < len(raw):
        character = raw[position]
        if character == '"':
            position = skip_quoted(raw, position)
        elif raw.startswith("```", position):
            end = raw.find("```", position + 3)
            if end < 0:
                raise text.syntax_error(
                    "a comment is not closed",
                    Span(position, position + 3),
                    "comments end with three backticks",
                )
            result.append_mapped(text, copied, position)
            position = copied = end + 3
        elif character == "`":
            result.append_mapped(text, copied, position)
            position = copied = _expand_call(text, position, macros, calls, depth, result)
        elif character == "\\" and raw.startswith('\\"', position):
            position += 2
        else:
            position += 1
    result.append_mapped(text, copied, len(raw))
    return result


def _expand_call(
    text: SplText,
    start: int,
    macros: MacroSource,
    calls: Iterator[int],
    depth: int,
    result: SplText,
) -> int:
    end = _call_end(text.text, start + 1)
    if end < 0:
        raise text.syntax_error("a macro call is not closed", Span(start, start + 1), "add a `")
    span = Span(start, end + 1)
    name, arguments = _split_call(text, start + 1, end)
    macro = macros.find(name, len(arguments))
    if macro is None:
        raise _unknown(text, span, name, len(arguments), macros)
    if next(calls) > MAX_CALLS:
        raise text.syntax_error(f"more than {MAX_CALLS:,} macro calls in one search", span)
    if depth >= MAX_DEPTH:
        raise text.syntax_error(f"macro `{name}` never stops expanding itself", span)
    given = _given(macro, arguments, text.text)
    _check(macro, given, text, span, macros)
    definition = Source(macro.definition, macro.place.path, (*text.calls(span), name))
    body = _substitute(definition, given, text)
    if macro.is_eval:
        found = _evaluated("definition", macro, body.text, given, text, span, macros)
        if not isinstance(found, str):
            raise text.syntax_error(f"the definition of macro `{name}` gives no text", span)
        body = SplText.of(Source(found, macro.place.path, definition.calls))
    result.append_mapped(*_whole(_expand(body, macros, calls, depth + 1)))
    if len(result.text) > MAX_EXPANDED:
        raise text.syntax_error(f"macro `{name}` expands without end", span)
    return end + 1


def _given(macro: Macro, spans: list[Span], raw: str) -> dict[str, Span]:
    """The arguments by their names, whether the call names them or keeps their order."""
    named: dict[str, Span] = {}
    for span in spans:
        found = NAMED.match(raw, span.start, span.end)
        if found is not None and raw[span.start - 1] != '"':
            named[found[1]] = _trimmed(raw, found.end(), span.end)
    if named.keys() == set(macro.arguments):
        return named
    return dict(zip(macro.arguments, spans, strict=False))


def _check(
    macro: Macro, given: dict[str, Span], text: SplText, span: Span, macros: MacroSource
) -> None:
    """Raise what a macro's validation says of the arguments, if it does not accept them."""
    if not macro.validation:
        return
    written = _substitute(Source(macro.validation), given, text).text
    found = _evaluated("validation", macro, written, given, text, span, macros)
    if found is None or found is True:
        return
    message = found or macro.refusal or f"`{macro.validation}` is not true"
    raise RefusedArguments(
        f"macro `{macro.name}` does not accept its arguments: {message}",
        place=text.place(span),
        hints=text.hints(span),
    )


def _evaluated(
    what: str,
    macro: Macro,
    expression: str,
    given: dict[str, Span],
    text: SplText,
    span: Span,
    macros: MacroSource,
) -> str | bool | None:
    fields = {name: text.text[one.start : one.end] for name, one in given.items()}
    try:
        return macros.evaluated(expression, fields)
    except HarnessError as error:
        kind = Unsupported if isinstance(error, Unsupported) else type(error)
        raise kind(
            f"the {what} of macro `{macro.name}`: {error.message}",
            place=text.place(span),
            hints=(*error.hints, *text.hints(span)),
        ) from error


def _whole(text: SplText) -> tuple[SplText, int, int]:
    return text, 0, len(text.text)


def _unknown(text: SplText, span: Span, name: str, count: int, macros: MacroSource) -> UnknownMacro:
    known = set(macros.names())
    if name in known:
        message = f"macro `{name}` does not take {count} argument{'' if count == 1 else 's'}"
        counts = [n for n in range(MAX_ARGUMENTS) if macros.find(name, n) is not None]
        hints = tuple(f"it takes {n} argument{'' if n == 1 else 's'}" for n in counts)
    else:
        message = f"unknown macro `{name}`"
        hints = nearest(name, known) or ("--content and --app bring macros",)
    return UnknownMacro(message, place=text.place(span), hints=(*hints, *text.hints(span)))


def _call_end(raw: str, position: int) -> int:
    while position < len(raw):
        if raw[position] == '"':
            position = skip_quoted(raw, position)
        elif raw[position] == "`":
            return position
        else:
            position += 1
    return -1


def _split_call(text: SplText, start: int, end: int) -> tuple[str, list[Span]]:
    """The name and the spans of the arguments, quotes left out."""
    raw = text.text
    while start < end and raw[start].isspace():
        start += 1
    matched = NAME.match(raw, start, end)
    if matched is None:
        raise text.syntax_error("a macro call needs a name", Span(start, max(end, start + 1)))
    position = matched.end()
    while position < end and raw[position].isspace():
        position += 1
    if position == end:
        return matched[0], []
    if raw[position] != "(" or not raw[position:end].rstrip().endswith(")"):
        raise text.syntax_error(
            "a macro call is a name with its arguments in parentheses", Span(position, end)
        )
    return matched[0], _arguments(raw, position + 1, raw.rindex(")", position, end))


def _arguments(raw: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    depth, position, begin = 0, start, start
    while position < end:
        character = raw[position]
        if character == '"':
            position = skip_quoted(raw, position)
            continue
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            spans.append(_trimmed(raw, begin, position))
            begin = position + 1
        position += 1
    if spans or raw[begin:end].strip():
        spans.append(_trimmed(raw, begin, end))
    return spans


def _trimmed(raw: str, start: int, end: int) -> Span:
    while start < end and raw[start].isspace():
        start += 1
    while end > start and raw[end - 1].isspace():
        end -= 1
    quoted = end - start >= 2 and raw[start] == '"' and skip_quoted(raw, start) == end
    return Span(start + 1, end - 1) if quoted else Span(start, end)


def _substitute(definition: Source, arguments: dict[str, Span], call: SplText) -> SplText:
    body, copied = SplText(), 0
    for token in ARGUMENT.finditer(definition.text):
        if token[1] not in arguments:
            continue
        body.append(definition, copied, token.start())
        span = arguments[token[1]]
        body.append_mapped(call, span.start, span.end)
        copied = token.end()
        if len(body.text) > MAX_EXPANDED:
            raise call.syntax_error("a macro expands without end", span)
    body.append(definition, copied, len(definition.text))
    return body


def skip_quoted(raw: str, position: int) -> int:
    r"""The position after the string that opens at `position`; `\"` does not close it.

    Of a string that is never closed it lies beyond the end of the text.
    """
    quote = raw[position]
    position += 1
    while position < len(raw):
        if raw[position] == "\\":
            position += 2
        elif raw[position] == quote:
            return position + 1
        else:
            position += 1
    return len(raw) + 1

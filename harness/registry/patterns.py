"""Regular expressions that somebody wrote, in PCRE: checked where they stand."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.spl.source import Span, SplText

MAX_PATTERN = 20_000
ELEMENT = re.compile(
    r"""
    \\Q(?P<quoted>.*?)(?:\\E|\Z)
  | (?P<escape>\\x\{(?P<code>[0-9A-Fa-f]{1,6})\}|\\[pP]\{[^{}]*\}
      |\\[gk](?:\{(?P<braced>\w+)\}|<(?P<angled>\w+)>|'(?P<quoted_name>\w+)'|(?P<bare>\d+))|\\.)
  | \[(?P<negated>\^?)(?P<members>\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*)\]
  | (?P<brace>\{(?!\d+(?:,\d*)?\}))
    """,
    re.VERBOSE | re.DOTALL,
)
CLASS_NAME = re.compile(r"\[:\^?[a-z]+:\]")
SURROGATES = range(0xD800, 0xE000)
CODED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
MEMBER = re.compile(
    r"\\x\{[0-9A-Fa-f]{1,6}\}|\\.|\[:\^?[a-z]+:\]|(?P<plain>\[|--|\|\||&&|~~)", re.DOTALL
)
ESCAPES = {
    r"\Z": r"(?=\n?\Z)",
    r"\z": r"\Z",
    r"\h": r"[\t ]",
    r"\H": r"[^\t ]",
    r"\v": r"[\n\x0b\f\r]",
    r"\V": r"[^\n\x0b\f\r]",
    r"\e": r"\x1b",
    r"\N": r"[^\n]",
    r"\R": r"(?:\r\n|\n|\x0b|\f|\r)",
}


class BadPattern(HarnessError):
    """A regular expression that does not compile."""


@lru_cache(maxsize=4096)
def python_pattern(pattern: str) -> str:
    r"""A pattern of PCRE as the `regex` module has to be given it.

    Rewritten: `\Z`, which in PCRE also matches before a last newline, `\z`, `\h`, `\H`, `\v`,
    `\V`, `\e`, `\N`, `\R`, `\Q…\E`, references such as `\k<n>` and `\g{n}`, and braces without a
    number of repeats, such as `{,n}`, which PCRE takes as plain text. To be compiled with
    `regex.ASCII`, for PCRE's `\w`, and `regex.VERSION1`, in which a flag holds from where it
    stands, as in PCRE;
    what only that version reads as operations on sets is escaped. Source: pcrepattern(3).
    """
    return ELEMENT.sub(_rewritten, pattern)


def _rewritten(found: re.Match[str]) -> str:
    if found["quoted"] is not None:
        return re.escape(found["quoted"])
    if found["escape"] is not None:
        if found["code"] is not None:
            return _character(found["code"])
        name = found["braced"] or found["angled"] or found["quoted_name"] or found["bare"]
        if name is not None:
            return f"(?:\\{name})" if name.isdecimal() else f"(?P={name})"
        return ESCAPES.get(found["escape"], found["escape"])
    if found["brace"] is not None:
        return r"\{"
    return f"[{found['negated']}{MEMBER.sub(_member, found['members'])}]"


def _character(code: str) -> str:
    """A character by its code, as every engine reads it."""
    number = int(code, 16)
    exists = number <= sys.maxunicode and number not in SURROGATES
    return re.escape(chr(number)) if exists else rf"\\x{{{code}}}"


def _member(found: re.Match[str]) -> str:
    if found["plain"] is not None:
        return "".join(f"\\{character}" for character in found["plain"])
    if (coded := CODED.fullmatch(found[0])) is not None:
        return _character(coded[1])
    return r"\t " if found[0] == r"\h" else found[0]


def checked(pattern: str, text: SplText, span: Span) -> dict[str, int]:
    """The named groups of a pattern with their numbers; an error where it does not compile."""
    return dict(_compiled(pattern, text, span).groupindex)


def checked_groups(pattern: str, text: SplText, span: Span) -> int:
    """How many groups a pattern has; an error where it does not compile."""
    return int(_compiled(pattern, text, span).groups)


def _compiled(pattern: str, text: SplText, span: Span) -> Any:
    import regex  # noqa: PLC0415 - only searches with patterns pay for it

    if len(pattern) > MAX_PATTERN:
        raise BadPattern("the pattern is too long", place=text.place(span))
    try:
        return regex.compile(python_pattern(pattern), regex.ASCII | regex.VERSION1)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise BadPattern(
            f"the pattern does not compile: {error}",
            place=text.place(span),
            hints=text.hints(span),
        ) from error

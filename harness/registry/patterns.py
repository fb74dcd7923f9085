"""Regular expressions that somebody wrote: checked where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.spl.source import Span, SplText

MAX_PATTERN = 20_000


class BadPattern(HarnessError):
    """A regular expression that does not compile."""


def checked(pattern: str, text: SplText, span: Span) -> dict[str, int]:
    """The named groups of a pattern with their numbers; an error where it does not compile."""
    import regex  # noqa: PLC0415 - only searches with patterns pay for it

    if len(pattern) > MAX_PATTERN:
        raise BadPattern("the pattern is too long", place=text.place(span))
    try:
        return dict(regex.compile(pattern, regex.ASCII | regex.VERSION0).groupindex)
    except regex.error as error:
        raise BadPattern(
            f"the pattern does not compile: {error}",
            place=text.place(span),
            hints=text.hints(span),
        ) from error

r"""Splunk's modular regexes: `[[name]]` and `[[name:field]]` in the REGEX of a transform.

`[[name]]` stands for the REGEX of the transform `name`. With a field, what it matches is that
field; a group `(?<>…)` in it is the field instead, and the names of its named groups are
prefixed. Source: the comments of Splunk's own transforms.conf, on which
`access-extractions` and its parts are built.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PART = re.compile(r"\[\[(?P<name>[A-Za-z][\w-]*)(?::(?P<field>[\w.]*))?\]\]")
NAMED = re.compile(r"\(\?P?<(?![=!])(?P<name>\w*)>")
DEPTH_MAX = 16
LENGTH_MAX = 20_000


class TooModular(ValueError):
    """Regexes that contain each other, or grow past what a pattern may have."""


def expanded(regex: str, regex_of: Callable[[str], str | None], depth: int = 0) -> str:
    """The regex with its parts put in; TooModular where they never end.

    A name that is no transform with a REGEX stays as it is written: a set of characters.
    """
    if "[[" not in regex:
        return regex
    if depth > DEPTH_MAX:
        raise TooModular("its modular regexes contain each other")

    def part(found: re.Match[str]) -> str:
        inner = regex_of(found["name"])
        if inner is None:
            return found[0]
        return _for_field(expanded(inner, regex_of, depth + 1), found["field"] or "")

    pieces = PART.sub(part, regex)
    if len(pieces) > LENGTH_MAX:
        raise TooModular(f"with its modular regexes it is longer than {LENGTH_MAX:,} characters")
    return pieces


def _for_field(regex: str, name: str) -> str:
    if not NAMED.search(regex):
        return f"(?<{name}>{regex})" if name else f"(?:{regex})"
    if not name:
        plain = NAMED.sub(lambda found: found[0] if found["name"] else "(?:", regex)
        return f"(?:{plain})"
    prefixed = NAMED.sub(lambda found: f"(?<{name}{found['name']}>", regex)
    return f"(?:{prefixed})"

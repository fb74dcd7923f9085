"""Which stanzas of props.conf are about an event.

`[source::…]` counts over `[host::…]`, that over `[<source type>]`, that over `[default]`.
Among the stanzas of one kind the higher `priority` counts (100 for a literal name, 0 for a
pattern, where not set), then the name that comes first in ASCII order.
In patterns `...` is any text, `*` any text without `/`, `.` is itself, and the rest is a
regular expression that has to match the whole name. A source type's name is a pattern only
with Splunk's `(?::){0}` in it, or `(::){0}` as Splunk's own add-ons write it; both match nothing.
Only hosts match in any letter case, and what has `(?i)` before it.
Source: props.conf.spec, and Splunk Admin Manual, "Attribute precedence within a single
props.conf file".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from harness.apps.conf import DEFAULT_STANZA
from harness.apps.faults import Ignored
from harness.errors import HarnessError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.apps.conf import Stanza

Kind = Literal["sourcetype", "host", "source"]
_RANK: dict[Kind, int] = {"sourcetype": 1, "host": 2, "source": 3}
PATTERN_MARKS = ("(?::){0}", "(::){0}")
"""What makes the name of a source type's stanza a pattern."""
ANY_CASE_SOURCE = "(?i)source::"
"""How Splunk's own props.conf writes `source::(?i)`."""
RULES = ("rule::", "delayedrule::")
"""What stanzas about choosing a source type by the text of a file begin with."""
_SPECIAL = frozenset("*|()[]{}+?^$\\")
_LITERAL_PRIORITY = 100
_MATCH_SECONDS = 1.0
_PATTERN_LENGTH_MAX = 4096
_SIMPLE_WILDCARDS = 2


class BadPattern(HarnessError):
    """A stanza's name is a pattern that cannot be matched."""


class _Pattern(Protocol):
    def fullmatch(self, string: str, *, timeout: float) -> object: ...


@dataclass(frozen=True, slots=True)
class _Head:
    """A stanza's name, taken apart; `test` is its text without the prefix."""

    stanza: Stanza
    kind: Kind
    test: str
    literal: bool
    priority: int


class StanzaIndex:
    """The stanzas of one props.conf, ready to be matched."""

    def __init__(self, stanzas: Mapping[str, Stanza]) -> None:
        """Take the stanzas of all apps, already laid over each other."""
        self._default = stanzas.get(DEFAULT_STANZA)
        self._literal_sourcetypes: dict[str, _Head] = {}
        self._others: list[_Head] = []
        for name in sorted(stanzas, reverse=True):
            head = _head(stanzas[name])
            if head is None:
                continue
            if head.kind == "sourcetype" and head.literal:
                self._literal_sourcetypes[head.test] = head
            else:
                self._others.append(head)

    @cached_property
    def hosts(self) -> tuple[_Head, ...]:
        """The stanzas about hosts."""
        return tuple(head for head in self._others if head.kind == "host")

    def of_host(self, host: str) -> tuple[str, ...]:
        """The names of the stanzas about a host: two hosts with the same are alike."""
        return tuple(head.stanza.name for head in self.hosts if _matches(head, host))

    def renamed(self, sourcetype: str) -> str:
        """The source type that events have in searches: `rename` in a stanza of source types."""
        renaming = [
            head
            for head in (*self._others, *self._literal_sourcetypes.values())
            if head.kind == "sourcetype"
            and "rename" in head.stanza.settings
            and _matches(head, sourcetype)
        ]
        renaming.sort(key=lambda head: head.stanza.name, reverse=True)
        renaming.sort(key=lambda head: head.priority)
        return (renaming[-1].stanza.settings["rename"].value if renaming else "") or sourcetype

    def matching(self, source: str, sourcetype: str, host: str) -> tuple[Stanza, ...]:
        """The stanzas about such events, the one that counts least first.

        Raises BadPattern for a name that is no regular expression or takes too long.
        """
        values: dict[Kind, str] = {"source": source, "sourcetype": sourcetype, "host": host}
        heads = [head for head in self._others if _matches(head, values[head.kind])]
        literal = self._literal_sourcetypes.get(sourcetype)
        if literal is not None:
            heads.append(literal)
        # Twice, as sorting is stable: by name backwards, then by kind and priority.
        heads.sort(key=lambda head: head.stanza.name, reverse=True)
        heads.sort(key=lambda head: (_RANK[head.kind], head.priority))
        found = [head.stanza for head in heads]
        return (self._default, *found) if self._default is not None else tuple(found)


def ignored_rules(stanzas: Mapping[str, Stanza]) -> Iterator[Ignored]:
    """The stanzas that choose a source type by the text of a file, with why they do nothing."""
    for stanza in stanzas.values():
        if stanza.name.startswith(RULES):
            app = next((setting.app for setting in stanza.settings.values()), "")
            reason = "a source type is told by the dataset, not by the text of a file"
            yield Ignored(app, f"props.conf [{stanza.name}]", reason)


def _head(stanza: Stanza) -> _Head | None:
    name = stanza.name
    if name == DEFAULT_STANZA or name.startswith(RULES):
        return None
    kind: Kind = "sourcetype"
    test = name
    if name.startswith("source::"):
        kind, test = "source", name[8:]
    elif name.startswith(ANY_CASE_SOURCE):
        kind, test = "source", f"(?i){name.removeprefix(ANY_CASE_SOURCE)}"
    elif name.startswith("host::"):
        kind, test = "host", name[6:]
    if kind == "sourcetype":
        literal = not any(mark in test for mark in PATTERN_MARKS)
    else:
        literal = "..." not in test and _SPECIAL.isdisjoint(test)
    set_priority = stanza.settings.get("priority")
    try:
        priority = int(set_priority.value) if set_priority else None
    except ValueError:
        priority = None
    if priority is None:
        priority = _LITERAL_PRIORITY if literal else 0
    return _Head(stanza, kind, test, literal, priority)


def _matches(head: _Head, value: str) -> bool:
    any_case = head.kind == "host"
    if head.literal:
        return value.casefold() == head.test.casefold() if any_case else value == head.test
    test = head.test
    for mark in PATTERN_MARKS:
        test = test.replace(mark, "")
    for wild in ("...", "*"):
        before = test.removesuffix(wild)
        if before != test and not any_case and _SPECIAL.isdisjoint(before) and "..." not in before:
            # Most patterns end with their only wildcard: no regular expression is needed.
            return value.startswith(before) and (wild == "..." or "/" not in value[len(before) :])
    before, after = _literal_ends(test)
    if not any_case and not (value.startswith(before) and value.endswith(after)):
        return False
    if _is_simple(test) and len(value) <= _PATTERN_LENGTH_MAX:
        return _simple(test, any_case).fullmatch(value) is not None
    try:
        return _compiled(test, any_case).fullmatch(value, timeout=_MATCH_SECONDS) is not None
    except TimeoutError as error:
        raise BadPattern(
            f"`[{head.stanza.name}]` takes too long to match",
            place=Place(head.stanza.path, head.stanza.line),
            hints=["write the pattern with fewer wildcards"],
        ) from error
    except ValueError as error:
        raise BadPattern(
            f"`[{head.stanza.name}]` is no pattern: {error}",
            place=Place(head.stanza.path, head.stanza.line),
            hints=["escape what is meant literally with a backslash"],
        ) from error


@lru_cache(maxsize=512)
def _literal_ends(test: str) -> tuple[str, str]:
    """What every text that a pattern matches begins and ends with, as far as it is plain to see."""
    depth = 0
    for character in test:
        depth += (character == "(") - (character == ")")
        if character == "\\" or (character == "|" and depth <= 0):
            return "", ""
    if test.startswith("(?i"):
        return "", ""
    wild = test.replace("...", "*")
    first = next((n for n, one in enumerate(wild) if one in _SPECIAL), len(wild))
    last = next((n for n in range(len(wild), 0, -1) if wild[n - 1] in _SPECIAL), 0)
    # A repeat makes what stands before it optional.
    before = wild[: first - 1] if wild[first : first + 1] in ("?", "{") and first else wild[:first]
    return before, wild[last:]


def _is_simple(test: str) -> bool:
    """Whether a pattern is of alternatives and so few wildcards that `re` is quick with it."""
    depth = 0
    for character in test:
        depth += (character == "(") - (character == ")")
        if character in "\\[]{}+?^$" or not 0 <= depth <= 1:
            return False
    return depth == 0 and test.replace("...", "*").count("*") <= _SIMPLE_WILDCARDS


@lru_cache(maxsize=512)
def _simple(test: str, any_case: bool) -> re.Pattern[str]:
    return re.compile(translated(test), re.DOTALL | (re.IGNORECASE if any_case else 0))


@lru_cache(maxsize=512)
def _compiled(test: str, any_case: bool) -> _Pattern:
    import regex  # noqa: PLC0415 - 25 ms, and the built-in apps need no regular expression

    if len(test) > _PATTERN_LENGTH_MAX:
        raise ValueError(f"longer than {_PATTERN_LENGTH_MAX} characters")
    flags = regex.DOTALL | (regex.IGNORECASE if any_case else 0)
    try:
        pattern: _Pattern = regex.compile(translated(test), flags)
    except regex.error as error:
        raise ValueError(str(error)) from error
    return pattern


def translated(test: str) -> str:
    """A stanza pattern as the regular expression that it stands for."""
    parts: list[str] = []
    position = 0
    while position < len(test):
        character = test[position]
        if test.startswith("...", position):
            parts.append(".*")
            position += 3
            continue
        if character == "\\":
            parts.append(test[position : position + 2])
            position += 2
            continue
        parts.append({"*": "[^/]*", ".": r"\."}.get(character, character))
        position += 1
    return "".join(parts)

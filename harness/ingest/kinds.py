"""What a file holds, and what its events are called where nobody told: the apps' kinds.conf.

The file's own words are in `harness/builtin/system/default/kinds.conf`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

from harness.errors import HarnessError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.apps import Apps
    from harness.apps.conf import Stanza

Shape = Literal["xml", "text", "json", "line"]
SHAPES = ("xml", "text", "json", "line")
WINDOWS: tuple[Shape, ...] = ("xml", "text")
UNKNOWN = "unknown"
MOST_NAMES = 10_000
HELD = re.compile(r"\{([^{}]+)\}")
GROUP = "$1"


class BadKind(HarnessError):
    """A stanza of kinds.conf that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Called:
    """What an event is called: its source (None: by its file), source type and host."""

    source: str | None
    sourcetype: str
    host: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `$1` for what a pattern catches, or `{path}` for what an object holds."""

    text: str
    pattern: re.Pattern[str] | None = None

    def of_text(self, raw: str) -> str | None:
        """The text filled from a raw event; None where the pattern catches nothing."""
        if self.pattern is None:
            return self.text or None
        found = self.pattern.search(raw)
        if found is None or not (caught := found[1].strip()):
            return None
        return caught if self.text == GROUP else self.text.replace(GROUP, caught)

    def of_document(self, document: Any) -> str | None:
        """The text filled from an object; None where it holds nothing there."""
        if "{" not in self.text:
            return self.text or None
        parts = {name: held(document, tuple(name.split("."))) for name in HELD.findall(self.text)}
        if not all(isinstance(part, str) and part for part in parts.values()):
            return None
        return HELD.sub(lambda found: str(parts[found[1]]), self.text)


@dataclass(frozen=True, slots=True)
class Kind:
    """One stanza: how to know such events, and what they are called."""

    name: str
    shape: Shape
    sourcetype: str
    source: Template
    host: Template
    keys: tuple[tuple[str, ...], ...] = ()
    starts: re.Pattern[str] | None = None
    inside: str = ""
    told: tuple[str, ...] = ()
    first_keys: frozenset[str] = frozenset()

    @property
    def is_deep(self) -> bool:
        """Whether some key lies inside of another one's object."""
        return any(len(path) > 1 for path in self.keys)

    def holds(self, document: Any) -> bool:
        """Whether an object has the keys of this kind."""
        return all(held(document, path) is not None for path in self.keys)


def held(document: Any, path: tuple[str, ...]) -> Any:
    """What an object holds at a path, None where it ends before."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


@dataclass(frozen=True, slots=True)
class Kinds:
    """All kinds by shape, in the order in which they are tried."""

    by_shape: Mapping[str, tuple[Kind, ...]]
    by_names: dict[tuple[str, ...], Kind] = field(default_factory=dict)
    by_catches: dict[tuple[str | None, str | None], Called] = field(default_factory=dict)

    def named(self, name: str) -> Kind:
        """The kind of a name; BadKind where there is none."""
        for kind in (kind for kinds in self.by_shape.values() for kind in kinds):
            if kind.name == name:
                return kind
        raise BadKind(f"kinds.conf has no [{name}]")

    def is_windows(self, sourcetype: str | None) -> bool:
        """Whether files of a source type that was told are read as Windows events."""
        told = (sourcetype or "").casefold()
        return bool(told) and any(
            fnmatchcase(told, pattern.casefold())
            for shape in WINDOWS
            for kind in self.by_shape[shape]
            for pattern in kind.told
        )

    def wrapper(self, document: Any) -> str:
        """Where the events of an object are, if they are inside of it."""
        return self._of_object(document).inside

    def of_text(self, shape: Shape, raw: str) -> Called:
        """What a Windows event in XML or text is called: the same object for equal names."""
        kind = self.by_shape[shape][0]
        source, host = kind.source.of_text(raw), kind.host.of_text(raw)
        known = self.by_catches.get((source, host))
        if known is None or known.sourcetype != kind.sourcetype:
            known = Called(
                source or kind.source.text.replace(GROUP, UNKNOWN), kind.sourcetype, host
            )
            if len(self.by_catches) < MOST_NAMES:
                self.by_catches[source, host] = known
        return known

    def of_document(self, document: Any) -> Called:
        """What an object is called."""
        kind = self._of_object(document)
        source = kind.source.of_document(document)
        return Called(source, kind.sourcetype, kind.host.of_document(document))

    def _of_object(self, document: Any) -> Kind:
        """The first kind that an object is of: by its names alone where these decide it."""
        names = tuple(document) if isinstance(document, dict) else ()
        found = self.by_names.get(names)
        if found is not None:
            return found
        candidates = [kind for kind in self.by_shape["json"] if kind.first_keys <= {*names}]
        for kind in candidates:
            if kind.is_deep and not kind.holds(document):
                continue
            if not any(one.is_deep for one in candidates) and len(self.by_names) < MOST_NAMES:
                self.by_names[names] = kind
            return kind
        raise BadKind("no kind of JSON takes every object", hints=["one has no KEYS"])

    def of_lines(self, start: str) -> Called:
        """What the lines of a file that begins so are called."""
        for kind in self.by_shape["line"]:
            if kind.starts is None or kind.starts.search(start):
                return Called(kind.source.text or None, kind.sourcetype, None)
        raise BadKind("no kind of lines takes every file", hints=["one has no STARTS"])


def kinds_of(apps: Apps) -> Kinds:
    """The kinds of all loaded apps: in the order of their files, those without KEYS last."""
    found = [_kind(stanza) for stanza in apps.kinds.values()]
    found.sort(key=lambda kind: (not kind.keys, kind.starts is None))
    return Kinds({shape: tuple(one for one in found if one.shape == shape) for shape in SHAPES})


def _kind(stanza: Stanza) -> Kind:
    settings = {key: setting.value for key, setting in stanza.settings.items()}
    shape = settings.get("SHAPE", "")
    if shape not in SHAPES:
        message = f"the SHAPE of [{stanza.name}] is none of {', '.join(SHAPES)}"
        raise BadKind(message, place=stanza.place)
    starts = settings.get("STARTS")
    keys = tuple(tuple(key.split(".")) for key in _words(settings.get("KEYS", "")))
    return Kind(
        stanza.name,
        cast("Shape", shape),
        settings.get("SOURCETYPE", ""),
        _template(settings, "SOURCE", stanza.place),
        _template(settings, "HOST", stanza.place),
        keys,
        _pattern(starts, stanza.place) if starts else None,
        settings.get("INSIDE", ""),
        _words(settings.get("TOLD", "")),
        frozenset(path[0] for path in keys),
    )


def _template(settings: Mapping[str, str], key: str, place: Place) -> Template:
    pattern = settings.get(f"{key}_REGEX")
    return Template(settings.get(key, ""), _pattern(pattern, place) if pattern else None)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pattern(text: str, place: Place) -> re.Pattern[str]:
    try:
        return _compiled(text)
    except re.error as error:
        raise BadKind(f"the regex does not compile: {error}", place=place) from error


@lru_cache(maxsize=256)
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text)

r"""Splunk's conf syntax, line by line.

    file      = { blank | "#" comment | "[" stanza "]" | key "=" value }
    value     = text { "\" newline text }        a trailing backslash continues it

Settings before the first stanza belong to `default`. Nothing in a file is ever executed;
a line that fits none of these is reported with its place, and the lines around it count.
Source of the rules: Splunk Admin Manual, "About configuration files" and the header of
every .spec file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.apps.faults import Warned
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STANZA = "default"
WARNINGS_MAX = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a conf file, where it stands, and the app that it comes from."""

    value: str
    path: str
    line: int
    app: str
    column: int = 1

    @property
    def place(self) -> Place:
        """The file and the line of the key; `column` is where the value begins."""
        return Place(self.path, self.line)


@dataclass(frozen=True, slots=True)
class Stanza:
    """The settings below one header, by key; `line` is that of its first header."""

    name: str
    path: str
    line: int
    settings: Mapping[str, Setting]

    @property
    def place(self) -> Place:
        """The file and the line of the header."""
        return Place(self.path, self.line)


@dataclass(frozen=True, slots=True)
class ConfFile:
    """What one file says: stanzas in the order of their first headers, and its warnings."""

    stanzas: Mapping[str, Stanza]
    warnings: tuple[Warned, ...]


def parse_conf(text: str, *, path: str, app: str) -> ConfFile:
    """Read one conf file; malformed lines become warnings, never errors.

    A stanza or a key that comes twice in a file: stanzas are joined, the last value wins.
    Of more than WARNINGS_MAX malformed lines the rest is one warning with their number.
    """
    reading = _Reading(path, app)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = 0
    while number < len(lines):
        first = number
        line = lines[number]
        number += 1
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        while lines[number - 1].endswith("\\") and number < len(lines):
            number += 1
        if number > first + 1:
            continued = [part[:-1] for part in lines[first : number - 1]]
            line = "\n".join([*continued, lines[number - 1]])
        reading.take(line.strip(), first + 1, len(line) - len(line.lstrip()))
    reading.close()
    return ConfFile(
        {name: Stanza(name, path, at, keys) for name, (at, keys) in reading.stanzas.items()},
        tuple(reading.warnings),
    )


class _Reading:
    """The stanza that lines go to, and what has been read so far."""

    def __init__(self, path: str, app: str) -> None:
        self.path = path
        self.app = app
        self.stanzas: dict[str, tuple[int, dict[str, Setting]]] = {}
        self.warnings: list[Warned] = []
        self.current: dict[str, Setting] | None = None
        self.lost = False
        self.unshown = 0
        self.unshown_from = 0

    def take(self, line: str, number: int, indent: int = 0) -> None:
        if line[0] == "[":
            self._header(line, number)
            return
        key, equals, value = line.partition("=")
        key = key.strip()
        if self.lost:
            self._warn(f"`{_shown(line)}` stands under a broken header and is not read", number)
        elif not equals or not key or "\n" in key:
            self._warn(f"`{_shown(line)}` is neither a [stanza] nor `key = value`", number)
        else:
            if self.current is None:
                self._open(DEFAULT_STANZA, number)
            assert self.current is not None
            plain = value.strip()
            column = indent + len(line) - len(value.lstrip()) + 1 if plain else 1
            self.current[key] = Setting(plain, self.path, number, self.app, column)

    def _header(self, line: str, number: int) -> None:
        end = line.rfind("]")
        self.lost = end < 0
        if end < 0:
            self._warn(f"`{_shown(line)}` has no closing `]`", number)
            return
        if line[end + 1 :].strip():
            self._warn(f"`{_shown(line[end + 1 :].strip())}` after `]` is not read", number)
        self._open(line[1:end], number)

    def _open(self, name: str, number: int) -> None:
        _, self.current = self.stanzas.setdefault(name, (number, {}))

    def close(self) -> None:
        if self.unshown:
            place = Place(self.path, self.unshown_from)
            self.warnings.append(
                Warned(f"from here on {self.unshown:,} more lines cannot be used", place)
            )

    def _warn(self, message: str, number: int) -> None:
        if len(self.warnings) < WARNINGS_MAX:
            self.warnings.append(Warned(message, Place(self.path, number)))
            return
        self.unshown_from = self.unshown_from or number
        self.unshown += 1


def _shown(line: str) -> str:
    """One line of at most 60 characters that is safe to print."""
    first = line.split("\n", 1)[0]
    safe = "".join(character if character.isprintable() else "?" for character in first)
    return safe if len(safe) <= 60 else f"{safe[:60]}…"


_TRUE = frozenset({"1", "true", "t", "yes", "y", "enabled", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "disabled", "off"})


def as_boolean(value: str | None, *, default: bool) -> bool:
    """Splunk's Booleans; the default where the value is absent, empty or neither."""
    word = (value or "").strip().lower()
    return word in _TRUE or (default and word not in _FALSE)

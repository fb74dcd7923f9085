"""props.conf: what Splunk knows at search time about one source, source type and host.

Source of the rules: props.conf.spec; Splunk Knowledge Manager Manual, "The sequence of
search-time operations".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING

from harness.apps.conf import as_boolean
from harness.apps.transforms import RAW
from harness.apps.words import quoted_words
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.apps.conf import Setting
    from harness.apps.stanzas import StanzaIndex
    from harness.apps.transforms import Transform

NOWHERE = Place()
KV_MODES = ("none", "auto", "auto_escaped", "multi", "json", "xml")


def kv_mode_of(value: str) -> tuple[str, str]:
    """The mode that KV_MODE says, in small letters, and the stanza of multikv.conf with it.

    Splunk's own props.conf has `multi_<stanza>` for what is documented as `multi:<stanza>`.
    """
    mode, _, table = value.strip().partition(":")
    if mode.lower().startswith("multi_"):
        mode, table = "multi", mode[6:]
    return mode.strip().lower() or "auto", table.strip()


def missing_transform(name: str) -> str:
    """What is said where a setting names a transform that there is not."""
    return f"no transform `{name}` in any app's transforms.conf"


@dataclass(frozen=True, slots=True)
class Origin:
    """The setting that knowledge comes from: its key, its stanza, and where it stands."""

    key: str = ""
    stanza: str = ""
    place: Place = NOWHERE


UNKNOWN = Origin()


@dataclass(frozen=True, slots=True)
class Extract:
    """`EXTRACT-<name>`: a regex whose named groups are fields, over one field's value."""

    name: str
    regex: str
    source_field: str = RAW
    origin: Origin = UNKNOWN


@dataclass(frozen=True, slots=True)
class Report:
    """`REPORT-<name>`: one of the field transforms that it names, in their order."""

    name: str
    transform: Transform
    origin: Origin = UNKNOWN


@dataclass(frozen=True, slots=True)
class Alias:
    """`FIELDALIAS-`: `target` also is `source`; `as_new` keeps a target without a source."""

    source: str
    target: str
    as_new: bool = False
    origin: Origin = UNKNOWN


@dataclass(frozen=True, slots=True)
class Calculated:
    """`EVAL-<field>`: an eval expression, not parsed here."""

    field: str
    expression: str
    origin: Origin = UNKNOWN

    @property
    def place(self) -> Place:
        """Where the expression stands."""
        return self.origin.place


@dataclass(frozen=True, slots=True)
class AutoLookup:
    """`LOOKUP-`: (lookup field, event field) pairs in and out.

    No outputs mean every field of the table that is not an input. `overwrite` is OUTPUT;
    OUTPUTNEW keeps what the event has.
    """

    lookup: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...] = ()
    overwrite: bool = True
    origin: Origin = UNKNOWN


@dataclass(frozen=True, slots=True)
class Automatic:
    """KV_MODE and what goes with it; `table` is the stanza that `multi:<stanza>` names."""

    mode: str = "auto"
    json: bool = True
    trims: bool = True
    table: str = ""
    origin: Origin = UNKNOWN


@dataclass(frozen=True, slots=True)
class SourceKnowledge:
    """All that applies to the events of one source, source type and host, in Splunk's order.

    `sourcetype` is the one after `rename`. `settings` holds every setting of the stanzas that
    match (`stanzas`, the one that counts least first), index-time settings too, and `origins`
    where each of them comes from. It can be a key of a cache: the same apps, source, source type
    and host give equal knowledge.
    """

    source: str
    sourcetype: str
    host: str
    extracts: tuple[Extract, ...]
    reported: tuple[Report, ...]
    automatic: Automatic
    aliases: tuple[Alias, ...]
    calculated: tuple[Calculated, ...]
    lookups: tuple[AutoLookup, ...]
    settings: Mapping[str, str] = attribute(hash=False)
    origins: Mapping[str, Origin] = attribute(hash=False)
    stanzas: tuple[str, ...]

    @property
    def reports(self) -> tuple[Transform, ...]:
        """The field transforms that apply, in their order."""
        return tuple(report.transform for report in self.reported)

    @property
    def kv_mode(self) -> str:
        """KV_MODE, in small letters."""
        return self.automatic.mode

    @property
    def auto_kv_json(self) -> bool:
        """AUTO_KV_JSON."""
        return self.automatic.json


@dataclass(frozen=True, slots=True)
class _Merged:
    """The settings of the matching stanzas laid over each other, with the stanza of each."""

    settings: Mapping[str, Setting]
    owners: Mapping[str, str]
    names: tuple[str, ...]

    def text(self, key: str) -> str:
        return self.settings[key].value.strip() if key in self.settings else ""

    def origin(self, key: str) -> Origin:
        if key not in self.settings:
            return UNKNOWN
        return Origin(key, self.owners[key], self.settings[key].place)

    def classes(self, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
        """The class names and keys of one kind, in ASCII order; an emptied one is turned off."""
        found = [(pattern.fullmatch(key), key) for key in self.settings]
        return sorted((match[1], key) for match, key in found if match and self.text(key))


class PropsReader:
    """Turns the stanzas that match an event into knowledge."""

    def __init__(
        self,
        stanzas: StanzaIndex,
        transform: Callable[[str], Transform | None],
        warn: Callable[[str, Place], None],
    ) -> None:
        """`transform` finds a field transform by name; `warn` takes what is not usable."""
        self.stanzas = stanzas
        self._transform = transform
        self._warn = warn

    def knowledge(self, source: str, sourcetype: str, host: str) -> SourceKnowledge:
        """What is known about such events."""
        effective = self.stanzas.renamed(sourcetype)
        merged = self._merged(source, effective, host)
        return SourceKnowledge(
            source=source,
            sourcetype=effective,
            host=host,
            extracts=tuple(self._extracts(merged)),
            reported=tuple(self._reports(merged)),
            automatic=self._automatic(merged),
            aliases=tuple(self._aliases(merged)),
            calculated=tuple(
                Calculated(_unquoted(name), merged.text(key), merged.origin(key))
                for name, key in merged.classes(_EVAL)
            ),
            lookups=tuple(self._lookups(merged)),
            settings={key: setting.value for key, setting in merged.settings.items()},
            origins={key: merged.origin(key) for key in merged.settings},
            stanzas=merged.names,
        )

    def _merged(self, source: str, sourcetype: str, host: str) -> _Merged:
        settings: dict[str, Setting] = {}
        owners: dict[str, str] = {}
        matching = self.stanzas.matching(source, sourcetype, host)
        for stanza in matching:
            settings.update(stanza.settings)
            owners.update(dict.fromkeys(stanza.settings, stanza.name))
        return _Merged(settings, owners, tuple(stanza.name for stanza in matching))

    def _extracts(self, merged: _Merged) -> Iterator[Extract]:
        for name, key in merged.classes(_EXTRACT):
            regex, source_field = _regex_and_field(merged.text(key))
            yield Extract(name, regex, source_field, merged.origin(key))

    def _reports(self, merged: _Merged) -> Iterator[Report]:
        for name, key in merged.classes(_REPORT):
            origin = merged.origin(key)
            for transform_name in quoted_words(merged.text(key)):
                transform = self._transform(transform_name)
                if transform is None:
                    self._warn(missing_transform(transform_name), origin.place)
                else:
                    yield Report(name, transform, origin)

    def _automatic(self, merged: _Merged) -> Automatic:
        mode, table = kv_mode_of(merged.text("KV_MODE"))
        if mode not in KV_MODES:
            place = merged.settings["KV_MODE"].place
            self._warn(f"KV_MODE is none of {', '.join(KV_MODES)}", place)
            mode = "auto"
        return Automatic(
            mode,
            as_boolean(merged.text("AUTO_KV_JSON"), default=True),
            as_boolean(merged.text("KV_TRIM_SPACES"), default=True),
            table,
            merged.origin("KV_MODE"),
        )

    def _aliases(self, merged: _Merged) -> Iterator[Alias]:
        for _, key in merged.classes(_FIELDALIAS):
            origin = merged.origin(key)
            words = quoted_words(merged.text(key))
            if len(words) % 3 or any(word.upper() not in {"AS", "ASNEW"} for word in words[1::3]):
                self._warn("a field alias is `<field> AS <alias>` or `ASNEW`", origin.place)
                continue
            for original, how, alias in zip(words[::3], words[1::3], words[2::3], strict=True):
                if "*" in original + alias:
                    self._warn(
                        f"`{original} {how} {alias}`: an alias has no wildcards", origin.place
                    )
                    continue
                yield Alias(original, alias, how.upper() == "ASNEW", origin)

    def _lookups(self, merged: _Merged) -> Iterator[AutoLookup]:
        for _, key in merged.classes(LOOKUP):
            origin = merged.origin(key)
            words = quoted_words(merged.text(key))
            marks = [word.upper() for word in words]
            cut = next((at for at, mark in enumerate(marks) if mark in _OUTPUTS), len(words))
            inputs = _field_pairs(words[1:cut])
            outputs = _field_pairs(words[cut + 1 :])
            if not inputs or outputs is None or (cut < len(words) and not outputs):
                self._warn(
                    "an automatic lookup is `<lookup> <field> [AS <field>] … "
                    "[OUTPUT | OUTPUTNEW <field> [AS <field>] …]`",
                    origin.place,
                )
                continue
            overwrite = cut == len(words) or marks[cut] == "OUTPUT"
            yield AutoLookup(words[0], inputs, outputs, overwrite, origin)


_OUTPUTS = frozenset({"OUTPUT", "OUTPUTNEW"})
_EXTRACT, _REPORT, _FIELDALIAS = (
    re.compile(f"{kind}-(.+)", re.DOTALL) for kind in ("EXTRACT", "REPORT", "FIELDALIAS")
)
_EVAL = re.compile(r"EVAL-(.+)", re.IGNORECASE | re.DOTALL)
LOOKUP = re.compile(r"LOOKUP[-_]?(.+)", re.IGNORECASE | re.DOTALL)
"""Only these two prefixes are taken in any letter case."""
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def _unquoted(name: str) -> str:
    """A field's name, which may stand in quotes."""
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] and name[0] in "\"'" else name


def _regex_and_field(value: str) -> tuple[str, str]:
    """`<regex> in <field>`: the field, of word characters only, is `_raw` where not said."""
    regex, sign, name = value.rpartition(" in ")
    if sign and regex.strip() and name.strip() and _WORD.issuperset(name.strip()):
        return regex.rstrip(), name.strip()
    return value, RAW


def _field_pairs(words: list[str]) -> tuple[tuple[str, str], ...] | None:
    """`lookup_field [AS event_field]` repeated; None where the words are not of that form."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(words):
        name = words[position]
        if name.upper() == "AS":
            return None
        if position + 1 < len(words) and words[position + 1].upper() == "AS":
            if position + 2 >= len(words):
                return None
            pairs.append((name, words[position + 2]))
            position += 3
        else:
            pairs.append((name, name))
            position += 1
    return tuple(pairs)

"""props.conf: what Splunk knows at search time about one source, source type and host.

Source of the rules: props.conf.spec; Splunk Knowledge Manager Manual, "The sequence of
search-time operations".
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Extract:
    """`EXTRACT-<name>`: a regex whose named groups are fields, over one field's value."""

    name: str
    regex: str
    source_field: str = RAW
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Alias:
    """`FIELDALIAS-`: `target` also is `source`; `as_new` keeps a target without a source."""

    source: str
    target: str
    as_new: bool = False
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Calculated:
    """`EVAL-<field>`: an eval expression, not parsed here."""

    field: str
    expression: str
    place: Place = NOWHERE


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
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class SourceKnowledge:
    """All that applies to the events of one source, source type and host, in Splunk's order.

    `sourcetype` is the one after `rename`. `settings` holds every setting of the stanzas that
    match (`stanzas`, the one that counts least first), index-time settings too. It can be a
    key of a cache: the same apps, source, source type and host give equal knowledge.
    """

    source: str
    sourcetype: str
    host: str
    extracts: tuple[Extract, ...]
    reports: tuple[Transform, ...]
    kv_mode: str
    auto_kv_json: bool
    aliases: tuple[Alias, ...]
    calculated: tuple[Calculated, ...]
    lookups: tuple[AutoLookup, ...]
    settings: Mapping[str, str] = attribute(hash=False)
    stanzas: tuple[str, ...]


class PropsReader:
    """Turns the stanzas that match an event into knowledge."""

    def __init__(
        self,
        stanzas: StanzaIndex,
        transform: Callable[[str], Transform | None],
        warn: Callable[[str, Place], None],
    ) -> None:
        """`transform` finds a field transform by name; `warn` takes what is not usable."""
        self._stanzas = stanzas
        self._transform = transform
        self._warn = warn

    def knowledge(self, source: str, sourcetype: str, host: str) -> SourceKnowledge:
        """What is known about such events."""
        renamed = self._settings(source, sourcetype, host)[0].get("rename")
        effective = renamed.value if renamed is not None and renamed.value else sourcetype
        merged, names = self._settings(source, effective, host)
        return SourceKnowledge(
            source=source,
            sourcetype=effective,
            host=host,
            extracts=tuple(self._extracts(merged)),
            reports=tuple(self._reports(merged)),
            kv_mode=self._kv_mode(merged),
            auto_kv_json=as_boolean(_text(merged, "AUTO_KV_JSON"), default=True),
            aliases=tuple(self._aliases(merged)),
            calculated=tuple(
                Calculated(name, setting.value, setting.place)
                for name, setting in _classes(merged, "EVAL-")
            ),
            lookups=tuple(self._lookups(merged)),
            settings={key: setting.value for key, setting in merged.items()},
            stanzas=names,
        )

    def _settings(
        self, source: str, sourcetype: str, host: str
    ) -> tuple[dict[str, Setting], tuple[str, ...]]:
        merged: dict[str, Setting] = {}
        matching = self._stanzas.matching(source, sourcetype, host)
        for stanza in matching:
            merged.update(stanza.settings)
        return merged, tuple(stanza.name for stanza in matching)

    def _extracts(self, settings: Mapping[str, Setting]) -> Iterator[Extract]:
        for name, setting in _classes(settings, "EXTRACT-"):
            regex, source_field = _regex_and_field(setting.value)
            yield Extract(name, regex, source_field, setting.place)

    def _reports(self, settings: Mapping[str, Setting]) -> Iterator[Transform]:
        for _, setting in _classes(settings, "REPORT-"):
            for name in quoted_words(setting.value):
                transform = self._transform(name)
                if transform is None:
                    self._warn(f"no transform `{name}` in any app's transforms.conf", setting.place)
                else:
                    yield transform

    def _kv_mode(self, settings: Mapping[str, Setting]) -> str:
        mode = _text(settings, "KV_MODE").lower() or "auto"
        if mode.partition(":")[0] not in KV_MODES:
            self._warn(f"KV_MODE is none of {', '.join(KV_MODES)}", settings["KV_MODE"].place)
            return "auto"
        return mode

    def _aliases(self, settings: Mapping[str, Setting]) -> Iterator[Alias]:
        for _, setting in _classes(settings, "FIELDALIAS-"):
            words = quoted_words(setting.value)
            if len(words) % 3 or any(word.upper() not in {"AS", "ASNEW"} for word in words[1::3]):
                self._warn("a field alias is `<field> AS <alias>` or `ASNEW`", setting.place)
                continue
            for original, how, alias in zip(words[::3], words[1::3], words[2::3], strict=True):
                yield Alias(original, alias, how.upper() == "ASNEW", setting.place)

    def _lookups(self, settings: Mapping[str, Setting]) -> Iterator[AutoLookup]:
        for _, setting in _classes(settings, "LOOKUP-"):
            words = quoted_words(setting.value)
            marks = [word.upper() for word in words]
            cut = next((at for at, mark in enumerate(marks) if mark in _OUTPUTS), len(words))
            inputs = _field_pairs(words[1:cut])
            outputs = _field_pairs(words[cut + 1 :])
            if not inputs or outputs is None or (cut < len(words) and not outputs):
                self._warn(
                    "an automatic lookup is `<lookup> <field> [AS <field>] … "
                    "[OUTPUT | OUTPUTNEW <field> [AS <field>] …]`",
                    setting.place,
                )
                continue
            overwrite = cut == len(words) or marks[cut] == "OUTPUT"
            yield AutoLookup(words[0], inputs, outputs, overwrite, setting.place)


_OUTPUTS = frozenset({"OUTPUT", "OUTPUTNEW"})
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def _text(settings: Mapping[str, Setting], key: str) -> str:
    return settings[key].value.strip() if key in settings else ""


def _classes(settings: Mapping[str, Setting], prefix: str) -> list[tuple[str, Setting]]:
    """The settings of one kind by class name, in ASCII order; an emptied one is turned off."""
    return sorted(
        (key[len(prefix) :], setting)
        for key, setting in settings.items()
        if key.startswith(prefix) and setting.value and key != prefix
    )


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

"""What props.conf and transforms.conf say of events on their way into an index.

The order is Splunk's: the time, SEDCMD, then TRANSFORMS by the names of their classes, each with
its list of transforms. Source: props.conf.spec and transforms.conf.spec; Getting Data In, "How
indexed field extraction works".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.apps.conf import as_boolean
from harness.apps.words import quoted_words
from harness.ingest.bounded import BoundedPattern, bounded
from harness.ingest.errors import BadIndexSetting
from harness.ingest.timestamps import TimeRules, time_rules
from harness.ingest.zones import time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo

    from harness.apps import Apps
    from harness.apps.conf import Setting

TIME_KEYS = ("TIME_PREFIX", "TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD", "TZ", "DATETIME_CONFIG")
METADATA = {
    "MetaData:Source": ("source", "source::"),
    "MetaData:Sourcetype": ("sourcetype", "sourcetype::"),
    "MetaData:Host": ("host", "host::"),
    "_MetaData:Index": ("index", ""),
    "_raw": ("raw", ""),
    "queue": ("queue", ""),
}
META = "_meta"
DISCARDED = "nullqueue"
LOOKAHEAD = 4096
MOST_REPEATS = 1000
GROUP = re.compile(r"\$(\d)")
SED_PART = re.compile(r"\\(\d)|\\(.)|&", re.DOTALL)


@dataclass(slots=True)
class Arriving:
    """An event before it is indexed; `fields` are those that the index will hold of it."""

    raw: str
    time: float | None
    index: str
    source: str
    sourcetype: str
    host: str
    queue: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def meta(self) -> str | None:
        """The indexed fields as one JSON text, or None."""
        return json.dumps(self.fields, ensure_ascii=False) if self.fields else None


@dataclass(frozen=True, slots=True)
class IndexRules:
    """All that happens to the events of one source, source type and host."""

    times: TimeRules | None = None
    zone: tzinfo | None = None
    is_timeless: bool = False
    truncate: int = 0
    edits: tuple[Callable[[str], str], ...] = ()
    transforms: tuple[IndexTransform, ...] = ()

    @property
    def has_times(self) -> bool:
        """Whether anything is said of the time."""
        return self.times is not None or self.is_timeless

    @property
    def changes_events(self) -> bool:
        """Whether anything but the time is touched."""
        return bool(self.edits or self.transforms or self.truncate)

    def time(self, raw: str, found: float | None, zone: tzinfo, written: datetime) -> float | None:
        """The time of an event, where `found` is the one that its kind gives.

        Where an app says how to find it, nothing else is tried.
        """
        if self.is_timeless:
            return written.timestamp()
        if self.times is not None:
            stamp = self.times.find(raw, self.zone or zone, written)
            return stamp.epoch if stamp is not None else None
        return found

    def applied(self, event: Arriving) -> Arriving | None:
        """The event as it is indexed, or None where it is discarded."""
        if self.truncate:
            event.raw = event.raw[: self.truncate]
        for edit in self.edits:
            event.raw = edit(event.raw)
        for transform in self.transforms:
            transform.apply(event)
        return None if event.queue.lower() == DISCARDED else event


@dataclass(frozen=True, slots=True)
class IndexTransform:
    """A stanza of transforms.conf with DEST_KEY or WRITE_META."""

    regex: BoundedPattern
    format: str
    source_key: str = "_raw"
    dest_key: str = META
    default: str = ""
    repeats: bool = False
    lookahead: int = LOOKAHEAD

    def apply(self, event: Arriving) -> None:
        """Change an event that the regex finds something in."""
        text = self._text(event)
        if text is None:
            return
        found = self.regex.search(text, 0, min(len(text), self.lookahead))
        if found is None:
            if self.default and self.dest_key != META:
                self._write(event, self.default)
            return
        count = 0
        while found is not None and count < MOST_REPEATS:
            self._take(event, found)
            count += 1
            at = found.end() if found.end() > found.start() else found.end() + 1
            if not self.repeats or at > len(text):
                return
            found = self.regex.search(text, at, min(len(text), self.lookahead))

    def _text(self, event: Arriving) -> str | None:
        known = METADATA.get(self.source_key)
        if known is not None:
            name, prefix = known
            return prefix + str(getattr(event, name))
        if self.source_key == META:
            return " ".join(f"{name}::{value}" for name, value in event.fields.items())
        name = self.source_key.removeprefix("field:").removeprefix("fields:")
        value = event.fields.get(name)
        return None if value is None else str(value)

    def _take(self, event: Arriving, found: Any) -> None:
        if self.dest_key != META:
            text = self.format or "$1"
            self._write(event, GROUP.sub(lambda one: _group(found, int(one[1])), text))
            return
        if not self.format:
            for name, value in found.groupdict().items():
                if value:
                    _add(event.fields, name, value)
        for word in quoted_words(self.format, separators=" \t\n", keep_quotes=True):
            name, sign, value = word.partition("::")
            if sign:
                filled = (
                    GROUP.sub(lambda one: _group(found, int(one[1])), part.strip('"'))
                    for part in (name, value)
                )
                key, content = filled
                if key and content:
                    _add(event.fields, key, content)

    def _write(self, event: Arriving, value: str) -> None:
        name, prefix = METADATA[self.dest_key]
        setattr(event, name, value.removeprefix(prefix))


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    before = fields.get(name)
    if before is None:
        fields[name] = value
    elif isinstance(before, list):
        before.append(value)
    else:
        fields[name] = [before, value]


def _group(found: Any, number: int) -> str:
    try:
        return found[number] or ""
    except IndexError:
        return ""


def index_rules(apps: Apps, source: str, sourcetype: str, host: str) -> IndexRules:
    """The rules for such events; the same settings as Splunk's for a forwarder without its own."""
    settings = apps.settings_at_index_time(source, sourcetype, host)
    return IndexRules(
        **_times(settings),
        truncate=_truncate(settings),
        edits=tuple(_edit(setting) for _, setting in _classes(settings, "SEDCMD-")),
        transforms=tuple(
            transform
            for _, setting in _classes(settings, "TRANSFORMS-")
            for name in quoted_words(setting.value)
            if (transform := _transform(apps, name, setting)) is not None
        ),
    )


def _times(settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The part of the rules that is about time."""
    text = {key: settings[key].value if key in settings else "" for key in TIME_KEYS}
    config = text["DATETIME_CONFIG"].strip().upper()
    has_rules = text["TIME_PREFIX"] or text["TIME_FORMAT"] or text["TZ"].strip()
    told = (text["TIME_PREFIX"], text["TIME_FORMAT"], text["MAX_TIMESTAMP_LOOKAHEAD"])
    return {
        "times": _checked(time_rules(*told), settings) if has_rules else None,
        "zone": _zone(settings["TZ"]) if text["TZ"].strip() else None,
        "is_timeless": config in ("NONE", "CURRENT"),
    }


def _truncate(settings: Mapping[str, Setting]) -> int:
    text = settings["TRUNCATE"].value.strip() if "TRUNCATE" in settings else ""
    return int(text) if text.isdecimal() else 0


def _checked(rules: TimeRules, settings: Mapping[str, Setting]) -> TimeRules:
    """The same rules, once it is known that they can be followed."""
    if rules.prefix:
        bounded(rules.prefix, settings["TIME_PREFIX"].place)
    unread = rules.unread()
    if unread:
        raise BadIndexSetting(
            f"TIME_FORMAT has the variable `%{unread[0]}`, which no time is read by",
            place=settings["TIME_FORMAT"].place,
        )
    return rules


def _zone(setting: Setting) -> tzinfo:
    return time_zone(setting.value.strip(), setting.place)


def _classes(settings: Mapping[str, Setting], prefix: str) -> list[tuple[str, Setting]]:
    """The settings of one kind by class name, in ASCII order."""
    found = (item for item in settings.items() if item[0].startswith(prefix) and item[1].value)
    return sorted(found, key=lambda item: item[0])


def _edit(setting: Setting) -> Callable[[str], str]:
    """A SEDCMD: `s/regex/replacement/flags` or `y/from/to/`."""
    kind, parts, flags = _sed_parts(setting.value.strip())
    if kind == "y" and len(parts) == 2 and len(parts[0]) == len(parts[1]):
        table = str.maketrans(parts[0], parts[1])
        return lambda raw: raw.translate(table)
    number = flags.replace("g", "")
    if kind != "s" or len(parts) != 2 or (number and not number.isdecimal()):
        raise BadIndexSetting(
            "SEDCMD is `s/<regex>/<replacement>/[g]` or `y/<characters>/<characters>/`",
            place=setting.place,
        )
    pattern, replacement = bounded(parts[0], setting.place), parts[1]

    def filled(found: Any) -> str:
        return SED_PART.sub(lambda one: _sed_text(one, found), replacement)

    if number:
        return lambda raw: _nth_replaced(pattern, filled, raw, int(number))
    count = 0 if "g" in flags else 1
    return lambda raw: pattern.substitute(filled, raw, count)


def _sed_text(part: re.Match[str], found: Any) -> str:
    """What a part of a replacement stands for: `&`, a group, or an escaped character."""
    if part[0] == "&":
        return str(found[0])
    return _group(found, int(part[1])) if part[1] else part[2]


def _nth_replaced(
    pattern: BoundedPattern, filled: Callable[[Any], str], raw: str, number: int
) -> str:
    """The text with only its n-th match replaced."""
    seen = 0

    def chosen(found: Any) -> str:
        nonlocal seen
        seen += 1
        return filled(found) if seen == number else str(found[0])

    return pattern.substitute(chosen, raw)


def _sed_parts(text: str) -> tuple[str, list[str], str]:
    """The command, what stands between its delimiters, and the flags."""
    if len(text) < 2:
        return "", [], ""
    delimiter, parts, position = text[1], [""], 2
    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            following = text[position + 1]
            parts[-1] += following if following == delimiter else character + following
            position += 2
            continue
        if character == delimiter:
            parts.append("")
        else:
            parts[-1] += character
        position += 1
    return text[0], parts[:-1], parts[-1].strip()


def _transform(apps: Apps, name: str, setting: Setting) -> IndexTransform | None:
    """One transform of a TRANSFORMS class; None, and a warning, for what is not done here."""
    settings = apps.transform_at_index_time(name)
    text = {key: one.value for key, one in settings.items()}
    if not settings:
        apps.warn(f"no transform `{name}` in any app's transforms.conf", setting.place)
        return None
    for key in ("INGEST_EVAL", "CLONE_SOURCETYPE", "STOP_PROCESSING_IF"):
        if key in text:
            message = f"[{name}]: {key} is not supported, the transform is left out"
            apps.warn(message, settings[key].place)
            return None
    dest = text.get("DEST_KEY", META if as_boolean(text.get("WRITE_META"), default=False) else "")
    if "REGEX" not in text or (dest != META and dest not in METADATA):
        what = f"DEST_KEY = {dest}" if dest else "without DEST_KEY and WRITE_META"
        apps.warn(f"[{name}]: {what} has no effect here", setting.place)
        return None
    lookahead = text.get("LOOKAHEAD", "")
    return IndexTransform(
        bounded(text["REGEX"], settings["REGEX"].place),
        text.get("FORMAT", ""),
        text.get("SOURCE_KEY", "_raw") or "_raw",
        dest,
        text.get("DEFAULT_VALUE", ""),
        as_boolean(text.get("REPEAT_MATCH"), default=False),
        int(lookahead) if lookahead.isdecimal() else LOOKAHEAD,
    )

"""What props.conf and transforms.conf say of events on their way into an index.

The order is Splunk's: the time, SEDCMD, then TRANSFORMS by the names of their classes, each with
its list of transforms, and RULESET in the same way after them. Source: props.conf.spec and
transforms.conf.spec; Getting Data In, "How indexed field extraction works".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from harness.apps.conf import as_boolean
from harness.apps.words import quoted_words
from harness.errors import Unsupported
from harness.ingest.bounded import BoundedPattern, bounded
from harness.ingest.breaking import TIMELESS
from harness.ingest.errors import BadIndexSetting
from harness.ingest.evaluations import IndexEvaluation
from harness.ingest.lines import truncated
from harness.ingest.structured import stamp_fields
from harness.ingest.timestamps import TimeRules, time_rules
from harness.ingest.transforms import IndexTransform, index_transform
from harness.ingest.zones import time_zone, zone_aliases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from harness.apps import Apps
    from harness.apps.conf import Setting
    from harness.ingest.arriving import Arriving
    from harness.ingest.evaluations import Evaluate
    from harness.ingest.transforms import Transforming

TIME_KEYS = ("TIME_PREFIX", "TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD", "TZ", "DATETIME_CONFIG")
DISCARDED = "nullqueue"
MOST_CLONINGS = 8
USUAL_TIMES = "/etc/datetime.xml"
SED_PART = re.compile(r"\\(\d)|\\(.)|&", re.DOTALL)


@dataclass(frozen=True, slots=True)
class IndexRules:
    """All that happens to the events of one source, source type and host."""

    times: TimeRules | None = None
    zone: tzinfo | None = None
    is_timeless: bool = False
    stamps: tuple[str, ...] = ()
    truncate: int = 0
    edits: tuple[Callable[[str], str], ...] = ()
    transforms: tuple[Transforming, ...] = ()

    @property
    def has_times(self) -> bool:
        """Whether anything is said of the time."""
        return self.times is not None or self.is_timeless or bool(self.stamps)

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

    @property
    def waits(self) -> bool:
        """Whether events are better worked on many at once."""
        return any(isinstance(one, IndexEvaluation) for one in self.transforms)

    def applied(
        self, events: list[Arriving], evaluate: Evaluate | None
    ) -> tuple[list[Arriving], list[Arriving]]:
        """The events that are not discarded, and clones, which other rules are for."""
        for event in events:
            if self.truncate:
                event.raw = truncated(event.raw, self.truncate)
            for edit in self.edits:
                event.raw = edit(event.raw)
        clones: list[Arriving] = []
        going = events
        for transform in self.transforms:
            if isinstance(transform, IndexTransform):
                clones += transform.apply(going)
            elif evaluate is not None:
                going = transform.apply(going, evaluate) if going else going
            else:
                raise Unsupported("INGEST_EVAL without an engine", place=transform.place)
        return [event for event in events if event.queue.lower() != DISCARDED], clones


def indexed(
    events: list[Arriving],
    rules: IndexRules,
    rules_of: Callable[[Arriving], IndexRules],
    evaluate: Evaluate | None = None,
    *,
    depth: int = 0,
) -> list[Arriving]:
    """Events of one kind as they are indexed, without those discarded, and then their clones.

    A clone passes the rules of its own source type, and is not cloned again without end.
    """
    kept, clones = rules.applied(events, evaluate)
    for clone in clones if depth < MOST_CLONINGS else ():
        kept += indexed([clone], rules_of(clone), rules_of, evaluate, depth=depth + 1)
    return kept


def index_rules(apps: Apps, source: str, sourcetype: str, host: str) -> IndexRules:
    """The rules for such events; the same settings as Splunk's for a forwarder without its own."""
    settings = apps.settings_at_index_time(source, sourcetype, host)
    _warn_of_time_files(apps, settings)
    return IndexRules(
        **_times(settings),
        truncate=_truncate(settings),
        edits=tuple(_edit(setting) for _, setting in _classes(settings, "SEDCMD-")),
        transforms=tuple(
            transform
            for prefix in ("TRANSFORMS", "RULESET-")
            for _, setting in _classes(settings, prefix)
            for name in quoted_words(setting.value)
            if (transform := index_transform(apps, name, setting)) is not None
        ),
    )


def _warn_of_time_files(apps: Apps, settings: Mapping[str, Setting]) -> None:
    """Warn of a DATETIME_CONFIG that names an app's own file of time patterns."""
    given = settings.get("DATETIME_CONFIG")
    name = given.value.strip() if given is not None else ""
    if given is not None and name and name.upper() not in TIMELESS and name != USUAL_TIMES:
        why = "a file of time patterns is not read, times are found by their usual shapes"
        apps.warn(f"DATETIME_CONFIG = {name}: {why}", given.place)


def _times(settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The part of the rules that is about time."""
    text = {key: settings[key].value if key in settings else "" for key in TIME_KEYS}
    config = text["DATETIME_CONFIG"].strip().upper()
    stamps, aliases = stamp_fields(settings), zone_aliases(settings.get("TZ_ALIAS"))
    has_rules = text["TIME_PREFIX"] or text["TIME_FORMAT"] or text["TZ"].strip() or stamps
    told = (text["TIME_PREFIX"], text["TIME_FORMAT"], text["MAX_TIMESTAMP_LOOKAHEAD"])
    return {
        "times": _checked(replace(time_rules(*told), aliases=aliases), settings)
        if has_rules
        else None,
        "zone": _zone(settings["TZ"]) if text["TZ"].strip() else None,
        "is_timeless": config in TIMELESS,
        "stamps": stamps,
    }


def _truncate(settings: Mapping[str, Setting]) -> int:
    """The bytes that events are cut to; where lines are merged, it is they that are cut."""
    merges = settings["SHOULD_LINEMERGE"].value if "SHOULD_LINEMERGE" in settings else ""
    if as_boolean(merges, default=False):
        return 0
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
    """The settings of one kind by class name, in ASCII order.

    `TRANSFORMS` needs none: Splunk's own props.conf has it without a class.
    """
    found = (
        item
        for item in settings.items()
        if item[1].value and (item[0] == prefix or item[0].startswith(f"{prefix.rstrip('-')}-"))
    )
    return sorted(found, key=lambda item: item[0])


def _edit(setting: Setting) -> Callable[[str], str]:
    """A SEDCMD: commands `s/regex/replacement/flags` or `y/from/to/`, a space between."""
    text, edits = setting.value.strip(), list[Callable[[str], str]]()
    while text or not edits:
        kind, parts, rest = _sed_parts(text)
        flags, _, text = rest.partition(" ")
        edits.append(_sed_command(kind, parts, flags, setting))
        text = text.strip()
    if len(edits) == 1:
        return edits[0]
    return lambda raw: reduce(lambda before, edit: edit(before), edits, raw)


def _sed_command(kind: str, parts: list[str], flags: str, setting: Setting) -> Callable[[str], str]:
    """One command of a SEDCMD."""
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
    if not part[1]:
        return part[2]
    number = int(part[1])
    return (found[number] or "") if number <= found.re.groups else ""


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
    """The command, what stands between its delimiters, and what comes after: flags and more."""
    if len(text) < 2:
        return "", [], ""
    delimiter, parts, position = text[1], [""], 2
    while position < len(text) and len(parts) < 3:
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
    rest = parts[-1] + text[position:] if len(parts) == 3 else parts[-1]
    return text[0], parts[:-1], rest

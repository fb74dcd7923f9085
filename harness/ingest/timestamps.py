"""The time that an event's text spells: where it stands, and what it says.

With TIME_PREFIX and TIME_FORMAT of props.conf it is what these say; without them it is looked
for by the shape of the text. Source: props.conf.spec, "Timestamp extraction configuration";
Getting Data In, "How timestamp assignment works".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.ingest.bounded import bounded
from harness.model.time_formats import (
    READABLE,
    TIME_KEYS,
    VARIABLE,
    read_moment,
    read_zone,
    time_reader,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

LOOKAHEAD = 128
CLOCK_SLACK = timedelta(days=1)
LEAP_YEARS = 8
LATEST_EPOCH = 1e11  # the year 5138
SCALES = (1, 1_000, 1_000_000, 1_000_000_000)
MONTH = r"(?P<b>[A-Z][a-z]{2})[a-z]{0,6}"
CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d\d):(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?"
ZONE = r"(?: ?(?P<z>Z(?![A-Za-z])|UTC|GMT|[+-]\d\d:?\d\d))?"
HALF = r"(?: ?(?P<p>[AP]M))?"
SHAPES = tuple(
    re.compile(shape)
    for shape in (
        rf"(?P<Y>\d{{4}})[-/](?P<m>\d\d)[-/](?P<d>\d\d)[T ]{CLOCK}{ZONE}",
        rf"(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}})/(?P<Y>\d{{4}}) {CLOCK}{HALF}{ZONE}",
        rf"(?P<d>\d{{1,2}})[/-]{MONTH}[/-](?P<Y>\d{{4}})[: ]{CLOCK}{ZONE}",
        rf"(?P<d>\d{{1,2}}) {MONTH} (?P<Y>\d{{4}}) {CLOCK}{ZONE}",
        rf"(?<![A-Za-z]){MONTH} {{1,2}}(?P<d>\d{{1,2}}),? (?P<Y>\d{{4}}) {CLOCK}{ZONE}",
        rf"(?<![A-Za-z]){MONTH} {{1,2}}(?P<d>\d{{1,2}}) {CLOCK}(?!\d)(?: (?P<Y>\d{{4}})(?!\d))?",
    )
)
TIME_OF_DAY = re.compile(rf"{CLOCK}(?![\w.])")
"""Right at the beginning: then the day is the one on which the file was written."""
ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"(?:Z(?![A-Za-z])|[+-]\d\d:?\d\d|(?![\d .,+-]))"
)
"""Only what needs no second look: a zone behind a space is left to the other shapes."""
EPOCH = re.compile(r"\d{10}(?:\d{3}){0,3}(?:\.\d{1,9})?(?![\d.])")
PREFIXES = {"<": re.compile(r"SystemTime=['\"]")}
"""Where a text of a shape, told by its first character, has its time."""
UTC_KEYS = frozenset({"UtcTime", "CreationTime"})  # Sysmon's, and the Office 365 audit log's
READ_BY = frozenset(one.lstrip(":") for one in READABLE)
KEY = re.compile(rf'"({"|".join(TIME_KEYS)})"\s*:\s*"?')


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time in a text: from character to character, the moment, and whether it names a zone."""

    start: int
    end: int
    moment: datetime
    has_zone: bool

    @property
    def epoch(self) -> float:
        """Seconds since 1970."""
        return self.moment.timestamp()


@dataclass(frozen=True, slots=True)
class TimeRules:
    """What props.conf says of the time in events: TIME_PREFIX, TIME_FORMAT and so on.

    `lookahead` is MAX_TIMESTAMP_LOOKAHEAD, in characters behind the prefix. `aliases` are what
    TZ_ALIAS makes of zones that the format's %Z reads, by their names in small letters.
    """

    prefix: str = ""
    form: str = ""
    lookahead: int = LOOKAHEAD
    aliases: Mapping[str, tzinfo] = field(default_factory=dict, hash=False)

    def unread(self) -> list[str]:
        """The variables of the format by which no time can be read."""
        names = VARIABLE.findall(self.form)
        return [name for name in names if name.lstrip("0123456789:") not in READ_BY]

    def find(self, raw: str, zone: tzinfo, written: datetime) -> Stamp | None:
        """The time that a text spells; `written` is near which one without a year lies."""
        position = 0
        if self.prefix:
            found = bounded(self.prefix).search(raw)
            if found is None:
                return None
            position = found.end()
        stop = position + self.lookahead if self.lookahead > 0 else len(raw)
        if self.form:
            return _formatted(self, raw, (position, stop), zone, written)
        if self.prefix:
            return _spelled(raw, position, stop, zone, written)
        return _looked_for(raw, zone, written)


def _formatted(
    rules: TimeRules, raw: str, span: tuple[int, int], zone: tzinfo, written: datetime
) -> Stamp | None:
    reader = time_reader(rules.form)
    found = reader.pattern.search(raw, *span)
    if found is None:
        return None
    read = reader.read(found)
    has_zone = bool({"z", "Z", "s"} & read.keys())
    if read.get("Z") in rules.aliases:
        zone = rules.aliases[read.pop("Z")]
    if "s" in read:
        moment = _epoch_moment(float(f"{read['s']}.{read.get('f', 0)}"))
    else:
        moment = _moment(read, zone, written)
    return _stamp(found.start(), found.end(), moment, has_zone=has_zone)


def _moment(read: dict[str, str], zone: tzinfo, written: datetime) -> datetime | None:
    """The moment of variables; a year that they leave out is the latest before `written`."""
    fraction = timedelta(microseconds=int(read.get("f", "0")[:6].ljust(6, "0")))
    if "z" in read and not read["z"].lstrip("+-")[:1].isdigit():
        read["z"] = "z"
    try:
        at = read_zone(read, zone)
        if {"Y", "y"} & read.keys() or not {"m", "b", "d", "j"} & read.keys():
            return read_moment(read, written).replace(tzinfo=at) + fraction
    except (ValueError, OverflowError, StopIteration):
        return None
    # 29 February may be eight years back.
    for year in range(written.year + 1, written.year - LEAP_YEARS, -1):
        try:
            moment = read_moment({**read, "Y": str(year)}, written).replace(tzinfo=at) + fraction
        except (ValueError, OverflowError, StopIteration):
            continue
        if moment <= written + CLOCK_SLACK:
            return moment
    return None


def _looked_for(raw: str, zone: tzinfo, written: datetime) -> Stamp | None:
    first = raw[:1]
    if first in PREFIXES:
        found = PREFIXES[first].search(raw)
        if found is not None:
            return _spelled(raw, found.end(), found.end() + LOOKAHEAD, zone, written)
    if first == "{":
        for key in KEY.finditer(raw):
            at = UTC if key[1] in UTC_KEYS else zone
            stamp = _spelled(raw, key.end(), key.end() + LOOKAHEAD, at, written, anchored=True)
            if stamp is not None:
                return stamp
    return _spelled(raw, 0, LOOKAHEAD, zone, written)


def _spelled(
    raw: str,
    position: int,
    stop: int,
    zone: tzinfo,
    written: datetime,
    *,
    anchored: bool = False,
) -> Stamp | None:
    """The first time of any known shape between two positions; an epoch only right at the first."""
    if (plain := ISO.match(raw, position, stop)) and (quick := _iso_stamp(plain, zone)):
        return quick
    if number := EPOCH.match(raw, position):
        return _stamp(number.start(), number.end(), _epoch_moment(float(number[0])), has_zone=True)
    found = [
        one
        for shape in SHAPES
        if (one := (shape.match if anchored else shape.search)(raw, position, stop))
    ]
    for one in sorted(found, key=lambda one: one.start()):
        read = {name: part.lower() for name, part in one.groupdict().items() if part}
        if "p" in read:
            read["I"] = read.pop("H")
        stamp = _stamp(one.start(), one.end(), _moment(read, zone, written), has_zone="z" in read)
        if stamp is not None:
            return stamp
    if not anchored and (clock := TIME_OF_DAY.match(raw, position, stop)):
        read = {name: part for name, part in clock.groupdict().items() if part}
        return _stamp(clock.start(), clock.end(), _moment(read, zone, written), has_zone=False)
    return None


def _iso_stamp(found: re.Match[str], zone: tzinfo) -> Stamp | None:
    """The commonest of all shapes, the fast way."""
    try:
        moment = datetime.fromisoformat(found[0])
    except ValueError:
        return None
    has_zone = moment.tzinfo is not None
    moment = moment if has_zone else moment.replace(tzinfo=zone)
    return Stamp(found.start(), found.end(), moment, has_zone)


def _stamp(start: int, end: int, moment: datetime | None, *, has_zone: bool) -> Stamp | None:
    return None if moment is None else Stamp(start, end, moment, has_zone)


def json_time(document: dict[str, Any], zone: tzinfo) -> float | None:
    """The time of a JSON object, by the first of the usual keys that holds one."""
    for key in TIME_KEYS:
        value = document.get(key)
        time = None
        if isinstance(value, int | float) and not isinstance(value, bool):
            time = epoch_seconds(float(value))
        elif isinstance(value, str):
            at = UTC if key in UTC_KEYS else zone
            stamp = _spelled(value, 0, LOOKAHEAD, at, datetime.now(UTC), anchored=True)
            time = stamp.epoch if stamp is not None else None
        if time is not None:
            return time
    return None


def epoch_seconds(number: float) -> float | None:
    """Epoch seconds of a number of them, or of thousandths, millionths or billionths of them."""
    for scale in SCALES:
        if 0 < number < LATEST_EPOCH * scale:
            return number / scale
    return None


def _epoch_moment(number: float) -> datetime | None:
    seconds = epoch_seconds(number)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def time_rules(prefix: str, form: str, lookahead: str) -> TimeRules:
    """The rules of the settings' texts; an empty one is not set."""
    number = lookahead.strip().lstrip("-")
    return TimeRules(prefix, form, int(lookahead) if number.isdecimal() else LOOKAHEAD)

"""Times printed, read and moved by Splunk's variables and modifiers.

Source: Splunk Search Reference, "Date and time format variables", "Time modifiers". The names of
days and months are English, as on a server whose locale is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from harness.functions.eval_time import check_format
from harness.spl.time_modifiers import parse_time

VARIABLE = re.compile(r"%(:{1,3}z|\d?[NQ]|[A-Za-z%+])")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(
    """january february march april may june july august september october november
    december""".split()
)
ZONES = {"utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7}
ZONES |= {"mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2}
CENTURY_TURN = 69


def strftime(epoch: float | None, form: str | None, zone: str) -> str | None:
    """A time by Splunk's variables; NULL beyond the years 1 to 9999."""
    if epoch is None or form is None:
        return None
    _check("strftime", form)
    try:
        moment = datetime.fromtimestamp(epoch, ZoneInfo(zone))
    except (OverflowError, ValueError, OSError):
        return None
    return VARIABLE.sub(lambda found: _printed(found[1], moment, epoch), form)


@lru_cache(maxsize=1024)
def _check(function: str, form: str) -> None:
    """A format that was computed is checked when it is known; written ones are where they stand."""
    check_format(function, form)


def _printed(variable: str, moment: datetime, epoch: float) -> str:
    kind, digits = variable[-1], variable[:-1]
    if kind in "NQ":
        return f"{moment.microsecond * 1000:09d}"[: int(digits or (9 if kind == "N" else 3))]
    if kind == "z":
        return _offset(moment, len(digits))
    special = {
        "s": str(int(epoch // 1)),
        "Z": moment.tzname() or "",
        "e": f"{moment.day:2d}",
        "k": f"{moment.hour:2d}",
        "l": f"{(moment.hour - 1) % 12 + 1:2d}",
        "n": "\n",
        "t": "\t",
        "T": moment.strftime("%H:%M:%S"),
        "F": moment.strftime("%Y-%m-%d"),
        "h": moment.strftime("%b"),
        "c": moment.strftime("%a %b %e %H:%M:%S %Y"),
        "+": moment.strftime(f"%a %b %e %H:%M:%S {moment.tzname() or ''} %Y"),
        "x": f"{moment.month}/{moment.day}/{moment.year}",
        "X": f"{moment.hour}:{moment:%M:%S}",
        "Y": str(moment.year),
    }
    return special.get(kind) or moment.strftime(f"%{kind}")


def _offset(moment: datetime, colons: int) -> str:
    """The zone's offset: `+0100`, with one colon `+01:00`, two `+01:00:00`, three `+01`."""
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    sign, size = ("-" if seconds < 0 else "+"), abs(seconds)
    parts = [f"{size // 3600:02d}", f"{size // 60 % 60:02d}", f"{size % 60:02d}"]
    if colons == 0:
        return sign + "".join(parts[:2])
    return sign + ":".join(parts[: {1: 2, 2: 3, 3: 1}[colons]])


NAMES = {
    "a": "|".join(f"{day}|{day[:3]}" for day in DAYS),
    "b": "|".join(f"{month}|{month[:3]}" for month in MONTHS),
    "Z": "|".join(sorted(ZONES, key=len, reverse=True)),
}
READ = {
    **dict.fromkeys("Y", r"\d{4}"),
    **dict.fromkeys("ymdHIMS", r"\d{1,2}"),
    **dict.fromkeys("ekl", r" ?\d{1,2}"),
    **dict.fromkeys("aA", NAMES["a"]),
    **dict.fromkeys("bBh", NAMES["b"]),
    "j": r"\d{1,3}",
    "f": r"\d{1,9}",
    "p": "[ap]m",
    "s": r"-?\d+",
    "z": r"[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?|z",
    "Z": NAMES["Z"],
}
WHOLE = {"T": "%H:%M:%S", "F": "%Y-%m-%d", "D": "%m/%d/%y", "R": "%H:%M"}
WHOLE |= {"c": "%a %b %d %H:%M:%S %Y", "+": "%a %b %d %H:%M:%S %Z %Y"}
WHOLE |= {"x": "%m/%d/%Y", "X": "%H:%M:%S"}
SAME = {"e": "d", "k": "H", "l": "I", "B": "b", "h": "b", "A": "a"}
READABLE = frozenset(READ) | frozenset(WHOLE) | {"n", "t", "%", "N", "Q", ":z", "::z", ":::z"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """A format as a pattern, and the variable that each of its groups reads."""

    pattern: re.Pattern[str]
    variables: tuple[str, ...]


@lru_cache(maxsize=256)
def _reader(form: str) -> _Reader:
    check_format("strptime", form)
    form = VARIABLE.sub(lambda found: WHOLE.get(found[1], found[0]), form)
    parts: list[str] = []
    variables: list[str] = []
    position = 0
    for found in VARIABLE.finditer(form):
        parts.append(_literal(form[position : found.start()]))
        position, kind = found.end(), found[1][-1]
        if kind in "nt%":
            parts.append("%" if kind == "%" else r"\s")
            continue
        kind = "f" if kind in "NQ" else kind
        parts.append(f"({READ[kind]})")
        variables.append(SAME.get(kind, kind))
    parts.append(_literal(form[position:]))
    return _Reader(re.compile("".join(parts), re.IGNORECASE | re.ASCII), tuple(variables))


def _literal(text: str) -> str:
    return re.sub(r"(?:\\\s)+|\s+", r"\\s+", re.escape(text))


def strptime(text: str | None, form: str | None, zone: str, now: float) -> float | None:
    """The epoch seconds that a text spells by a format; NULL if it does not.

    What the format leaves out is midnight, the first of a month, or the day of `now`.
    """
    if text is None or form is None:
        return None
    reader = _reader(form)
    found = reader.pattern.fullmatch(text.strip())
    if found is None:
        return None
    read = dict(
        zip(reader.variables, (part.strip().lower() for part in found.groups()), strict=True)
    )
    fraction = float(f"0.{read['f']}") if "f" in read else 0.0
    if "s" in read:
        return int(read["s"]) + fraction
    try:
        moment = _moment(read, datetime.fromtimestamp(now, ZoneInfo(zone)))
        return moment.replace(tzinfo=_zone(read, zone)).timestamp() + fraction
    except (ValueError, OverflowError):
        return None


def _moment(read: dict[str, str], today: datetime) -> datetime:
    year = today.year
    if "Y" in read:
        year = int(read["Y"])
    elif "y" in read:
        short = int(read["y"])
        year = short + (1900 if short >= CENTURY_TURN else 2000)
    dated = read.keys() & {"Y", "y", "m", "b", "d", "j"}
    month, day = (1, 1) if dated else (today.month, today.day)
    if dated <= {"d"} and dated:
        month = today.month
    if "m" in read:
        month = int(read["m"])
    elif "b" in read:
        month = 1 + next(i for i, name in enumerate(MONTHS) if name[:3] == read["b"][:3])
    day = int(read.get("d", day))
    hour = int(read.get("H", 0))
    if "I" in read:
        hour = int(read["I"]) % 12 + (12 if read.get("p") == "pm" else 0)
    moment = datetime(year, month, day, hour, int(read.get("M", 0)), int(read.get("S", 0)))  # noqa: DTZ001 - the zone follows
    return moment + timedelta(days=int(read["j"]) - 1) if "j" in read else moment


def _zone(read: dict[str, str], zone: str) -> timezone | ZoneInfo:
    if "z" in read:
        sign = -1 if read["z"].startswith("-") else 1
        digits = re.sub(r"\D", "", read["z"]).ljust(6, "0")
        hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        return timezone(sign * timedelta(hours=hours, minutes=minutes, seconds=seconds))
    if "Z" in read:
        return timezone(timedelta(hours=ZONES[read["Z"]]))
    return ZoneInfo(zone)


def relative_time(epoch: float | None, modifier: str | None, zone: str) -> float | None:
    """A time moved and snapped; NULL by what is no modifier."""
    if epoch is None or modifier is None:
        return None
    try:
        return parse_time(modifier, epoch, zone)
    except (ValueError, OverflowError, OSError):
        return None


def bin_months(epoch: float | None, months: int, zone: str) -> float | None:
    """The start of the span of whole months, counted from January 1970, in a zone."""
    if epoch is None:
        return None
    try:
        moment = datetime.fromtimestamp(epoch, ZoneInfo(zone))
        number = (moment.year - 1970) * 12 + moment.month - 1
        first = number - number % months
        start = datetime(1970 + first // 12, first % 12 + 1, 1, tzinfo=ZoneInfo(zone))
        return start.timestamp()
    except (OverflowError, ValueError, OSError):
        return None

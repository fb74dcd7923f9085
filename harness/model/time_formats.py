"""Formats of times in strptime's variables, as patterns that find and read them.

Source: Splunk Search Reference, "Date and time format variables". The names of days and months
are English, as on a server whose locale is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

VARIABLE = re.compile(r"%(:{1,3}z|\d?[NQ]|[A-Za-z%+])")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(
    """january february march april may june july august september october november
    december""".split()
)
TIME_KEYS = (
    "_time", "@timestamp", "timestamp", "time", "eventTime", "EventTime", "TimeCreated",
    "published", "UtcTime", "createdDateTime", "CreationTime", "ts",
)  # fmt: skip
"""The keys of JSON events that hold their time, as a rule."""
ZONES = {"utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7}
ZONES |= {"mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2}
CENTURY_TURN = 69
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
class TimeReader:
    """A format as a pattern, and the variable that each of its groups reads."""

    pattern: re.Pattern[str]
    variables: tuple[str, ...]

    def read(self, found: re.Match[str]) -> dict[str, str]:
        """What each variable of a match says, in lower case."""
        parts = (part.strip().lower() for part in found.groups())
        return dict(zip(self.variables, parts, strict=True))


@lru_cache(maxsize=256)
def time_reader(form: str) -> TimeReader:
    """The reader of a format; KeyError for a variable that is not in `READABLE`."""
    form = VARIABLE.sub(lambda found: WHOLE.get(found[1], found[0]), form)
    parts: list[str] = []
    variables: list[str] = []
    position = ended = 0
    for found in VARIABLE.finditer(form):
        parts.append(_literal(form[position : found.start()]))
        position, kind = found.end(), found[1][-1]
        if kind in "nt%":
            parts.append("%" if kind == "%" else r"\s")
            continue
        if kind in "NQ":
            kind, digits = "f", found[1][:-1] or "3" * (kind == "Q")
            # Right behind an epoch the digits have to be counted.
            if variables[-1:] == ["s"] and found.start() == ended and digits:
                parts.append(rf"(\d{{{digits}}})")
                variables.append("f")
                continue
        ended = found.end()
        parts.append(f"({READ[kind]})")
        variables.append(SAME.get(kind, kind))
    parts.append(_literal(form[position:]))
    return TimeReader(re.compile("".join(parts), re.IGNORECASE | re.ASCII), tuple(variables))


def _literal(text: str) -> str:
    return re.sub(r"(?:\\\s)+|\s+", r"\\s+", re.escape(text))


def read_moment(read: dict[str, str], today: datetime) -> datetime:
    """The moment, without a zone, that variables spell.

    What they leave out is midnight, the first of a month, or the day of `today`.
    Raises ValueError and OverflowError for what is no date.
    """
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


def read_zone(read: dict[str, str], zone: tzinfo) -> tzinfo:
    """The zone that variables spell, else the given one."""
    if "z" in read:
        sign = -1 if read["z"].startswith("-") else 1
        digits = re.sub(r"\D", "", read["z"]).ljust(6, "0")
        hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        return timezone(sign * timedelta(hours=hours, minutes=minutes, seconds=seconds))
    if "Z" in read:
        return timezone(timedelta(hours=ZONES[read["Z"]]))
    return zone

"""Time modifiers: `-24h@h`, `@d`, `now`, epochs, `10/27/2018:00:00:00`.

    modifier = "now" | epoch | date | [ offset { offset } ] [ "@" unit [ offset ] ]
    offset   = ( "+" | "-" ) [ count ] unit

Source: Splunk Search Reference, "Time modifiers".
"""

from __future__ import annotations

import calendar
import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]*)?|\.[0-9]+)")
OFFSET = re.compile(r"([+-])([0-9]{0,15})([A-Za-z]+)")
SNAP = re.compile(r"@([A-Za-z]+)(\d?)")
UNITS = {
    "second": ("s", "sec", "secs", "second", "seconds"),
    "minute": ("m", "min", "mins", "minute", "minutes"),
    "hour": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "week", "weeks"),
    "month": ("mon", "month", "months"),
    "quarter": ("q", "qtr", "qtrs", "quarter", "quarters"),
    "year": ("y", "yr", "yrs", "year", "years"),
}
UNIT_OF = {spelling: unit for unit, spellings in UNITS.items() for spelling in spellings}
SECONDS = {"second": 1, "minute": 60, "hour": 3600}
DATES = ("%m/%d/%Y:%H:%M:%S", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")


def parse_time(text: str, now: float, timezone: str = "UTC") -> float:
    """The epoch seconds that a modifier means at `now`; ValueError if it means nothing."""
    word = text.strip()
    if word.lower() in ("now", "now()"):
        return now
    if EPOCH.fullmatch(word):
        return float(word)
    zone = ZoneInfo(timezone)
    if (absolute := _date(word, zone)) is not None:
        return absolute
    try:
        return _relative(word, datetime.fromtimestamp(now, zone), text)
    except OverflowError as error:
        raise ValueError(f"`{text}` lies beyond the calendar") from error


def _relative(word: str, moment: datetime, text: str) -> float:
    position = 0
    while position < len(word):
        if matched := OFFSET.match(word, position):
            count = int(matched[2] or 1) * (-1 if matched[1] == "-" else 1)
            moment = _shift(moment, count, _unit(matched[3], text))
        elif matched := SNAP.match(word, position):
            moment = _snap(moment, matched[1].lower(), matched[2], text)
        else:
            raise ValueError(f"`{text}` is no time modifier")
        position = matched.end()
    if not word:
        raise ValueError("a time modifier is empty")
    return moment.timestamp()


def _date(word: str, zone: ZoneInfo) -> float | None:
    for form in DATES:
        try:
            return datetime.strptime(word, form).replace(tzinfo=zone).timestamp()
        except ValueError:
            continue
    if word.endswith("Z") and word[:4].isdigit():
        try:
            return datetime.fromisoformat(word).timestamp()
        except ValueError:
            return None
    return None


def _unit(word: str, text: str) -> str:
    unit = UNIT_OF.get(word.lower())
    if unit is None:
        raise ValueError(f"`{word}` in `{text}` is no unit of time")
    return unit


def _shift(moment: datetime, count: int, unit: str) -> datetime:
    if unit in SECONDS:
        seconds = count * SECONDS[unit]
        return (moment.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(moment.tzinfo)
    if unit in ("day", "week"):
        return moment + timedelta(days=count * (7 if unit == "week" else 1))
    months = count * {"month": 1, "quarter": 3, "year": 12}[unit]
    total = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(total, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(year)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _snap(moment: datetime, word: str, digit: str, text: str) -> datetime:
    if word == "w" and digit:
        start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return start - timedelta(days=(start.isoweekday() - int(digit)) % 7)
    if digit:
        raise ValueError(f"`@{word}{digit}` in `{text}` is no unit of time")
    unit = _unit(word, text)
    if unit == "second":
        return moment.replace(microsecond=0)
    if unit == "minute":
        return moment.replace(second=0, microsecond=0)
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return start - timedelta(days=start.isoweekday() % 7)
    if unit == "month":
        return start.replace(day=1)
    if unit == "quarter":
        return start.replace(day=1, month=(start.month - 1) // 3 * 3 + 1)
    return start.replace(day=1, month=1) if unit == "year" else start

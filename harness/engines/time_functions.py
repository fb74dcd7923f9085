"""Times printed, read and moved by Splunk's variables and modifiers.

Source: Splunk Search Reference, "Date and time format variables", "Time modifiers". The names of
days and months are English, as on a server whose locale is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from harness.functions.eval_time import check_format
from harness.model.time_formats import VARIABLE, read_moment, read_zone, time_reader
from harness.spl.time_modifiers import parse_time


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


def strptime(text: str | None, form: str | None, zone: str, now: float) -> float | None:
    """The epoch seconds that a text spells by a format; NULL if it does not.

    What the format leaves out is midnight, the first of a month, or the day of `now`.
    """
    if text is None or form is None:
        return None
    _check("strptime", form)
    reader = time_reader(form)
    found = reader.pattern.fullmatch(text.strip())
    if found is None:
        return None
    read = reader.read(found)
    fraction = float(f"0.{read['f']}") if "f" in read else 0.0
    if "s" in read:
        return int(read["s"]) + fraction
    try:
        local = ZoneInfo(zone)
        moment = read_moment(read, datetime.fromtimestamp(now, local))
        return moment.replace(tzinfo=read_zone(read, local)).timestamp() + fraction
    except (ValueError, OverflowError):
        return None


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

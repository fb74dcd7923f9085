"""gentimes: a row for each stretch of a range of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from harness.plan.nodes import Relation, Values
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?::(\d{1,2}):(\d{2}):(\d{2}))?")
INCREMENT = re.compile(r"(\d+)([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
HUMAN = "%a %b %e %H:%M:%S %Y"
MAX_ROWS = 10_000


@command("gentimes")
@dataclass(frozen=True, slots=True)
class Gentimes:
    """gentimes start=<time> [end=<time>] [increment=<n>s|m|h|d]: starttime and endtime of each.

    A time is `MM/DD/YY[YY][:HH:MM:SS]`, or a number of days from today's midnight. Without an
    end it is today's midnight. An increment is a day unless told; days follow the clock of the
    search's zone. Source: Search Reference, gentimes.
    """

    stage: Stage
    start: Token
    end: Token | None
    step: timedelta

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the times and the increment."""
        arguments = stage.arguments
        options = arguments.options(("start", "end", "increment"))
        arguments.finish()
        if "start" not in options:
            stage.fail("`gentimes` needs start=", None, "for example start=-7")
        step = timedelta(days=1)
        if (token := options.get("increment")) is not None:
            matched = INCREMENT.fullmatch(token.value)
            if matched is None or int(matched[1]) == 0:
                stage.fail(f"`{token.value}` is no increment", token.span, "for example 1h")
            step = timedelta(**{UNITS[matched[2]]: min(int(matched[1]), 10**7)})
        return cls(stage, options["start"], options.get("end"), step)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The rows."""
        if rows is not None:
            self.stage.fail("`gentimes` must begin a search")
        zone = ZoneInfo(context.timezone)
        moment = self._time(self.start, context.now, zone)
        end = self._time(self.end, context.now, zone) if self.end else _midnight(context.now, zone)
        found: list[tuple[float | str, ...]] = []
        while moment < end:
            if len(found) >= MAX_ROWS:
                self.stage.unsupported(f"gentimes with more than {MAX_ROWS:,} rows")
            following = self._after(moment, zone)
            last = following - timedelta(seconds=1)
            found.append((_human(last), last.timestamp(), _human(moment), moment.timestamp()))
            moment = following
        return Values(("endhuman", "endtime", "starthuman", "starttime"), tuple(found))

    def _after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Days are those of the calendar, shorter stretches those of the clock."""
        if self.step % timedelta(days=1) == timedelta(0):
            return (moment.replace(tzinfo=None) + self.step).replace(tzinfo=zone)
        return datetime.fromtimestamp(moment.timestamp() + self.step.total_seconds(), zone)

    def _time(self, token: Token, now: float, zone: ZoneInfo) -> datetime:
        text = token.value
        if text.lstrip("-").isdigit():
            day = _midnight(now, zone).replace(tzinfo=None) + timedelta(days=int(text))
            return day.replace(tzinfo=zone)
        matched = DATE.fullmatch(text)
        parts = [int(part or 0) for part in matched.groups()] if matched else [0] * 6
        month, day_number, year, hour, minute, second = parts
        full = year if year > 99 else 2000 + year
        try:
            return datetime(full, month, day_number, hour, minute, second, tzinfo=zone)
        except ValueError:
            self.stage.fail(f"`{text}` is no time", token.span, "for example 10/01/2020 or -7")


def _midnight(now: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _human(moment: datetime) -> str:
    return moment.strftime(HUMAN)

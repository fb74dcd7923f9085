"""Time in buckets that follow one another, as timechart lays it out.

Source: Splunk Search Reference, `timechart`, "Usage": bin time spans and local time.
"""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.registry.spans import TimeSpan

FIRST_YEAR = 1970
DECIMALS = 9
MOST_BUCKETS = 50_000
"""As many rows as Splunk's limits.conf lets a search give."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Buckets of one span, in a zone."""

    timezone: str
    span: TimeSpan

    def start(self, moment: float) -> float:
        """The start of the bucket that a moment lies in, as `TimeSpan.expression` gives it."""
        span = self.span
        if span.months:
            local = datetime.fromtimestamp(moment, ZoneInfo(self.timezone))
            months = (local.year - FIRST_YEAR) * 12 + local.month - 1
            return self._month(months // span.months * span.months)
        seconds = self._clock(moment) if span.local else moment
        count = math.floor(round((seconds - span.offset) / span.seconds, DECIMALS))
        start = count * span.seconds + span.offset
        return self._moment(start) if span.local else start

    def following(self, start: float) -> float:
        """The start of the bucket after the one that starts then."""
        span = self.span
        if span.months:
            local = datetime.fromtimestamp(start, ZoneInfo(self.timezone))
            months = (local.year - FIRST_YEAR) * 12 + local.month - 1
            return self._month(months + span.months)
        if span.local:
            return self._moment(self._clock(start) + span.seconds)
        count = round((start - span.offset) / span.seconds) + 1
        return count * span.seconds + span.offset

    def starts(self, first: float, last: float, *, inclusive: bool = True) -> list[float]:
        """The starts of all buckets from one moment to another, which itself may be left out."""
        found, start = list[float](), self.start(first)
        while start < last or (start == last and inclusive):
            if len(found) == MOST_BUCKETS:
                raise Unsupported(
                    f"more than {MOST_BUCKETS:,} buckets of time",
                    hints=["choose a longer span, or a shorter range of time"],
                )
            found.append(rounded(start))
            start = self.following(start)
        return found

    def _month(self, months: int) -> float:
        """The beginning of a month, counted from January 1970."""
        year, month = divmod(months, 12)
        zone = ZoneInfo(self.timezone)
        return datetime(FIRST_YEAR + year, month + 1, 1, tzinfo=zone).timestamp()

    def _clock(self, moment: float) -> float:
        """What clocks of the zone show, as if it were UTC."""
        local = datetime.fromtimestamp(moment, ZoneInfo(self.timezone))
        return calendar.timegm(local.timetuple()) + local.microsecond / 1e6

    def _moment(self, clock: float) -> float:
        """The moment at which clocks of the zone show a time."""
        shown = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) + timedelta(seconds=clock)
        return shown.replace(tzinfo=ZoneInfo(self.timezone)).timestamp()


def rounded(moment: float) -> float:
    """A time without what adding up spans of fractions brings in."""
    return round(moment, 6)

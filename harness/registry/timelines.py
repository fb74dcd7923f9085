"""Time in buckets that follow one another, as timechart lays it out.

Source: Splunk Search Reference, `timechart`, "Usage": default time spans, bins, minspan.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from harness.plan.expressions import Call, Const, Expr, Field
from harness.registry.spans import TimeSpan

SECONDS = (1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 86400.0)
DAY = 86400.0
MONTH = 30 * DAY


@dataclass(frozen=True, slots=True)
class Timeline:
    """Buckets of one span in a zone; without a span they are calendar months."""

    timezone: str
    span: TimeSpan | None

    def expression(self, name: str) -> Expr:
        """The start of the bucket that a field's time lies in."""
        if self.span is None:
            return Call("relative_time", (Field(name), Const("@mon")))
        return self.span.expression(name)

    def start(self, moment: float) -> float:
        """The start of the bucket that a moment lies in."""
        zone = ZoneInfo(self.timezone)
        local = datetime.fromtimestamp(moment, zone)
        if self.span is None:
            first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return first.timestamp()
        if not self.span.local:
            return moment // self.span.seconds * self.span.seconds
        seconds = calendar.timegm(local.timetuple()) // self.span.seconds * self.span.seconds
        return _local(seconds, zone)

    def following(self, start: float) -> float:
        """The start of the next bucket."""
        zone = ZoneInfo(self.timezone)
        local = datetime.fromtimestamp(start, zone)
        if self.span is None:
            later = local.replace(day=28) + timedelta(days=4)
            return later.replace(day=1).timestamp()
        if not self.span.local:
            return start + self.span.seconds
        return _local(calendar.timegm(local.timetuple()) + self.span.seconds, zone)


def _local(seconds: float, zone: ZoneInfo) -> float:
    """The moment at which clocks of a zone show a time, given as if it were UTC."""
    naive = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone)
    return naive.timestamp()


def fitting(timezone: str, extent: float, bins: int, least: float = 0.0) -> Timeline:
    """The buckets of the shortest usual span that needs no more than some bins."""
    for seconds in SECONDS:
        if seconds >= least and extent <= bins * seconds:
            return Timeline(timezone, TimeSpan(seconds, local=seconds == DAY))
    return Timeline(timezone, None)

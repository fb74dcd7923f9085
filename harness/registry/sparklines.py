"""The buckets of time that sparklines show.

Source: Splunk Search Reference, `stats`, "Sparkline function options"; limits.conf, [stats],
sparkline_maxsize and list_maxsize (100).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from harness.plan.expressions import Call, Field
from harness.plan.nodes import Aggregate, Aggregation
from harness.registry.spans import chosen_time_span
from harness.registry.time_bounds import time_bounds
from harness.registry.timelines import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan.nodes import Relation
    from harness.registry.aggregations import Statistic
    from harness.registry.context import Context
    from harness.registry.spans import TimeSpan
    from harness.spl.pipeline import Stage

MOST_BUCKETS = 100
INSTANT = 1e-6
Starts = dict["TimeSpan | None", tuple[float, ...]]


def _too_many(stage: Stage) -> NoReturn:
    stage.unsupported(
        f"a sparkline of more than {MOST_BUCKETS} buckets",
        stage.name_span,
        "write a longer span, or none",
    )


def sparkline_starts(
    statistics: Sequence[Statistic], rows: Relation, context: Context, stage: Stage
) -> Starts:
    """The starts of the buckets of each span that sparklines are written with.

    They reach over the search's time range, or over the rows' times where it has none. Without
    a span it is the shortest usual one that needs no more buckets than a sparkline may have.
    """
    spans = {one.span for one in statistics if one.inner is not None}
    if not spans:
        return {}
    time = Call("tonumber", (Field("_time"),))
    ends = tuple(Aggregation(name, name, time) for name in ("min", "max"))
    (times,) = context.fetched(Aggregate(rows, (), ends)).rows
    if times.get("min") is None:
        return dict.fromkeys(spans, ())
    first, last = (float(str(times[name])) for name in ("min", "max"))
    earliest, latest = time_bounds(rows, context)
    first = min(first, earliest) if earliest else first
    bounded = latest is not None and last < latest
    end = latest if latest is not None and bounded else last
    within = end - INSTANT if bounded else end
    found: Starts = {}
    for span in spans:
        chosen = span or chosen_time_span(first, within, MOST_BUCKETS)
        if not chosen.months and (within - first) / chosen.seconds > MOST_BUCKETS:
            _too_many(stage)
        line = Timeline(context.timezone, chosen)
        starts = line.starts(first, end, inclusive=not bounded)
        if len(starts) > MOST_BUCKETS:
            _too_many(stage)
        found[span] = tuple(starts)
    return found

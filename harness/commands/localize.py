"""localize: the stretches of time in which the rows lie close together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.plan.nodes import Project
from harness.registry import command
from harness.registry.spans import parse_time_span

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

DEFAULTS = {"maxpause": 60.0, "timeafter": 30.0, "timebefore": 30.0}


@command("localize")
@dataclass(frozen=True, slots=True)
class Localize:
    """localize [maxpause=<span>] [timeafter=<span>] [timebefore=<span>]: starttime and endtime.

    Rows whose times are at most `maxpause` (1m) apart share a stretch, which begins `timebefore`
    (30s) before the first and ends `timeafter` (30s) after the last; stretches come in the rows'
    order. Source: Search Reference, localize.
    """

    stage: Stage
    pause: float
    after: float
    before: float

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the spans."""
        options = stage.arguments.options(tuple(DEFAULTS))
        stage.arguments.finish()
        given = {name: parse_time_span(token, stage).seconds for name, token in options.items()}
        spans = {**DEFAULTS, **given}
        return cls(stage, spans["maxpause"], spans["timeafter"], spans["timebefore"])

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Walk along the times."""
        if rows is None:
            self.stage.fail("`localize` cannot begin a search")
        return context.applied(Project(rows, (("_time", "_time"),)), self._stretches)

    def _stretches(self, rows: Rows) -> Rows:
        found: list[tuple[float, float]] = []
        previous: float | None = None
        for row in rows.rows:
            time = row.get("_time")
            if not isinstance(time, int | float):
                continue
            if previous is None or abs(time - previous) > self.pause:
                found.append((time, time))
            else:
                first, last = found[-1]
                found[-1] = (min(first, time), max(last, time))
            previous = time
        return Rows(
            ("starttime", "endtime"),
            [
                {"starttime": first - self.before, "endtime": last + self.after}
                for first, last in found
            ],
        )

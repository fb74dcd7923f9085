"""makecontinuous: rows for the spans of time in which there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.spans import TimeSpan, chosen_time_span, parse_time_span
from harness.registry.timelines import Timeline, rounded

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = ("aligntime", "bins", "end", "minspan", "span", "start")
BINS = 100


@command("makecontinuous")
@dataclass(frozen=True, slots=True)
class Makecontinuous:
    """makecontinuous _time [span=<span>] [bins=<number>]: each span of time has a row.

    Times become the starts of their spans, rows are ordered by them, and a span without a row
    between the first and the last gets one that has nothing but its time. Without a span it is
    the shortest usual one that needs no more than `bins` (100). Rows without a time come last.
    Other fields than _time are not supported. Source: Splunk Search Reference, `makecontinuous`.
    """

    stage: Stage
    span: TimeSpan | None
    bins: int

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field and the options, in any order."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        field = None
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(OPTIONS))
            elif field is None:
                field = arguments.next("a field")
            else:
                arguments.finish()
        if field is None:
            arguments.fail("`makecontinuous` needs a field", "for example _time")
        if field.value != "_time":
            stage.unsupported("makecontinuous of a field other than _time", field.span)
        for name in ("aligntime", "end", "minspan", "start"):
            if name in options:
                stage.unsupported(f"makecontinuous with {name}", options[name].span)
        span = parse_time_span(options["span"], stage) if "span" in options else None
        bins = BINS
        if "bins" in options:
            bins = arguments.integer(options["bins"], "bins", minimum=1)
        return cls(stage, span, bins)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Fill the gaps."""
        if rows is None:
            self.stage.fail("`makecontinuous` cannot begin a search")
        return context.applied(rows, lambda found: self._filled(found, context.timezone))

    def _filled(self, rows: Rows, timezone: str) -> Rows:
        timed = [
            (float(time), row)
            for row in rows.rows
            if isinstance(time := row.get("_time"), int | float)
        ]
        rest = [row for row in rows.rows if not isinstance(row.get("_time"), int | float)]
        if not timed:
            return rows
        times = [time for time, _ in timed]
        span = self.span or chosen_time_span(min(times), max(times), self.bins)
        timeline = Timeline(timezone, span)
        groups: dict[float, list[dict[str, Value]]] = {
            start: [] for start in timeline.starts(min(times), max(times))
        }
        for time, row in timed:
            start = rounded(timeline.start(time))
            groups.setdefault(start, []).append({**row, "_time": start})
        filled = [row for start in sorted(groups) for row in groups[start] or [{"_time": start}]]
        return Rows(rows.columns, [*filled, *rest])

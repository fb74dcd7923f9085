"""makecontinuous: rows for the spans of time in which there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of
from harness.registry.spans import TimeSpan, chosen_time_span, parse_number_span, parse_time_span
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
    """makecontinuous [<field>] [span=<span>] [bins=<number>]: each span of time has a row.

    Times become the starts of their spans, rows are ordered by them, and a span without a row
    between the first and the last gets one that has nothing but its time. Without a span it is
    the shortest usual one that needs no more than `bins` (100). Rows without a time come last.
    The field is _time unless another is named, which needs a span of time (`span=3h`): other
    numbers are not supported. Source: Splunk Search Reference, `makecontinuous`.
    """

    stage: Stage
    field: str
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
        name = field.value if field else "_time"
        numbers = "span" not in options or parse_number_span(options["span"], stage)
        if field is not None and name != "_time" and numbers:
            stage.unsupported("makecontinuous of numbers that are no times", field.span)
        for option in ("aligntime", "end", "minspan", "start"):
            if option in options:
                stage.unsupported(f"makecontinuous with {option}", options[option].span)
        span = parse_time_span(options["span"], stage) if "span" in options else None
        bins = BINS
        if "bins" in options:
            bins = arguments.integer(options["bins"], "bins", minimum=1)
        return cls(stage, name, span, bins)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Fill the gaps."""
        if rows is None:
            self.stage.fail("`makecontinuous` cannot begin a search")
        return context.applied(rows, lambda found: self._filled(found, context.timezone))

    def _filled(self, rows: Rows, timezone: str) -> Rows:
        times = [number_of(row.get(self.field)) for row in rows.rows]
        timed = [(at, row) for at, row in zip(times, rows.rows, strict=True) if at is not None]
        rest = [row for at, row in zip(times, rows.rows, strict=True) if at is None]
        if not timed:
            return rows
        first, last = min(at for at, _ in timed), max(at for at, _ in timed)
        span = self.span or chosen_time_span(first, last, self.bins)
        timeline = Timeline(timezone, span)
        groups: dict[float, list[dict[str, Value]]] = {
            start: [] for start in timeline.starts(first, last)
        }
        for time, row in timed:
            start = rounded(timeline.start(time))
            groups.setdefault(start, []).append({**row, self.field: start})
        filled = [row for start in sorted(groups) for row in groups[start] or [{self.field: start}]]
        return Rows(rows.columns, [*filled, *rest])

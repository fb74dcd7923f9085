"""concurrency: how many others were under way when each row began."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, with_columns

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("duration", "output", "start")


@command("concurrency")
@dataclass(frozen=True, slots=True)
class Concurrency:
    """concurrency duration=<field> [start=<field>] [output=<field>]: rows under way at each start.

    A row is under way from its start (`_time`) up to and including start plus duration, and
    counts itself. Rows without the two numbers are not counted and get no count.
    Source: Splunk Search Reference, `concurrency`.
    """

    stage: Stage
    duration: str
    start: str
    output: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        arguments.finish()
        if "duration" not in options:
            stage.fail("`concurrency` needs duration", None, "duration=<field>")
        values = {name: token.value for name, token in options.items()}
        return cls(
            stage,
            values["duration"],
            values.get("start", "_time"),
            values.get("output", "concurrency"),
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Count the rows under way."""
        if rows is None:
            self.stage.fail("`concurrency` cannot begin a search")
        return context.applied(rows, self._counted)

    def _counted(self, rows: Rows) -> Rows:
        spans = [
            (start, start + duration)
            for row in rows.rows
            if (start := number_of(row.get(self.start))) is not None
            and (duration := number_of(row.get(self.duration))) is not None
        ]
        starts = sorted(start for start, _ in spans)
        ends = sorted(end for _, end in spans)
        found = []
        for row in rows.rows:
            start = number_of(row.get(self.start))
            if start is None or number_of(row.get(self.duration)) is None:
                found.append(row)
                continue
            count = bisect_right(starts, start) - bisect_left(ends, start)
            found.append({**row, self.output: count})
        return Rows(with_columns(rows, (self.output,)), found)

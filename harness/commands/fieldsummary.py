"""fieldsummary: statistics of each field."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, texts_of
from harness.registry.names import matching

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

MOST_VALUES = 100
COLUMNS = tuple(
    "field count distinct_count is_exact max mean min numeric_count stdev values".split()
)


@command("fieldsummary")
@dataclass(frozen=True, slots=True)
class Fieldsummary:
    """fieldsummary [maxvals=<number>] [<field>…]: a row of statistics for each field.

    Fields come in the order of their names; those that begin with `_` only when named, those
    without a value not at all. `values` are the `maxvals` (100; 0 is all) most frequent ones as
    JSON. The distinct count is exact here even where `is_exact` says, as Splunk does of more
    than `maxvals` values, that it need not be. Source: Splunk Search Reference, `fieldsummary`.
    """

    stage: Stage
    most: int
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the number of values and the fields."""
        arguments = stage.arguments
        options, fields = arguments.options_and_fields(("maxvals",))
        most = MOST_VALUES
        if "maxvals" in options:
            most = arguments.integer(options["maxvals"], "maxvals")
        return cls(stage, most, tuple(fields))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Summarise each field."""
        if rows is None:
            self.stage.fail("`fieldsummary` cannot begin a search")
        return context.applied(rows, self._summary)

    def _summary(self, rows: Rows) -> Rows:
        patterns = self.fields or ("*",)
        names = {name for pattern in patterns for name in matching(pattern, rows.columns)}
        found = [
            self._statistics(
                name, [cell for row in rows.rows if (cell := row.get(name)) is not None]
            )
            for name in sorted(names)
            if any(row.get(name) is not None for row in rows.rows)
        ]
        return Rows(COLUMNS, found)

    def _statistics(self, name: str, cells: list[Value]) -> dict[str, Value]:
        texts = [text for cell in cells for text in texts_of(cell)]
        numbers = [number for text in texts if (number := number_of(text)) is not None]
        counts = Counter(texts)
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = ranked[: self.most] if self.most else ranked
        row: dict[str, Value] = {
            "field": name,
            "count": len(cells),
            "distinct_count": len(counts),
            "is_exact": int(not self.most or len(counts) <= self.most),
            "numeric_count": len(numbers),
            "values": json.dumps(
                [{"value": value, "count": count} for value, count in shown],
                separators=(",", ":"),
                ensure_ascii=False,
            ),
        }
        if numbers:
            row |= {
                "max": max(numbers),
                "mean": statistics.fmean(numbers),
                "min": min(numbers),
                "stdev": statistics.stdev(numbers) if len(numbers) > 1 else 0,
            }
        return row

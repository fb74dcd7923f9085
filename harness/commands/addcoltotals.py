"""addcoltotals: a last row with the sum of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, texts_of, with_columns
from harness.registry.names import matching

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("label", "labelfield")


@command("addcoltotals")
@dataclass(frozen=True, slots=True)
class Addcoltotals:
    """addcoltotals [labelfield=<field>] [label=<text>] [<field>…]: a row of sums at the end.

    Sums are of the numbers in each field (or in those named, wildcards allowed); a field without
    a number has none, and fields that begin with `_` take part only when named. The label
    (`Total`) stands in the label field, if there is one. Source: Splunk Search Reference,
    `addcoltotals`.
    """

    stage: Stage
    fields: tuple[str, ...]
    label: str
    label_field: str | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the fields."""
        arguments = stage.arguments
        options, fields = arguments.options_and_fields(OPTIONS)
        label = options["label"].value if "label" in options else "Total"
        label_field = options["labelfield"].value if "labelfield" in options else None
        return cls(stage, tuple(fields), label, label_field)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the row."""
        if rows is None:
            self.stage.fail("`addcoltotals` cannot begin a search")
        return context.applied(rows, self._summed)

    def _summed(self, rows: Rows) -> Rows:
        patterns = self.fields or ("*",)
        names = dict.fromkeys(
            name for pattern in patterns for name in matching(pattern, rows.columns)
        )
        totals: dict[str, Value] = {}
        for name in names:
            cells = (number_of(one) for row in rows.rows for one in texts_of(row.get(name)))
            numbers = [number for number in cells if number is not None]
            if numbers:
                totals[name] = sum(numbers)
        if self.label_field is not None:
            totals[self.label_field] = self.label
        columns = with_columns(rows, [self.label_field] if self.label_field else [])
        return Rows(columns, [*rows.rows, totals])

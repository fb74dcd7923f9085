"""mvcombine: rows that differ in one field made into one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.model.numbers import number_text
from harness.registry import command
from harness.registry.delimiters import with_delimiter

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("mvcombine")
@dataclass(frozen=True, slots=True)
class Mvcombine:
    """mvcombine [delim=<text>] <field>: rows alike in all other fields become the first of them.

    The field holds the values of all of them in order. Rows without the field stay as they are.
    `delim` shows where nomv follows. Source: Search Reference, `mvcombine`.
    """

    stage: Stage
    field: str
    delimiter: str | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the delimiter and the field."""
        arguments = stage.arguments
        options = arguments.options(("delim",))
        span, field = arguments.here(), arguments.field()
        options.update(arguments.options(("delim",)))
        arguments.finish()
        if field.startswith("_"):
            stage.unsupported("mvcombine of an internal field", span)
        return cls(stage, field, options["delim"].value if "delim" in options else None)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Gather the rows in Python: any column may hold several values."""
        if rows is None:
            self.stage.fail("`mvcombine` cannot begin a search")
        combined = context.applied(rows, self._combined)
        return with_delimiter(combined, self.field, self.delimiter)

    def _combined(self, rows: Rows) -> Rows:
        first: dict[object, dict[str, Value]] = {}
        found: list[dict[str, Value]] = []
        for row in rows.rows:
            value = row.get(self.field)
            if value is None:
                found.append(row)
                continue
            key = tuple(
                (name, tuple(cell) if isinstance(cell, list) else cell)
                for name, cell in sorted(row.items())
                if name != self.field and cell is not None
            )
            values = [str(one) for one in value] if isinstance(value, list) else [_text(value)]
            if key not in first:
                first[key] = {**row, self.field: values}
                found.append(first[key])
                continue
            before = first[key][self.field]
            if isinstance(before, list):
                before.extend(values)
        return Rows(rows.columns, found)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else number_text(float(value))

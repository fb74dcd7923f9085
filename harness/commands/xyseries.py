"""xyseries: rows as a table, a column for each value of a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, text_of, texts_of

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

MOST_COLUMNS = 1_000
OPTIONS = ("format", "grouped", "sep")
SEPARATOR = ": "


@command("xyseries", "maketable")
@dataclass(frozen=True, slots=True)
class Xyseries:
    """xyseries [grouped=] <row field> <name field> <value field>… [sep=] [format=].

    One row for each value of the row field, in their order (with `grouped` one for each run of
    it, as they come); one column for each value of the name field. With several value fields a
    column is called `<value field>: <name>`, or by `format`, in which `$AGG$` and `$VAL$` stand
    for the two. Rows that lack the row or the name field are dropped. Two different values for
    one cell are not supported: which one Splunk keeps is not documented.
    Source: Splunk Search Reference, `xyseries`.
    """

    stage: Stage
    row: str
    name: str
    values: tuple[str, ...]
    form: str
    grouped: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the fields and the options, which may stand anywhere."""
        arguments = stage.arguments
        options, fields = arguments.options_and_fields(OPTIONS)
        if len(fields) < 3:
            stage.fail(
                f"`{stage.name}` takes at least three fields, not {len(fields)}",
                None,
                "xyseries <row field> <name field> <value field>",
            )
        separator = options["sep"].value if "sep" in options else SEPARATOR
        form = options["format"].value if "format" in options else f"$AGG${separator}$VAL$"
        grouped = "grouped" in options and arguments.boolean(options["grouped"], "grouped")
        return cls(stage, fields[0], fields[1], tuple(fields[2:]), form, grouped)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Put the table together."""
        if rows is None:
            self.stage.fail("`xyseries` cannot begin a search")
        return context.applied(rows, self._together)

    def _together(self, rows: Rows) -> Rows:
        found: list[dict[str, Value]] = []
        places: dict[str, int] = {}
        previous: str | None = None
        for row in rows.rows:
            key, name = text_of(row.get(self.row)), text_of(row.get(self.name))
            if key is None or name is None:
                continue
            if self.grouped and key != previous:
                places.clear()
            previous = key
            if key not in places:
                places[key] = len(found)
                found.append({self.row: row[self.row]})
            self._fill(found[places[key]], row, name)
        names = dict.fromkeys(name for row in found for name in row if name != self.row)
        if len(names) > MOST_COLUMNS:
            self.stage.unsupported(f"more than {MOST_COLUMNS:,} columns")
        if not self.grouped:
            found.sort(key=lambda row: _place(row[self.row]))
        return Rows((self.row, *sorted(names)), found)

    def _fill(self, cells: dict[str, Value], row: dict[str, Value], name: str) -> None:
        for field in self.values:
            value = row.get(field)
            if value is None:
                continue
            column = name
            if len(self.values) > 1:
                parts = (part.replace("$AGG$", field) for part in self.form.split("$VAL$"))
                column = name.join(parts)
            if texts_of(cells.get(column, value)) != texts_of(value):
                self.stage.unsupported(f"two values of `{column}` for one `{self.row}`")
            cells[column] = value


def _place(cell: Value) -> tuple[bool, float, str]:
    """Where a row stands by its first cell: numbers by size, then texts."""
    number = number_of(cell)
    return number is None, number or 0.0, text_of(cell) or ""

"""transpose: rows as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import text_of

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

MOST_COLUMNS = 1_000
OPTIONS = ("column_name", "header_field", "include_empty")
ROWS = 5


@command("transpose")
@dataclass(frozen=True, slots=True)
class Transpose:
    """transpose [<rows>] [column_name=] [header_field=] [include_empty=]: a column for each row.

    Five rows by default, all with 0; at most 1,000. The first column (`column`) has the fields'
    names, the others are called `row 1`, `row 2`… or by the values of `header_field`, which have
    to be there and to differ. With `include_empty=false` fields without any value stay out.
    Source: Splunk Search Reference, `transpose`.
    """

    stage: Stage
    count: int
    column: str
    header: str | None
    include_empty: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the number of rows and the options, in any order."""
        arguments = stage.arguments
        count, options = ROWS, arguments.options(OPTIONS)
        if not arguments.done:
            count = cls._count(arguments)
            options |= arguments.options(OPTIONS)
        arguments.finish()
        column = options["column_name"].value if "column_name" in options else "column"
        header = options["header_field"].value if "header_field" in options else None
        include_empty = "include_empty" not in options or arguments.boolean(
            options["include_empty"], "include_empty"
        )
        return cls(stage, count, column, header, include_empty)

    @staticmethod
    def _count(arguments: Arguments) -> int:
        return arguments.integer(arguments.next("a number of rows"), "the number of rows")

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Turn the table."""
        if rows is None:
            self.stage.fail("`transpose` cannot begin a search")
        return context.applied(rows, self._turned)

    def _turned(self, rows: Rows) -> Rows:
        kept = rows.rows[: self.count] if self.count else rows.rows
        if len(kept) > MOST_COLUMNS:
            self.stage.unsupported(f"more than {MOST_COLUMNS:,} rows as columns")
        names = self._names(kept)
        found = []
        for field in rows.columns:
            cells = [row.get(field) for row in kept]
            empty = all(cell is None for cell in cells)
            if field == self.header or (empty and not self.include_empty):
                continue
            found.append({self.column: field, **dict(zip(names, cells, strict=True))})
        return Rows((self.column, *names), found)

    def _names(self, rows: list[dict[str, Value]]) -> list[str]:
        """What the rows' columns are called."""
        if self.header is None:
            return [f"row {number}" for number in range(1, len(rows) + 1)]
        names = [text_of(row.get(self.header)) or "" for row in rows]
        if "" in names:
            self.stage.unsupported(f"a row without `{self.header}`, after which it is named")
        if len({self.column, *names}) <= len(names):
            self.stage.unsupported(f"two columns of one name by `{self.header}`")
        return names

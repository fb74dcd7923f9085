"""autoregress: values of earlier rows beside each row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import with_columns

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

RANGE = re.compile(r"(\d+)(?:-(\d+))?")
MOST_COPIES = 100


@command("autoregress")
@dataclass(frozen=True, slots=True)
class Autoregress:
    """autoregress <field> [AS <name>] [p=<number>[-<number>]]: the value so many rows before.

    Copies are called `<field>_p<number>`; the first rows lack what lies before the first. At
    most 100 copies are made. Source: Splunk Search Reference, `autoregress`.
    """

    stage: Stage
    field: str
    name: str | None
    first: int
    last: int

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field, the copy's name and the distance, or a range of them."""
        arguments = stage.arguments
        options = arguments.options(("p",))
        field = arguments.field()
        options |= arguments.options(("p",))
        name = arguments.field("a name") if arguments.accept_word("as") else None
        options |= arguments.options(("p",))
        arguments.finish()
        first, last = cls._range(options["p"], arguments) if "p" in options else (1, 1)
        if name is not None and first != last:
            stage.fail("a name after AS and a range of p do not go together", options["p"].span)
        return cls(stage, field, name, first, last)

    @staticmethod
    def _range(token: Token, arguments: Arguments) -> tuple[int, int]:
        matched = RANGE.fullmatch(token.value)
        if matched is None:
            arguments.stage.fail(
                f"p is a whole number or a range of them, not `{token.value}`",
                token.span,
                "for example p=1-4",
            )
        first, last = int(matched[1]), int(matched[2] or matched[1])
        if first < 1 or last < first:
            arguments.stage.fail("p is at least 1, and a range goes upwards", token.span)
        if last - first >= MOST_COPIES:
            arguments.stage.unsupported(f"more than {MOST_COPIES} copies of a field", token.span)
        return first, last

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Copy the values, row after row."""
        if rows is None:
            self.stage.fail("`autoregress` cannot begin a search")
        return context.applied(rows, self._copied)

    def _copied(self, rows: Rows) -> Rows:
        names = {
            distance: self.name or f"{self.field}_p{distance}"
            for distance in range(self.first, self.last + 1)
        }
        values = [row.get(self.field) for row in rows.rows]
        found = []
        for number, row in enumerate(rows.rows):
            copies = {
                name: values[number - distance] if number >= distance else None
                for distance, name in names.items()
            }
            found.append({**row, **copies})
        return Rows(with_columns(rows, names.values()), found)

"""format: one row, whose field `search` is the rows as a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.formats import Punctuation, formatted

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

MARKS = 6


@command("format")
@dataclass(frozen=True, slots=True)
class Format:
    """format [mvsep=<text>] [maxresults=<n>] [<six marks>] [emptystr=<text>].

    The marks are: before all rows, before a row, between its fields, after it, between rows,
    after all. Without rows the text is `emptystr`, by default `NOT( )`. Fields `search` and
    `query` stand for themselves; those that begin with `_` are left out. Source: Search
    Reference, format.
    """

    stage: Stage
    marks: Punctuation
    separator: str
    most: int
    empty: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options and marks."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        marks: list[str] = []
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(("mvsep", "maxresults", "emptystr")))
                continue
            token = arguments.next("a mark")
            if token.kind != "string":
                stage.fail("the marks of `format` stand in double quotes", token.span)
            marks.append(token.value)
        if marks and len(marks) != MARKS:
            stage.fail(f"`format` takes {MARKS} marks, not {len(marks)}")
        most = 0
        if "maxresults" in options:
            most = arguments.integer(options["maxresults"], "maxresults")
        separator = options["mvsep"].value if "mvsep" in options else "OR"
        empty = options["emptystr"].value if "emptystr" in options else "NOT( )"
        return cls(stage, Punctuation(*marks), separator, most, empty)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Write the rows as a text."""
        if rows is None:
            self.stage.fail("`format` cannot begin a search")
        return context.applied(rows, self._written)

    def _written(self, rows: Rows) -> Rows:
        found = Rows(rows.columns, rows.rows[: self.most] if self.most else rows.rows)
        text = formatted(found, self.marks, self.separator, self.empty)
        return Rows(("search",), [{"search": text}])

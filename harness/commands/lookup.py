"""lookup: fields from a table, matched by the values of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from harness.errors import HarnessError, nearest
from harness.plan.nodes import Join, Match, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

OPTIONS = ("local", "update", "event_time_field")
Pairs = tuple[tuple[str, str], ...]


class UnknownLookupField(HarnessError):
    """A lookup's table has no such column."""


@command("lookup")
@dataclass(frozen=True, slots=True)
class Lookup:
    """lookup <table> <column> [AS <field>]… [OUTPUT|OUTPUTNEW <column> [AS <field>]…].

    OUTPUT replaces what the events have, OUTPUTNEW fills what they lack; without either, all
    other columns are added. How values match is the lookup's own definition.
    `local` and `update` change nothing here: a replay has one machine and tables that stay.
    """

    stage: Stage
    table: str
    inputs: Pairs
    outputs: Pairs
    only_missing: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the table, the inputs and the outputs, each (column, field)."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        if "event_time_field" in options:
            stage.unsupported("lookup with event_time_field", options["event_time_field"].span)
        for name in ("local", "update"):
            if name in options:
                arguments.boolean(options[name], name)
        table = arguments.field("a lookup")
        inputs = cls._pairs(arguments, "output", "outputnew")
        if not inputs:
            arguments.fail("`lookup` needs a field to match")
        word = arguments.accept_word("output", "outputnew")
        outputs = cls._pairs(arguments) if word else ()
        if word and not outputs:
            arguments.fail(f"{word.upper()} needs a field")
        return cls(stage, table, inputs, outputs, word == "outputnew")

    @staticmethod
    def _pairs(arguments: Arguments, *stop: str) -> Pairs:
        pairs = []
        while not arguments.done and not arguments.at_word(*stop):
            if arguments.accept(","):
                continue
            column = arguments.field()
            field = arguments.field() if arguments.accept_word("as") else column
            pairs.append((column, field))
        return tuple(pairs)

    def _unknown(self, column: str, columns: tuple[str, ...]) -> NoReturn:
        written = [t.span for t in self.stage.arguments.tokens if t.value == column]
        span = written[-1] if written else self.stage.name_span
        hints = nearest(column, columns) or (f"columns: {', '.join(columns)}",)
        raise UnknownLookupField(
            f"the lookup `{self.table}` has no column `{column}`",
            place=self.stage.text.place(span),
            hints=(*hints, *self.stage.text.hints(span)),
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Join the rows to the table."""
        if rows is None:
            self.stage.fail("`lookup` cannot begin a search")
        definition, table = context.lookup(self.table, self.stage)
        columns = table.columns or ()
        for column, _ in (*self.inputs, *self.outputs):
            if columns and column not in columns:
                self._unknown(column, columns)
        kinds = {name: kind for kind, name in definition.match_types}
        matched = {column for column, _ in self.inputs}
        outputs = self.outputs or tuple((c, c) for c in columns if c not in matched)
        return Join(
            rows,
            table,
            tuple(
                Match(field, column, kinds.get(column, "exact"), definition.case_sensitive)
                for column, field in self.inputs
            ),
            tuple((field, column) for column, field in outputs),
            definition.max_matches,
            definition.min_matches,
            definition.default_match,
            only_missing=self.only_missing,
        )

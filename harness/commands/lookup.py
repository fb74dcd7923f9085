"""lookup: fields from a table, matched by the values of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.lookups import EVENT_TIME, Pairs, joined

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

OPTIONS = ("local", "update", "event_time_field")


@command("lookup")
@dataclass(frozen=True, slots=True)
class Lookup:
    """lookup <table> <column> [AS <field>]… [OUTPUT|OUTPUTNEW <column> [AS <field>]…].

    OUTPUT replaces what the events have, OUTPUTNEW fills what they lack; without either, all
    other columns are added. How values match is the lookup's own definition. A lookup by time
    meets the rows of its table that are not later than the event, the latest first;
    `event_time_field=<field>` names what has the event's time (default: _time).
    `local` and `update` change nothing here: a replay has one machine and tables that stay.
    """

    stage: Stage
    table: str
    inputs: Pairs
    outputs: Pairs
    only_missing: bool
    event_time: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the table, the inputs and the outputs, each (column, field)."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
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
        given = options.get("event_time_field")
        event_time = given.value if given is not None else EVENT_TIME
        return cls(stage, table, inputs, outputs, word == "outputnew", event_time)

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

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Join the rows to the table."""
        if rows is None:
            self.stage.fail("`lookup` cannot begin a search")
        return joined(
            rows,
            (self.table, self.stage),
            self.inputs,
            self.outputs,
            context,
            only_missing=self.only_missing,
            event_time=self.event_time,
        )

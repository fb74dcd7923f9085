"""inputcsv: the rows of a file that the search has written with outputcsv."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Filter, Relation, Union
from harness.registry import command
from harness.registry.csv_files import csv_table
from harness.registry.predicates import Searching
from harness.spl.predicates import Predicate, PredicateParser

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

FLAGS = ("append", "dispatch", "events", "strict")


@command("inputcsv")
@dataclass(frozen=True, slots=True)
class Inputcsv:
    """inputcsv [append=<bool>] <file> [where <predicate>]: it begins a search, or appends.

    Only files that the same search has written with `outputcsv` exist in a replay. Unsupported:
    other files, dispatch=true, events=true, start, max. Source: Search Reference, inputcsv.
    """

    stage: Stage
    file: Token
    append: bool
    predicate: Predicate

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, the file's name and the where clause."""
        arguments = stage.arguments
        options = arguments.options((*FLAGS, "start", "max"))
        for name in ("start", "max"):
            if name in options:
                stage.unsupported(f"inputcsv with {name}", options[name].span)
        flags = {name: arguments.boolean(options[name], name) for name in options}
        for name in ("dispatch", "events"):
            if flags.get(name):
                stage.unsupported(f"inputcsv with {name}=true", options[name].span)
        file = arguments.next("a file")
        if not arguments.done and not arguments.accept_word("where"):
            arguments.finish()
        rest = list(arguments.tokens[arguments.position :])
        predicate = PredicateParser(stage.text, rest, stage.span.end).everything()
        return cls(stage, file, flags.get("append", False), predicate)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The file's rows, alone or after those of the search."""
        if rows is not None and not self.append:
            self.stage.fail("`inputcsv` must begin the search", None, "append=true adds rows")
        table = csv_table(self.file.value)
        if not context.has_lookup(table):
            self.stage.unsupported(
                "inputcsv of a file that the search has not written", self.file.span
            )
        read = context.lookup(table, self.stage)[1]
        searching = Searching(self.stage.text, context, events=False)
        found = Filter(read, searching.lower(self.predicate))
        return found if rows is None else Union((rows, found))

"""inputlookup: the rows of a lookup's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Filter, Limit, Project, Relation, Union, Values, Window
from harness.registry import command
from harness.registry.predicates import Searching
from harness.spl.predicates import Predicate, PredicateParser

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage


@command("inputlookup")
@dataclass(frozen=True, slots=True)
class Inputlookup:
    """inputlookup [append=<bool>] [start=<n>] [max=<n>] <lookup> [where <predicate>].

    It begins a search, or with append=true adds the table's rows after those of the search.
    `start` counts rows from 0. The predicate is of the search language. A lookup that does not
    exist gives no rows and a warning, and is an error with strict=true. Unsupported: `where`
    with `start` or `max`. Source: Search Reference, inputlookup.
    """

    stage: Stage
    table: str
    append: bool
    strict: bool
    start: int
    most: int | None
    predicate: Predicate | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options and the name in any order, then the where clause."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        table: str | None = None
        predicate: Predicate | None = None
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(("append", "strict", "start", "max")))
            elif table is not None and arguments.accept_word("where"):
                rest = list(arguments.tokens[arguments.position :])
                if not rest:
                    arguments.fail("WHERE needs a condition")
                predicate = PredicateParser(stage.text, rest, stage.span.end).everything()
                break
            elif table is not None:
                arguments.finish()
            else:
                table = arguments.field("a lookup")
        if table is None:
            arguments.fail("`inputlookup` needs a lookup")
        flags = {
            name: arguments.boolean(options[name], name)
            for name in ("append", "strict")
            if name in options
        }
        start = arguments.integer(options["start"], "start") if "start" in options else 0
        most = arguments.integer(options["max"], "max", minimum=1) if "max" in options else None
        if predicate is not None and (start or most is not None):
            name = "start" if start else "max"
            stage.unsupported(f"inputlookup with WHERE and {name}", options[name].span)
        return cls(
            stage,
            table,
            flags.get("append", False),
            flags.get("strict", False),
            start,
            most,
            predicate,
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The table's rows, alone or after those of the search."""
        if rows is not None and not self.append:
            self.stage.fail(
                "`inputlookup` must begin the search", None, "append=true adds rows to those so far"
            )
        if not (self.strict or context.has_lookup(self.table)):
            context.warn(f"there is no lookup `{self.table}`: inputlookup gives no rows")
            return Values((), ()) if rows is None else rows
        _, table = context.lookup(self.table, self.stage)
        read = self._read(table, context)
        return read if rows is None else Union((rows, read))

    def _read(self, table: Relation, context: Context) -> Relation:
        if self.predicate is not None:
            searching = Searching(self.stage.text, context, events=False)
            return Filter(table, searching.lower(self.predicate))
        if self.start:
            number, columns = context.spare("number"), table.columns or ()
            after = Call(">", (Field(number), Const(float(self.start))))
            table = Project(
                Filter(Window(table, number, ()), after), tuple((name, name) for name in columns)
            )
        return table if self.most is None else Limit(table, self.most)

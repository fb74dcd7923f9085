"""dedup: the first rows of each combination of values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL, Call, Const, Expr, Field, every, some
from harness.plan.nodes import Extend, Filter, Project, Relation, Sort, SortKey, Window
from harness.registry import command
from harness.registry.sort_keys import parse_sort_key

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage


COUNT = re.compile(r"-?\d+")


@command("dedup")
@dataclass(frozen=True, slots=True)
class Dedup:
    """dedup [<count>] <field>… [keepevents=] [keepempty=] [consecutive=] [sortby [+|-]<field>…].

    Rows that lack a field are dropped unless keepempty=true. With keepevents=true the others
    stay without the fields. With sortby the rows are sorted first, so that it decides which ones
    are kept. Source: Search Reference, `dedup`.
    """

    stage: Stage
    count: int
    fields: tuple[str, ...]
    keep_empty: bool
    keep_events: bool
    consecutive: bool
    sort: tuple[SortKey, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read count, fields, options and the sort clause."""
        arguments = stage.arguments
        count = 1
        if (token := arguments.peek()) is not None and COUNT.fullmatch(token.value):
            count = arguments.integer(arguments.next("a count"), "the count", minimum=1)
        known = ("keepevents", "keepempty", "consecutive")
        fields: list[str] = []
        options = {}
        while not arguments.done and not arguments.at_word("sortby"):
            if arguments.accept(","):
                continue
            if arguments.at_option():
                options.update(arguments.options(known))
                continue
            fields.append(arguments.field())
        if not fields:
            arguments.fail("`dedup` needs a field")
        flags = {name: arguments.boolean(token, name) for name, token in options.items()}
        sort: list[SortKey] = []
        if arguments.accept_word("sortby"):
            sort = cls._sort(arguments)
        return cls(
            stage,
            count,
            tuple(fields),
            flags.get("keepempty", False),
            flags.get("keepevents", False),
            flags.get("consecutive", False),
            tuple(sort),
        )

    @staticmethod
    def _sort(arguments: Arguments) -> list[SortKey]:
        keys: list[SortKey] = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            keys.append(parse_sort_key(arguments))
        if not keys:
            arguments.fail("sortby needs a field")
        return keys

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Number the rows of each combination and keep the first numbers."""
        if rows is None:
            self.stage.fail("`dedup` cannot begin a search")
        columns = rows.columns
        if self.sort:
            rows = Sort(rows, self.sort)
        present = every(Call("isnotnull", (Field(name),)) for name in self.fields)
        if not self.keep_empty:
            rows = Filter(rows, present)
        number = context.spare("number")
        numbered = Window(rows, number, self.fields, runs=self.consecutive)
        first: Expr = Call("<=", (Field(number), Const(float(self.count))))
        if self.keep_empty:
            first = some((first, Call("not_true", (present,))))
        kept: Relation = Filter(numbered, first)
        if self.keep_events:
            emptied = ((name, Call("if", (first, Field(name), NULL))) for name in self.fields)
            kept = Extend(numbered, tuple(emptied))
        if columns is not None:
            kept = Project(kept, tuple((name, name) for name in columns))
        return kept

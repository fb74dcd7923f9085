"""sort: the rows in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Limit, Relation, Reverse, SortKey
from harness.plan.nodes import Sort as SortNode
from harness.registry import command
from harness.registry.sort_keys import parse_sort_key

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("sort")
@dataclass(frozen=True, slots=True)
class Sort:
    """sort [<count>] [+|-]<field>… [desc]: numbers by value, text by its characters.

    10,000 rows are kept by default, with a warning where there are more, and all with a count
    of 0; ties keep their order.
    """

    stage: Stage
    count: int | None
    keys: tuple[SortKey, ...]
    reverse: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the count, the fields with their signs, and a final desc."""
        arguments = stage.arguments
        count = None
        options = arguments.options(("limit",))
        if "limit" in options:
            count = arguments.integer(options["limit"], "limit")
        elif (token := arguments.peek()) is not None and token.value.isdigit():
            count = arguments.integer(arguments.next("a count"), "the count")
        keys: list[SortKey] = []
        reverse = False
        while not arguments.done:
            if arguments.accept(","):
                continue
            last = arguments.position == len(arguments.tokens) - 1
            if keys and last and arguments.accept_word("d", "desc"):
                reverse = True
                break
            if keys and last and arguments.accept_word("a", "asc"):
                break
            keys.append(parse_sort_key(arguments))
        if not keys:
            arguments.fail("`sort` needs a field")
        return cls(stage, count, tuple(keys), reverse)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Sort, turn round when desc ends the command, and keep the first rows."""
        if rows is None:
            self.stage.fail("`sort` cannot begin a search")
        relation: Relation = SortNode(rows, self.keys)
        if self.reverse:
            relation = Reverse(relation)
        if self.count is None:
            return context.bounded(relation, context.limits.sorted_rows, "sort")
        return Limit(relation, self.count) if self.count else relation

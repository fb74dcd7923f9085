"""sort: the rows in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Limit, Relation, Reverse, SortKey
from harness.plan.nodes import Sort as SortNode
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

MODES = ("auto", "num", "str", "ip")
DEFAULT_COUNT = 10_000


@command("sort")
@dataclass(frozen=True, slots=True)
class Sort:
    """sort [<count>] [+|-]<field>… [desc]: numbers by value, text by its characters.

    10,000 rows are kept by default, all with a count of 0; ties keep their order.
    """

    stage: Stage
    count: int
    keys: tuple[SortKey, ...]
    reverse: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the count, the fields with their signs, and a final desc."""
        arguments = stage.arguments
        count = DEFAULT_COUNT
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
            keys.append(cls._key(arguments))
        if not keys:
            arguments.fail("`sort` needs a field")
        return cls(stage, count, tuple(keys), reverse)

    @staticmethod
    def _key(arguments: Arguments) -> SortKey:
        token = arguments.next("a field")
        descending, name = False, token.value
        if token.kind == "word" and name[0] in "+-":
            descending, name = name[0] == "-", name[1:]
            if not name:
                token = arguments.next("a field")
                name = token.value
        following = arguments.peek()
        if following is not None and following.kind == "(" and not following.spaced:
            if name.lower() not in MODES:
                arguments.stage.fail(
                    f"`{name}` is no way to sort", token.span, f"ways: {', '.join(MODES)}"
                )
            arguments.expect("(")
            field = arguments.field()
            arguments.expect(")")
            return SortKey(field, descending, name.lower())
        if token.kind not in ("word", "string", "quoted"):
            arguments.stage.fail("a field is expected here", token.span)
        return SortKey(name, descending)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Sort, turn round when desc ends the command, and keep the first rows."""
        if rows is None:
            self.stage.fail("`sort` cannot begin a search")
        relation: Relation = SortNode(rows, self.keys)
        if self.reverse:
            relation = Reverse(relation)
        return Limit(relation, self.count) if self.count else relation

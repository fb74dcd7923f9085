"""head: the first rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Limit, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("head")
@dataclass(frozen=True, slots=True)
class Head:
    """head [<count>|limit=<count>]: the first rows in the order they arrive, 10 by default."""

    stage: Stage
    count: int = 10

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the count; a condition is not supported yet."""
        arguments = stage.arguments
        options = arguments.options(("limit", "null", "keeplast"))
        if "limit" in options:
            count = arguments.integer(options["limit"], "limit")
        elif (token := arguments.peek()) is not None and token.value.isdigit():
            count = arguments.integer(arguments.next("a count"), "the count")
        else:
            count = 10
        if not arguments.done:
            stage.unsupported("head with a condition", arguments.here())
        return cls(stage, count)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Limit the rows."""
        if rows is None:
            self.stage.fail("`head` cannot begin a search")
        return Limit(rows, self.count)

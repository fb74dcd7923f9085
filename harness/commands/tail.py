"""tail: the last rows, the last one first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Limit, Relation, Reverse
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("tail")
@dataclass(frozen=True, slots=True)
class Tail:
    """tail [<count>]: the last rows, 10 by default, in reverse order from the end.

    Source: Search Reference, `tail`.
    """

    stage: Stage
    count: int

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the count."""
        arguments = stage.arguments
        options = arguments.options(("limit",))
        count = 10
        if "limit" in options:
            count = arguments.integer(options["limit"], "limit")
        elif not arguments.done:
            count = arguments.integer(arguments.next("a count"), "the count")
        arguments.finish()
        return cls(stage, count)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Turn the rows round and keep the first ones."""
        if rows is None:
            self.stage.fail("`tail` cannot begin a search")
        return Limit(Reverse(rows), self.count)

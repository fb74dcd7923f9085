"""redistribute: how many indexers reduce the results of the commands after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("redistribute")
@dataclass(frozen=True, slots=True)
class Redistribute:
    """redistribute [num_of_reducers=<count>] [BY <field>…]: only for speed.

    The rows pass unchanged. The arguments are checked and mean nothing further, since there
    are no indexers to share the work.

    Source: Search Reference, redistribute.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Check the arguments."""
        arguments = stage.arguments
        options = arguments.options(("num_of_reducers",))
        for name, token in options.items():
            arguments.integer(token, name, minimum=1)
        if arguments.accept_word("by") and not arguments.fields():
            arguments.fail("BY needs a field")
        arguments.finish()
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Give the rows as they are."""
        if rows is None:
            self.stage.fail("`redistribute` cannot begin a search")
        return rows

"""localop: the commands after it run on the search head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("localop")
@dataclass(frozen=True, slots=True)
class Localop:
    """localop: says where the commands after it run, and changes no result.

    There is one place here, so the rows pass unchanged.

    Source: Search Reference, localop.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Take no arguments."""
        stage.arguments.finish()
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Give the rows as they are."""
        if rows is None:
            self.stage.fail("`localop` cannot begin a search")
        return rows

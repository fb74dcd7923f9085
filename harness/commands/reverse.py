"""reverse: the rows in the opposite order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan import nodes
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("reverse")
@dataclass(frozen=True, slots=True)
class Reverse:
    """reverse: the same rows in the opposite order. Source: Search Reference, `reverse`."""

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """There is nothing to read."""
        stage.arguments.finish()
        return cls(stage)

    def lower(self, rows: nodes.Relation | None, context: Context) -> nodes.Relation:  # noqa: ARG002
        """Turn the rows round."""
        if rows is None:
            self.stage.fail("`reverse` cannot begin a search")
        return nodes.Reverse(rows)

"""highlight: texts that Splunk Web shows in colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("highlight")
@dataclass(frozen=True, slots=True)
class Highlight:
    """highlight <text>…: a matter of display alone, so that the rows stay as they are.

    Source: Search Reference, `highlight`.
    """

    stage: Stage
    texts: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the texts."""
        texts = stage.arguments.fields()
        if not texts:
            stage.arguments.fail("`highlight` needs a text")
        return cls(stage, tuple(texts))

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Nothing changes."""
        if rows is None:
            self.stage.fail("`highlight` cannot begin a search")
        return rows

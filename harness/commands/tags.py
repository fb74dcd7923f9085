"""tags: the tags of events, which they have anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.streams import streams

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("tags")
@dataclass(frozen=True, slots=True)
class Tags:
    """tags: events get `tag` and `tag::<field>`, which are worked out wherever they are asked for.

    Unsupported: options, fields, and rows that are no events. Source: Search Reference, tags.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Take no arguments."""
        if not stage.arguments.done:
            stage.unsupported("tags with options or fields", stage.arguments.here())
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """The events."""
        if rows is None:
            self.stage.fail("`tags` cannot begin a search")
        if not streams(rows):
            self.stage.unsupported("tags of rows that are no events")
        return rows

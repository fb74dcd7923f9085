"""typer: the event types of events, which they have anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.streams import streams

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("typer")
@dataclass(frozen=True, slots=True)
class Typer:
    """typer: events get `eventtype`, which is worked out wherever it is asked for.

    Unsupported: options, and rows that are no events. Source: Search Reference, typer.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Take no arguments."""
        if not stage.arguments.done:
            stage.unsupported("typer with options", stage.arguments.here())
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """The events."""
        if rows is None:
            self.stage.fail("`typer` cannot begin a search")
        if not streams(rows):
            self.stage.unsupported("typer of rows that are no events")
        return rows

"""multisearch: the events of several searches that stream, as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.streams import interleaved, streams, writes_table
from harness.registry.subsearches import take_subsearch

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

FEWEST = 2


@command("multisearch")
@dataclass(frozen=True, slots=True)
class Multisearch:
    """multisearch <subsearch> <subsearch>…: two or more, without a limit of rows.

    Only commands that stream may stand in them. The events are interleaved by time, newest
    first. Source: Search Reference, multisearch.
    """

    stage: Stage
    subsearches: tuple[Span, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the subsearches."""
        found = []
        while not stage.arguments.done:
            found.append(take_subsearch(stage.arguments))
        if len(found) < FEWEST:
            stage.fail("`multisearch` needs two subsearches or more")
        return cls(stage, tuple(found))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The events of all searches."""
        if rows is not None:
            self.stage.fail("`multisearch` must begin a search")
        found = []
        for span in self.subsearches:
            pipeline = self.stage.pipeline(span)
            events = context.lowered(pipeline)
            if not streams(events) or writes_table(pipeline):
                self.stage.fail(
                    "a subsearch of `multisearch` does not stream",
                    span,
                    "use `append` for searches with statistics or tables",
                )
            found.append(events)
        return interleaved(found)

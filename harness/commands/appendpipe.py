"""appendpipe: the rows, then what a pipeline makes of the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Relation, Union
from harness.registry import command
from harness.registry.subsearches import take_subsearch

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span


@command("appendpipe")
@dataclass(frozen=True, slots=True)
class Appendpipe:
    """appendpipe [run_in_preview=<bool>] [<pipeline>]: the pipeline receives the rows so far.

    Source: Search Reference, appendpipe.
    """

    stage: Stage
    subsearch: Span

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the option, which changes previews only, and the pipeline."""
        arguments = stage.arguments
        options = arguments.options(("run_in_preview",))
        if "run_in_preview" in options:
            arguments.boolean(options["run_in_preview"], "run_in_preview")
        subsearch = take_subsearch(arguments)
        arguments.finish()
        return cls(stage, subsearch)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The rows, worked out once, and the pipeline over them."""
        if rows is None:
            self.stage.fail("`appendpipe` cannot begin a search")
        kept = context.kept(rows)
        return Union((kept, context.lowered(self.stage.pipeline(self.subsearch), kept)))

"""append: the rows of a subsearch after the rows of the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Relation, Union
from harness.registry import command
from harness.registry.subsearches import TIMES, most_rows, subsearch_rows, take_subsearch

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span


@command("append")
@dataclass(frozen=True, slots=True)
class Append:
    """append [maxout=<n>] [maxtime=<n>] [timeout=<n>] [extendtimerange=<bool>] <subsearch>.

    The subsearch gives 50,000 rows at most, or `maxout`; a warning says when there are more.
    Source: Search Reference, append.
    """

    stage: Stage
    subsearch: Span
    most: int | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the subsearch."""
        arguments = stage.arguments
        options = arguments.options(("extendtimerange", "maxout", *TIMES))
        if "extendtimerange" in options and arguments.boolean(
            options["extendtimerange"], "extendtimerange"
        ):
            stage.unsupported("append with extendtimerange=true", options["extendtimerange"].span)
        for name in TIMES:
            if name in options:
                arguments.integer(options[name], name)
        most = most_rows(arguments, options, 0) or None
        subsearch = take_subsearch(arguments)
        arguments.finish()
        return cls(stage, subsearch, most)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The rows, then those of the subsearch."""
        most = self.most or context.limits.append_rows
        appended = subsearch_rows(self.stage, self.subsearch, most, context)
        return appended if rows is None else Union((rows, appended))

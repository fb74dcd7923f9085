"""search: keep the events, or the rows, that meet a predicate of the search language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Filter, Relation
from harness.registry import command
from harness.registry.predicates import Searching
from harness.spl.predicates import Predicate, parse_predicate

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("search")
@dataclass(frozen=True, slots=True)
class Search:
    """search <predicate>: at the start of a search it reads events, elsewhere it filters rows.

    An `OR` with nothing before it, as converters of Sigma rules write, is read as if it were not
    there: with a warning, and `harness check` calls it an error, since Splunk refuses it.
    """

    stage: Stage
    predicate: Predicate

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the predicate; an empty one keeps everything."""
        return cls(stage, parse_predicate(stage.text, stage.span, headless=True))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Filter the events or the rows."""
        base = context.events() if rows is None else rows
        searching = Searching(self.stage.text, context, events=base.columns is None)
        return Filter(base, searching.lower(self.predicate))

"""metasearch: the metadata of the events that a search finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import demands
from harness.plan.nodes import Filter, Project, Relation
from harness.registry import command
from harness.registry.predicates import Searching
from harness.spl.predicates import Predicate, parse_predicate

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

METADATA = ("_time", "host", "index", "source", "sourcetype")


@command("metasearch")
@dataclass(frozen=True, slots=True)
class Metasearch:
    """metasearch <predicate>: events found by terms and metadata, with their metadata alone.

    Unsupported: other fields in the predicate. Source: Search Reference, metasearch.
    """

    stage: Stage
    predicate: Predicate

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the predicate."""
        return cls(stage, parse_predicate(stage.text, stage.span))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Filter the events."""
        if rows is not None:
            self.stage.fail("`metasearch` must begin a search")
        predicate = Searching(self.stage.text, context, events=True).lower(self.predicate)
        other = {str(one) for one in demands(predicate)} - {*METADATA, "_raw"}
        if other:
            self.stage.unsupported(f"metasearch with fields other than {', '.join(METADATA)}")
        found = Filter(context.events(), predicate)
        return Project(found, tuple((name, name) for name in METADATA))

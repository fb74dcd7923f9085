"""What a command may ask of the search that it is part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.model import LookupDefinition, Rows
    from harness.plan.nodes import Relation
    from harness.spl.pipeline import Pipeline, Stage


class Context(Protocol):
    """The running search: its clock and zone, its knowledge, and the engine below it."""

    @property
    def now(self) -> float:
        """The trial's clock, in epoch seconds."""
        ...

    @property
    def timezone(self) -> str:
        """The zone in which days begin and times are printed, an IANA name."""
        ...

    def events(self) -> Relation:
        """The events that the search may see, within the trial's time range."""
        ...

    def data_set(self, model: str, name: str | None, stage: Stage) -> Relation:
        """A data model's data set: the metadata fields, and its fields by qualified name."""
        ...

    def closed(self, rows: Relation) -> Relation:
        """The same rows with their columns known, worked out now if they are not."""
        ...

    def rows(self, pipeline: Pipeline, *, limit: int) -> Rows:
        """The rows of a subsearch, at most `limit`."""
        ...

    def lookup(self, name: str, stage: Stage) -> tuple[LookupDefinition, Relation]:
        """A lookup's definition and its table."""
        ...

    def spare(self, name: str) -> str:
        """A field's name that no search can write, for a command's own columns."""
        ...

"""What a command may ask of the search that it is part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.errors import HarnessError
    from harness.model import Limits, LookupDefinition, Rows, TimeRange
    from harness.plan.expressions import Expr
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

    @property
    def time_range(self) -> TimeRange:
        """The time range of the search, in epoch seconds."""
        ...

    @property
    def limits(self) -> Limits:
        """How many rows each kind of work may give."""
        ...

    def warn(self, message: str) -> None:
        """Say in the verdict that something was left out, for example that a limit cut rows."""
        ...

    def forgive(self, error: HarnessError) -> None:
        """Go on after what Splunk refuses: a check reports the error, a run warns of it."""
        ...

    @property
    def tags(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The enabled tags of the apps by (field, value)."""
        ...

    def indexed(self, name: str) -> Expr | None:
        """A field as the index itself holds it, from index time; None where no event has it."""
        ...

    def events(self) -> Relation:
        """The events that the search may see, within the trial's time range."""
        ...

    def data_set(self, model: str, name: str | None, stage: Stage) -> Relation:
        """A data model's data set: the metadata fields, and its fields by qualified name.

        Without a name it is the events of every root data set of the model.
        """
        ...

    def closed(self, rows: Relation) -> Relation:
        """The same rows with their columns known, worked out now if they are not."""
        ...

    def shown(self, rows: Relation, always: Iterable[str] = ()) -> Relation:
        """As `closed`, for a command that only chooses columns.

        Where it is a search's last one nothing is worked out for it: columns that turn out to be
        empty are left out of the results, but for those that it shows `always`.
        """
        ...

    def rows(self, pipeline: Pipeline, *, limit: int) -> Rows:
        """The rows of a subsearch, at most `limit`."""
        ...

    def bounded(self, rows: Relation, most: int, what: str) -> Relation:
        """The first rows of a subsearch; `what` names it in a warning where that leaves some out.

        How many there are is found out now.
        """
        ...

    def lowered(self, pipeline: Pipeline, rows: Relation | None = None) -> Relation:
        """A subsearch as a relation; `rows` are what its first command receives, if any."""
        ...

    def parse(self, text: str, stage: Stage) -> Pipeline:
        """A search that is not part of the stage's own text, macros expanded.

        It can only read: a command in it that writes is refused.
        """
        ...

    def kept(self, rows: Relation) -> Relation:
        """The same rows worked out now and stored, for a command that reads them twice."""
        ...

    def fetched(self, rows: Relation) -> Rows:
        """The rows themselves, all fields of an open relation included."""
        ...

    def applied(self, rows: Relation, work: Callable[[Rows], Rows]) -> Relation:
        """What a Python function makes of the rows, in their order; worked out now and stored.

        For what SQL cannot say, and for columns whose names are in the data. A cell is a text,
        a number, a list of texts, or missing from its row; the columns are the result's own.
        """
        ...

    def save(self, name: str, rows: Relation, stage: Stage, *, append: bool) -> Relation:
        """Write rows into a lookup's table for the rest of the search; gives the rows stored."""
        ...

    def lookup(self, name: str, stage: Stage) -> tuple[LookupDefinition, Relation]:
        """A lookup's definition and its table."""
        ...

    def saved_search(self, name: str, stage: Stage, filled: Callable[[str], str]) -> Relation:
        """The rows of a saved search of the apps; `filled` makes the text to run of its text."""
        ...

    def extracted(self, rows: Relation, name: str, stage: Stage) -> Relation:
        """The rows with the fields that a stanza of transforms.conf extracts."""
        ...

    def locations(self, rows: Relation, stage: Stage) -> str | None:
        """The path of the database of IP locations.

        `Unsupported` where the user names none; None where there is no row to locate either.
        """
        ...

    def has_lookup(self, name: str) -> bool:
        """Whether there is a lookup of a name, or a part of the search has written one."""
        ...

    def spare(self, name: str) -> str:
        """A field's name that no search can write, for a command's own columns."""
        ...

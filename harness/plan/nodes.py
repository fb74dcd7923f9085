"""The relational nodes that every engine knows.

A relation has `columns`: the names it is known to have, in display order, or `None` when it is
open, that is when its names are known only from the data. Any name may be asked of an open
relation. A name that a closed relation lacks is NULL in every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.expressions import Demand, Expr
    from harness.plan.types import Kind

Columns = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Scan:
    """All events of the trial, newest first and later input first among equals."""

    @property
    def columns(self) -> Columns:
        """Open: the fields of an event are known only from the event."""
        return None


SEQUENCE = "\0sequence"
"""Where an event stands among all that were loaded."""


@dataclass(frozen=True, slots=True)
class EventGroup:
    """The events of one index, source and source type, before any field is extracted.

    Its columns are the metadata fields and `_raw`; `number` is the engine's own number of it.
    Events that came as a table of fields stand in a `table` of their own, with those fields.
    """

    number: int
    names: tuple[str, ...]
    table: str = ""

    @property
    def columns(self) -> Columns:
        """The metadata fields, and those of the table."""
        return self.names


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows that the engine holds under a name: a lookup's table, or what a Barrier left."""

    table: str
    names: tuple[str, ...]

    @property
    def columns(self) -> Columns:
        """The stored columns."""
        return self.names


@dataclass(frozen=True, slots=True)
class Values:
    """Rows that stand in the plan itself; cells are text, numbers, lists of text or NULL."""

    names: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def columns(self) -> Columns:
        """The given names."""
        return self.names


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows for which the predicate is true."""

    input: Relation
    predicate: Expr

    @property
    def columns(self) -> Columns:
        """Those of the input."""
        return self.input.columns


@dataclass(frozen=True, slots=True)
class Extend:
    """New or replaced fields, all worked out over the input's fields."""

    input: Relation
    fields: tuple[tuple[Demand, Expr], ...]

    @property
    def columns(self) -> Columns:
        """Those of the input, then the new ones."""
        names = self.input.columns
        if names is None:
            return None
        new = (name for name, _ in self.fields if isinstance(name, str))
        return tuple(dict.fromkeys((*names, *new)))


@dataclass(frozen=True, slots=True)
class Project:
    """Exactly these fields, as (new name, old name)."""

    input: Relation
    fields: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> Columns:
        """The new names."""
        return tuple(name for name, _ in self.fields)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One result of an aggregation: a function of the registry over an expression.

    `parameter` is the number in the function's name (`perc95`). Of a sparkline `inner` is the
    function of each of its buckets of time, which begin at `starts`.
    """

    name: str
    function: str
    argument: Expr | None = None
    parameter: float | None = None
    inner: str | None = None
    starts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One row for each combination of the BY fields' values; rows that lack one are dropped.

    Without BY fields there is exactly one row.
    """

    input: Relation
    by: tuple[str, ...]
    aggregations: tuple[Aggregation, ...]

    @property
    def columns(self) -> Columns:
        """The BY fields, then the results."""
        return (*self.by, *(aggregation.name for aggregation in self.aggregations))


@dataclass(frozen=True, slots=True)
class Window:
    """The number of each row (from 1) among those that share the partition's values.

    Numbers count in the relation's own order. With `runs`, only neighbours share a partition.
    """

    input: Relation
    name: str
    partition: tuple[str, ...]
    runs: bool = False

    @property
    def columns(self) -> Columns:
        """Those of the input, then the number."""
        names = self.input.columns
        return None if names is None else (*names, self.name)


@dataclass(frozen=True, slots=True)
class Match:
    """How one field of the left meets one column of the right: exact, wildcard or cidr."""

    left: str
    right: str
    kind: str = "exact"
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class Offsets:
    """How much later than a row of the right one of the left may be, in seconds, to meet it.

    `left` and `right` are the fields of the two times. The latest rows of the right come first.
    """

    left: str
    right: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Join:
    """Each left row with values of the right rows that match it, in the right's order.

    `outputs` are (new field, right column); a field of several matches is multivalue. Without
    a match an output is NULL, or keeps what the left has if `keep`, or is `default`. With
    `only_missing` an output that the left already has stays.
    """

    input: Relation
    table: Relation
    matches: tuple[Match, ...]
    outputs: tuple[tuple[str, str], ...]
    max_matches: int = 1
    min_matches: int = 0
    default: str | None = None
    only_missing: bool = False
    times: Offsets | None = None

    @property
    def columns(self) -> Columns:
        """Those of the input, then the outputs."""
        names = self.input.columns
        if names is None:
            return None
        return tuple(dict.fromkeys((*names, *(name for name, _ in self.outputs))))


@dataclass(frozen=True, slots=True)
class Union:
    """The rows of every input, in order; `merged` inputs are events sorted as one scan."""

    inputs: tuple[Relation, ...]
    merged: bool = False

    @property
    def columns(self) -> Columns:
        """The names of any input, in order of appearance."""
        names: dict[str, None] = {}
        for relation in self.inputs:
            columns = relation.columns
            if columns is None:
                return None
            names.update(dict.fromkeys(columns))
        return tuple(names)


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by; `mode` is auto, num, str or ip."""

    field: str
    descending: bool = False
    mode: str = "auto"


@dataclass(frozen=True, slots=True)
class Sort:
    """The rows in another order; ties keep theirs, rows without the field come last."""

    input: Relation
    keys: tuple[SortKey, ...]

    @property
    def columns(self) -> Columns:
        """Those of the input."""
        return self.input.columns


@dataclass(frozen=True, slots=True)
class Reverse:
    """The rows in the opposite order."""

    input: Relation

    @property
    def columns(self) -> Columns:
        """Those of the input."""
        return self.input.columns


@dataclass(frozen=True, slots=True)
class Limit:
    """The first rows."""

    input: Relation
    count: int

    @property
    def columns(self) -> Columns:
        """Those of the input."""
        return self.input.columns


@dataclass(frozen=True, slots=True)
class Explode:
    """One row for each value of a field; rows without the field are dropped."""

    input: Relation
    field: str

    @property
    def columns(self) -> Columns:
        """Those of the input."""
        return self.input.columns


@dataclass(frozen=True, slots=True)
class Frame:
    """Which rows before a row its statistics see, in the relation's order.

    `preceding` is how many rows back they reach (None: all), or the field that says it. With
    `over` it is how far back in the values of that number field, which does not decrease along
    the rows, instead; then rows of equal value see one another. Without `current` the row
    itself is left out.
    """

    preceding: float | str | None = None
    current: bool = True
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Windowed:
    """Every row with statistics over the rows that share its BY fields' values.

    They see the rows of the frame, or without one all rows of the group. A row that lacks a BY
    field gets no statistics.
    """

    input: Relation
    by: tuple[str, ...]
    aggregations: tuple[Aggregation, ...]
    frame: Frame | None = None

    @property
    def columns(self) -> Columns:
        """Those of the input, then the results."""
        names = self.input.columns
        if names is None:
            return None
        results = (aggregation.name for aggregation in self.aggregations)
        return tuple(dict.fromkeys((*names, *results)))


@dataclass(frozen=True, slots=True)
class Combine:
    """Each left row beside the right rows that have the same values of some fields.

    `most` right rows at most (None: all), the first ones in their order. Without a match the
    left row is dropped, unless `outer`. Where both have a field the right one wins, or with
    `only_missing` the left one. A NULL matches nothing.
    """

    input: Relation
    right: Relation
    by: tuple[str, ...]
    outer: bool = False
    most: int | None = 1
    only_missing: bool = False

    @property
    def columns(self) -> Columns:
        """Those of the left, then the right one's others."""
        left, right = self.input.columns, self.right.columns
        if left is None or right is None:
            return None
        return tuple(dict.fromkeys((*left, *right)))


@dataclass(frozen=True, slots=True)
class Unfold:
    """Fields that stand in a text with their names: any name asked is looked for there.

    `reader` is a function of the registry that gives a name's values in a text, `names` one
    that gives all names. What is found replaces what the row had under the name.
    """

    input: Relation
    source: str
    reader: str
    names: str

    @property
    def columns(self) -> Columns:
        """Open: the names stand in the data."""
        return None


Relation = (
    Scan
    | EventGroup
    | Stored
    | Values
    | Filter
    | Extend
    | Project
    | Aggregate
    | Window
    | Join
    | Union
    | Sort
    | Reverse
    | Limit
    | Explode
    | Windowed
    | Combine
    | Unfold
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's type, as an engine reports it of stored rows; `place` is its own number there.

    Without a place it is the column's position among those reported.
    """

    name: str
    kind: Kind
    multi: bool
    place: int | None = None

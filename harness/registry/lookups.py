"""Rows joined to a lookup's table: by commands, automatic lookups and data models alike.

A lookup with a `time_field` meets the rows of its table that are as old as it allows, the newest
first. Source: transforms.conf.spec, "Lookup tables"; Knowledge Manager Manual, "Configure a
time-based lookup".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError, nearest
from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Join, Match, Offsets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import LookupDefinition
    from harness.plan.expressions import Expr
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

Pairs = tuple[tuple[str, str], ...]
Known = tuple["LookupDefinition", "Relation"]
EVENT_TIME = "_time"
ROW_TIME = "\0row time"
EPOCH_FORMATS = ("", "%s", "%s.%Q")
"""Seconds since 1970, with or without a fraction: Splunk's default format says it is optional."""


class UnknownLookupField(HarnessError):
    """A lookup's table has no such column."""


def lookup_join(
    rows: Relation,
    known: Known,
    inputs: Pairs,
    outputs: Pairs,
    *,
    only_missing: bool = False,
    event_time: str = EVENT_TIME,
) -> Join:
    """The rows with columns of a table where its inputs match, as the lookup's definition says.

    `known` is the definition and the table; inputs and outputs are (column, field).
    """
    definition, table = known
    kinds = {column: kind for kind, column in definition.match_types}
    times = None
    if definition.time_field:
        table = Extend(table, ((ROW_TIME, _row_time(definition)),))
        least, most = definition.offsets
        times = Offsets(event_time, ROW_TIME, float(least), float(most))
    return Join(
        rows,
        table,
        tuple(
            Match(field, column, kinds.get(column, "exact"), definition.case_sensitive)
            for column, field in inputs
        ),
        tuple((field, column) for column, field in outputs),
        definition.max_matches,
        definition.min_matches,
        definition.default_match,
        only_missing=only_missing,
        times=times,
    )


def _row_time(definition: LookupDefinition) -> Expr:
    """The time of a table's row in whole seconds: fractions of them are left out."""
    written = Field(definition.time_field)
    if definition.time_format in EPOCH_FORMATS:
        return Call("floor", (Call("tonumber", (written,)),))
    return Call("floor", (Call("strptime", (written, Const(definition.time_format))),))


def check_columns(known: Known, columns: Iterable[str]) -> None:
    """Raise UnknownLookupField if the lookup's table lacks a column that is needed."""
    definition, table = known
    there = table.columns or ()
    needed = (*columns, *((definition.time_field,) if definition.time_field else ()))
    missing = [column for column in needed if there and column not in there]
    if missing:
        listed = ", ".join(f"`{column}`" for column in missing)
        raise UnknownLookupField(
            f"the lookup `{definition.name}` has no column {listed}",
            hints=nearest(missing[0], there) or (f"columns: {', '.join(there)}",),
        )


def joined(
    rows: Relation,
    table: tuple[str, Stage],
    inputs: Pairs,
    outputs: Pairs,
    context: Context,
    *,
    only_missing: bool = False,
    event_time: str = EVENT_TIME,
) -> Relation:
    """The same for a command: `table` is the lookup's name and the stage that names it.

    Without outputs all other columns are taken.
    """
    name, stage = table
    known = context.lookup(name, stage)
    for column, _ in (*inputs, *outputs):
        _check_written(known, column, stage)
    check_columns(known, ())
    matched = {column for column, _ in inputs}
    columns = known[1].columns or ()
    outputs = outputs or tuple((column, column) for column in columns if column not in matched)
    return lookup_join(
        rows, known, inputs, outputs, only_missing=only_missing, event_time=event_time
    )


def _check_written(known: Known, column: str, stage: Stage) -> None:
    try:
        check_columns(known, (column,))
    except UnknownLookupField as error:
        written = [token.span for token in stage.arguments.tokens if token.value == column]
        span = written[-1] if written else stage.name_span
        raise UnknownLookupField(
            error.message,
            place=stage.text.place(span),
            hints=(*error.hints, *stage.text.hints(span)),
        ) from error

"""Rows joined to a lookup's table, for the command and for the function of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from harness.errors import HarnessError, nearest
from harness.plan.nodes import Join, Match

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

Pairs = tuple[tuple[str, str], ...]


class UnknownLookupField(HarnessError):
    """A lookup's table has no such column."""


def joined(
    rows: Relation,
    table: tuple[str, Stage],
    inputs: Pairs,
    outputs: Pairs,
    context: Context,
    *,
    only_missing: bool = False,
) -> Relation:
    """The rows with columns of a table where its inputs match, as the lookup's definition says.

    `table` is its name and the stage that names it; inputs and outputs are (column, field).
    Without outputs all other columns are taken.
    """
    name, stage = table
    definition, found = context.lookup(name, stage)
    columns = found.columns or ()
    for column, _ in (*inputs, *outputs):
        if columns and column not in columns:
            _unknown(stage, name, column, columns)
    kinds = {column: kind for kind, column in definition.match_types}
    matched = {column for column, _ in inputs}
    outputs = outputs or tuple((column, column) for column in columns if column not in matched)
    return Join(
        rows,
        found,
        tuple(
            Match(field, column, kinds.get(column, "exact"), definition.case_sensitive)
            for column, field in inputs
        ),
        tuple((field, column) for column, field in outputs),
        definition.max_matches,
        definition.min_matches,
        definition.default_match,
        only_missing=only_missing,
    )


def _unknown(stage: Stage, table: str, column: str, columns: tuple[str, ...]) -> NoReturn:
    written = [token.span for token in stage.arguments.tokens if token.value == column]
    span = written[-1] if written else stage.name_span
    hints = nearest(column, columns) or (f"columns: {', '.join(columns)}",)
    raise UnknownLookupField(
        f"the lookup `{table}` has no column `{column}`",
        place=stage.text.place(span),
        hints=(*hints, *stage.text.hints(span)),
    )

"""allnum=true: numerical statistics of those fields alone that hold nothing but numbers.

Source: Splunk Search Reference, `stats`, allnum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.plan.expressions import NULL, Call, Field
from harness.plan.nodes import Aggregate, Aggregation, Explode, Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan.nodes import Relation
    from harness.registry.context import Context

NUMERICAL = frozenset(
    "avg exactperc mean median p perc range stdev stdevp sum sumsq upperperc var varp".split()
)
"""The functions of numbers; the others take texts as well, and are left alone."""


def of_numbers_alone(
    found: Sequence[Aggregation], rows: Relation, context: Context
) -> tuple[Aggregation, ...]:
    """The statistics, those of numbers NULL where any row has another value in their field."""
    names = sorted(
        {
            one.argument.name
            for one in found
            if one.function in NUMERICAL and isinstance(one.argument, Field)
        }
    )
    mixed = {name for name in names if _has_text(name, rows, context)}
    return tuple(
        replace(one, argument=NULL)
        if one.function in NUMERICAL
        and isinstance(one.argument, Field)
        and one.argument.name in mixed
        else one
        for one in found
    )


def _has_text(name: str, rows: Relation, context: Context) -> bool:
    """Whether a value of the field, or one of several, is no number."""
    values = Explode(Project(rows, ((name, name),)), name)
    other = Call("isnull", (Call("tonumber", (Field(name),)),))
    (row,) = context.fetched(Aggregate(values, (), (Aggregation("other", "count", other),))).rows
    return bool(row.get("other"))

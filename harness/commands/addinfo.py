"""addinfo: what is known of the search itself, in every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Const
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.time_bounds import time_bounds

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

WITHOUT_START, WITHOUT_END = "0.000", "+Infinity"


@command("addinfo")
@dataclass(frozen=True, slots=True)
class Addinfo:
    """addinfo: the fields info_min_time, info_max_time, info_sid and info_search_time.

    The times are those of the search's range, `earliest=` and `latest=` in it included; without
    bounds they are 0.000 and +Infinity. The search runs at the trial's clock; its id is made of
    that. Source: Search Reference, `addinfo`.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """There is nothing to read."""
        stage.arguments.finish()
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the fields."""
        if rows is None:
            self.stage.fail("`addinfo` cannot begin a search")
        earliest, latest = time_bounds(rows, context)
        fields = (
            ("info_min_time", _time(earliest, WITHOUT_START)),
            ("info_max_time", _time(latest, WITHOUT_END)),
            ("info_sid", Const(f"{context.now:.0f}.1")),
            ("info_search_time", _time(context.now, "")),
        )
        return Extend(rows, fields)


def _time(moment: float | None, otherwise: str) -> Const:
    return Const(otherwise if moment is None else f"{moment:.3f}")

"""fillnull: a value where a field is absent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.names import is_wild, spread

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

ALL = ("*", "_*")
NUMBER = re.compile(r"0|-?[1-9]\d{0,14}")
"""A value that prints as it was written, so that a field of numbers may stay one."""


@command("fillnull")
@dataclass(frozen=True, slots=True)
class Fillnull:
    """fillnull [value=<text>] [<field>…]: 0 by default, in all fields when none is named."""

    stage: Stage
    value: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the value and the fields."""
        arguments = stage.arguments
        options, names = arguments.options_and_fields(("value",))
        value = options["value"].value if "value" in options else "0"
        return cls(stage, value, tuple(names))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Replace NULL; a named field that no row has becomes a column."""
        if rows is None:
            self.stage.fail("`fillnull` cannot begin a search")
        if not self.names or any(is_wild(name) for name in self.names):
            rows = context.closed(rows)
        filled = spread(self.names or ALL, rows.columns)
        value = Const(float(self.value) if NUMBER.fullmatch(self.value) else self.value)
        return Extend(
            rows, tuple((name, Call("coalesce", (Field(name), value))) for name in filled)
        )

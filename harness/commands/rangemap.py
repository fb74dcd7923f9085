"""rangemap: the names of the ranges that a number lies in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL, Call, Const, Expr, Field, every
from harness.plan.nodes import Extend, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

RANGE = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))-(-?(?:\d+\.?\d*|\.\d+))")


@command("rangemap")
@dataclass(frozen=True, slots=True)
class Rangemap:
    """rangemap field=<field> [<name>=<low>-<high>]… [default=<name>]: adds the field `range`.

    Both ends belong to a range. Where ranges overlap there are several values, where none fits
    there is the default, "None". Source: Search Reference, `rangemap`.
    """

    stage: Stage
    field: str
    ranges: tuple[tuple[str, float, float], ...]
    default: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field, the ranges and the default."""
        arguments = stage.arguments
        field, default, ranges = "", "None", []
        while not arguments.done:
            if not arguments.at_option():
                arguments.fail("a range is expected here", "write low=0-10")
            name = arguments.tokens[arguments.position].value
            value = arguments.option_value()
            if name.lower() == "field":
                field = value.value
            elif name.lower() == "default":
                default = value.value
            else:
                found = RANGE.fullmatch(value.value)
                if found is None:
                    stage.fail(f"`{value.value}` is no range", value.span, f"write {name}=0-10")
                ranges.append((name, float(found[1]), float(found[2])))
        if not field:
            arguments.fail("`rangemap` needs field=…")
        return cls(stage, field, tuple(ranges), default)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the field."""
        if rows is None:
            self.stage.fail("`rangemap` cannot begin a search")
        number = Call("tonumber", (Field(self.field),))
        names: list[Expr] = []
        for name, low, high in self.ranges:
            inside = every((Call(">=", (number, Const(low))), Call("<=", (number, Const(high)))))
            names.append(Call("if", (inside, Const(name), NULL)))
        value: Expr = Const(self.default)
        if names:
            found = Call("mvappend", tuple(names)) if len(names) > 1 else names[0]
            value = Call("coalesce", (found, value))
        return Extend(rows, (("range", value),))

"""filldown: the last value seen, where a field is absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Field
from harness.plan.nodes import Aggregation, Frame, Relation, Windowed
from harness.registry import command
from harness.registry.names import is_wild, spread

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("filldown")
@dataclass(frozen=True, slots=True)
class Filldown:
    """filldown [<field>…]: NULL becomes the last value before it, in all fields if none is named.

    Names may hold wildcards. A field without a value before it stays absent. Source: Search
    Reference, `filldown`.
    """

    stage: Stage
    names: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the fields."""
        arguments = stage.arguments
        names = arguments.fields()
        return cls(stage, tuple(names))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The last value up to each row."""
        if rows is None:
            self.stage.fail("`filldown` cannot begin a search")
        if not self.names or any(is_wild(name) for name in self.names):
            rows = context.closed(rows)
        columns = rows.columns
        named = spread(self.names or ("*",), columns)
        names = [name for name in named if columns is None or name in columns]
        filled = tuple(Aggregation(name, "last", Field(name)) for name in names)
        return Windowed(rows, (), filled, Frame()) if filled else rows

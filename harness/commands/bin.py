"""bin: a field's values put into spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.extents import BIN_OPTIONS, Bins, chosen_span, parse_bins

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("bin", "bucket", "discretize")
@dataclass(frozen=True, slots=True)
class Bin:
    """bin [span=<span>] [bins=<count>] [minspan=] [start=] [end=] [aligntime=] <field> [AS <name>].

    A time is replaced by its span's start, a number by `low-high`. Spans of time begin at
    multiples from the epoch, days and longer ones at local midnight, weeks without `@w` on
    Thursdays; `aligntime` (earliest, latest or a time) moves those shorter than a day. Without a
    span the data decides: times get the least of Splunk's spans that gives at most `bins` (100),
    numbers the least power of ten. A span of time over a field other than _time gives starts too.

    Source: Search Reference, `bin`; Search Manual, "Search using time bins and spans".
    """

    stage: Stage
    field: str
    name: str
    bins: Bins

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, the field and its new name, in any order."""
        arguments = stage.arguments
        options = arguments.options(BIN_OPTIONS)
        field = arguments.field()
        options.update(arguments.options(BIN_OPTIONS))
        name = arguments.field("a name") if arguments.accept_word("as") else field
        options.update(arguments.options(BIN_OPTIONS))
        arguments.finish()
        return cls(stage, field, name, parse_bins(arguments, options, field))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Replace the field, or add the new one."""
        if rows is None:
            self.stage.fail(f"`{self.stage.name}` cannot begin a search")
        span = chosen_span(self.bins, self.field, rows, context, self.stage)
        if span is None:
            if self.name == self.field:
                return rows
            return Extend(rows, ((self.name, Field(self.field)),))
        return Extend(rows, ((self.name, span.expression(self.field)),))

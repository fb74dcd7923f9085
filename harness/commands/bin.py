"""bin: a field's values put into spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.spans import parse_time_span

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("span", "bins", "minspan", "start", "end", "aligntime")


@command("bin", "bucket", "discretize")
@dataclass(frozen=True, slots=True)
class Bin:
    """bin span=<span> <field> [AS <name>]: a time's span by its start, a number's as `low-high`."""

    stage: Stage
    field: str
    name: str
    value: Expr

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, the field and its new name, in any order."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        field = arguments.field()
        options.update(arguments.options(OPTIONS))
        name = arguments.field("a name") if arguments.accept_word("as") else field
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        for option in OPTIONS[1:]:
            if option in options:
                stage.unsupported(f"bin with {option}", options[option].span)
        if "span" not in options:
            stage.unsupported("bin without a span")
        token = options["span"]
        value: Expr
        if field == "_time":
            value = parse_time_span(token, stage).expression(field)
        else:
            try:
                size = float(token.value)
            except ValueError:
                stage.unsupported(f"a span `{token.value}` of a field other than _time", token.span)
            if size <= 0:
                stage.fail("a span is greater than 0", token.span)
            value = Call("bin_number", (Field(field), Const(size)))
        return cls(stage, field, name, value)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Replace the field, or add the new one."""
        if rows is None:
            self.stage.fail(f"`{self.stage.name}` cannot begin a search")
        return Extend(rows, ((self.name, self.value),))

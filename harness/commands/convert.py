"""convert: fields to numbers, and times to text and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.names import is_wild, matching, renamed

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

DEFAULT_FORMAT = "%m/%d/%Y %H:%M:%S"
FUNCTIONS = (
    "auto",
    "ctime",
    "dur2sec",
    "memk",
    "mktime",
    "mstime",
    "none",
    "num",
    "rmcomma",
    "rmunit",
)
UNSUPPORTED = ("auto", "dur2sec", "memk", "mstime")


@command("convert")
@dataclass(frozen=True, slots=True)
class Convert:
    """convert [timeformat=<format>] <function>(<field>) [AS <name>]…: in place without AS.

    ctime prints a time, mktime reads one; num and rmunit give numbers and remove what is none;
    rmcomma takes the commas out; none leaves its fields alone.
    """

    stage: Stage
    form: str
    conversions: tuple[tuple[str, str, str], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the format and the conversions as (function, field, new name)."""
        arguments = stage.arguments
        options = arguments.options(("timeformat",))
        form = options["timeformat"].value if "timeformat" in options else DEFAULT_FORMAT
        found = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            token = arguments.next("a conversion")
            function = arguments.choice(token, "the conversion", FUNCTIONS)
            if function in UNSUPPORTED:
                stage.unsupported(f"convert with {function}()", token.span)
            arguments.expect("(")
            field = arguments.field()
            arguments.expect(")")
            name = arguments.field("a name") if arguments.accept_word("as") else field
            found.append((function, field, name))
        if not found:
            arguments.fail("`convert` needs a conversion", "for example ctime(_time)")
        return cls(stage, form, tuple(found))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Replace the fields, or add the new ones; `none` fields are left out of patterns."""
        if rows is None:
            self.stage.fail("`convert` cannot begin a search")
        if any(is_wild(field) for _, field, _ in self.conversions):
            rows = context.closed(rows)
        columns = rows.columns or ()
        spared = {
            name
            for function, field, _ in self.conversions
            if function == "none"
            for name in ([field] if not is_wild(field) else matching(field, columns))
        }
        for function, field, new in self.conversions:
            if function == "none":
                continue
            names = matching(field, columns) if is_wild(field) else [field]
            fields = [
                (renamed(name, field, new) if is_wild(new) else new, self._value(function, name))
                for name in names
                if name not in spared
            ]
            rows = Extend(rows, tuple(fields)) if fields else rows
        return rows

    def _value(self, function: str, name: str) -> Expr:
        field, form = Field(name), Const(self.form)
        if function == "ctime":
            return Call("coalesce", (Call("strftime", (field, form)), field))
        if function == "mktime":
            return Call("strptime", (field, form))
        if function == "rmcomma":
            return Call("replace", (field, Const(","), Const("")))
        if function == "rmunit":
            leading = Const(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
            return Call("tonumber", (Call("extract_filled", (field, leading, Const(1.0))),))
        return Call("tonumber", (field,))

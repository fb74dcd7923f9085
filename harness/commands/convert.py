"""convert: fields to numbers, and times to text and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Aggregate, Aggregation, Explode, Extend, Project, Relation
from harness.registry import command
from harness.registry.names import is_wild, matching, renamed

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
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
LEADING_NUMBER = r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
DURATION = r"^\s*(?:(\d+)\+)?(\d+):(\d+):(\d+(?:\.\d+)?)\s*$"
MINUTES = r"^\s*(?:(\d+):)?(\d+(?:\.\d*)?|\.\d+)\s*$"
MEMORY = r"^\s*(\d+\.?\d*|\.\d+)\s*([kKmMgG]?)[bB]?\s*$"
NUMBERS = ("dur2sec", "memk", "mktime", "mstime", "rmcomma", "rmunit")
"""What auto may choose beside num: the conversions that give numbers."""
KILOBYTES = (("k", 1.0), ("m", 1024.0), ("g", 1048576.0))


@command("convert")
@dataclass(frozen=True, slots=True)
class Convert:
    """convert [timeformat=<format>] <function>(<field>) [AS <name>]…: in place without AS.

    ctime prints a time, mktime reads one; num and rmunit give numbers and remove what is none;
    rmcomma takes the commas out; dur2sec reads [D+]HH:MM:SS and mstime [MM:]SS.SSS as seconds,
    memk a number with k, m or g as kilobytes; none leaves its fields alone. auto makes numbers
    of a field whose values all are numbers and leaves alone one that no conversion suits as a
    whole; a field that only another one suits is not supported, as which of them is the best is
    not documented. Source: Search Reference, `convert`.
    """

    stage: Stage
    form: str
    conversions: tuple[tuple[str, str, str], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the format and the conversions as (function, field, new name)."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        found = []
        while not arguments.done:
            if arguments.at_option():
                options |= arguments.options(("timeformat",))
                continue
            if arguments.accept(","):
                continue
            token = arguments.next("a conversion")
            function = arguments.choice(token, "the conversion", FUNCTIONS)
            arguments.expect("(")
            field = arguments.field()
            arguments.expect(")")
            name = arguments.field("a name") if arguments.accept_word("as") else field
            found.append((function, field, name))
        if not found:
            arguments.fail("`convert` needs a conversion", "for example ctime(_time)")
        form = options["timeformat"].value if "timeformat" in options else DEFAULT_FORMAT
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
                (
                    renamed(name, field, new) if is_wild(new) else new,
                    self._automatic(name, rows, context)
                    if function == "auto"
                    else self._value(function, name),
                )
                for name in names
                if name not in spared
            ]
            rows = Extend(rows, tuple(fields)) if fields else rows
        return rows

    def _automatic(self, name: str, rows: Relation, context: Context) -> Expr:
        """Numbers where all values of the field are; the field where no conversion suits them."""
        values = Explode(Project(rows, ((name, name),)), name)
        tests = {one: self._value(one, name) for one in ("num", *NUMBERS)}
        tests["rmcomma"] = Call("tonumber", (tests["rmcomma"],))
        counts = [Aggregation(one, "count", test) for one, test in tests.items()]
        whole = Aggregation("all", "count", Field(name))
        (row,) = context.fetched(Aggregate(values, (), (whole, *counts))).rows
        if row.get("num") == row.get("all"):
            return self._value("num", name)
        suits = [one for one in NUMBERS if row.get(one) == row.get("all")]
        if suits:
            self.stage.unsupported(
                f"auto of `{name}`, which {' or '.join(suits)} suits",
                None,
                f"name the conversion: {suits[0]}({name})",
            )
        return Field(name)

    def _value(self, function: str, name: str) -> Expr:
        field, form = Field(name), Const(self.form)
        if function == "ctime":
            return Call("coalesce", (Call("strftime", (field, form)), field))
        if function == "mktime":
            return Call("strptime", (field, form))
        if function == "rmcomma":
            return Call("replace", (field, Const(","), Const("")))
        if function == "rmunit":
            return _caught(field, LEADING_NUMBER, 1)
        if function == "dur2sec":
            return _total(field, DURATION, (86400.0, 3600.0, 60.0, 1.0))
        if function == "mstime":
            return _total(field, MINUTES, (60.0, 1.0))
        if function == "memk":
            return _kilobytes(field)
        return Call("tonumber", (field,))


def _caught(field: Field, pattern: str, group: int) -> Expr:
    """The number that a group of a pattern catches."""
    caught = Call("extract_filled", (field, Const(pattern), Const(float(group))))
    return Call("tonumber", (caught,))


def _total(field: Field, pattern: str, units: tuple[float, ...]) -> Expr:
    """What the groups of a pattern are together, in seconds; the last one has to be there."""
    total: Expr = _caught(field, pattern, len(units))
    for number, seconds in enumerate(units[:-1], start=1):
        part = Call("coalesce", (_caught(field, pattern, number), Const(0.0)))
        total = Call("+", (total, Call("*", (part, Const(seconds)))))
    return total


def _kilobytes(field: Field) -> Expr:
    unit = Call("lower", (Call("extract_filled", (field, Const(MEMORY), Const(2.0))),))
    amount = _caught(field, MEMORY, 1)
    cases: list[Expr] = []
    for letter, kilobytes in KILOBYTES:
        cases += [Call("=", (unit, Const(letter))), Const(kilobytes)]
    size = Call("coalesce", (Call("case", tuple(cases)), Const(1.0)))
    return Call("*", (amount, size))

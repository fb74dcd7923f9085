"""addtotals: a field with the sum of a row's numbers, a row with the sums of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Aggregate, Aggregation, Extend, Project, Union
from harness.registry import command
from harness.registry.names import is_wild, matching

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = ("col", "fieldname", "label", "labelfield", "row")


@command("addtotals")
@dataclass(frozen=True, slots=True)
class Addtotals:
    """addtotals [row=] [col=] [labelfield=] [label=] [fieldname=] [<field>…].

    With `row` (the default) each row gets the sum of its numbers as `Total`, or as `fieldname`.
    With `col` a last row has the sum of each column that holds numbers, and with `labelfield`
    the label (`Total`) in that field. Without fields all count whose name does not begin with
    `_`. What is no number counts as nothing. Source: Splunk Search Reference, `addtotals`.
    """

    stage: Stage
    fields: tuple[str, ...]
    name: str | None
    columns: bool
    label_field: str | None
    label: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the fields, in any order."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        fields: list[str] = []
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(OPTIONS))
            elif not arguments.accept(","):
                fields.append(arguments.field())
        flags = {n: arguments.boolean(options[n], n) for n in ("col", "row") if n in options}
        name = options["fieldname"].value if "fieldname" in options else "Total"
        return cls(
            stage,
            tuple(dict.fromkeys(fields)),
            name if flags.get("row", True) else None,
            flags.get("col", False),
            options["labelfield"].value if "labelfield" in options else None,
            options["label"].value if "label" in options else "Total",
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the field and the row."""
        if rows is None:
            self.stage.fail("`addtotals` cannot begin a search")
        if self.columns:
            rows = context.kept(rows)
        elif not self.fields or any(is_wild(name) for name in self.fields):
            rows = context.closed(rows)
        names = self._names(rows)
        if self.name is not None:
            rows = Extend(rows, ((self.name, _sum(names)),))
            names = tuple(dict.fromkeys((*names, self.name)))
        return self._with_sums(rows, names) if self.columns else rows

    def _names(self, rows: Relation) -> tuple[str, ...]:
        known = rows.columns or ()
        found = (
            name
            for pattern in self.fields or ("*",)
            for name in (matching(pattern, known) if is_wild(pattern) else [pattern])
        )
        return tuple(dict.fromkeys(found))

    def _with_sums(self, rows: Relation, names: tuple[str, ...]) -> Relation:
        """The rows, then the sums; the label's field becomes the last column if it is new."""
        sums: Relation = Aggregate(
            rows, (), tuple(Aggregation(name, "sum", Field(name)) for name in names)
        )
        if self.label_field is not None:
            sums = Extend(sums, ((self.label_field, Const(self.label)),))
        columns = dict.fromkeys((*(rows.columns or ()), *(sums.columns or ())))
        joined = Union((rows, sums))
        return Project(joined, tuple((name, name) for name in columns))


def _sum(names: tuple[str, ...]) -> Expr:
    total: Expr = Const(0.0)
    for name in names:
        number = Call("coalesce", (Call("tonumber", (Field(name),)), Const(0.0)))
        total = Call("+", (total, number))
    return total

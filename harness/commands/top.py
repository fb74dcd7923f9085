"""top and rare: the values that occur most often, or least often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.plan.nodes import Aggregate, Aggregation
from harness.registry import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

LIMIT = 10
RARE_OPTIONS = frozenset("countfield limit percentfield showcount showperc".split())
TOP_OPTIONS = RARE_OPTIONS | {"otherstr", "useother"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the result shows."""

    limit: int = LIMIT
    count: str | None = "count"
    percent: str | None = "percent"
    other: str | None = None


@command("top", "rare")
@dataclass(frozen=True, slots=True)
class Top:
    """top [<number>] [<option>=<value>]… <field>… [BY <field>…]: 10 rows of each group.

    Rows that lack a field do not count. The percentage is of the group's rows, with six
    decimals. Combinations that are equally frequent come in the order of their values. With
    `useother` what the limit left out is one more row, `otherstr` in each field.
    Source: Splunk Search Reference, `top` and `rare`.
    """

    stage: Stage
    fields: tuple[str, ...]
    by: tuple[str, ...]
    shape: Shape = field(default_factory=Shape)

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the number, the options, the fields and the BY fields."""
        arguments = stage.arguments
        known = RARE_OPTIONS if stage.name.lower() == "rare" else TOP_OPTIONS
        options: dict[str, Token] = {}
        fields: list[str] = []
        while not arguments.done and not arguments.at_word("by"):
            token = arguments.peek()
            if arguments.at_option():
                options.update(arguments.options(known))
            elif not fields and token and token.value.isdigit() and "limit" not in options:
                options["limit"] = arguments.next("a number")
            elif not arguments.accept(","):
                fields.append(arguments.field())
        if not fields:
            arguments.fail(f"`{stage.name}` needs a field")
        by: list[str] = []
        if arguments.accept_word("by"):
            behind, by = arguments.options_and_fields(known)
            options |= behind
            if not by:
                arguments.fail("BY needs a field")
        shape = _shape(arguments, options)
        for option, name in (("countfield", shape.count), ("percentfield", shape.percent)):
            if name in (*fields, *by):
                span = options[option].span if option in options else None
                stage.unsupported(f"a field `{name}` beside the result `{name}`", span)
        return cls(stage, tuple(dict.fromkeys(fields)), tuple(dict.fromkeys(by)), shape)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Count the combinations, then order and cut them."""
        if rows is None:
            self.stage.fail(f"`{self.stage.name}` cannot begin a search")
        names = tuple(dict.fromkeys((*self.by, *self.fields)))
        count = "count"
        while count in names:
            count += "_"
        counted = Aggregate(rows, names, (Aggregation(count, "count"),))
        return context.applied(counted, lambda found: self._chosen(found, count))

    def _chosen(self, rows: Rows, count: str) -> Rows:
        groups: dict[tuple[str, ...], list[dict[str, Value]]] = {}
        for row in rows.rows:
            groups.setdefault(tuple(str(row[name]) for name in self.by), []).append(row)
        results = (self.shape.count, self.shape.percent)
        names = (*self.by, *self.fields, *(name for name in results if name))
        found = [row for group in groups.values() for row in self._ranked(group, count)]
        return Rows(tuple(dict.fromkeys(names)), found)

    def _ranked(self, rows: list[dict[str, Value]], count: str) -> Iterator[dict[str, Value]]:
        """The first rows of one group, each with its count and percentage."""
        most = self.stage.name.lower() != "rare"
        total = sum(_number(row[count]) for row in rows)
        ranked = sorted(rows, key=lambda row: _number(row[count]), reverse=most)
        limit = self.shape.limit or len(ranked)
        for row in ranked[:limit]:
            yield self._row(row, _number(row[count]), total)
        rest = sum(_number(row[count]) for row in ranked[limit:])
        if self.shape.other is not None and rest:
            other = {name: ranked[0][name] for name in self.by}
            other |= dict.fromkeys(self.fields, self.shape.other)
            yield self._row(other, rest, total)

    def _row(self, row: dict[str, Value], count: float, total: float) -> dict[str, Value]:
        found: dict[str, Value] = {name: row[name] for name in (*self.by, *self.fields)}
        if self.shape.count:
            found[self.shape.count] = count
        if self.shape.percent:
            found[self.shape.percent] = f"{100 * count / total:.6f}"
        return found


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _shape(arguments: Arguments, options: dict[str, Token]) -> Shape:
    shown = {
        name: name not in options or arguments.boolean(options[name], name)
        for name in ("showcount", "showperc")
    }
    names = {
        name: options[name].value if name in options else name.removesuffix("field")
        for name in ("countfield", "percentfield")
    }
    other = None
    if "useother" in options and arguments.boolean(options["useother"], "useother"):
        other = options["otherstr"].value if "otherstr" in options else "OTHER"
    limit = arguments.integer(options["limit"], "limit") if "limit" in options else LIMIT
    return Shape(
        limit,
        names["countfield"] if shown["showcount"] else None,
        names["percentfield"] if shown["showperc"] else None,
        other,
    )

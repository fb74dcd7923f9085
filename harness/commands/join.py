"""join: each row beside the rows of another data set that have the same values of some fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import (
    Aggregate,
    Combine,
    Extend,
    Filter,
    Limit,
    Project,
    Relation,
    Sort,
    SortKey,
    Union,
    Window,
)
from harness.registry import command
from harness.registry.datasets import KINDS, DataSetName, data_set_rows, take_data_set
from harness.registry.subsearches import accept_subsearch, subsearch_rows

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

TYPES = ("inner", "outer", "left")
ALIASES = ("left", "right")
OPTIONS = ("type", "max", "overwrite", "usetime", "earlier", *ALIASES)


@dataclass(frozen=True, slots=True)
class Aliases:
    """What stands before the names of either side's fields, and the pairs that are compared."""

    left: str
    right: str
    pairs: tuple[tuple[str, str], ...]


@command("join")
@dataclass(frozen=True, slots=True)
class Join:
    """join [<option>=<value>]… [<field>… | left=<alias> right=<alias> where …] <data set>.

    Each row takes the fields of the first `max` rows (1; 0 is all) of the other data set, a
    subsearch or `<kind>:<name>`, that have the same values; letter case counts, and an absent
    value matches nothing. type=inner (the usual one) drops rows without a match, left and outer
    keep them. Fields of the other data set replace the row's, unless overwrite=false. Without
    fields all those are compared that both sides have. usetime=true matches only rows that are
    not later than the row (earlier=true, the usual) or not earlier, to the second. With aliases,
    `where L.a=R.b …` says what is compared, and every field but the internal ones (`_time`) has
    its side's alias before its name. Differences: a data set other than a subsearch is known as
    `<kind>:<name>` alone. Source: Search Reference, join.
    """

    stage: Stage
    fields: tuple[str, ...]
    other: Span | DataSetName
    outer: bool
    most: int | None
    overwrite: bool
    aliases: Aliases | None = None
    earlier: bool | None = None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options and fields in any order, then the subsearch."""
        arguments = stage.arguments
        fields: list[str] = []
        pairs: list[tuple[str, str]] = []
        options: dict[str, Token] = {}
        while (other := _accept_other(arguments)) is None:
            if arguments.accept(","):
                continue
            if options.keys() & set(ALIASES) and arguments.accept_word("where"):
                pairs = _pairs(arguments, options)
            elif arguments.at_option():
                options.update(arguments.options(OPTIONS))
            elif arguments.done:
                arguments.fail("`join` needs a subsearch in brackets")
            else:
                fields.append(arguments.field())
        arguments.finish()
        flags = {
            name: arguments.boolean(options[name], name)
            for name in ("usetime", "earlier", "overwrite")
            if name in options
        }
        kind = arguments.choice(options["type"], "type", TYPES) if "type" in options else "inner"
        most = arguments.integer(options["max"], "max") if "max" in options else 1
        aliases = _aliases(stage, options, pairs, fields)
        earlier = flags.get("earlier", True) if flags.get("usetime") else None
        names, overwrite = tuple(dict.fromkeys(fields)), flags.get("overwrite", True)
        return cls(stage, names, other, kind != "inner", most or None, overwrite, aliases, earlier)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Combine the rows with those of the subsearch."""
        if rows is None:
            self.stage.fail("`join` cannot begin a search")
        most = context.limits.join_rows
        if isinstance(self.other, DataSetName):
            right = data_set_rows(self.other, self.stage, context)
            right = context.bounded(right, most, f"the data set of {self.stage.name}")
        else:
            right = subsearch_rows(self.stage, self.other, most, context)
        by = self.fields
        if self.aliases is not None:
            rows, right, by = _aliased(rows, right, self.aliases, context)
        elif not by:
            rows, right = context.closed(rows), context.closed(right)
            by = tuple(name for name in rows.columns or () if name in (right.columns or ()))
        if not by:
            if not right.columns:
                return rows if self.outer else Limit(rows, 0)
            self.stage.unsupported("join of rows that share no field")
        if self.earlier is not None:
            return self._timed(rows, right, by, context)
        return Combine(rows, right, by, self.outer, self.most, not self.overwrite)

    def _timed(
        self, rows: Relation, right: Relation, by: tuple[str, ...], context: Context
    ) -> Relation:
        """The rows with those of the right on one side of their time."""
        place, time, other = (context.spare(name) for name in ("row", "time", "other"))
        second = Call("floor", (Field("_time"),))
        left = Extend(Window(rows, place, ()), ((time, second),))
        right = Extend(context.closed(right), ((other, second),))
        found: Relation = Combine(left, right, by, most=None, only_missing=not self.overwrite)
        order = "<=" if self.earlier else ">="
        found = Filter(found, Call(order, (Field(other), Field(time))))
        if self.most is not None:
            number = context.spare("number")
            least = Call("<=", (Field(number), Const(float(self.most))))
            found = Filter(Window(found, number, (place,)), least)
        if not self.outer:
            return found
        flag = context.spare("flag")
        known = Extend(Aggregate(found, (place,), ()), ((flag, Const("1")),))
        alone = Filter(Combine(left, known, (place,), outer=True), Call("isnull", (Field(flag),)))
        return Sort(Union((found, alone)), (SortKey(place, mode="num"),))


def _accept_other(arguments: Arguments) -> Span | DataSetName | None:
    """Take a subsearch or `<kind>:<name>` if it comes next."""
    token, following = arguments.peek(), arguments.peek(1)
    if token is not None and token.kind == "word":
        kind, colon, _ = token.value.partition(":")
        named = colon or (following is not None and following.value.startswith(":"))
        if kind.lower() in KINDS and named:
            return take_data_set(arguments)
    return accept_subsearch(arguments)


def _pairs(arguments: Arguments, options: dict[str, Token]) -> list[tuple[str, str]]:
    """Take `<left alias>.<field>=<right alias>.<field>`, separated by space."""
    found: list[tuple[str, str]] = []
    missing = next((name for name in ALIASES if name not in options), None)
    if missing is not None:
        arguments.fail(f"`join` needs the alias {missing}= as well")
    while arguments.at_option():
        first = arguments.next("a field")
        arguments.position += 1
        tokens = (first, arguments.next("a field"))
        names = []
        for side, token in zip(ALIASES, tokens, strict=True):
            prefix = f"{options[side].value}."
            if not token.value.startswith(prefix) or token.value == prefix:
                arguments.stage.fail(
                    f"a field of the {side} side is expected here, `{prefix}<field>`", token.span
                )
            names.append(token.value.removeprefix(prefix))
        found.append((names[0], names[1]))
    return found


def _aliases(
    stage: Stage, options: dict[str, Token], pairs: list[tuple[str, str]], fields: list[str]
) -> Aliases | None:
    given = [options[name] for name in ALIASES if name in options]
    if not given:
        return None
    if not pairs:
        stage.fail("aliases need a WHERE", given[0].span, "write where L.field=R.field")
    if fields:
        stage.fail("`join` takes fields or aliases, not both", given[0].span)
    left, right = (options[name].value for name in ALIASES)
    if left == right:
        stage.fail("both sides have the same alias", options["right"].span)
    return Aliases(left, right, tuple(pairs))


def _aliased(
    rows: Relation, right: Relation, aliases: Aliases, context: Context
) -> tuple[Relation, Relation, tuple[str, ...]]:
    """Both sides with their aliases before the names, and the keys that they share."""
    keys = tuple(context.spare("key") for _ in aliases.pairs)
    sides = []
    for place, (relation, alias) in enumerate([(rows, aliases.left), (right, aliases.right)]):
        known = context.closed(relation)
        values = [(key, Field(pair[place])) for key, pair in zip(keys, aliases.pairs, strict=True)]
        names = [
            (name if name.startswith("_") else f"{alias}.{name}", name)
            for name in known.columns or ()
        ]
        sides.append(Project(Extend(known, tuple(values)), (*names, *((key, key) for key in keys))))
    return sides[0], sides[1], keys

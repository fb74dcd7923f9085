"""join: each row beside the rows of a subsearch that have the same values of some fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Combine, Limit, Relation
from harness.registry import command
from harness.registry.subsearches import accept_subsearch, subsearch_rows

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

TYPES = ("inner", "outer", "left")
OPTIONS = ("type", "max", "overwrite", "usetime", "earlier", "left", "right")


@command("join")
@dataclass(frozen=True, slots=True)
class Join:
    """join [type=inner|left|outer] [max=<n>] [overwrite=<bool>] [<field>…] [<subsearch>].

    Each row takes the fields of the first `max` rows of the subsearch (1; 0 is all) that have
    the same values; letter case counts, and an absent value matches nothing. An inner join
    drops rows without a match, left and outer keep them. Fields of the subsearch replace the
    row's, unless overwrite=false. Without fields all those are compared that both sides have.
    Unsupported: usetime=true, aliases (left=, right=, where), a data set in place of the
    subsearch. Source: Search Reference, join.
    """

    stage: Stage
    fields: tuple[str, ...]
    subsearch: Span
    outer: bool
    most: int | None
    overwrite: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options and fields in any order, then the subsearch."""
        arguments = stage.arguments
        fields: list[str] = []
        options: dict[str, Token] = {}
        while (subsearch := accept_subsearch(arguments)) is None:
            if arguments.accept(","):
                continue
            if arguments.at_option():
                options.update(arguments.options(OPTIONS))
            elif arguments.done:
                arguments.fail("`join` needs a subsearch in brackets")
            elif arguments.at_word("where") or options.keys() & {"left", "right"}:
                stage.unsupported("join with aliases", arguments.here())
            elif arguments.at_word("datamodel", "savedsearch", "inputlookup") and _named(arguments):
                stage.unsupported("join with a data set", arguments.here())
            else:
                fields.append(arguments.field())
        arguments.finish()
        if "usetime" in options and arguments.boolean(options["usetime"], "usetime"):
            stage.unsupported("join with usetime=true", options["usetime"].span)
        if "earlier" in options:
            arguments.boolean(options["earlier"], "earlier")
        kind = arguments.choice(options["type"], "type", TYPES) if "type" in options else "inner"
        most = arguments.integer(options["max"], "max") if "max" in options else 1
        overwrite = "overwrite" not in options or arguments.boolean(
            options["overwrite"], "overwrite"
        )
        names = tuple(dict.fromkeys(fields))
        return cls(stage, names, subsearch, kind != "inner", most or None, overwrite)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Combine the rows with those of the subsearch."""
        if rows is None:
            self.stage.fail("`join` cannot begin a search")
        right = subsearch_rows(self.stage, self.subsearch, context.limits.join_rows, context)
        by = self.fields
        if not by:
            rows, right = context.closed(rows), context.closed(right)
            by = tuple(name for name in rows.columns or () if name in (right.columns or ()))
        if not by:
            if not right.columns:
                return rows if self.outer else Limit(rows, 0)
            self.stage.unsupported("join of rows that share no field")
        return Combine(rows, right, by, self.outer, self.most, not self.overwrite)


def _named(arguments: Arguments) -> bool:
    """Whether `kind:name` comes next."""
    following = arguments.peek(1)
    return following is not None and following.value.startswith(":")

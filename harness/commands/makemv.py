"""makemv: one value made into several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.patterns import checked_groups

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("delim", "tokenizer", "allowempty", "setsv")


@command("makemv")
@dataclass(frozen=True, slots=True)
class Makemv:
    """makemv [delim=<text> | tokenizer=<regex>] [allowempty=<bool>] <field>.

    The value is cut at each delimiter (a space by default), or its values are what the first
    group of the pattern catches, match after match. Empty values are left out unless
    allowempty=true. setsv=true, which keeps a single value beside the several, is not supported.
    Source: Search Reference, `makemv`.
    """

    stage: Stage
    field: str
    value: Expr

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options around the field."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        span, field = arguments.here(), arguments.field()
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        if field.startswith("_"):
            stage.unsupported("makemv of an internal field", span)
        if "setsv" in options and arguments.boolean(options["setsv"], "setsv"):
            stage.unsupported("makemv with setsv=true", options["setsv"].span)
        if "delim" in options and "tokenizer" in options:
            stage.fail("`makemv` takes delim or tokenizer, not both", options["tokenizer"].span)
        keep = "allowempty" in options and arguments.boolean(options["allowempty"], "allowempty")
        flag = Const("empty" if keep else "")
        source = Field(field)
        if (token := options.get("tokenizer")) is not None:
            if not checked_groups(token.value, stage.text, token.span):
                stage.fail("the tokenizer has no group", token.span, "write ([^,]+),?")
            return cls(stage, field, Call("tokens_of", (source, Const(token.value), flag)))
        token = options.get("delim")
        cut = " " if token is None else token.value
        if token is not None and not cut:
            stage.fail("delim is at least one character", token.span)
        return cls(stage, field, Call("parts_of", (source, Const(cut), flag)))

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Replace the field."""
        if rows is None:
            self.stage.fail("`makemv` cannot begin a search")
        return Extend(rows, ((self.field, self.value),))

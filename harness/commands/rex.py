"""rex: fields from the named groups of a pattern, or a sed script over a field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.patterns import checked

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = ("field", "max_match", "mode", "offset_field")


@command("rex")
@dataclass(frozen=True, slots=True)
class Rex:
    r"""rex [field=<field>] "<regex>" [max_match=<count>], or mode=sed "s/<regex>/<text>/g".

    A group that did not match leaves the field as it was; max_match=0 takes every match.
    """

    stage: Stage
    fields: tuple[tuple[str, Expr], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the pattern."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        token = arguments.next("a pattern in quotes")
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        field = options["field"].value if "field" in options else "_raw"
        if "offset_field" in options:
            stage.unsupported("rex with offset_field", options["offset_field"].span)
        if "mode" in options:
            arguments.choice(options["mode"], "mode", ("sed",))
            return cls(stage, ((field, cls._sed(stage, token, field)),))
        limit = 1
        if "max_match" in options:
            limit = arguments.integer(options["max_match"], "max_match")
        groups = checked(token.value, stage.text, token.span)
        if not groups:
            stage.fail("the pattern names no group", token.span, "write (?<field>…)")
        source = Field(field)
        fields: list[tuple[str, Expr]] = []
        for name, number in groups.items():
            pattern = Const(token.value)
            found: Expr = Call("extract_group", (source, pattern, Const(name)))
            if limit != 1:
                places = (Const(float(number)), Const(float(limit)))
                found = Call("extract_groups", (source, pattern, *places))
            fields.append((name, Call("coalesce", (found, Field(name)))))
        return cls(stage, tuple(fields))

    @staticmethod
    def _sed(stage: Stage, token: Token, field: str) -> Expr:
        script = token.value
        if script[:1] != "s" or len(script) < 4:
            stage.unsupported("a sed script other than s/…/…/", token.span)
        parts = re.split(rf"(?<!\\){re.escape(script[1])}", script[2:])
        if len(parts) != 3:
            stage.fail("the sed script is not closed", token.span, "write s/old/new/g")
        pattern, new, flags = parts
        if flags.strip() not in ("", "g"):
            stage.unsupported(f"the sed flag `{flags}`", token.span)
        checked(pattern, stage.text, token.span)
        name = "replace" if flags.strip() == "g" else "replace_first"
        return Call(name, (Field(field), Const(pattern), Const(new)))

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the fields."""
        if rows is None:
            self.stage.fail("`rex` cannot begin a search")
        return Extend(rows, self.fields)

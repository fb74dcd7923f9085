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
    r"""rex [field=<field>] [max_match=<count>] [offset_field=<field>] "<regex>", or mode=sed.

    A group that did not match leaves the field as it was; max_match=0 takes every match. The
    offset field holds `group=first-last`, positions from 0; it is supported for one group. A sed
    script is s/<regex>/<text>/ with the flag g or the number of a match, or y/<from>/<to>/.
    Source: Search Reference, `rex`.
    """

    stage: Stage
    fields: tuple[tuple[str, Expr], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the pattern."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        opened = arguments.peek()
        unquoted = opened is not None and opened.kind == "("
        token = arguments.unquoted() if unquoted else arguments.next("a pattern in quotes")
        if token.kind not in ("string", "word") or token.spaced is False:
            stage.fail("a pattern is expected here", token.span, "write it in quotes")
        options.update(arguments.options(OPTIONS))
        if not arguments.done and token.kind == "word":
            arguments.fail("the pattern ends here", "write the pattern in quotes")
        arguments.finish()
        field = options["field"].value if "field" in options else "_raw"
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
        if (offsets := options.get("offset_field")) is not None:
            if len(groups) > 1 or limit != 1:
                stage.unsupported("rex with offset_field over more than one match", offsets.span)
            (name, number) = next(iter(groups.items()))
            where = (Const(token.value), Const(float(number)), Const(name))
            fields.append((offsets.value, Call("offsets_of", (source, *where))))
        return cls(stage, tuple(fields))

    @staticmethod
    def _sed(stage: Stage, token: Token, field: str) -> Expr:
        script, kind = token.value, token.value[:1]
        if kind not in ("s", "y") or len(script) < 4:
            stage.fail("a sed script is s/old/new/ or y/from/to/", token.span)
        parts = re.split(rf"(?<!\\){re.escape(script[1])}", script[2:])
        if len(parts) != 3:
            stage.fail("the sed script is not closed", token.span, f"write {kind}/old/new/")
        pattern, new, flags = (*parts[:2], parts[2].strip())
        if kind == "y":
            if flags or len(pattern) != len(new):
                stage.fail("y/from/to/ takes two texts of one length", token.span)
            return Call("transliterated", (Field(field), Const(pattern), Const(new)))
        checked(pattern, stage.text, token.span)
        if flags.isdigit() and int(flags):
            places = (Const(pattern), Const(new), Const(float(flags)))
            return Call("replaced_at", (Field(field), *places))
        if flags not in ("", "g"):
            stage.unsupported(f"the sed flag `{flags}`", token.span)
        name = "replace" if flags == "g" else "replace_first"
        return Call(name, (Field(field), Const(pattern), Const(new)))

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the fields."""
        if rows is None:
            self.stage.fail("`rex` cannot begin a search")
        return Extend(rows, self.fields)

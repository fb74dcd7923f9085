"""tags: the tags of fields' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, some
from harness.plan.nodes import Extend
from harness.registry import command
from harness.registry.predicates import compare
from harness.registry.streams import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

FLAGS = ("inclname", "inclvalue")
OPTIONS = (*FLAGS, "allowed_tags", "outputfield")
Found = tuple[str, str, str]
"""A tag with the field and the value that give it."""


@command("tags")
@dataclass(frozen=True, slots=True)
class Tags:
    """tags [outputfield=<field>] [inclname=<bool>] [inclvalue=<bool>] [allowed_tags=…] [<field>…].

    Rows get `tag::<field>` for each field, or each of those named, whose values may have tags, and
    `tag` with all of them. With `outputfield` this one field has them instead, in the form `tag`,
    `field::tag` (inclname), `value::tag` (inclvalue) or `field::value::tag` (both). Events have
    their tags anyway, those of their event types included, so that without arguments nothing is
    done to them. Source: Search Reference, tags.
    """

    stage: Stage
    fields: tuple[str, ...]
    output: str | None = None
    with_name: bool = False
    with_value: bool = False
    allowed: frozenset[str] | None = None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the fields."""
        arguments = stage.arguments
        options, fields = arguments.options_and_fields(OPTIONS)
        flags = {name: arguments.boolean(options[name], name) for name in FLAGS if name in options}
        output = options["outputfield"].value if "outputfield" in options else None
        if output is None and any(flags.values()):
            stage.fail("inclname and inclvalue need an outputfield")
        allowed = _names(options["allowed_tags"]) if "allowed_tags" in options else None
        names = tuple(dict.fromkeys(fields))
        with_name, with_value = (flags.get(name, False) for name in FLAGS)
        return cls(stage, names, output, with_name, with_value, allowed)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the fields of tags."""
        if rows is None:
            self.stage.fail("`tags` cannot begin a search")
        plain = not self.fields and self.output is None and self.allowed is None
        if plain and streams(rows):
            return rows
        known = rows.columns
        found = sorted(
            (tag, field, value)
            for (field, value), tags in context.tags.items()
            for tag in tags
            if (field in self.fields if self.fields else known is None or field in known)
            and (self.allowed is None or tag in self.allowed)
        )
        if self.output is not None:
            return Extend(rows, ((self.output, _collected(found, self._label)),))
        if not found:
            return rows
        fields = dict.fromkeys(field for _, field, _ in found)
        own = [
            (f"tag::{name}", _collected((one for one in found if one[1] == name), _tag))
            for name in fields
        ]
        return Extend(rows, (("tag", _collected(found, _tag)), *own))

    def _label(self, found: Found) -> str:
        tag, field, value = found
        parts = [field] if self.with_name else []
        parts += [value] if self.with_value else []
        return "::".join((*parts, tag))


def _names(token: Token) -> frozenset[str]:
    return frozenset(name.strip() for name in token.value.split(",") if name.strip())


def _tag(found: Found) -> str:
    return found[0]


def _collected(found: Iterable[Found], label: Callable[[Found], str]) -> Expr:
    """The labels of the tags whose values a row has, each once, in their order."""
    conditions: dict[str, list[Expr]] = {}
    for one in found:
        conditions.setdefault(label(one), []).append(compare(one[1], "=", one[2]))
    arguments: list[Expr] = []
    for name, held in conditions.items():
        arguments += [some(held), Const(name)]
    return Call("collect_names", tuple(arguments)) if arguments else Const(None)

"""replace: values of fields replaced by others, wildcards allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.names import is_wild, spread

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage


@command("replace")
@dataclass(frozen=True, slots=True)
class Replace:
    """replace <value> WITH <value>[, …] [IN <field>…]: a whole value, in all fields without IN.

    `*` in the old value stands for any text, and each `*` in the new one for what it held: as
    many as in the old one, or none. A value without wildcards goes before one with them, a later
    one before an earlier one, and a fuller wildcard before a lesser one. Internal fields (`_…`)
    have to be named. Source: Search Reference, `replace`.
    """

    stage: Stage
    pairs: tuple[tuple[str, str], ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the pairs and the fields."""
        arguments = stage.arguments
        pairs: list[tuple[str, str]] = []
        while not arguments.done and not (pairs and arguments.at_word("in")):
            if arguments.accept(","):
                continue
            old = cls._value(arguments)
            if not arguments.accept_word("with"):
                arguments.fail("WITH is expected here", "write replace old WITH new IN field")
            span, new = arguments.here(), cls._value(arguments)
            if new.count("*") not in (0, old.count("*")):
                stage.fail(f"`{old}` and `{new}` differ in their wildcards", span)
            pairs.append((old, new))
        if not pairs:
            arguments.fail("`replace` needs a value", "write replace old WITH new IN field")
        names: list[str] = []
        if arguments.accept_word("in"):
            names = arguments.fields()
            if not names:
                arguments.fail("IN needs a field")
        return cls(stage, tuple(pairs), tuple(names))

    @staticmethod
    def _value(arguments: Arguments) -> str:
        token = arguments.next("a value")
        if token.kind not in ("word", "string", "quoted"):
            arguments.stage.fail(f"a value is expected here, not `{token.value}`", token.span)
        return token.value

    def _ordered(self) -> list[tuple[str, str]]:
        """The pairs, those that count first in front."""
        later = list(reversed(self.pairs))
        plain = [pair for pair in later if "*" not in pair[0]]
        wild = [pair for pair in later if "*" in pair[0]]
        wild.sort(key=lambda pair: -len(pair[0].replace("*", "")))
        return plain + wild

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Replace the fields."""
        if rows is None:
            self.stage.fail("`replace` cannot begin a search")
        if not self.names or any(is_wild(name) for name in self.names):
            rows = context.closed(rows)
        columns = rows.columns
        named = spread(self.names or ("*",), columns)
        pairs = [Const(part) for pair in self._ordered() for part in pair]
        fields = tuple(
            (name, Call("values_replaced", (Field(name), *pairs)))
            for name in named
            if columns is None or name in columns
        )
        return Extend(rows, fields) if fields else rows

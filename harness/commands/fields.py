"""fields: keep some fields, or remove some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL
from harness.plan.nodes import Extend, Project, Relation
from harness.registry import command
from harness.registry.names import is_wild, matching

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

INTERNAL = ("_time", "_raw")


@command("fields")
@dataclass(frozen=True, slots=True)
class Fields:
    """fields [+|-] <field>…: internal fields (`_time`, `_raw`) stay unless they are removed."""

    stage: Stage
    names: tuple[str, ...]
    remove: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the sign and the fields."""
        arguments = stage.arguments
        token = arguments.peek()
        remove = False
        names: list[str] = []
        if token is not None and token.kind == "word" and token.value in ("+", "-"):
            remove = arguments.next("a field").value == "-"
        elif token is not None and token.kind == "word" and token.value[0] in "+-":
            remove = token.value[0] == "-"
            names.append(arguments.next("a field").value[1:])
        names += arguments.fields()
        if not names:
            arguments.fail("`fields` needs a field")
        return cls(stage, tuple(names), remove)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Project the columns."""
        if rows is None:
            self.stage.fail("`fields` cannot begin a search")
        wild = any(is_wild(name) for name in self.names)
        if rows.columns is None and not wild:
            if self.remove:
                return Extend(rows, tuple((name, NULL) for name in self.names))
            kept = tuple(dict.fromkeys((*INTERNAL, *self.names)))
            return Project(rows, tuple((name, name) for name in kept))
        rows = context.shown(rows)
        columns = rows.columns or ()
        named = dict.fromkeys(found for name in self.names for found in matching(name, columns))
        if self.remove:
            kept = tuple(name for name in columns if name not in named)
        else:
            internal = [name for name in columns if name.startswith("_")]
            kept = tuple(dict.fromkeys((*internal, *named)))
        return Project(rows, tuple((name, name) for name in kept))

"""rename: other names for fields, one by one or by pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL, Expr, Field
from harness.plan.nodes import Extend, Project, Relation
from harness.registry import command
from harness.registry.names import is_wild, matching, renamed

if TYPE_CHECKING:
    from harness.plan.expressions import Demand
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("rename")
@dataclass(frozen=True, slots=True)
class Rename:
    """rename <field> AS <name>…: a `*` in the new name is what the `*` of the old one held."""

    stage: Stage
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the pairs."""
        arguments = stage.arguments
        pairs = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            old = arguments.field()
            if not arguments.accept_word("as"):
                arguments.fail("AS is expected here", "write rename old AS new")
            span = arguments.here()
            new = arguments.field("a name")
            if old.count("*") != new.count("*") and is_wild(new):
                stage.fail(f"`{old}` and `{new}` differ in their wildcards", span)
            pairs.append((old, new))
        if not pairs:
            arguments.fail("`rename` needs a field")
        return cls(stage, tuple(pairs))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Rename the columns; of events, without having to know all their fields."""
        if rows is None:
            self.stage.fail("`rename` cannot begin a search")
        if any(is_wild(old) for old, _ in self.pairs):
            rows = context.closed(rows)
        if rows.columns is None:
            fields: dict[Demand, Expr] = {old: NULL for old, _ in self.pairs}
            fields.update((new, Field(old)) for old, new in self.pairs)
            return Extend(rows, tuple(fields.items()))
        current = [(name, name) for name in rows.columns]
        for old, new in self.pairs:
            names = [name for name, _ in current]
            targets = {name: renamed(name, old, new) for name in matching(old, names)}
            replaced = set(targets.values()) - targets.keys()
            current = [
                (targets.get(name, name), source)
                for name, source in current
                if name not in replaced
            ]
        return Project(rows, tuple(current))

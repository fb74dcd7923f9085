"""rename: other names for fields, one by one or by pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import NULL, Field
from harness.plan.nodes import Extend, Project, Relation
from harness.registry import command
from harness.registry.names import is_wild, matching, renamed

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("rename")
@dataclass(frozen=True, slots=True)
class Rename:
    """rename <field> AS <name>…: a `*` in the new name is what the `*` of the old one held.

    The pairs count from left to right. A field that no row has takes its place all the same:
    what was there under the new name is gone. Source: Search Reference, `rename`, "Renaming a
    field that does not exist".
    """

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
            if old.count("*") != new.count("*"):
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
            for old, new in self.pairs:
                if old != new:
                    rows = Extend(rows, ((old, NULL), (new, Field(old))))
            return rows
        current = [(name, name) for name in rows.columns]
        for old, new in self.pairs:
            names = [name for name, _ in current]
            targets = {name: renamed(name, old, new) for name in matching(old, names)}
            if not targets and not is_wild(old):
                targets = {old: new}
            replaced = set(targets.values()) - targets.keys()
            current = [
                (targets.get(name, name), source)
                for name, source in current
                if name not in replaced
            ]
        return Project(rows, tuple(current))

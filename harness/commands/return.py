# ruff: noqa: N999 - the module has the name of its command
"""return: one row, whose field `search` is what a subsearch hands to the search around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.plan.nodes import Limit, Project
from harness.registry import command
from harness.registry.formats import pair, texts

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@dataclass(frozen=True, slots=True)
class Returned:
    """A field, and the name that it is given; None gives the bare value."""

    field: str
    name: str | None


@command("return")
@dataclass(frozen=True, slots=True)
class Return:
    """return [<count>] (<field> | <alias>=<field> | $<field>)…: the first row, or the first rows.

    A field gives `(field="value")`, an alias its own name, `$field` the value alone; rows are
    joined with OR. An absent value is left out. Source: Search Reference, return.
    """

    stage: Stage
    count: int
    fields: tuple[Returned, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the count and the fields."""
        arguments = stage.arguments
        count = 1
        if (token := arguments.peek()) is not None and token.value.isdigit():
            count = arguments.integer(arguments.next("a count"), "the count", minimum=1)
        fields: list[Returned] = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            if arguments.at_option():
                alias = arguments.next("a name").value
                arguments.position += 1
                fields.append(Returned(arguments.field(), alias))
                continue
            name = arguments.field()
            bare = name.startswith("$") and len(name) > 1
            fields.append(Returned(name[1:], None) if bare else Returned(name, name))
        if not fields:
            arguments.fail("`return` needs a field")
        return cls(stage, count, tuple(fields))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Write the first rows as a text."""
        if rows is None:
            self.stage.fail("`return` cannot begin a search")
        names = dict.fromkeys(one.field for one in self.fields)
        asked = Project(rows, tuple((name, name) for name in names))
        return context.applied(Limit(asked, self.count), self._written)

    def _written(self, rows: Rows) -> Rows:
        found = []
        for row in rows.rows:
            parts = []
            for one in self.fields:
                values = texts(row.get(one.field))
                written = [text if one.name is None else pair(one.name, text) for text in values]
                if written:
                    alone = len(written) == 1
                    parts.append(written[0] if alone else f"({' OR '.join(written)})")
            if parts:
                bare = all(one.name is None for one in self.fields)
                found.append(" ".join(parts) if bare else f"({' '.join(parts)})")
        return Rows(("search",), [{"search": " OR ".join(found)}] if found else [])

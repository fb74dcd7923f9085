"""set: the union, the difference or the intersection of two searches' rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.subsearches import subsearch_rows, take_subsearch

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

KINDS = ("union", "diff", "intersect")
Key = frozenset[tuple[str, object]]


@command("set")
@dataclass(frozen=True, slots=True)
class Set:
    """set (union|diff|intersect) <subsearch> <subsearch>: rows are the same if all fields are.

    `union` gives the rows of both once, `diff` those of only one, `intersect` those of both;
    the first search's rows come first. A subsearch gives 50,000 rows at most, with a warning.
    Source: Search Reference, set.
    """

    stage: Stage
    kind: str
    first: Span
    second: Span

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the kind and two subsearches."""
        arguments = stage.arguments
        kind = arguments.choice(arguments.next("union, diff or intersect"), "the kind", KINDS)
        first, second = take_subsearch(arguments), take_subsearch(arguments)
        arguments.finish()
        return cls(stage, kind, first, second)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Compare the rows of both searches."""
        if rows is not None:
            self.stage.fail("`set` must begin a search")
        most = context.limits.append_rows
        first = subsearch_rows(self.stage, self.first, most, context)
        second = context.fetched(subsearch_rows(self.stage, self.second, most, context))
        return context.applied(first, lambda found: self._compared(found, second))

    def _compared(self, first: Rows, second: Rows) -> Rows:
        left, right = _distinct(first), _distinct(second)
        if self.kind == "intersect":
            kept = [row for key, row in left.items() if key in right]
        else:
            union = self.kind == "union"
            kept = [row for key, row in left.items() if union or key not in right]
            kept += [row for key, row in right.items() if key not in left]
        return Rows(tuple(dict.fromkeys((*first.columns, *second.columns))), kept)


def _distinct(rows: Rows) -> dict[Key, dict[str, Value]]:
    """The rows, each one once, in their order."""
    found: dict[Key, dict[str, Value]] = {}
    for row in rows.rows:
        found.setdefault(_key(row), row)
    return found


def _key(row: dict[str, Value]) -> Key:
    return frozenset(
        (name, tuple(value) if isinstance(value, list) else str(value))
        for name, value in row.items()
        if value is not None
    )

"""require: a search that fails where nothing was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.errors import HarnessError
from harness.plan.nodes import Limit, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


class NothingFound(HarnessError):
    """A search requires results, and there are none."""


@command("require")
@dataclass(frozen=True, slots=True)
class Require:
    """require: the search fails if the commands before it give no rows.

    Rows that there are pass unchanged. A trial whose search fails ends as an error.

    Source: Search Reference, require.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Take no arguments."""
        stage.arguments.finish()
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Look whether there is a row."""
        if rows is None:
            self.stage.fail("`require` cannot begin a search")
        rows = context.kept(rows)
        if not len(context.fetched(Limit(rows, 1))):
            span = self.stage.name_span
            raise NothingFound(
                "the search before `require` gives no results",
                place=self.stage.text.place(span),
                hints=self.stage.text.hints(span),
            )
        return rows

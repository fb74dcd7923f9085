# ruff: noqa: N999 - the module has the name of its command
"""from: the rows of a named data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.datasets import DataSetName, data_set_rows, take_data_set

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("from")
@dataclass(frozen=True, slots=True)
class From:
    """from <kind>:<name>, or <kind> <name>.

    Kinds are datamodel, lookup, inputlookup and savedsearch.

    A data model's data set, `<model>.<data set>`, gives its events with the metadata fields and
    the set's own fields under their bare names. A saved search is one of the loaded apps.
    Source: Search Reference, from.
    """

    stage: Stage
    data_set: DataSetName

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the kind and the name."""
        data_set = take_data_set(stage.arguments)
        stage.arguments.finish()
        return cls(stage, data_set)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The rows of the data set."""
        if rows is not None:
            self.stage.fail("`from` must begin a search")
        return data_set_rows(self.data_set, self.stage, context)

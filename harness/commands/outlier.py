"""outlier: numbers far outside the others, cut or removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.outliers import OUTLIER_OPTIONS, Outliers, read_outliers

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("outlier")
@dataclass(frozen=True, slots=True)
class Outlier:
    """outlier [type=iqr] [action=remove|transform] [mark=] [param=<number>] [uselower=] [<field>…].

    A number is an outlier over the 75th percentile plus `param` (2.5) times the distance of the
    25th and 75th percentiles; with `uselower` also as far under the 25th. `transform` puts the
    bound in its place, with `mark` behind `000`; `remove` drops the row. Without fields all
    count that do not begin with `_`. Source: Splunk Search Reference, `outlier`.
    """

    stage: Stage
    outliers: Outliers

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the fields."""
        arguments = stage.arguments
        options, fields = arguments.options_and_fields(OUTLIER_OPTIONS)
        return cls(stage, read_outliers(options, fields, arguments))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Cut or remove."""
        if rows is None:
            self.stage.fail("`outlier` cannot begin a search")
        return context.applied(rows, self.outliers.treated)

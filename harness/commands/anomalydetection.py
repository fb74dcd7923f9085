"""anomalydetection: unusual rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.outliers import OUTLIER_OPTIONS, Outliers, read_outliers

if TYPE_CHECKING:
    from harness.model import Rows
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

OPTIONS = (*OUTLIER_OPTIONS, "cutoff", "method", "pthresh")
METHODS = ("histogram", "iqr", "zscore")
UNDOCUMENTED = {
    "histogram": "how it builds histograms and bounds the number of anomalies is not documented",
    "zscore": "its scores are not documented",
}


@command("anomalydetection")
@dataclass(frozen=True, slots=True)
class Anomalydetection:
    """anomalydetection method=iqr [<option of outlier>…] [<field>…]: what outlier does.

    The other methods are not supported where there are rows: histogram, the default, and zscore,
    whose arithmetic is not documented.
    Source: Splunk Search Reference, `anomalydetection`, "The iqr method".
    """

    stage: Stage
    outliers: Outliers | None
    method: str
    span: Span

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the method, its options and the fields."""
        arguments = stage.arguments
        options, fields = arguments.options(OPTIONS), list[str]()
        while not arguments.done:
            if arguments.at_option():
                options |= arguments.options(OPTIONS)
            elif not arguments.accept(","):
                fields.append(arguments.field())
        method, span = "histogram", stage.name_span
        if "method" in options:
            span = options["method"].span
            method = arguments.choice(options.pop("method"), "method", METHODS)
        if method in UNDOCUMENTED:
            return cls(stage, None, method, span)
        for name in ("cutoff", "pthresh"):
            if name in options:
                stage.fail(f"`{name}` is no option of method=iqr", options[name].span)
        return cls(stage, read_outliers(options, fields, arguments), method, span)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Cut or remove."""
        if rows is None:
            self.stage.fail("`anomalydetection` cannot begin a search")
        return context.applied(rows, self._treated)

    def _treated(self, rows: Rows) -> Rows:
        if self.outliers is not None:
            return self.outliers.treated(rows)
        if rows.rows:
            why = f"anomalydetection by {self.method}: {UNDOCUMENTED[self.method]}"
            self.stage.unsupported(why, self.span)
        return rows

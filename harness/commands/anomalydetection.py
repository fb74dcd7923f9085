"""anomalydetection: unusual rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.anomalies import Histogram, Scores
from harness.registry.outliers import OUTLIER_OPTIONS, Outliers, read_outliers

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = (*OUTLIER_OPTIONS, "cutoff", "method", "pthresh")
METHODS = ("histogram", "iqr", "zscore")
ACTIONS = ("annotate", "filter", "summary")
USUAL_THRESHOLD = 0.01


@command("anomalydetection")
@dataclass(frozen=True, slots=True)
class Anomalydetection:
    """anomalydetection [method=…] [action=…] [pthresh=<number>] [cutoff=<bool>] [<field>…].

    method=histogram, the default: a row's probability is the product of the frequencies of its
    values (of numbers, the frequency of the bin that they fall in). It is an anomaly if that is
    less than pthresh, or without one if its logarithm is less than the first quartile of all by
    1.5 times their distance (cutoff=false). Anomalies get log_event_prob (the natural logarithm),
    probable_cause (the field of the least frequent value), probable_cause_freq and max_freq.
    action=filter, the default, gives the anomalies, annotate all rows, summary a row of numbers.

    method=zscore does what anomalousvalue does: a value is an anomaly if its score is less than
    pthresh (0.01); it gets Anomaly_Score_Num(field) or Anomaly_Score_Cat(field). A field counts
    if it has 100 values, in 5 % of the rows, of which at most 5 % are anomalies.

    method=iqr does what outlier does, with its options.

    Differences: Splunk documents neither how it builds histograms, nor how cutoff=true (the
    default) makes anomalies fewer, nor the scores of zscore. Our choice are bins by the rule of
    Freedman and Diaconis (Sturges where the quartiles are equal), 3 times the distance of the
    quartiles with cutoff, and as scores a value's frequency, or for numbers the probability of
    being as far from the mean in a normal distribution. A field that a row lacks does not count.

    Not supported: action=summary with zscore.

    Source: Splunk Search Reference, `anomalydetection` and `anomalousvalue`.
    """

    stage: Stage
    detector: Outliers | Histogram | Scores

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the method, its options and the fields."""
        arguments = stage.arguments
        options, fields = arguments.options_and_fields(OPTIONS)
        method = "histogram"
        if "method" in options:
            method = arguments.choice(options.pop("method"), "method", METHODS)
        strange = {
            "histogram": ("mark", "param", "uselower"),
            "zscore": ("mark", "param", "uselower", "cutoff"),
            "iqr": ("cutoff", "pthresh"),
        }
        for name in strange[method]:
            if name in options:
                stage.fail(f"`{name}` is no option of method={method}", options[name].span)
        if method == "iqr":
            return cls(stage, read_outliers(options, fields, arguments))
        return cls(stage, cls._detector(method, options, tuple(fields), arguments))

    @staticmethod
    def _detector(
        method: str, options: dict[str, Token], fields: tuple[str, ...], arguments: Arguments
    ) -> Histogram | Scores:
        action, threshold = "filter", None
        if "action" in options:
            action = arguments.choice(options["action"], "action", ACTIONS)
        if "pthresh" in options:
            threshold = arguments.number(options["pthresh"], "pthresh")
            if not 0 <= threshold <= 1:
                arguments.stage.fail("pthresh is from 0 to 1", options["pthresh"].span)
        if method == "histogram":
            cutoff = "cutoff" not in options or arguments.boolean(options["cutoff"], "cutoff")
            return Histogram(fields, action, threshold, cutoff)
        if action == "summary":
            arguments.stage.unsupported("action=summary with method=zscore", options["action"].span)
        return Scores(
            fields, action == "annotate", USUAL_THRESHOLD if threshold is None else threshold
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Find the anomalies, or cut or remove the outliers."""
        if rows is None:
            self.stage.fail("`anomalydetection` cannot begin a search")
        return context.applied(rows, self.detector.treated)

"""cluster: rows in groups of similar texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import text_of, with_columns
from harness.registry.clusters import MATCHES, Similarity

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = "countfield delims field labelfield labelonly match showcount t".split()
USUAL_THRESHOLD = 0.8


@command("cluster")
@dataclass(frozen=True, slots=True)
class Cluster:
    """cluster [t=<number>] [match=termlist|termset|ngramset] [<option>…]: groups of similar rows.

    Gives the first row of each cluster with its number in cluster_label (labelfield), from 1; with
    showcount=true also the number of its rows in cluster_count (countfield). labelonly=true gives
    all rows instead. Rows are compared by _raw (field), whose terms are runs of letters, digits
    and `_`, or of what is not among delims. Terms have to be in the same order (termlist, the
    default) or not (termset); ngramset compares runs of three characters. The nearer t (0.8) is to
    1, the more similar have rows of a cluster to be.

    Differences: the measure is not documented. Here the similarity is twice the number of common
    terms by the number of both rows' terms, in a termlist those at the same place. A row joins the
    cluster whose first row is the most similar, if t or more, and otherwise begins one. A row
    without the field is in none: it goes, or has no label with labelonly=true. Of a text the first
    10,240 characters and 1,000 terms count, and how much is compared is bounded.

    Source: Search Reference, cluster.
    """

    stage: Stage
    similarity: Similarity
    field: str
    label: str
    count: str | None
    keeps: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        arguments.finish()
        names = {"field": "_raw", "labelfield": "cluster_label", "countfield": "cluster_count"}
        names |= {name: options[name].value for name in names if name in options}
        threshold = USUAL_THRESHOLD
        if "t" in options:
            threshold = arguments.number(options["t"], "t")
            if not 0 < threshold < 1:
                stage.fail("t is greater than 0 and less than 1", options["t"].span)
        match = "termlist"
        if "match" in options:
            match = arguments.choice(options["match"], "match", MATCHES)
        flags = {
            name: name in options and arguments.boolean(options[name], name)
            for name in ("labelonly", "showcount")
        }
        delimiters = options["delims"].value if "delims" in options else None
        return cls(
            stage,
            Similarity(threshold, match, delimiters),
            names["field"],
            names["labelfield"],
            names["countfield"] if flags["showcount"] else None,
            flags["labelonly"],
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Group the rows."""
        if rows is None:
            self.stage.fail("`cluster` cannot begin a search")
        return context.applied(rows, self._clustered)

    def _clustered(self, rows: Rows) -> Rows:
        labels = self.similarity.labelled(text_of(row.get(self.field)) for row in rows.rows)
        sizes = Counter(labels)
        found: list[dict[str, Value]] = []
        shown: set[int] = set()
        for row, label in zip(rows.rows, labels, strict=True):
            if label is None:
                if self.keeps:
                    found.append(row)
                continue
            if self.keeps or label not in shown:
                added: dict[str, Value] = {self.label: label}
                if self.count is not None:
                    added[self.count] = sizes[label]
                found.append({**row, **added})
            shown.add(label)
        names = (self.label,) if self.count is None else (self.label, self.count)
        return Rows(with_columns(rows, names), found)

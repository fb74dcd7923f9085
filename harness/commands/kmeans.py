"""kmeans: rows in clusters around their means."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, with_columns
from harness.registry.means import DISTANCES, Means

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.registry.means import Point
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = "cfield cnumfield distype dt iters k maxiters reps showcentroid t".split()
ALIASES = {"cnumfield": "cfield", "distype": "dt", "iters": "maxiters"}
REPS, ITERATIONS, CLUSTERS, MOST_REPS = 10, 10_000, 2, 1_000
MOST_CLUSTERS, MOST_RANGE = 1_000, 100
LARGEST = 1e100
RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
SUMMARY = ("k", "distortion", "cluster_sizes")


@command("kmeans")
@dataclass(frozen=True, slots=True)
class Kmeans:
    """kmeans [k=<number>|<from>-<to>] [<option>…] [<field>…]: rows around their means.

    Rows go into k clusters (2; 2 to 999), each to that with the nearest mean of the fields, and
    come out cluster by cluster with the cluster's number in CLUSTERNUM (cfield) and, unless
    showcentroid=false, its mean in centroid_<field>. Without fields those count that are numbers
    in every row. A row that lacks a number in one of the fields is skipped.

    dt is the distance: l1, l1norm, cityblock or cb; l2, l2norm, sq or sqeuclidean (the default);
    cos or cosine. The search is repeated reps times (10) from other rows, each time until no mean
    moves by more than t (0) or for maxiters (10,000) rounds; the best partition is taken.

    With a range of k (100 numbers at most) each is tried and summarised: a row with k, distortion
    (the sum of all rows' distances from their mean) and the sizes of the clusters.

    Differences: Splunk begins at random. Here each start takes rows far from one another, so that
    results repeat. Clusters are numbered from 1 in the order of their first rows. The name
    cluster_sizes is ours. How much is worked out is bounded.

    Source: Search Reference, kmeans.
    """

    stage: Stage
    counts: tuple[int, ...]
    summary: bool
    reps: int
    iterations: int
    tolerance: float
    number: str
    distance: str
    shows: bool
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the fields."""
        arguments = stage.arguments
        given: dict[str, Token] = {}
        fields = []
        while not arguments.done:
            if arguments.at_option():
                given |= arguments.options(OPTIONS)
            elif not arguments.accept(","):
                span = arguments.here()
                fields.append(arguments.field())
                if "*" in fields[-1]:
                    stage.unsupported("kmeans with wildcards among its fields", span)
        options = {ALIASES.get(name, name): token for name, token in given.items()}
        numbers = {"reps": REPS, "maxiters": ITERATIONS}
        for name in numbers:
            if name in options:
                numbers[name] = arguments.integer(options[name], name, minimum=1)
        if numbers["reps"] > MOST_REPS:
            stage.fail(f"reps is at most {MOST_REPS:,}", options["reps"].span)
        counts = range(CLUSTERS, CLUSTERS + 1)
        if "k" in options:
            counts = cls._counts(options["k"], stage)
        tolerance = arguments.number(options["t"], "t") if "t" in options else 0.0
        if tolerance < 0:
            stage.fail("t is at least 0", options["t"].span)
        return cls(
            stage,
            tuple(counts),
            "k" in options and "-" in options["k"].value,
            numbers["reps"],
            numbers["maxiters"],
            tolerance,
            options["cfield"].value if "cfield" in options else "CLUSTERNUM",
            cls._distance(options, arguments),
            "showcentroid" not in options
            or arguments.boolean(options["showcentroid"], "showcentroid"),
            tuple(dict.fromkeys(fields)),
        )

    @staticmethod
    def _distance(options: dict[str, Token], arguments: Arguments) -> str:
        if "dt" not in options:
            return "sqeuclidean"
        return arguments.choice(options["dt"], "dt", DISTANCES)

    @staticmethod
    def _counts(token: Token, stage: Stage) -> range:
        matched = RANGE.fullmatch(token.value)
        if matched is None:
            stage.fail(f"k is a whole number or a range, not `{token.value}`", token.span)
        first, last = int(matched[1]), int(matched[2] or matched[1])
        if not 1 < first <= last < MOST_CLUSTERS:
            stage.fail(f"k is greater than 1 and less than {MOST_CLUSTERS:,}", token.span)
        if last - first >= MOST_RANGE:
            stage.fail(f"a range of k has at most {MOST_RANGE} numbers", token.span)
        return range(first, last + 1)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Partition the rows."""
        if rows is None:
            self.stage.fail("`kmeans` cannot begin a search")
        return context.applied(rows, self._partitioned)

    def _partitioned(self, rows: Rows) -> Rows:
        fields = self.fields or self._numeric(rows)
        points: list[Point] = []
        members: list[dict[str, Value]] = []
        for row in rows.rows:
            numbers = [number_of(row.get(name)) for name in fields]
            point = tuple(one for one in numbers if one is not None and abs(one) < LARGEST)
            if point and len(point) == len(fields):
                points.append(point)
                members.append(row)
        means = Means(self.reps, self.iterations, self.tolerance, DISTANCES[self.distance])
        if self.summary:
            return self._summarised(means, points)
        names = [f"centroid_{name}" for name in fields] if self.shows else []
        columns = with_columns(rows, (self.number, *names))
        if not points:
            return Rows(columns, [])
        found = means.partition(points, self.counts[0])
        result: list[dict[str, Value]] = []
        for place in sorted(range(len(points)), key=found.numbers.__getitem__):
            number = found.numbers[place]
            centre = dict(zip(names, found.centroids[number], strict=False))
            result.append({**members[place], self.number: number + 1, **centre})
        return Rows(columns, result)

    def _summarised(self, means: Means, points: list[Point]) -> Rows:
        found: list[dict[str, Value]] = []
        for count in self.counts if points else ():
            one = means.partition(points, count)
            sizes = Counter(one.numbers)
            shown = [str(sizes[number]) for number in range(len(one.centroids))]
            row = (count, one.distortion, shown if len(shown) > 1 else shown[0])
            found.append(dict(zip(SUMMARY, row, strict=True)))
        return Rows(SUMMARY, found)

    @staticmethod
    def _numeric(rows: Rows) -> tuple[str, ...]:
        return tuple(
            name
            for name in rows.columns
            if not name.startswith(("_", "\0"))
            and all(number_of(row.get(name)) is not None for row in rows.rows)
        )

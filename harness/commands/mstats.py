"""mstats: statistics over metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field, every, some
from harness.plan.nodes import Aggregate, Aggregation, Extend, Filter, Project, Relation, Union
from harness.registry import command
from harness.registry.aggregations import Statistic, parse_statistics
from harness.registry.names import is_wild, matching, renamed
from harness.registry.predicates import Searching
from harness.registry.prestats import at_span, is_prestats, unfinished
from harness.registry.spans import TimeSpan, parse_time_span
from harness.spl.predicates import Predicate, PredicateParser

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

FLAGS = ("prestats", "append", "backfill", "chart")
OPTIONS = (*FLAGS, "update_period", "fillnull_value", "chunk_size")
PREFIX = "metric_name:"
MAX_METRICS = 1_000


@command("mstats")
@dataclass(frozen=True, slots=True)
class Mstats:
    """mstats <function>(<metric>)… [WHERE <predicate>] [BY <dimension>…] [span=<span>].

    A metric is an event with `metric_name` and `_value`, or with fields `metric_name:<name>`.
    Patterns of metrics (`avg(cpu.*)`) mean those that there are; `_value` means the metrics that
    WHERE selects by `metric_name`. With a span there is a row for each span, `_time` first.
    fillnull_value keeps rows that lack a dimension; backfill, update_period and chunk_size change
    nothing. prestats=true leaves the functions for a later stats, chart or timechart, which asks
    for the same ones; append=true adds to such results. Unsupported: chart, span=auto, FROM.
    Source: Search Reference, mstats.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    predicate: Predicate
    by: tuple[str, ...]
    span: TimeSpan | None
    fill: str | None
    prestats: bool = False
    append: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options, functions, WHERE and BY."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        flags = {name: arguments.boolean(options[name], name) for name in FLAGS if name in options}
        prestats, append = flags.get("prestats", False), flags.get("append", False)
        if flags.get("chart"):
            stage.unsupported("mstats with chart=true", options["chart"].span)
        if append and not prestats:
            stage.fail("append=true needs prestats=true", options["append"].span)
        statistics = parse_statistics(arguments, "where", "by", "groupby", "from")
        if arguments.at_word("from"):
            stage.unsupported("mstats with FROM", arguments.here())
        for one in statistics:
            if one.field is None:
                stage.unsupported(f"mstats with `{one.name}`, which names no metric")
        predicate, by = cls._where(arguments), cls._by(arguments)
        spans = [parse_time_span(token, stage) for token in arguments.options(("span",)).values()]
        arguments.finish()
        fill = options["fillnull_value"].value if "fillnull_value" in options else None
        span = spans[0] if spans else None
        return cls(stage, tuple(statistics), predicate, by, span, fill, prestats, append)

    @staticmethod
    def _where(arguments: Arguments) -> Predicate:
        taken: list[Token] = []
        if arguments.accept_word("where"):
            while not arguments.done and not arguments.at_word("by", "groupby", "span"):
                taken.append(arguments.next("a condition"))
        stage = arguments.stage
        return PredicateParser(stage.text, taken, stage.span.end).everything()

    @staticmethod
    def _by(arguments: Arguments) -> tuple[str, ...]:
        by: list[str] = []
        if arguments.accept_word("by", "groupby"):
            while not arguments.done and not arguments.at_option():
                by += [] if arguments.accept(",") else [arguments.field()]
            if not by:
                arguments.fail("BY needs a field")
        return tuple(dict.fromkeys(by))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Aggregate the metrics that the statistics name."""
        if rows is not None and not (self.append and is_prestats(rows.columns)):
            self.stage.fail("`mstats` must begin a search")
        predicate = Searching(self.stage.text, context, events=True).lower(self.predicate)
        relation: Relation = Filter(context.events(), predicate)
        if any(one.field and is_wild(one.field) for one in self.statistics):
            relation = context.closed(relation)
        found = self._aggregations(relation, context)
        results = [one for one, _ in found]
        present = [Call("isnotnull", (one.argument,)) for one in results if one.argument]
        relation = Filter(relation, some(present))
        keys: dict[str, str] = {}
        if self.span is not None:
            keys["_time"] = context.spare("span")
            relation = Extend(relation, ((keys["_time"], self.span.expression("_time")),))
        if self.fill is not None:
            filled = [(name, Call("coalesce", (Field(name), Const(self.fill)))) for name in self.by]
            relation = Extend(relation, tuple(filled))
        keys |= {name: name for name in self.by}
        if self.prestats:
            if self.span is not None and (timed := at_span(results)):
                self.stage.unsupported(f"prestats=true with `{timed}` and a span")
            asked = {one.name: metric for one, metric in found}
            mine = unfinished(relation, tuple(keys.items()), results, asked)
            return mine if rows is None else Union((rows, mine))
        grouped = Aggregate(relation, tuple(keys.values()), tuple(results))
        columns = [*keys.items(), *((one.name, one.name) for one in results)]
        return Project(grouped, tuple(dict(columns).items()))

    def _aggregations(self, relation: Relation, context: Context) -> list[tuple[Aggregation, str]]:
        """Each result with the metric that it is about."""
        found: dict[str, tuple[Aggregation, str]] = {}
        metrics = self._metrics(relation, context) if relation.columns is not None else []
        for one in self.statistics:
            pattern = one.field or ""
            for metric in matching(pattern, metrics) if is_wild(pattern) else [pattern]:
                name = renamed(metric, pattern, one.name)
                result = Aggregation(name, one.function, _measured(metric), one.parameter)
                found[name] = (result, metric)
        return list(found.values())

    def _metrics(self, relation: Relation, context: Context) -> list[str]:
        """The names of all metrics among the events."""
        values = Aggregation("names", "values", Field("metric_name"))
        (row,) = context.fetched(Aggregate(relation, (), (values,))).rows
        names = row.get("names")
        found = names if isinstance(names, list) else [] if names is None else [str(names)]
        found += [
            name.removeprefix(PREFIX) for name in relation.columns or () if name.startswith(PREFIX)
        ]
        if len(found) > MAX_METRICS:
            self.stage.unsupported(f"mstats over more than {MAX_METRICS:,} metrics")
        return sorted(set(found))


def _measured(metric: str) -> Expr:
    """What an event measured of a metric."""
    value = Call("tonumber", (Field("_value"),))
    if metric == "_value":
        return value
    named = every([Call("=", (Field("metric_name"), Const(metric)))])
    single = Call("if", (named, value, Const(None)))
    return Call("coalesce", (Call("tonumber", (Field(f"{PREFIX}{metric}"),)), single))

"""tstats: statistics over a data model's data set, or over the metadata of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from harness.errors import nearest
from harness.plan.expressions import Call, Const, Field, demands
from harness.plan.nodes import Aggregate, Extend, Filter, Project, Relation
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.names import is_wild
from harness.registry.predicates import Searching
from harness.registry.spans import TimeSpan, parse_time_span
from harness.spl.predicates import Both, Comparison, Everything, Predicate, PredicateParser

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = (
    "prestats",
    "local",
    "append",
    "summariesonly",
    "include_reduced_buckets",
    "allow_old_summaries",
    "chunk_size",
    "fillnull_value",
)
UNSUPPORTED_WHEN_TRUE = ("prestats", "append")
BASE = ("_time", "host", "source", "sourcetype", "index")
INDEXED = frozenset({*BASE, "_raw", "_indextime", "splunk_server", "*"})


@command("tstats")
@dataclass(frozen=True, slots=True)
class Tstats:
    """tstats <functions> FROM datamodel=<model>.<data set> [WHERE <predicate>] [BY <fields>].

    The predicate is of the search language. Without acceleration there are no summaries, so
    summariesonly, allow_old_summaries and chunk_size change nothing. `fillnull_value` keeps
    rows that lack a BY field. A span groups by its start; the functions see the events' own times.
    Without FROM only the metadata of events is known: fields that an index file may hold beside it
    (INDEXED_EXTRACTIONS) are not supported, nor are prestats=true, append=true and PREFIX().
    Source: Search Reference, `tstats`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    model: str | None
    predicate: Predicate
    by: tuple[tuple[str, TimeSpan | None], ...]
    fill: str | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options, functions, FROM, WHERE and BY."""
        arguments = stage.arguments
        options, statistics = arguments.options(OPTIONS), list[Statistic]()
        while not statistics or not (arguments.done or arguments.at_word("from", "where", "by")):
            statistics += parse_statistics(arguments, "from", "where", "by")
            options |= arguments.options(OPTIONS)
        for name in UNSUPPORTED_WHEN_TRUE:
            if name in options and arguments.boolean(options[name], name):
                stage.unsupported(f"tstats with {name}=true", options[name].span)
        model = cls._from(stage) if arguments.accept_word("from") else None
        predicate = cls._where(stage)
        by = cls._by(stage) if arguments.accept_word("by", "groupby") else []
        arguments.finish()
        fill = options["fillnull_value"].value if "fillnull_value" in options else None
        return cls(stage, tuple(statistics), model, predicate, tuple(by), fill)

    @staticmethod
    def _from(stage: Stage) -> str | None:
        arguments = stage.arguments
        token = arguments.peek()
        if not arguments.at_option():
            stage.unsupported(
                "tstats over a namespace",
                token.span if token else None,
                "a data model is named by from datamodel=…",
            )
        kind = token.value.lower() if token else ""
        value = arguments.option_value()
        if kind == "sid":
            stage.unsupported("tstats from a search job", value.span)
        if kind != "datamodel":
            stage.fail("FROM takes datamodel=…", token.span if token else None)
        return value.value

    @staticmethod
    def _where(stage: Stage) -> Predicate:
        arguments = stage.arguments
        taken: list[Token] = []
        if arguments.accept_word("where"):
            while not arguments.done and not arguments.at_word("by", "groupby"):
                taken.append(arguments.next("a condition"))
        return PredicateParser(stage.text, taken, stage.span.end).everything()

    @classmethod
    def _by(cls, stage: Stage) -> list[tuple[str, TimeSpan | None]]:
        arguments = stage.arguments
        by: list[str] = []
        span: Token | None = None
        while not arguments.done:
            if arguments.accept(","):
                continue
            if arguments.at_word("where", "from"):
                word = arguments.tokens[arguments.position].value.upper()
                arguments.fail(f"{word} comes before BY", "write FROM … WHERE … BY …")
            if arguments.at_option():
                name = arguments.tokens[arguments.position]
                value = arguments.option_value()
                if name.value.lower() != "span" or not by:
                    stage.fail(f"`{name.value}` is not expected here", name.span)
                span = value
                continue
            by.append(cls._by_field(stage))
        if not by:
            arguments.fail("BY needs a field")
        if span is None:
            return [(name, None) for name in by]
        if "_time" not in by:
            stage.unsupported("a span of a field other than _time", span.span)
        timed = parse_time_span(span, stage)
        return [(name, timed if name == "_time" else None) for name in by]

    @staticmethod
    def _by_field(stage: Stage) -> str:
        here, field = stage.arguments.here(), stage.arguments.field()
        if stage.text.text.startswith("PREFIX(", here.start):
            stage.unsupported("tstats by PREFIX()", here)
        if is_wild(field):
            stage.fail("tstats takes no wildcards in its BY clause", here, "name each field")
        return field

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Aggregate the data set, or the events when there is none."""
        if rows is not None:
            self.stage.unsupported("tstats that is not the first command")
        asked = self.predicate
        if self.model is None:
            relation = context.events()
        else:
            model, _, name = self.model.partition(".")
            if not name:
                name, asked = _nodename(asked)
            relation = context.data_set(model, name or None, self.stage)
        if wild(self.statistics):
            self.stage.unsupported("tstats of a pattern of fields")
        searching = Searching(self.stage.text, context, events=self.model is None)
        predicate = searching.lower(asked)
        by = tuple(dict.fromkeys(name for name, _ in self.by))
        results = aggregations(self.statistics, relation.columns, by)
        read = [*demands(predicate), *by]
        read += [f for one in results if one.argument for f in demands(one.argument)]
        self._check(relation, [one for one in read if isinstance(one, str)], context)
        relation = Filter(relation, predicate)
        keys = {name: context.spare("span") if span else name for name, span in self.by}
        fields = [(keys[name], span.expression(name)) for name, span in self.by if span]
        if self.fill is not None:
            fields += [
                (name, Call("coalesce", (Field(name), Const(self.fill))))
                for name, key in keys.items()
                if name == key
            ]
        if fields:
            relation = Extend(relation, tuple(fields))
        grouped = Aggregate(relation, tuple(keys.values()), results)
        columns = [*keys.items(), *((one.name, one.name) for one in results)]
        return Project(grouped, tuple(dict(columns).items()))

    def _check(self, relation: Relation, names: list[str], context: Context) -> None:
        """A data set's fields are known: one that is not among them is empty, and warned of."""
        known = relation.columns
        if known is None:
            for name in names:
                if name not in INDEXED:
                    self._not_indexed(name)
            return
        for name in names:
            if name in known or name in BASE:
                continue
            hint = "".join(f" ({text})" for text in nearest(name, known))
            context.warn(f"`{self.model}` has no field `{name}`: it is empty{hint}")

    def _not_indexed(self, name: str) -> NoReturn:
        """Without a data model Splunk knows only what stands in the index files."""
        span = next((t.span for t in self.stage.arguments.tokens if t.value == name), None)
        self.stage.unsupported(
            f"tstats of events over `{name}`, which is no field of every index",
            span,
            "use a data model, or search and stats",
        )


def _nodename(predicate: Predicate) -> tuple[str, Predicate]:
    """The data set that `where nodename=…` names, and what is left of the predicate."""
    parts = predicate.parts if isinstance(predicate, Both) else (predicate,)
    for part in parts:
        if isinstance(part, Comparison) and (part.field, part.operator) == ("nodename", "="):
            rest = tuple(one for one in parts if one is not part)
            left = Both(rest) if len(rest) > 1 else rest[0] if rest else Everything()
            return part.value.rpartition(".")[2], left
    return "", predicate

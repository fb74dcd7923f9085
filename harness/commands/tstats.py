"""tstats: statistics over a data model's data set, or over the metadata of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.errors import nearest
from harness.plan.expressions import NULL, Call, Const, Expr, Field, demands
from harness.plan.nodes import Aggregate, Extend, Filter, Project, Relation, Union
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.names import is_wild
from harness.registry.predicates import Searching
from harness.registry.prefixes import accept_prefix, prefixed_terms
from harness.registry.prestats import at_span, is_prestats, unfinished
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
    "use_summary_index_values",
    "chunk_size",
    "fillnull_value",
)
FLAGS = (
    "prestats",
    "append",
    "local",
    "summariesonly",
    "include_reduced_buckets",
    "allow_old_summaries",
    "use_summary_index_values",
)
BASE = ("_time", "host", "source", "sourcetype", "index")
EVERYWHERE = frozenset({*BASE, "_raw", "*"})


@command("tstats")
@dataclass(frozen=True, slots=True)
class Tstats:
    """tstats <functions> FROM datamodel=<model>.<data set> [WHERE <predicate>] [BY <fields>].

    The predicate is of the search language. Without acceleration there are no summaries, so
    summariesonly, allow_old_summaries and chunk_size change nothing. `fillnull_value` keeps
    rows that lack a BY field. A span groups by its start; the functions see the events' own times.
    prestats=true leaves the functions for a later stats, chart or timechart, which asks for the
    same ones; append=true adds to such results. PREFIX(<text>) is what follows a text in the raw
    events' terms, in small letters. Without FROM only fields from index time are known: the
    metadata and default fields, those of INDEXED_EXTRACTIONS and of transforms with WRITE_META;
    another one is empty, with a warning. Source: Search Reference, `tstats`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    model: str | None
    predicate: Predicate
    by: tuple[tuple[str, TimeSpan | None], ...]
    fill: str | None
    prefixes: tuple[str, ...] = ()
    prestats: bool = False
    append: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options, functions, FROM, WHERE and BY."""
        arguments = stage.arguments
        options, statistics = arguments.options(OPTIONS), list[Statistic]()
        while not statistics or not (arguments.done or arguments.at_word("from", "where", "by")):
            statistics += parse_statistics(arguments, "from", "where", "by")
            options |= arguments.options(OPTIONS)
        flags = {name: arguments.boolean(options[name], name) for name in FLAGS if name in options}
        prestats, append = flags.get("prestats", False), flags.get("append", False)
        if append and not prestats:
            stage.fail("append=true needs prestats=true", options["append"].span)
        model = cls._from(stage) if arguments.accept_word("from") else None
        predicate = cls._where(stage)
        prefixes: list[str] = []
        by = cls._by(stage, prefixes) if arguments.accept_word("by", "groupby") else []
        arguments.finish()
        fill = options["fillnull_value"].value if "fillnull_value" in options else None
        found = (tuple(statistics), model, predicate, tuple(by), fill)
        return cls(stage, *found, tuple(prefixes), prestats, append)

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
    def _by(cls, stage: Stage, prefixes: list[str]) -> list[tuple[str, TimeSpan | None]]:
        """The BY fields, each with its span; those that are texts of PREFIX() are added."""
        arguments = stage.arguments
        by: list[str] = []
        span: Token | None = None
        while not arguments.done:
            if arguments.accept(","):
                continue
            if arguments.at_word("where", "from"):
                word = arguments.tokens[arguments.position].value.upper()
                arguments.fail(f"{word} comes before BY", "write FROM … WHERE … BY …")
            if (text := accept_prefix(arguments)) is not None:
                prefixes.append(text)
                by.append(text)
                continue
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
        if is_wild(field):
            stage.fail("tstats takes no wildcards in its BY clause", here, "name each field")
        return field

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Aggregate the data set, or the events when there is none."""
        if rows is not None and not (self.append and is_prestats(rows.columns)):
            self.stage.unsupported("tstats that is not the first command")
        relation, asked = self._read(context)
        if wild(self.statistics):
            self.stage.unsupported("tstats of a pattern of fields")
        searching = Searching(self.stage.text, context, events=self.model is None)
        predicate = searching.lower(asked)
        by = tuple(dict.fromkeys(name for name, _ in self.by))
        results = aggregations(self.statistics, relation.columns, by)
        read = [*demands(predicate), *(name for name in by if name not in self.prefixes)]
        read += [f for one in results if one.argument for f in demands(one.argument)]
        names = [one for one in read if isinstance(one, str)]
        if relation.columns is None:
            relation = self._indexed(relation, names, context)
        else:
            self._check(relation.columns, names, context)
        relation = Filter(relation, predicate)
        keys = {
            name: context.spare("key") if span or name in self.prefixes else name
            for name, span in self.by
        }
        relation = self._keyed(relation, keys)
        if self.prestats:
            if any(span for _, span in self.by) and (timed := at_span(results)):
                self.stage.unsupported(f"prestats=true with `{timed}` and a span of _time")
            mine = unfinished(relation, tuple(keys.items()), results, {})
            return mine if rows is None else Union((rows, mine))
        grouped = Aggregate(relation, tuple(keys.values()), results)
        columns = [*keys.items(), *((one.name, one.name) for one in results)]
        return Project(grouped, tuple(dict(columns).items()))

    def _read(self, context: Context) -> tuple[Relation, Predicate]:
        """What is aggregated, and what is asked of it beside that."""
        if self.model is None:
            return context.events(), self.predicate
        if self.prefixes:
            self.stage.unsupported("PREFIX() of a data model, whose fields are no raw terms")
        model, _, name = self.model.partition(".")
        name, asked = (name, self.predicate) if name else _nodename(self.predicate)
        return context.data_set(model, name or None, self.stage), asked

    def _keyed(self, relation: Relation, keys: dict[str, str]) -> Relation:
        """The rows with the columns that they are grouped by."""
        fields: list[tuple[str, Expr]] = [
            (keys[name], span.expression(name)) for name, span in self.by if span
        ]
        fields += [(keys[text], prefixed_terms(text)) for text in self.prefixes]
        if self.fill is not None:
            fields += [
                (name, Call("coalesce", (Field(name), Const(self.fill))))
                for name, key in keys.items()
                if name == key
            ]
        return Extend(relation, tuple(fields)) if fields else relation

    def _indexed(self, relation: Relation, names: list[str], context: Context) -> Relation:
        """The events with these fields as the index holds them."""
        fields: list[tuple[str, Expr]] = []
        for name in dict.fromkeys(names):
            if name in EVERYWHERE:
                continue
            value = context.indexed(name)
            if value is None:
                context.warn(
                    f"`{name}` is no field from index time: tstats sees it empty"
                    " (use a data model, or search and stats)"
                )
            if value != Field(name):
                fields.append((name, NULL if value is None else value))
        return Extend(relation, tuple(fields)) if fields else relation

    def _check(self, known: tuple[str, ...], names: list[str], context: Context) -> None:
        """A data set's fields are known: one that is not among them is empty, and warned of."""
        for name in names:
            if name in known or name in BASE:
                continue
            hint = "".join(f" ({text})" for text in nearest(name, known))
            context.warn(f"`{self.model}` has no field `{name}`: it is empty{hint}")


def _nodename(predicate: Predicate) -> tuple[str, Predicate]:
    """The data set that `where nodename=…` names, and what is left of the predicate."""
    parts = predicate.parts if isinstance(predicate, Both) else (predicate,)
    for part in parts:
        if isinstance(part, Comparison) and (part.field, part.operator) == ("nodename", "="):
            rest = tuple(one for one in parts if one is not part)
            left = Both(rest) if len(rest) > 1 else rest[0] if rest else Everything()
            return part.value.rpartition(".")[2], left
    return "", predicate

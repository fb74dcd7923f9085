"""One search on the embedded engine: from its text to statements."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.apps import UnknownDataModel
from harness.apps.folder import reason_of_command
from harness.engines.bounds import most_rows
from harness.engines.knowledge import Compiled
from harness.engines.locations import open_locations
from harness.engines.names import Opened, open_names
from harness.engines.saved_searches import saved_rows
from harness.errors import HarnessError, Unsupported, nearest
from harness.fields.data_models import Sources, data_set_relation, model_relation
from harness.fields.extractions import transform_extractors
from harness.fields.index_time import indexed_field
from harness.fields.resolver import FieldResolver, Group
from harness.model import LookupDefinition
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Demand, Expr, Field, every
from harness.registry import find_command
from harness.registry.commands import SPLUNK_COMMANDS, UnknownCommand
from harness.registry.predicates import Searching
from harness.registry.prestats import check_end, check_follower, may_be_prestats
from harness.registry.unsupported import EXTERNAL_LOOKUPS
from harness.spl.macros import expand
from harness.spl.pipeline import Pipeline, Stage, parse_pipeline
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, Span
from harness.sql.compiler import Compiler
from harness.sql.duckdb import DuckDBDialect, generate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.apps import DataModel, DataSet
    from harness.engines.base import SearchRequest
    from harness.engines.duckdb import DuckDBEngine
    from harness.model import Limits, Rows, TimeRange
    from harness.plan.types import Typed
    from harness.registry import Command
    from harness.spl.source import Span

WRITERS = frozenset(
    """
    collect delete mcollect meventcollect outputcsv outputlookup outputtext run script sendalert
    sendemail tscollect
    """.split()
)
SPARE = "\0"
SCHEMA = f"{SPARE}schema"
MAX_DEPTH = 8
BEGINS_WITH_WORD = re.compile(r"\s*([a-z]\w*)(?:\s+(?![=<>!]|(?:AND|OR|NOT|IN)\b)|\s*$)")


class UnknownLookup(HarnessError):
    """A search names a lookup that neither its apps nor its content define."""


class LocalSearch:
    """A search's context (see `harness.registry.context.Context`) and its compilation.

    `given` are rows that the search's first command receives, instead of beginning with events.
    """

    def __init__(
        self,
        engine: DuckDBEngine,
        request: SearchRequest,
        given: nodes.Relation | None = None,
    ) -> None:
        self.given = given
        self.engine = engine
        self.request = request
        self.asked_now = False
        self.asked_data = False
        self.counted_events = False
        self.timezone = engine.timezone
        self.resolver = FieldResolver(
            engine.knowledge.apps,
            engine.knowledge,
            tuple(engine.groups.values()),
            self._automatic_lookup,
            worked_out=self._worked_out if engine.shares else None,
            _calculated=engine.knowledge.calculated,
            _known=engine.knowledge.membership,
        )
        self.warnings: list[str] = [] if given else _unpiped(request.text)
        self.forgiven: list[HarnessError] = []
        self._written: dict[str, nodes.Relation] = {}
        self._tables: dict[str, nodes.Relation] = {}
        self._opened: tuple[nodes.Relation, Opened] | None = None
        self._is_last = False
        self._shown: Opened | None = None
        self.always: frozenset[str] = frozenset()
        self._spares = 0
        self._depth = 0
        self.saved_running: tuple[str, ...] = ()

    @property
    def now(self) -> float:
        """The trial's clock; a search that asks for it is compiled for this trial alone."""
        self.asked_now = True
        return self.request.now

    # Compilation

    def compiled(self) -> Compiled:
        """The whole search as a statement, in which `SCHEMA` stands for the trial's schema."""
        key = (
            self.request.text,
            self.request.path,
            self.request.time_range,
            self.request.limits,
            self.timezone,
            self.resolver.groups,
        )
        found = self.engine.knowledge.compiled.get(key)
        events = self.engine.events
        if found is None or (found.events is not None and events > found.events):
            relation = self.relation()
            columns = self.columns(relation)
            dialect = self._dialect()
            is_open = self.is_open(relation)
            compiler = self._compiler(dialect, SCHEMA, relation)
            places: tuple[int, ...] = ()
            if is_open:
                statement, types, places = compiler.shared(relation, columns, parted=True)
            else:
                statement, types = compiler.statement(relation, columns)
            used = frozenset(dialect.used)
            most = events if self.counted_events else None
            found = Compiled(generate(statement), columns, types, used, is_open, most, places)
            alone = self.asked_now or self.asked_data or dialect.asked_now or self._tables
            if not alone:
                self.engine.knowledge.compiled[key] = found
        return found

    def _dialect(self) -> DuckDBDialect:
        return DuckDBDialect(self.request.now, self.timezone)

    def _compiler(self, dialect: DuckDBDialect, schema: str, relation: nodes.Relation) -> Compiler:
        """A compiler; for an open relation only over the groups that have an event in it."""
        resolver = self.resolver
        opened = self._open(relation) if relation.columns is None else self._shown
        if opened is not None:
            resolver = resolver.restricted(opened.groups, lenient=True)
            resolver = replace(resolver, automatic=opened.automatic)
        return Compiler(dialect, resolver, self.engine.stored, schema, self.engine.sizes)

    def _open(self, relation: nodes.Relation) -> Opened:
        """What the data says of an open relation, asked once."""
        if self._opened is None or self._opened[0] is not relation:
            self._opened = (relation, open_names(relation, self.resolver, self._run))
        return self._opened[1]

    def is_open(self, relation: nodes.Relation) -> bool:
        """Whether a relation's columns are those that its events may have, empty ones too."""
        return relation.columns is None or self._shown is not None

    def pipeline(self) -> Pipeline:
        """The search, macros expanded, as stages."""
        source = Source(self.request.text.strip(), self.request.path)
        return parse_pipeline(expand(source, self.engine.knowledge))

    def relation(self) -> nodes.Relation:
        """The relation that the whole search is."""
        return self._lowered(self.pipeline(), self.given, shows=True)

    def stages(self) -> Iterator[tuple[str, nodes.Relation]]:
        """Each stage's text with the relation up to it."""
        relation = self.given
        for stage in self.pipeline().stages:
            relation = self._command(stage).parse(stage).lower(relation, self)
            yield f"{stage.name} {stage.raw}", relation

    def _command(self, stage: Stage) -> type[Command]:
        """The command of a stage; one of an app's own is known, and not run."""
        try:
            return find_command(stage)
        except UnknownCommand as error:
            app = self.engine.knowledge.apps.app_of_command(stage.name)
            if app is None:
                raise
            why = f"the command `{stage.name}` of the app `{app}`: {reason_of_command()}"
            raise Unsupported(why, place=error.place) from error

    def _lowered(
        self, pipeline: Pipeline, relation: nodes.Relation | None = None, *, shows: bool = False
    ) -> nodes.Relation:
        """A pipeline as a relation; what it gives is only shown if `shows`."""
        unfinished = may_be_prestats(pipeline.stages)
        for stage in pipeline.stages:
            if unfinished:
                check_follower(stage, relation)
            command = self._command(stage).parse(stage)
            self._is_last = shows and stage is pipeline.stages[-1]
            relation = command.lower(relation, self)
        if relation is None:
            raise TypeError(pipeline)
        if unfinished:
            check_end(pipeline.stages[-1], relation)
        return relation

    def columns(self, relation: nodes.Relation) -> tuple[str, ...]:
        """The columns to show of a relation; an open one's are found in the data."""
        names = relation.columns
        if names is None:
            names = self._open(relation).columns
        return tuple(name for name in names if not name.startswith(SPARE))

    def statement(
        self, relation: nodes.Relation, columns: tuple[str, ...]
    ) -> tuple[str, tuple[Typed, ...]]:
        """The SQL of a relation, with the types of its columns."""
        dialect = self._dialect()
        compiler = self._compiler(dialect, self.engine.schema, relation)
        statement, types = compiler.statement(relation, columns)
        self.engine.prepare(dialect.used)
        return generate(statement), types

    def _run(self, relation: nodes.Relation) -> Rows:
        """Rows that compilation looks at: then the statement is for these events alone."""
        self.asked_data = True
        return self.engine.run(relation, self)

    # What commands may ask (the Context protocol)

    def events(self) -> nodes.Relation:
        """The trial's events within its time range."""
        relation: nodes.Relation = nodes.Scan()
        bounds: list[Expr] = []
        if (earliest := self.request.time_range.earliest) is not None:
            bounds.append(Call(">=", (Field("_time"), Const(earliest))))
        if (latest := self.request.time_range.latest) is not None:
            bounds.append(Call("<", (Field("_time"), Const(latest))))
        return nodes.Filter(relation, every(bounds)) if bounds else relation

    def indexed(self, name: str) -> Expr | None:
        """A field from index time; None where no event has it."""
        return indexed_field(name, self.resolver)

    def data_set(self, model: str, name: str | None, stage: Stage) -> nodes.Relation:
        """A data model's data set as a relation; without a name, the whole model."""
        models = self.engine.knowledge.apps.data_models
        found = models.get(model)
        if found is None:
            raise _placed(
                UnknownDataModel(
                    f"unknown data model `{model}`",
                    hints=nearest(model, models) or ("--app brings data models",),
                ),
                stage,
            )
        try:
            data_set = found.dataset(name) if name else None
        except UnknownDataModel as error:
            raise _placed(error, stage) from error
        key = (found.name, data_set.name if data_set else "")
        rows = self._data_set_rows(found, data_set, stage)
        shared = self.engine.shares is not None and stage.name.lower() == "tstats"
        return self._shared_set(key, rows, stage) if shared else rows

    def _data_set_rows(
        self, model: DataModel, data_set: DataSet | None, stage: Stage
    ) -> nodes.Relation:
        """A data set's plan, made once where it depends on nothing but the knowledge."""
        knowledge = self.engine.knowledge
        place = (model.name, data_set.name if data_set else "", self.request.time_range)
        if (known := knowledge.data_sets.get(place)) is not None:
            return known

        def rows(one: DataSet) -> nodes.Relation:
            return self._base_rows(one, stage)

        locations = str(knowledge.locations) if knowledge.locations else None
        sources = Sources(knowledge, self._automatic_lookup, locations)
        if data_set is None:
            found = model_relation(model, rows, sources)
        else:
            found = data_set_relation(data_set, model, rows(data_set), sources)
        if not any(one.base_search or one.looks_up for one in model.datasets):
            knowledge.data_sets[place] = found
        return found

    def _shared_set(
        self, key: tuple[str, str], rows: nodes.Relation, stage: Stage
    ) -> nodes.Relation:
        """A data set's rows, worked out once for all searches of a batch.

        Only fields whose names stand somewhere in its texts are worked out; a search that asks
        for another, by way of a macro's argument, works out its own.
        """
        columns, shares = rows.columns or (), self.engine.shares
        shared = self.engine.shared.get(key)
        if shared is None:
            names = tuple(n for n in columns if "." not in n or (shares and shares.writes(n)))
            projected = nodes.Project(rows, tuple((name, name) for name in names))
            shared = nodes.Stored(self.kept(projected).table, names)
            self.engine.shared[key] = shared
        written = {token.value for token in stage.arguments.tokens}
        missing = written & (set(columns) - set(shared.names))
        return rows if missing else shared

    def _worked_out(self, group: Group, names: frozenset[str]) -> str | None:
        """The table of a batch that has these fields of a group's events."""
        shares = self.engine.shares
        if shares is None:
            return None
        found = shares.table(group, names, self.resolver, self._run, self.kept)
        self.asked_data |= found is not None
        return found

    def _base_rows(self, data_set: DataSet, stage: Stage) -> nodes.Relation:
        """What a data set's constraints apply to: events, or the results of its base search."""
        if data_set.base_search is None:
            return self.events()
        text = data_set.base_search
        return self.lowered(self.parse(text if text.startswith("|") else f"search {text}", stage))

    def closed(self, rows: nodes.Relation) -> nodes.Relation:
        """The rows with known columns: an open relation is worked out into a table."""
        return rows if rows.columns is not None else self.kept(rows)

    def shown(self, rows: nodes.Relation, always: Iterable[str] = ()) -> nodes.Relation:
        """The rows with their columns known, of a search's last command without a table."""
        if rows.columns is not None or not self._is_last or self._depth:
            return self.closed(rows)
        names = self.columns(rows)
        self._shown, self.always = self._open(rows), frozenset(always)
        return nodes.Project(rows, tuple((name, name) for name in names))

    def kept(self, rows: nodes.Relation, columns: tuple[str, ...] = ()) -> nodes.Stored:
        """The rows worked out into a table, with the columns to show where none are named."""
        self.asked_data = True
        columns = columns or self.columns(rows) or (self.spare("nothing"),)
        dialect = self._dialect()
        compiler = self._compiler(dialect, self.engine.schema, rows)
        statement, types, places = compiler.shared(rows, columns, parted=False)
        self.engine.prepare(dialect.used)
        table = self.engine.store(generate(statement), columns, types, places)
        return nodes.Stored(table, tuple(column.name for column in self.engine.stored[table]))

    def fetched(self, rows: nodes.Relation) -> Rows:
        """The rows themselves, bounded in number."""
        most = self.limits.fetched_rows
        found = self._run(nodes.Limit(rows, most + 1))
        if len(found) > most:
            raise Unsupported(
                f"more than {most:,} rows for a command that works outside SQL",
                hints=["narrow the search, or aggregate before it"],
            )
        return found

    def applied(self, rows: nodes.Relation, work: Callable[[Rows], Rows]) -> nodes.Relation:
        """What a function makes of the rows, as a table."""
        return self._kept_rows(work(self.fetched(rows)))

    def _kept_rows(self, rows: Rows) -> nodes.Relation:
        self.asked_data = True
        return nodes.Stored(self.engine.store_values(rows), rows.columns)

    def rows(self, pipeline: Pipeline, *, limit: int) -> Rows:
        """The rows of a subsearch."""
        found = self._run(nodes.Limit(self.lowered(pipeline), limit + 1))
        if len(found) <= limit:
            return found
        self.warn(f"a subsearch gave more than {limit:,} rows: the others were left out")
        return type(found)(found.columns, found.rows[:limit])

    def bounded(self, rows: nodes.Relation, most: int, what: str) -> nodes.Relation:
        """The first rows; those whose columns are known are kept, others only counted.

        Where there cannot be more, as few as the events are, nothing is worked out; then the
        statement holds for this number of events.
        """
        bound = most_rows(rows, self.engine.events, self.engine.row_count)
        bound = None if self.resolver.has_tables else bound
        if bound is not None and bound <= most:
            self.counted_events = True
            return rows
        limited: nodes.Relation = nodes.Limit(rows, most + 1)
        if rows.columns is not None:
            names = [name for name in rows.columns if not name.startswith(SPARE)]
            limited = nodes.Project(self.kept(limited), tuple((name, name) for name in names))
        count = nodes.Aggregate(limited, (), (nodes.Aggregation("count", "count"),))
        if self._run(count).rows != [{"count": most + 1}]:
            return limited if rows.columns is not None else rows
        self.warn(f"{what} gave more than {most:,} rows: the others were left out")
        return nodes.Limit(rows if rows.columns is None else limited, most)

    def lowered(self, pipeline: Pipeline, rows: nodes.Relation | None = None) -> nodes.Relation:
        """A subsearch as a relation; how deep they nest is bounded."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unsupported(f"subsearches nested more than {MAX_DEPTH} deep")
        try:
            return self._lowered(pipeline, rows)
        finally:
            self._depth -= 1

    def parse(self, text: str, stage: Stage) -> Pipeline:
        """A search made by a command, macros expanded, that may not write."""
        source = Source(text.strip(), self.request.path)
        pipeline = parse_pipeline(expand(source, self.engine.knowledge))
        for one in pipeline.stages:
            if one.name.lower() in WRITERS:
                one.fail(f"`{stage.name}` may not run `{one.name}`, which writes")
        return pipeline

    def warn(self, message: str) -> None:
        """A warning of the search, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def forgive(self, error: HarnessError) -> None:
        """An error that does not end the search: kept for a check, else a warning."""
        if self.request.dry:
            self.forgiven.append(error)
        else:
            self.warn("; ".join((error.message, *error.hints)))

    @property
    def time_range(self) -> TimeRange:
        """The search's time range."""
        return self.request.time_range

    @property
    def tags(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The tags of the apps."""
        return self.engine.knowledge.apps.tags

    @property
    def limits(self) -> Limits:
        """The limits that the search was given."""
        return self.request.limits

    def save(
        self, name: str, rows: nodes.Relation, stage: Stage, *, append: bool
    ) -> nodes.Relation:
        """Rows into a lookup's table, for this search alone."""
        written: nodes.Relation = self.kept(rows)
        result = written
        if append:
            definition = self.engine.knowledge.lookup(name)
            if name in self._written or definition is not None:
                before = self._written.get(name) or self.lookup(name, stage)[1]
                written = self.kept(nodes.Union((before, written)))
        self._written[name] = written
        return result

    def saved_search(self, name: str, stage: Stage, filled: Callable[[str], str]) -> nodes.Relation:
        """The rows of a saved search of the apps."""
        return saved_rows(self, name, stage, filled)

    def lookup(self, name: str, stage: Stage) -> tuple[LookupDefinition, nodes.Relation]:
        """A lookup's definition and table, for a command."""
        definition = self.engine.knowledge.lookup(name)
        if (saved := self._written.get(name)) is not None:
            definition = definition or LookupDefinition(name, None)
            return replace(definition, fields=saved.columns or ()), saved
        if definition is None and (reason := EXTERNAL_LOOKUPS.get(name)) is not None:
            stage.unsupported(f"the lookup `{name}`: {reason}", _written_span(stage, name))
        if definition is None and self.request.dry:
            self.forgiven.append(self._unknown_lookup(name, stage))
            return LookupDefinition(name, None), nodes.Values((), ())
        if definition is None:
            raise self._unknown_lookup(name, stage)
        return definition, self._table(definition)

    def _unknown_lookup(self, name: str, stage: Stage) -> UnknownLookup:
        known = self.engine.knowledge.lookup_names()
        span = _written_span(stage, name)
        hints = nearest(name, known) or ("--content and --app bring lookups",)
        return UnknownLookup(
            f"unknown lookup `{name}`",
            place=stage.text.place(span),
            hints=(*hints, *stage.text.hints(span)),
        )

    def _automatic_lookup(self, name: str) -> tuple[LookupDefinition, nodes.Relation]:
        definition = self.engine.knowledge.lookup(name)
        if definition is None:
            known = self.engine.knowledge.lookup_names()
            raise UnknownLookup(f"unknown lookup `{name}`", hints=nearest(name, known))
        return definition, self._table(definition)

    def _table(self, definition: LookupDefinition) -> nodes.Relation:
        if definition.unsupported:
            raise Unsupported(
                f"the lookup `{definition.name}`: {definition.unsupported}", place=definition.place
            )
        if definition.name not in self._tables:
            if definition.table is None:
                self._tables[definition.name] = nodes.Values(definition.fields, ())
            else:
                self._tables[definition.name] = self._filtered(
                    self.engine.lookup_table(definition), definition
                )
        return self._tables[definition.name]

    def _filtered(self, table: nodes.Relation, definition: LookupDefinition) -> nodes.Relation:
        """The rows of a lookup's table that its `filter` keeps."""
        if not definition.filter:
            return table
        source = Source(definition.filter, definition.place.path)
        text = expand(source, self.engine.knowledge)
        return nodes.Filter(table, Searching(text, self, events=False).lower(parse_predicate(text)))

    def extracted(self, rows: nodes.Relation, name: str, stage: Stage) -> nodes.Relation:
        """The rows with what a field transform finds; a field that the row has stays."""
        transform = self.engine.knowledge.apps.transform(name)
        if transform is None:
            stage.fail(f"no app has the field transform `{name}`", _written(name, stage))
        for found in transform_extractors(transform):
            if found.broken is not None:
                raise found.broken
            if found.found_names() is not None:
                stage.unsupported(
                    f"the field transform `{name}`, whose names are in the data",
                    _written(name, stage),
                )
            fields: list[tuple[Demand, Expr]] = []
            for field in found.names():
                value = found.field(field)
                if value is not None:
                    fields.append((field, Call("coalesce", (Field(field), value))))
            rows = nodes.Extend(rows, tuple(fields))
        return rows

    def locations(self, rows: nodes.Relation, stage: Stage) -> str | None:
        """The path of the database of IP locations, which can be opened."""
        path = self.engine.knowledge.locations
        if path is None and not self._run(nodes.Limit(nodes.Project(rows, ()), 1)).rows:
            return None
        if path is None:
            stage.unsupported(
                f"`{stage.name}` without a database of locations",
                None,
                "name a file in MaxMind's format: --iplocation FILE, "
                'or iplocation = "FILE" in [tool.detection-harness]',
            )
        open_locations(str(path))
        return str(path)

    def has_lookup(self, name: str) -> bool:
        """Whether a lookup is defined or written."""
        return name in self._written or self.engine.knowledge.lookup(name) is not None

    def spare(self, name: str) -> str:
        """A name that no search can write."""
        self._spares += 1
        return f"{SPARE}{name}{self._spares}"


def _unpiped(text: str) -> list[str]:
    """A warning where a search begins with a command's name that has no `|`: it is a mere word."""
    begins = BEGINS_WITH_WORD.match(text)
    if begins is None or begins[1] not in SPLUNK_COMMANDS - {"search"}:
        return []
    return [f"`{begins[1]}` is a word that events are searched for: the command is `| {begins[1]}`"]


def _written_span(stage: Stage, name: str) -> Span:
    """Where a stage writes a name; its command's name if it does not."""
    written = [token.span for token in stage.arguments.tokens if token.value == name]
    return written[0] if written else stage.name_span


class UnknownModel(HarnessError):
    """A search names a data model or a data set that no app defines."""


def _written(name: str, stage: Stage) -> Span:
    """Where a stage names something, else the command's name."""
    return next((t.span for t in stage.arguments.tokens if t.value == name), stage.name_span)


def _placed(error: UnknownDataModel, stage: Stage) -> UnknownModel:
    """The error with its place in the search: the token that names the model."""
    model = next(
        (t for t in stage.arguments.tokens if f"`{t.value.partition('.')[0]}`" in error.message),
        None,
    )
    span = model.span if model else stage.name_span
    hints = (*error.hints, *stage.text.hints(span))
    return UnknownModel(error.message, place=stage.text.place(span), hints=hints)

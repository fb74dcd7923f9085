"""One search on the embedded engine: from its text to statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.apps import UnknownDataModel
from harness.engines.knowledge import Compiled, read_table
from harness.errors import HarnessError, Unsupported, nearest
from harness.fields.data_models import data_set_relation
from harness.fields.discovery import field_names
from harness.fields.resolver import FieldResolver
from harness.plan import nodes
from harness.plan.expressions import NULL, Call, Const, Expr, Field, every
from harness.registry import find_command
from harness.spl.macros import expand
from harness.spl.pipeline import Pipeline, Stage, parse_pipeline
from harness.spl.source import Source
from harness.sql.compiler import Compiler
from harness.sql.duckdb import DuckDBDialect, generate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engines.base import SearchRequest
    from harness.engines.duckdb import DuckDBEngine
    from harness.model import LookupDefinition, Rows
    from harness.plan.types import Typed

SPARE = "\0"
SCHEMA = f"{SPARE}schema"
MAX_DEPTH = 8


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
        self.timezone = engine.timezone
        self.resolver = FieldResolver(
            engine.knowledge.apps,
            engine.knowledge,
            tuple(engine.groups.values()),
            self._automatic_lookup,
        )
        self._tables: dict[str, nodes.Relation] = {}
        self._spares = 0
        self._depth = 0

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
            self.timezone,
            self.resolver.groups,
        )
        found = self.engine.knowledge.compiled.get(key)
        if found is None:
            relation = self.relation()
            columns = self.columns(relation)
            dialect = self._dialect()
            statement, types = self._compiler(dialect, SCHEMA).statement(relation, columns)
            used, is_open = frozenset(dialect.used), relation.columns is None
            found = Compiled(generate(statement), columns, types, used, is_open)
            alone = self.asked_now or self.asked_data or dialect.asked_now or self.engine.stored
            if not alone:
                self.engine.knowledge.compiled[key] = found
        return found

    def _dialect(self) -> DuckDBDialect:
        return DuckDBDialect(self.request.now, self.timezone)

    def _compiler(self, dialect: DuckDBDialect, schema: str) -> Compiler:
        return Compiler(dialect, self.resolver, self.engine.stored, schema)

    def pipeline(self) -> Pipeline:
        """The search, macros expanded, as stages."""
        source = Source(self.request.text.strip(), self.request.path)
        return parse_pipeline(expand(source, self.engine.knowledge))

    def relation(self) -> nodes.Relation:
        """The relation that the whole search is."""
        return self._lowered(self.pipeline(), self.given)

    def stages(self) -> Iterator[tuple[str, nodes.Relation]]:
        """Each stage's text with the relation up to it."""
        relation = self.given
        for stage in self.pipeline().stages:
            relation = find_command(stage).parse(stage).lower(relation, self)
            yield f"{stage.name} {stage.raw}", relation

    def _lowered(
        self, pipeline: Pipeline, relation: nodes.Relation | None = None
    ) -> nodes.Relation:
        for stage in pipeline.stages:
            relation = find_command(stage).parse(stage).lower(relation, self)
        if relation is None:
            raise TypeError(pipeline)
        return relation

    def columns(self, relation: nodes.Relation) -> tuple[str, ...]:
        """The columns to show of a relation; an open one's are found in the data."""
        names = relation.columns
        if names is None:
            names = self._open_names(relation)
        return tuple(name for name in names if not name.startswith(SPARE))

    def statement(
        self, relation: nodes.Relation, columns: tuple[str, ...]
    ) -> tuple[str, tuple[Typed, ...]]:
        """The SQL of a relation, with the types of its columns."""
        dialect = self._dialect()
        compiler = self._compiler(dialect, self.engine.schema)
        statement, types = compiler.statement(relation, columns)
        self.engine.prepare(dialect.used)
        return generate(statement), types

    def _open_names(self, relation: nodes.Relation) -> tuple[str, ...]:
        """The fields that the events below may have, and those added above them."""
        added: list[str] = []
        removed: dict[str, bool] = {}
        predicates: list[Expr] = []
        below: Any = relation
        while not isinstance(below, nodes.Scan):
            if isinstance(below, nodes.Extend):
                added[:0] = [name for name, _ in below.fields if isinstance(name, str)]
                for name, value in below.fields:
                    removed.setdefault(str(name), value == NULL)
                predicates = []
            elif isinstance(below, nodes.Filter):
                predicates.append(below.predicate)
            elif isinstance(below, nodes.Join):
                added[:0] = [name for name, _ in below.outputs]
            below = below.inputs[0] if isinstance(below, nodes.Union) else below.input
        names = field_names(self.resolver, every(predicates), self._run)
        return tuple(name for name in dict.fromkeys((*names, *added)) if not removed.get(name))

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

    def data_set(self, model: str, name: str | None, stage: Stage) -> nodes.Relation:
        """A data model's data set as a relation."""
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
        if name is None:
            raise Unsupported(
                f"`datamodel={model}` without a data set",
                place=stage.text.place(stage.name_span),
                hints=[f"name one: {', '.join(sorted(one.name for one in found.datasets)[:6])}"],
            )
        try:
            data_set = found.dataset(name)
        except UnknownDataModel as error:
            raise _placed(error, stage) from error
        return data_set_relation(data_set, self.events(), self.engine.knowledge)

    def closed(self, rows: nodes.Relation) -> nodes.Relation:
        """The rows with known columns: an open relation is worked out into a table."""
        if rows.columns is not None:
            return rows
        columns = self.columns(rows)
        statement, types = self.statement(rows, columns)
        table = self.engine.store(statement, columns, types)
        return nodes.Stored(table, tuple(column.name for column in self.engine.stored[table]))

    def rows(self, pipeline: Pipeline, *, limit: int) -> Rows:
        """The rows of a subsearch."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unsupported("subsearches nested more than 8 deep")
        found = self._run(nodes.Limit(self._lowered(pipeline), limit))
        self._depth -= 1
        return found

    def lookup(self, name: str, stage: Stage) -> tuple[LookupDefinition, nodes.Relation]:
        """A lookup's definition and table, for a command."""
        definition = self.engine.knowledge.lookup(name)
        if definition is None:
            known = self.engine.knowledge.lookup_names()
            written = [t.span for t in stage.arguments.tokens if t.value == name]
            span = written[0] if written else stage.name_span
            hints = nearest(name, known) or ("--content and --app bring lookups",)
            raise UnknownLookup(
                f"unknown lookup `{name}`",
                place=stage.text.place(span),
                hints=(*hints, *stage.text.hints(span)),
            )
        return definition, self._table(definition)

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
                columns, rows = read_table(definition.table)
                table = self.engine.store_rows(columns, rows)
                self._tables[definition.name] = nodes.Stored(table, columns)
        return self._tables[definition.name]

    def spare(self, name: str) -> str:
        """A name that no search can write."""
        self._spares += 1
        return f"{SPARE}{name}{self._spares}"


class UnknownModel(HarnessError):
    """A search names a data model or a data set that no app defines."""


def _placed(error: UnknownDataModel, stage: Stage) -> UnknownModel:
    """The error with its place in the search: the token that names the model."""
    model = next(
        (t for t in stage.arguments.tokens if f"`{t.value.partition('.')[0]}`" in error.message),
        None,
    )
    span = model.span if model else stage.name_span
    hints = (*error.hints, *stage.text.hints(span))
    return UnknownModel(error.message, place=stage.text.place(span), hints=hints)

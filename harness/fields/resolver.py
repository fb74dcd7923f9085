"""From the fields that a search needs to a plan that takes them out of the raw events.

Search-time phases in Splunk's order, one plan layer each: extractions, automatic key=value,
aliases, calculated fields, lookups; event types and tags become predicates. Source: Splunk
Knowledge Manager Manual, "The sequence of search-time operations".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.fields.defaults import DEFAULTS, METADATA, default_fields
from harness.fields.extractions import INDEXED, Extraction, extractions
from harness.fields.extractors import Automatic
from harness.fields.folding import fold
from harness.fields.membership import Membership
from harness.fields.narrowing import Known, decided, has_one_value, smallest, values_of
from harness.fields.patterns import in_setting, placed
from harness.fields.rounds import combined_field, listed_in, rounds_of, with_lists
from harness.fields.sharing import with_collected
from harness.fields.tables import CARRIED, is_tabular, table_events
from harness.fields.tokenized import tokens
from harness.plan import nodes
from harness.plan.expressions import (
    FALSE,
    NULL,
    TRUE,
    Belongs,
    Call,
    Const,
    Demand,
    Expr,
    Field,
    demands,
    every,
)
from harness.registry.evaluation import Evaluation
from harness.registry.lookups import check_columns, lookup_join
from harness.spl.expressions import parse_expression
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.apps import Apps, AutoLookup, Calculated, SourceKnowledge
    from harness.errors import Place
    from harness.fields.extractors import Extractor
    from harness.model import LookupDefinition
    from harness.spl.macros import MacroSource

META = "_meta"
"""The fields from index time, as one JSON object."""
ORIGINAL = "_sourcetype"
"""The field with the source type that `rename` hides."""
ENCODED = "\0encoded "
COLLECTED = frozenset({"eventtype", "tag"})
KEPT = "\0kept "
BEFORE = "\0before "
ASKED = "\0asked"
AFTER = "\0after "
NOTHING: Mapping[str, Known] = {}


@dataclass(frozen=True, slots=True)
class Group:
    """A number of the engine's with what its events have in common.

    `entities` says what of XML's the raw text holds: `none`, `named` ones, or also `numeric`.
    Events that came as a table of fields have its name in `table` and its fields in `fields`:
    these are as they are, and no knowledge of the source type replaces them. `host` is one of
    the events' hosts, where apps know something of hosts: all are in the same stanzas. With
    `has_indexed` some events have fields from index time.
    """

    number: int
    index: str
    source: str
    sourcetype: str
    entities: str = "numeric"
    table: str = ""
    fields: tuple[str, ...] = ()
    has_indexed: bool = False
    host: str = ""


@dataclass(frozen=True, slots=True)
class AppliedLookup:
    """An automatic lookup, and the fields that hold what its outputs were right after it."""

    lookup: AutoLookup
    copies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Phases:
    """Events after extraction, after calculated fields, and after all lookups."""

    extracted: nodes.Relation
    calculated: nodes.Relation
    looked_up: nodes.Relation
    lookups: tuple[AppliedLookup, ...]


@dataclass(slots=True)
class FieldResolver:
    """Resolves scans over the groups of a trial with the knowledge of its apps.

    `lookup` gives a lookup's definition and its table, as automatic lookups need them. What
    cannot be applied is an error where a search needs its fields; a `lenient` resolver, for a
    search that asks for whatever there is, warns and goes on without it. `automatic` are the
    names in the XML of the events that meet the predicate, for groups of which they are known.
    `worked_out` gives the table that has these fields of a group's events, if there is one.
    """

    apps: Apps
    macros: MacroSource
    groups: tuple[Group, ...]
    lookup: Callable[[str], tuple[LookupDefinition, nodes.Relation]]
    lenient: bool = False
    automatic: Mapping[int, frozenset[str]] = field(default_factory=dict)
    worked_out: Callable[[Group, frozenset[str]], str | None] | None = None
    _calculated: dict[str, Expr] = field(default_factory=dict)
    _extractions: dict[int, tuple[Extraction, ...]] = field(default_factory=dict)
    _known: Membership | None = None

    def __post_init__(self) -> None:
        """Begin to learn what puts events into event types; restricted resolvers share it."""
        self._known = self._known or Membership(self.apps, self.macros)

    @property
    def membership(self) -> Membership:
        """What puts events into event types and under tags."""
        assert self._known is not None
        return self._known

    def resolve(self, wanted: frozenset[Demand], predicate: Expr) -> nodes.Relation:
        """The events that may meet the predicate, with the wanted fields."""
        branches = []
        for group in self.groups:
            branch = self._branch(group, wanted, predicate)
            if branch is not None:
                branches.append(branch)
        if not branches:
            return nodes.Values(tuple(sorted(str(name) for name in wanted)), ())
        return nodes.Union(tuple(branches), merged=True)

    def restricted(self, numbers: frozenset[int], *, lenient: bool | None = None) -> FieldResolver:
        """The same knowledge over some of the groups."""
        groups = tuple(group for group in self.groups if group.number in numbers)
        forgives = self.lenient if lenient is None else lenient
        return replace(self, groups=groups, lenient=forgives)

    def surviving(self, predicate: Expr) -> list[Group]:
        """The groups whose events may meet a predicate."""
        return [
            group
            for group in self.groups
            if fold(predicate, self.constants(group), self._belonging(group)) != FALSE
        ]

    def knowledge(self, group: Group) -> SourceKnowledge:
        """What the apps say of a group's events."""
        return self.apps.props_for(group.source, group.sourcetype, group.host)

    def constants(self, group: Group) -> dict[str, str]:
        """What all events of a group have in common; `rename` gives another source type."""
        renamed = self.knowledge(group).sourcetype
        found = {"index": group.index, "source": group.source, "sourcetype": renamed}
        return found if renamed == group.sourcetype else {**found, ORIGINAL: group.sourcetype}

    def extractions(self, group: Group) -> tuple[Extraction, ...]:
        """What takes fields out of a group's raw events, in Splunk's order."""
        if group.number not in self._extractions:
            readable = not group.table or "_raw" in group.fields
            tabular = self._is_tabular(group)
            found = extractions(self.knowledge(group), tabular=tabular) if readable else ()
            found = (INDEXED, *found) if group.has_indexed else found
            self._extractions[group.number] = found
        return self._extractions[group.number]

    def extractors(self, group: Group) -> tuple[Extractor, ...]:
        """The same by themselves; a lenient resolver warns of those that cannot be applied."""
        found = [one.extractor for one in self.extractions(group)]
        names = self.automatic.get(group.number)
        if names is not None:
            found = [
                replace(one, only=names) if isinstance(one, Automatic) else one for one in found
            ]
        if not self.lenient:
            return tuple(found)
        for one in found:
            if one.broken is not None:
                self.warn(one.broken)
        return tuple(one for one in found if one.broken is None)

    def warn(self, error: HarnessError, place: Place | None = None) -> None:
        """Note what cannot be applied, with its place, among the apps' warnings."""
        where = error.place or place
        if where is not None:
            self.apps.warn(error.message, where)

    def _branch(
        self, group: Group, wanted: frozenset[Demand], predicate: Expr
    ) -> nodes.Relation | None:
        constants = self.constants(group)
        belongs = self._belonging(group)
        folded = fold(predicate, constants, belongs)
        if folded == FALSE:
            return None
        collected: dict[Demand, Expr] = self._collections(wanted, group)
        collected.update((one, belongs(one)) for one in wanted if isinstance(one, Belongs))
        read = self._collections(demands(folded), group)
        known = self._known_values(group, folded)
        collected = {name: decided(value, known) for name, value in collected.items()}
        needed = set(wanted | demands(folded)) - collected.keys() - read.keys()
        for expression in (*collected.values(), *read.values()):
            needed |= set(demands(expression))
        fields = frozenset(name for name in needed if isinstance(name, str))
        relation = self._filtered(group, fields, folded, read)
        return with_collected(relation, collected) if collected else relation

    def _collections(self, names: Iterable[Demand], group: Group) -> dict[Demand, Expr]:
        """Those of the names that are collected from event types and tags."""
        return {
            name: self._collected(name, group)
            for name in names
            if isinstance(name, str) and (name in COLLECTED or name.startswith("tag::"))
        }

    def _filtered(
        self,
        group: Group,
        fields: frozenset[str],
        predicate: Expr,
        collected: Mapping[Demand, Expr],
    ) -> nodes.Relation:
        """The fields of the events that meet a predicate.

        What the predicate reads is worked out first and by itself, so that every other field is
        only extracted from events that are kept. Its fields are put aside under other names
        meanwhile: the layers of the second pass begin with metadata alone. `collected` are the
        event types and tags that the predicate reads as fields.
        """
        if self.worked_out is not None and (table := self.worked_out(group, fields)) is not None:
            return self._read(group, table, fields, predicate, collected)
        base = self.events(group)
        if predicate == TRUE:
            return self._fields(group, base, fields)
        asked = demands(predicate).union(*(demands(one) for one in collected.values()))
        read = frozenset(name for name in asked if isinstance(name, str)) - collected.keys()
        exact = replace(self, lenient=False, automatic={}) if self.lenient else self
        relation = exact._fields(group, base, read)
        if collected:
            relation = with_collected(relation, collected)
        relation = nodes.Filter(relation, predicate)
        fixed = tuple(
            dict.fromkeys((*METADATA, *self._carried(group), *self.constants(group), *group.fields))
        )
        read -= set(fixed)
        if not fields - read - set(fixed):
            return relation
        kept = sorted(read & fields)
        aside = [(KEPT + name, name) for name in kept]
        started = nodes.Project(relation, (*((name, name) for name in fixed), *aside))
        known = self._known_values(group, predicate)
        found = self._fields(group, started, fields - read, known)
        if not kept:
            return found
        return nodes.Extend(found, tuple((name, Field(KEPT + name)) for name in kept))

    def _read(
        self,
        group: Group,
        table: str,
        fields: frozenset[str],
        predicate: Expr,
        collected: Mapping[Demand, Expr],
    ) -> nodes.Relation:
        """The events that meet a predicate, their fields as a table has them."""
        constants = self.constants(group)
        names = tuple(sorted({*METADATA, *fields} - constants.keys()))
        relation: nodes.Relation = nodes.EventGroup(group.number, names, table)
        same = tuple((name, Const(value)) for name, value in constants.items())
        relation = nodes.Extend(relation, same)
        if collected:
            relation = with_collected(relation, collected)
        return relation if predicate == TRUE else nodes.Filter(relation, predicate)

    def whole(self, group: Group, names: Iterable[str]) -> nodes.Relation:
        """All events of a group with these fields, and where they stand among the others."""
        base = nodes.EventGroup(group.number, (*METADATA, *_meta(group), nodes.SEQUENCE))
        same = tuple((name, Const(value)) for name, value in self.constants(group).items())
        found = self._fields(group, nodes.Extend(base, same), frozenset(names))
        shown = (*METADATA, nodes.SEQUENCE, *sorted(set(names) - set(METADATA)))
        return nodes.Project(found, tuple((name, name) for name in shown))

    def events(self, group: Group) -> nodes.Relation:
        """A group's events, or the rows of their tables, before anything is extracted."""
        names = tuple(dict.fromkeys((*METADATA, *_meta(group), *group.fields)))
        base = nodes.EventGroup(group.number, names, group.table)
        constants = self.constants(group)
        found = nodes.Extend(base, tuple((name, Const(value)) for name, value in constants.items()))
        return table_events(found) if self._is_tabular(group) else found

    @property
    def has_tables(self) -> bool:
        """Whether an event may give several rows."""
        return any(self._is_tabular(group) for group in self.groups)

    def _is_tabular(self, group: Group) -> bool:
        return not group.table and is_tabular(self.knowledge(group))

    def _carried(self, group: Group) -> tuple[str, ...]:
        """What a group's events have beside their fields, for extractions to read."""
        return (*_meta(group), *(CARRIED if self._is_tabular(group) else ()))

    # Event types and tags

    def _belonging(self, group: Group) -> Callable[[Belongs], Expr]:
        return self.membership.of(self.constants(group))

    def _collected(self, name: str, group: Group) -> Expr:
        """`eventtype`, `tag` or `tag::field` as a multivalue field."""
        return self.membership.collected(name, self.constants(group))

    # Fields

    def phases(self, group: Group, wanted: frozenset[str]) -> Phases:
        """A group's events after each phase, for whoever asks where a field comes from."""
        base = self.events(group)
        extracted = self._extract(group, base, wanted - set(group.fields))
        calculated = self._calculate(group, base, wanted)
        relation, lookups = calculated, list[AppliedLookup]()
        for one in self.knowledge(group).lookups:
            outputs = tuple((old, new) for old, new in self.outputs(one) if new in wanted)
            if outputs and self._usable(one, outputs):
                names = tuple((f"{AFTER}{len(lookups)} {new}", new) for _, new in outputs)
                relation = self._looked_up(relation, one, outputs)
                copies = tuple((copy, Field(new)) for copy, new in names)
                relation = nodes.Extend(relation, copies)
                lookups.append(AppliedLookup(one, {new: copy for copy, new in names}))
        return Phases(extracted, calculated, relation, tuple(lookups))

    def _known_values(self, group: Group, predicate: Expr) -> dict[str, Known]:
        """The fields of which a predicate tells the values, after it and before lookups alike.

        Those that are calculated, looked up or split have other values at times; an alias has
        those of its field.
        """
        told = {} if group.table else values_of(predicate)
        if not told:
            return {}
        knowledge = self.knowledge(group)
        changed = {one.field for one in knowledge.calculated} | self.apps.tokenizers.keys()
        changed |= {new for one in knowledge.lookups for _, new in self.outputs(one)}
        aliases: dict[str, list[str]] = {}
        for alias in knowledge.aliases:
            sources = aliases.setdefault(alias.target, [])
            sources += [alias.source] if not alias.as_new else [alias.source, alias.target]
        found: dict[str, Known] = {}
        for name in told.keys() - changed:
            (source, *others) = aliases.get(name, [name])
            if others:
                continue
            alone = self._has_one_value(group, source)
            values = frozenset.intersection(*told[name]) if alone else smallest(told[name])
            same = {target for target, sources in aliases.items() if sources == [source]}
            same |= {source} - aliases.keys()
            found.update(dict.fromkeys(same - changed, Known(values, alone)))
        return found

    def _has_one_value(self, group: Group, name: str) -> bool:
        """Whether the extractions give a field one value at most."""
        given = [(one, one.field(name)) for one in self.extractors(group)]
        given = [(one, expression) for one, expression in given if expression is not None]
        return bool(given) and all(
            expression is not None and not one.adds and has_one_value(expression)
            for one, expression in given
        )

    def _fields(
        self,
        group: Group,
        base: nodes.Relation,
        wanted: frozenset[str],
        known: Mapping[str, Known] = NOTHING,
    ) -> nodes.Relation:
        found = [
            (one, outputs)
            for one in self.knowledge(group).lookups
            if (outputs := self.outputs(one))
        ]
        used: list[tuple[AutoLookup, tuple[tuple[str, str], ...]]] = []
        below = set(wanted) - set(group.fields)
        for one, outputs in reversed(found):
            given = tuple((old, new) for old, new in outputs if new in below)
            if not given or not self._usable(one, given):
                continue
            used.insert(0, (one, given))
            below |= {event for _, event in one.inputs}
        relation = self._calculate(group, base, frozenset(below), known)
        for one, given in used:
            relation = self._looked_up(relation, one, given)
        return self._tokenized(relation, wanted - set(group.fields))

    def _tokenized(self, relation: nodes.Relation, names: frozenset[str]) -> nodes.Relation:
        """The rows with several values of the fields that have a TOKENIZER."""
        found: list[tuple[Demand, Expr]] = []
        for name in sorted(names & self.apps.tokenizers.keys()):
            try:
                found.append((name, tokens(self.apps.tokenizers[name])))
            except HarnessError as error:
                if not self.lenient:
                    raise
                self.warn(error)
        return nodes.Extend(relation, tuple(found)) if found else relation

    def _looked_up(
        self, relation: nodes.Relation, one: AutoLookup, outputs: tuple[tuple[str, str], ...]
    ) -> nodes.Relation:
        """The rows with a lookup's outputs; those without all of its inputs keep what they have."""
        names = [new for _, new in outputs]
        if one.overwrite:
            asked = every(Call("isnotnull", (Field(event),)) for _, event in one.inputs)
            flag = Call("if", (asked, Const("1"), NULL))
            kept = [(BEFORE + name, Field(name)) for name in names]
            relation = nodes.Extend(relation, ((ASKED, flag), *kept))
        known = self.lookup(one.lookup)
        relation = lookup_join(relation, known, one.inputs, outputs, only_missing=not one.overwrite)
        if not one.overwrite:
            return relation
        answered = Call("isnotnull", (Field(ASKED),))
        either = [
            (name, Call("if", (answered, Field(name), Field(BEFORE + name)))) for name in names
        ]
        return nodes.Extend(relation, tuple(either))

    def outputs(self, one: AutoLookup) -> tuple[tuple[str, str], ...]:
        """What an automatic lookup gives; without OUTPUT, every column that it does not match.

        None, with a warning, where only a table that cannot be read would tell.
        """
        if one.outputs:
            return one.outputs
        matched = {column for column, _ in one.inputs}
        try:
            columns = self.lookup(one.lookup)[1].columns or ()
        except HarnessError as error:
            self.warn(error, one.origin.place)
            return ()
        return tuple((name, name) for name in columns if name not in matched)

    def _usable(self, one: AutoLookup, outputs: tuple[tuple[str, str], ...]) -> bool:
        """Whether a lookup can be done; an error where it cannot and its fields are needed."""
        try:
            columns = [column for column, _ in (*one.inputs, *outputs)]
            check_columns(self.lookup(one.lookup), columns)
        except HarnessError as error:
            broken = placed(error, one.origin.place, f"`{one.origin.key}`")
            if not self.lenient:
                raise broken from error
            self.warn(broken)
            return False
        return True

    def _calculate(
        self,
        group: Group,
        base: nodes.Relation,
        wanted: frozenset[str],
        known: Mapping[str, Known] = NOTHING,
    ) -> nodes.Relation:
        """EVAL-: all over the fields before them, none sees another's result."""
        knowledge = self.knowledge(group)
        wanted -= set(group.fields)
        fields = {
            one.field: decided(expression, known)
            for one in knowledge.calculated
            if one.field in wanted and (expression := self._expression(one)) is not None
        }
        below = set(wanted) - fields.keys()
        for expression in fields.values():
            below |= {name for name in demands(expression) if isinstance(name, str)}
        relation = self._aliases(group, base, frozenset(below))
        return nodes.Extend(relation, tuple(fields.items())) if fields else relation

    def _expression(self, one: Calculated) -> Expr | None:
        """A calculated field's expression; none, with a warning, where a lenient one has none."""
        text = one.expression
        if text not in self._calculated:
            try:
                self._calculated[text] = calculation(one)
            except HarnessError as broken:
                if not self.lenient:
                    raise
                self.warn(broken)
                return None
        return self._calculated[text]

    def _aliases(
        self, group: Group, base: nodes.Relation, wanted: frozenset[str]
    ) -> nodes.Relation:
        knowledge = self.knowledge(group)
        wanted -= set(group.fields)
        fields: dict[str, Expr] = {}
        below = set(wanted)
        for alias in knowledge.aliases:
            if alias.target not in wanted:
                continue
            before = fields.get(alias.target, Field(alias.target))
            source = Field(alias.source)
            kept = Call("coalesce", (before, source))
            fields[alias.target] = kept if alias.as_new else source
            below.add(alias.source)
        for name, expression in fields.items():
            if name not in demands(expression):
                below.discard(name)
        for expression in fields.values():
            below |= {name for name in demands(expression) if isinstance(name, str)}
        relation = self._extract(group, base, frozenset(below))
        return nodes.Extend(relation, tuple(fields.items())) if fields else relation

    def _with_defaults(
        self, group: Group, base: nodes.Relation, wanted: frozenset[str]
    ) -> nodes.Relation:
        """What Splunk adds to every event, which a file of fields may have of its own."""
        found = sorted((wanted & DEFAULTS) - set(group.fields))
        if not found:
            return base
        has_raw = not group.table or "_raw" in group.fields
        settings = self.knowledge(group).settings
        for layer in default_fields(found, settings, has_raw=has_raw):
            base = nodes.Extend(base, layer)
        return base

    def _extract(
        self, group: Group, base: nodes.Relation, wanted: frozenset[str]
    ) -> nodes.Relation:
        """Extractions in rounds: a round ends before one that reads what the round gives.

        The first extraction of a field wins, later ones are for events in which it found
        nothing, unless they add values (MV_ADD).
        """
        base = self._with_defaults(group, base, wanted)
        fixed = {*METADATA, META, *CARRIED, *self.constants(group), *DEFAULTS, *group.fields}
        rounds = rounds_of(self.extractors(group))
        needed = set(wanted) - fixed
        demanded: list[set[str]] = []
        for number in range(len(rounds) - 1, -1, -1):
            demanded.insert(0, set(needed))
            sources = {
                one.source
                for one in rounds[number]
                if any(one.field(name) is not None for name in needed)
            }
            needed |= sources - fixed
        given: set[str] = set()
        relation = base
        for number, one_round in enumerate(rounds):
            fields: dict[Demand, Expr] = {}
            decoded: dict[Demand, Expr] = {}
            listed = listed_in(one_round, len(demanded[number]))
            relation = with_lists(relation, one_round, number, listed)
            for name in sorted(demanded[number]):
                encoded = group.entities != "none" and any(one.encoded for one in one_round)
                known = name in given and not encoded
                expression = combined_field(name, one_round, number, listed, known=known)
                if expression is None:
                    continue
                if encoded:
                    fields[ENCODED + name] = expression
                    text = Call(f"xml_{group.entities}", (Field(ENCODED + name),))
                    either = Call("coalesce", (Field(name), text))
                    decoded[name] = either if name in given else text
                else:
                    fields[name] = expression
                given.add(name)
            for layer in (fields, decoded):
                if layer:
                    relation = nodes.Extend(relation, tuple(layer.items()))
        return relation


def _meta(group: Group) -> tuple[str, ...]:
    return (META,) if group.has_indexed else ()


def calculation(one: Calculated) -> Expr:
    """A calculated field's expression; raises what is wrong with it, at its setting."""
    try:
        spl = SplText.of(Source(one.expression, one.place.path))
        return Evaluation(spl).lower(parse_expression(spl))
    except HarnessError as error:
        raise in_setting(error, one.origin) from error

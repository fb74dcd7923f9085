"""From the fields that a search needs to a plan that takes them out of the raw events.

Search-time phases in Splunk's order, one plan layer each: extractions, automatic key=value,
aliases, calculated fields, lookups; event types and tags become predicates. Source: Splunk
Knowledge Manager Manual, "The sequence of search-time operations".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from harness.fields.defaults import DEFAULTS, default_field
from harness.fields.extractors import Extractor, Indexed, extractors
from harness.fields.folding import fold
from harness.plan import nodes
from harness.plan.expressions import (
    FALSE,
    TRUE,
    Belongs,
    Call,
    Const,
    Demand,
    Expr,
    Field,
    demands,
    some,
)
from harness.registry.evaluation import Evaluation
from harness.registry.predicates import Searching, compare
from harness.spl.expressions import parse_expression
from harness.spl.macros import MacroSource, expand
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.apps import Apps, AutoLookup, SourceKnowledge
    from harness.model import LookupDefinition

METADATA = ("_raw", "_time", "host")
META = "_meta"
"""The fields from index time, as one JSON object."""
KNOWN = ("index", "source", "sourcetype")
MAX_EVENTTYPE_DEPTH = 20
ENCODED = "\0encoded "
COLLECTED = frozenset({"eventtype", "tag"})
KEPT = "\0kept "
LISTED = "\0listed "
SEPARATE = 16
"""As many fields at most are extracted each by itself; of more, the text is read into lists."""


@dataclass(frozen=True, slots=True)
class Group:
    """A number of the engine's with what its events have in common.

    `entities` says what of XML's the raw text holds: `none`, `named` ones, or also `numeric`.
    Events that came as a table of fields have its name in `table` and its fields in `fields`:
    these are as they are, and no knowledge of the source type replaces them. With
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


@dataclass(slots=True)
class FieldResolver:
    """Resolves scans over the groups of a trial with the knowledge of its apps.

    `lookup` gives a lookup's definition and its table, as automatic lookups need them.
    """

    apps: Apps
    macros: MacroSource
    groups: tuple[Group, ...]
    lookup: Callable[[str], tuple[LookupDefinition, nodes.Relation]]
    _predicates: dict[str, Expr] = field(default_factory=dict)
    _calculated: dict[str, Expr] = field(default_factory=dict)
    _extractors: dict[int, tuple[Extractor, ...]] = field(default_factory=dict)

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

    def restricted(self, numbers: frozenset[int]) -> FieldResolver:
        """The same knowledge over some of the groups."""
        return replace(self, groups=tuple(g for g in self.groups if g.number in numbers))

    def surviving(self, predicate: Expr) -> list[Group]:
        """The groups whose events may meet a predicate."""
        return [
            group
            for group in self.groups
            if fold(predicate, _constants(group), self._belonging(group)) != FALSE
        ]

    def knowledge(self, group: Group) -> SourceKnowledge:
        """What the apps say of a group's events."""
        return self.apps.props_for(group.source, group.sourcetype)

    def extractors(self, group: Group) -> tuple[Extractor, ...]:
        """What takes fields out of a group's raw events, in Splunk's order."""
        if group.number not in self._extractors:
            readable = not group.table or "_raw" in group.fields
            found = extractors(self.knowledge(group)) if readable else ()
            if group.has_indexed:
                found = (Indexed(), *found)
            self._extractors[group.number] = found
        return self._extractors[group.number]

    def _branch(
        self, group: Group, wanted: frozenset[Demand], predicate: Expr
    ) -> nodes.Relation | None:
        constants = _constants(group)
        belongs = self._belonging(group)
        folded = fold(predicate, constants, belongs)
        if folded == FALSE:
            return None
        collected: dict[Demand, Expr] = self._collections(wanted, group)
        collected.update((one, belongs(one)) for one in wanted if isinstance(one, Belongs))
        read = self._collections(demands(folded), group)
        needed = set(wanted | demands(folded)) - collected.keys() - read.keys()
        for expression in (*collected.values(), *read.values()):
            needed |= set(demands(expression))
        fields = frozenset(name for name in needed if isinstance(name, str))
        relation = self._filtered(group, fields, folded, read)
        if collected:
            relation = nodes.Extend(relation, tuple(collected.items()))
        return relation

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
        constants = tuple((name, Const(getattr(group, name))) for name in KNOWN)
        metadata = (*METADATA, META) if group.has_indexed else METADATA
        names = tuple(dict.fromkeys((*metadata, *group.fields)))
        base: nodes.Relation = nodes.EventGroup(group.number, names, group.table)
        base = nodes.Extend(base, constants)
        if predicate == TRUE:
            return self._fields(group, base, fields)
        asked = demands(predicate).union(*(demands(one) for one in collected.values()))
        read = frozenset(name for name in asked if isinstance(name, str)) - collected.keys()
        relation = self._fields(group, base, read)
        if collected:
            relation = nodes.Extend(relation, tuple(collected.items()))
        relation = nodes.Filter(relation, predicate)
        fixed = tuple(dict.fromkeys((*names, *KNOWN)))
        read -= set(fixed)
        if not fields - read - set(fixed):
            return relation
        kept = sorted(read & fields)
        aside = [(KEPT + name, name) for name in kept]
        started = nodes.Project(relation, (*((name, name) for name in fixed), *aside))
        found = self._fields(group, started, fields - read)
        if not kept:
            return found
        return nodes.Extend(found, tuple((name, Field(KEPT + name)) for name in kept))

    # Event types and tags

    def _belonging(self, group: Group) -> Callable[[Belongs], Expr]:
        constants = _constants(group)
        depth = 0

        def belongs(wanted: Belongs) -> Expr:
            nonlocal depth
            depth += 1
            if depth > MAX_EVENTTYPE_DEPTH:
                depth -= 1
                return FALSE
            found = some(fold(predicate, constants, belongs) for predicate in self._members(wanted))
            depth -= 1
            return found

        return belongs

    def _members(self, wanted: Belongs) -> Iterable[Expr]:
        """The predicates any of which puts an event into an event type or under a tag."""
        apps = self.apps
        if wanted.kind == "eventtype":
            for name in apps.eventtypes:
                if _named(name, wanted.name):
                    yield self._eventtype(name)
            return
        if wanted.field is None or wanted.field == "eventtype":
            for name in apps.eventtypes:
                if any(_named(tag, wanted.name) for tag in apps.tags_of_eventtype(name)):
                    yield self._eventtype(name)
        for (name, value), tags in apps.tags.items():
            if name == "eventtype" or wanted.field not in (None, name):
                continue
            if any(_named(tag, wanted.name) for tag in tags):
                yield compare(name, "=", value)

    def _eventtype(self, name: str) -> Expr:
        if name not in self._predicates:
            found = self.apps.eventtypes[name]
            text = expand(Source(found.search, found.place.path), self.macros)
            self._predicates[name] = Searching(text, None).lower(parse_predicate(text))
        return self._predicates[name]

    def _collected(self, name: str, group: Group) -> Expr:
        """`eventtype`, `tag` or `tag::field` as a multivalue field."""
        belongs, names = self._belonging(group), set[str]()
        field_name = name[5:] if name.startswith("tag::") else None
        if name == "eventtype":
            names = set(self.apps.eventtypes)
        else:
            for eventtype in self.apps.eventtypes:
                names |= self.apps.tags_of_eventtype(eventtype)
            names = names.union(*self.apps.tags.values())
        kind = "eventtype" if name == "eventtype" else "tag"
        arguments: list[Expr] = []
        for member in sorted(names):
            condition = belongs(Belongs(kind, member, field_name))
            if condition != FALSE:
                arguments += [condition, Const(member)]
        return Call("collect_names", tuple(arguments)) if arguments else Const(None)

    # Fields

    def _fields(self, group: Group, base: nodes.Relation, wanted: frozenset[str]) -> nodes.Relation:
        knowledge = self.knowledge(group)
        lookups: list[AutoLookup] = []
        below = set(wanted) - set(group.fields)
        for one in reversed(knowledge.lookups):
            outputs = {new for _, new in self.outputs(one)}
            if not below & outputs:
                continue
            lookups.insert(0, one)
            if one.overwrite:
                below -= outputs
            below |= {event for _, event in one.inputs}
        relation = self._calculate(group, base, frozenset(below))
        for one in lookups:
            definition, table = self.lookup(one.lookup)
            relation = nodes.Join(
                relation,
                table,
                lookup_matches(definition, one.inputs),
                tuple((new, old) for old, new in self.outputs(one)),
                definition.max_matches,
                definition.min_matches,
                definition.default_match,
                only_missing=not one.overwrite,
            )
        return relation

    def outputs(self, one: AutoLookup) -> tuple[tuple[str, str], ...]:
        """What an automatic lookup gives; without OUTPUT, every column that it does not match."""
        if one.outputs:
            return one.outputs
        matched = {column for column, _ in one.inputs}
        columns = self.lookup(one.lookup)[1].columns or ()
        return tuple((name, name) for name in columns if name not in matched)

    def _calculate(
        self, group: Group, base: nodes.Relation, wanted: frozenset[str]
    ) -> nodes.Relation:
        """EVAL-: all over the fields before them, none sees another's result."""
        knowledge = self.knowledge(group)
        wanted -= set(group.fields)
        fields = {
            one.field: self._expression(one.expression, one.place.path)
            for one in knowledge.calculated
            if one.field in wanted
        }
        below = set(wanted) - fields.keys()
        for expression in fields.values():
            below |= {name for name in demands(expression) if isinstance(name, str)}
        relation = self._aliases(group, base, frozenset(below))
        return nodes.Extend(relation, tuple(fields.items())) if fields else relation

    def _expression(self, text: str, path: str | None) -> Expr:
        if text not in self._calculated:
            spl = SplText.of(Source(text, path))
            self._calculated[text] = Evaluation(spl).lower(parse_expression(spl))
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
        fields = tuple((name, default_field(name, settings, has_raw=has_raw)) for name in found)
        return nodes.Extend(base, fields)

    def _extract(
        self, group: Group, base: nodes.Relation, wanted: frozenset[str]
    ) -> nodes.Relation:
        """Extractions in rounds: a round ends before one that reads what the round gives.

        The first extraction of a field wins, later ones are for events in which it found
        nothing, unless they add values (MV_ADD).
        """
        base = self._with_defaults(group, base, wanted)
        fixed = {*METADATA, META, *KNOWN, *DEFAULTS, *group.fields}
        rounds = _rounds(self.extractors(group))
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
            many = len(demanded[number]) > SEPARATE
            relation = _with_lists(relation, one_round, number) if many else relation
            for name in sorted(demanded[number]):
                encoded = group.entities != "none" and any(one.encoded for one in one_round)
                known = name in given and not encoded
                expression = _combined(name, one_round, number if many else None, known=known)
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


def _rounds(found: tuple[Extractor, ...]) -> list[list[Extractor]]:
    rounds: list[list[Extractor]] = [[]]
    given: set[str] = set()
    for one in found:
        reads_new = one.source not in (*METADATA, *KNOWN) and (
            one.source in given or any(other.found_names() is not None for other in rounds[-1])
        )
        if reads_new or one.encoded:
            rounds.append([])
            given = set()
        rounds[-1].append(one)
        given |= set(one.names())
    return rounds


def _with_lists(
    relation: nodes.Relation, found: Iterable[Extractor], number: int
) -> nodes.Relation:
    """The rows with the lists of a round's extractions, which read their texts once."""
    fields = {
        _list_name(number, position, name): value
        for position, one in enumerate(found)
        for name, value in one.lists().items()
    }
    return nodes.Extend(relation, tuple(fields.items())) if fields else relation


def _list_field(number: int, position: int, name: str) -> Field:
    return Field(_list_name(number, position, name))


def _list_name(number: int, position: int, name: str) -> str:
    return f"{LISTED}{number} {position} {name}"


def _combined(
    name: str, found: Iterable[Extractor], listed: int | None, *, known: bool
) -> Expr | None:
    """One field out of the extractions of a round; `known` if an earlier round gives it.

    `listed` is the round's number where its extractions have been read into lists.
    """
    combined: Expr | None = Field(name) if known else None
    changed = False
    for position, one in enumerate(found):
        if listed is None:
            expression = one.field(name)
        else:
            at = partial(_list_field, listed, position)
            expression = one.listed(name, at)
        if expression is None:
            continue
        changed = True
        if combined is None:
            combined = expression
        elif one.adds:
            combined = Call("append_values", (combined, expression))
        else:
            combined = Call("coalesce", (combined, expression))
    return combined if changed else None


def lookup_matches(
    definition: LookupDefinition, inputs: Iterable[tuple[str, str]]
) -> tuple[nodes.Match, ...]:
    """How each input of a lookup is compared: (lookup field, event field) by the definition."""
    kinds = {name: kind for kind, name in definition.match_types}
    return tuple(
        nodes.Match(event, column, kinds.get(column, "exact"), definition.case_sensitive)
        for column, event in inputs
    )


def _constants(group: Group) -> dict[str, str]:
    return {name: getattr(group, name) for name in KNOWN}


def _named(name: str, wanted: str) -> bool:
    """Whether a name is meant; names of event types and tags ignore letter case in searches."""
    if "*" in wanted:
        pattern = wanted.casefold().replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(name.casefold(), pattern)
    return name.casefold() == wanted.casefold()

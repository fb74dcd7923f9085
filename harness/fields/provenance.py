"""Where each field of one event comes from: how people debug an add-on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.fields.defaults import DEFAULTS
from harness.fields.discovery import METADATA, field_names
from harness.fields.extractions import INDEXED, Extraction
from harness.fields.resolver import calculation
from harness.plan import nodes
from harness.plan.expressions import TRUE, Expr, demands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.apps import AutoLookup, Calculated, Origin, SourceKnowledge
    from harness.errors import Place
    from harness.fields.resolver import FieldResolver, Group
    from harness.model import Rows, Value

    Run = Callable[[nodes.Relation], Rows]

COLUMNS_AT_ONCE = 250
LAYER = "\0layer"
DISCARDED = "an earlier setting gives its fields"
NOTHING = "nothing for this event"


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """What gave a field: its kind, the setting's name, and where that stands."""

    kind: str
    name: str = ""
    stanza: str = ""
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class EventField:
    """One field of an event."""

    name: str
    value: Value
    origin: FieldOrigin


@dataclass(frozen=True, slots=True)
class Silent:
    """A setting that matches the event's source type and gave it nothing, and why."""

    origin: FieldOrigin
    reason: str


@dataclass(frozen=True, slots=True)
class EventReport:
    """An event's fields with their origins.

    `stanzas` are those of props.conf that match, the one that counts least first; `mode` is
    KV_MODE. `is_known` says that some stanza besides the default one is about the event.
    """

    fields: tuple[EventField, ...]
    silent: tuple[Silent, ...]
    stanzas: tuple[str, ...]
    mode: str
    is_known: bool


def event_report(resolver: FieldResolver, run: Run) -> EventReport:
    """The fields of the one event that the resolver's groups hold."""
    resolver = replace(resolver, lenient=True)
    discovered = field_names(resolver, TRUE, run)
    names, numbers = discovered.names, discovered.groups
    (group,) = (one for one in resolver.groups if one.number in numbers)
    tracing = _Tracing(resolver, group, names, run)
    knowledge = tracing.knowledge
    found = [
        EventField(name, value, tracing.origin(name))
        for name, value in sorted(tracing.final.items())
    ]
    return EventReport(
        tuple(found),
        tuple(tracing.silent()),
        knowledge.stanzas,
        knowledge.kv_mode,
        any(name != "default" for name in knowledge.stanzas),
    )


class _Tracing:
    """The values of one event's fields after each phase, and what each extraction finds."""

    def __init__(
        self, resolver: FieldResolver, group: Group, names: tuple[str, ...], run: Run
    ) -> None:
        self.resolver = resolver
        self.group = group
        self.knowledge: SourceKnowledge = resolver.knowledge(group)
        self.run = run
        phases = resolver.phases(group, frozenset(names))
        self.extracted = self._values(phases.extracted, names)
        self.calculated = self._values(phases.calculated, names)
        self.lookups = phases.lookups
        self.final = self._values(resolver.resolve(frozenset(names), TRUE), names)
        copies = [copy for one in phases.lookups for copy in one.copies.values()]
        self.after = self._values(phases.looked_up, copies)
        self.traces = self._traces(phases.extracted)

    def _values(self, relation: nodes.Relation, names: Iterable[str]) -> dict[str, Value]:
        """The event's values of some fields, a bounded number of columns at once."""
        names = tuple(names)
        found: dict[str, Value] = {}
        for start in range(0, len(names), COLUMNS_AT_ONCE):
            part = names[start : start + COLUMNS_AT_ONCE]
            columns = tuple((f"column{number}", name) for number, name in enumerate(part))
            row = self.run(nodes.Project(relation, columns)).rows[0]
            found.update({name: row[label] for label, name in columns if label in row})
        return found

    def _traces(self, relation: nodes.Relation) -> dict[tuple[int, str], Value]:
        """What each extraction finds by itself, by its number and the field."""
        wanted: list[tuple[int, str, Expr]] = []
        for number, one in enumerate(self.resolver.extractions(self.group)):
            if one.extractor.broken is not None:
                continue
            for name in self.extracted:
                expression = one.extractor.field(name)
                if expression is not None:
                    wanted.append((number, name, expression))
        # What the extractions read is known by now: over its values they are quick to plan.
        read = sorted({name for one in wanted for name in demands(one[2]) if isinstance(name, str)})
        known = {**self.extracted}
        known.update(self._values(relation, [name for name in read if name not in known]))
        relation = nodes.Values(tuple(read), (tuple(known.get(name) for name in read),))
        found: dict[tuple[int, str], Value] = {}
        for start in range(0, len(wanted), COLUMNS_AT_ONCE):
            part = wanted[start : start + COLUMNS_AT_ONCE]
            labels = {f"{LAYER} {number} {name}": (number, name) for number, name, _ in part}
            values = tuple(zip(labels, (one[2] for one in part), strict=True))
            row = self._values(nodes.Extend(relation, values), labels)
            found.update({labels[label]: value for label, value in row.items()})
        return found

    # Origins

    def origin(self, name: str) -> FieldOrigin:
        """Where a field's value comes from, the last phase first."""
        if name in (*METADATA, *self.resolver.constants(self.group)):
            return FieldOrigin("metadata")
        if name in self.group.fields:
            return FieldOrigin("column")
        if name in {"eventtype", "tag"} or name.startswith("tag::"):
            return self._belonging(name)
        found = self._made(name) or self._taken_out(name)
        return found or FieldOrigin("default" if name in DEFAULTS else "unknown")

    def _made(self, name: str) -> FieldOrigin | None:
        """The lookup, the calculated field or the alias that a field is."""
        for number in range(len(self.lookups) - 1, -1, -1):
            if self._looked_up(number, name):
                return _setting("LOOKUP", self.lookups[number].lookup.origin)
        for calculated in self.knowledge.calculated:
            if calculated.field == name:
                return _setting("EVAL", calculated.origin)
        for alias in reversed(self.knowledge.aliases):
            if alias.target == name and self._aliased(alias.source, name, as_new=alias.as_new):
                return _setting("FIELDALIAS", alias.origin)
        return None

    def _taken_out(self, name: str) -> FieldOrigin | None:
        for number, one in enumerate(self.resolver.extractions(self.group)):
            if (number, name) in self.traces:
                return _extracted(one)
        return None

    def _aliased(self, source: str, target: str, *, as_new: bool) -> bool:
        return source in self.extracted and not (as_new and target in self.extracted)

    def _looked_up(self, number: int, name: str) -> bool:
        """Whether a lookup gave a field that it may give."""
        applied = self.lookups[number]
        after = self.after.get(applied.copies.get(name, ""))
        if after is None:
            return False
        if applied.lookup.overwrite:
            return all(event in self.final for _, event in applied.lookup.inputs)
        return after != self._before(number, name)

    def _before(self, number: int, name: str) -> Value:
        for earlier in reversed(self.lookups[:number]):
            if name in earlier.copies:
                return self.after.get(earlier.copies[name])
        return self.calculated.get(name)

    def _belonging(self, name: str) -> FieldOrigin:
        kind = "eventtype" if name == "eventtype" else "tags"
        if name != "eventtype":
            return FieldOrigin(kind)
        value = self.final.get(name)
        first = value[0] if isinstance(value, list) else str(value)
        found = self.resolver.apps.eventtypes.get(first)
        if found is None:
            return FieldOrigin(kind)
        return FieldOrigin(kind, first, first, found.place.path or "", found.place.line)

    # What gave nothing

    def silent(self) -> Iterable[Silent]:
        """The settings that match and that gave the event no field."""
        given = {number for number, _ in self.traces}
        kept = {self._first(name) for name in self.extracted}
        for number, one in enumerate(self.resolver.extractions(self.group)):
            if one.extractor.broken is not None:
                yield Silent(_extracted(one), _reason(one.extractor.broken, one.origin))
            elif number not in given:
                yield Silent(_extracted(one), NOTHING)
            elif number not in kept and not one.extractor.adds:
                yield Silent(_extracted(one), DISCARDED)
        for alias in self.knowledge.aliases:
            origin = _setting("FIELDALIAS", alias.origin)
            if alias.source not in self.extracted:
                yield Silent(origin, f"no field `{alias.source}`")
            elif alias.as_new and alias.target in self.extracted:
                yield Silent(origin, f"`{alias.target}` exists")
        for calculated in self.knowledge.calculated:
            if calculated.field not in self.calculated:
                yield Silent(_setting("EVAL", calculated.origin), _no_result(calculated))
        yield from self._silent_lookups()

    def _silent_lookups(self) -> Iterable[Silent]:
        numbers = {applied.lookup: number for number, applied in enumerate(self.lookups)}
        for one in self.knowledge.lookups:
            origin = _setting("LOOKUP", one.origin)
            if one not in numbers:
                yield Silent(origin, self._unusable(one))
                continue
            missing = [event for _, event in one.inputs if event not in self.final]
            given = self.lookups[numbers[one]].copies
            if missing:
                yield Silent(origin, f"no field `{missing[0]}`")
            elif not any(self._looked_up(numbers[one], name) for name in given):
                yield Silent(origin, "no match, or its fields exist")

    def _unusable(self, one: AutoLookup) -> str:
        try:
            self.resolver.lookup(one.lookup)
        except HarnessError as error:
            return error.message
        return "its columns are not those of the table"

    def _first(self, name: str) -> int:
        return next((number for number, traced in self.traces if traced == name), -1)


def _no_result(calculated: Calculated) -> str:
    """Why a calculated field is empty: it cannot be worked out at all, or the event gives none."""
    try:
        calculation(calculated)
    except HarnessError as error:
        return _reason(error, calculated.origin)
    return "no result"


def _reason(error: HarnessError, origin: Origin) -> str:
    """What is wrong with a setting, without its name, which stands before it."""
    return error.message.removeprefix(f"`{origin.key}`: ")


def _setting(kind: str, origin: Origin, name: str | None = None) -> FieldOrigin:
    place: Place = origin.place
    return FieldOrigin(kind, name or origin.key, origin.stanza, place.path or "", place.line)


def _extracted(one: Extraction) -> FieldOrigin:
    if one is INDEXED:
        return FieldOrigin("indexed")
    key = one.origin.key or "KV_MODE"
    kind = key.partition("-")[0]
    mode = getattr(one.extractor, "mode", "")
    name = f"{key} → [{one.transform}]" if one.transform else f"{key}={mode}" if mode else key
    return _setting(kind, one.origin, name)


def as_document(report: EventReport) -> Mapping[str, object]:
    """The report as plain data, for programs."""
    return {
        "fields": [
            {"name": one.name, "value": one.value, "origin": _origin_document(one.origin)}
            for one in report.fields
        ],
        "silent": [
            {"origin": _origin_document(one.origin), "reason": one.reason} for one in report.silent
        ],
        "stanzas": list(report.stanzas),
        "kv_mode": report.mode,
        "known": report.is_known,
    }


def _origin_document(origin: FieldOrigin) -> Mapping[str, object]:
    return {
        "kind": origin.kind,
        "name": origin.name,
        "stanza": origin.stanza or None,
        "file": origin.file or None,
        "line": origin.line,
    }

"""What puts an event into event types and under tags, as predicates over its fields.

Source: eventtypes.conf.spec, tags.conf.spec, and Splunk Knowledge Manager Manual, "About event
types", "Configure event type templates" and "About tags and aliases".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.fields.folding import fold
from harness.fields.patterns import BadExtraction, placed
from harness.plan.expressions import (
    FALSE,
    Belongs,
    Call,
    Const,
    Expr,
    Field,
    demands,
    every,
    some,
)
from harness.registry.predicates import Searching, compare
from harness.spl.macros import MacroSource, expand
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.apps import Apps

EVENTTYPE = "eventtype"
CHAIN_MAX = 100
Alike = tuple[tuple[str, str], ...]
"""What events have in common: the names and values of their metadata fields."""


@dataclass(slots=True)
class Membership:
    """The event types and tags of the apps, folded for the groups of events that ask.

    One whose search cannot be used is an error where a search names it or one of its tags, and
    elsewhere a warning.
    """

    apps: Apps
    macros: MacroSource
    _searches: dict[str, Expr] = field(default_factory=dict)
    _broken: dict[str, HarnessError] = field(default_factory=dict)
    _checked: dict[str, bool] = field(default_factory=dict)
    _folded: dict[tuple[Alike, str], Expr] = field(default_factory=dict)
    _users: dict[Belongs, tuple[str, ...]] = field(default_factory=dict)

    def of(self, constants: Mapping[str, str]) -> Callable[[Belongs], Expr]:
        """The predicate of an event type or tag for events that have these constants in common."""
        alike = tuple(constants.items())

        def belongs(wanted: Belongs) -> Expr:
            return some(self._members(wanted, search, folded))

        def search(name: str) -> Expr:
            if (alike, name) not in self._folded:
                self._folded[alike, name] = folded(self._searches[name])
            return self._folded[alike, name]

        def folded(expression: Expr) -> Expr:
            return fold(expression, constants, belongs)

        return belongs

    def collected(self, name: str, constants: Mapping[str, str]) -> Expr:
        """`eventtype`, `tag` or `tag::field` as a multivalue field."""
        belongs, names = self.of(constants), set[str]()
        field_name = name[5:] if name.startswith("tag::") else None
        arguments: list[Expr] = []
        if name == EVENTTYPE:
            names = {one for one in self._usable() if not self._parts(one)}
            for one, parts in self._templates():
                holds = every((self._searches[one], *_given(parts)))
                condition = fold(holds, constants, belongs)
                if condition != FALSE:
                    arguments += [condition, fold(_joined(parts), constants, belongs)]
        else:
            for eventtype in self._usable():
                names |= self.apps.tags_of_eventtype(eventtype)
            names = names.union(*self.apps.tags.values())
        kind = EVENTTYPE if name == EVENTTYPE else "tag"
        for member in sorted(names):
            condition = belongs(_Quiet(kind, member, field_name))
            if condition != FALSE:
                arguments += [condition, Const(member)]
        return Call("collect_names", tuple(arguments)) if arguments else Const(None)

    def _members(
        self,
        wanted: Belongs,
        search: Callable[[str], Expr],
        folded: Callable[[Expr], Expr],
    ) -> Iterator[Expr]:
        """The predicates any of which puts an event into an event type or under a tag."""
        exact = "*" not in wanted.name and not isinstance(wanted, _Quiet)
        for name in self._used(wanted):
            if self._is_usable(name, exact=exact):
                yield search(name)
        if wanted.kind == EVENTTYPE:
            for name, parts in self._templates():
                yield folded(every((self._searches[name], _is_named(parts, wanted.name))))
            return
        for (name, value), tags in self.apps.tags.items():
            if wanted.field not in (None, name):
                continue
            if name == EVENTTYPE and (value in self.apps.eventtypes or not self._templates()):
                continue
            if any(is_named(tag, wanted.name) for tag in tags):
                named = Belongs(EVENTTYPE, value)
                yield folded(named if name == EVENTTYPE else compare(name, "=", value))

    def _templates(self) -> list[tuple[str, tuple[Expr, ...]]]:
        """The usable event types that take their names out of fields, with the names' parts."""
        found = [(name, self._parts(name)) for name in self.apps.eventtypes if "%" in name]
        return [one for one in found if one[1] and self._is_usable(one[0], exact=False)]

    def _parts(self, name: str) -> tuple[Expr, ...]:
        """The parts of a template's name, texts and fields by turns; none of a plain name."""
        pieces = name.split("%")
        if len(pieces) < 3 or len(pieces) % 2 == 0:
            return ()
        return tuple(
            Field(piece) if number % 2 else Const(piece)
            for number, piece in enumerate(pieces)
            if piece
        )

    def _usable(self) -> list[str]:
        return [name for name in self.apps.eventtypes if self._is_usable(name, exact=False)]

    def _is_usable(self, name: str, *, exact: bool) -> bool:
        """Whether an event type can be used; an error where it is asked for by name."""
        if self.apps.eventtypes[name].disabled:
            return False
        if name not in self._checked:
            self._check(name, ())
        if self._checked[name]:
            return True
        error = self._broken[name]
        if exact:
            raise error
        if error.place is not None:
            self.apps.warn(error.message, error.place)
        return False

    def _check(self, name: str, chain: tuple[str, ...]) -> bool:
        """Whether an event type and those it uses can be used: none of them uses itself."""
        known = self._checked.get(name)
        if known is not None:
            return known
        if self.apps.eventtypes[name].disabled:
            return True
        place = self.apps.eventtypes[name].place
        if name in chain or len(chain) > CHAIN_MAX:
            path = [*chain[chain.index(name) :], name] if name in chain else [*chain[:3], "…"]
            shown = " → ".join(path)
            error = BadExtraction(f"the event type `{name}` uses itself: {shown}", place=place)
            self._broken[name] = error
            return False
        try:
            asked = demands(self._search(name))
        except HarnessError as error:
            self._broken[name] = placed(error, place, f"the event type `{name}`")
            self._checked[name] = False
            return False
        for wanted in sorted((one for one in asked if isinstance(one, Belongs)), key=str):
            for other in self._used(wanted):
                if not self._check(other, (*chain, name)):
                    cause = self._broken[other]
                    self._broken.setdefault(
                        name,
                        BadExtraction(
                            f"the event type `{name}` uses `{other}`: {cause.message}",
                            place=cause.place,
                        ),
                    )
                    self._checked[name] = False
                    return False
        self._checked[name] = True
        return True

    def _used(self, wanted: Belongs) -> tuple[str, ...]:
        """The enabled event types with names of their own that a membership asks of."""
        if wanted not in self._users:
            self._users[wanted] = tuple(self._asked_of(wanted))
        return self._users[wanted]

    def _asked_of(self, wanted: Belongs) -> Iterable[str]:
        for name, found in self.apps.eventtypes.items():
            if found.disabled or self._parts(name):
                continue
            if wanted.kind == EVENTTYPE:
                if is_named(name, wanted.name):
                    yield name
            elif wanted.field in (None, EVENTTYPE) and any(
                is_named(tag, wanted.name) for tag in self.apps.tags_of_eventtype(name)
            ):
                yield name

    def _search(self, name: str) -> Expr:
        if name not in self._searches:
            found = self.apps.eventtypes[name]
            text = expand(Source(found.search, found.place.path), self.macros)
            self._searches[name] = Searching(text, None).lower(parse_predicate(text))
        return self._searches[name]


class _Quiet(Belongs):
    """A membership that is not asked for by its name, but among all of them."""


def _joined(parts: tuple[Expr, ...]) -> Expr:
    """The name that a template gives an event."""
    found = parts[0]
    for part in parts[1:]:
        found = Call(".", (found, part))
    return found if len(parts) > 1 else Call("tostring", (found,))


def _given(parts: tuple[Expr, ...]) -> list[Expr]:
    return [Call("isnotnull", (part,)) for part in parts if isinstance(part, Field)]


def _is_named(parts: tuple[Expr, ...], wanted: str) -> Expr:
    """Whether a template's name for an event is the one that is asked for."""
    given = _given(parts)
    if wanted and not wanted.strip("*"):
        return every(given)
    operator = "search_wildcard" if "*" in wanted else "search_equals"
    return every((*given, Call(operator, (_joined(parts), Const(wanted)))))


def is_named(name: str, wanted: str) -> bool:
    """Whether a name is meant; names of event types and tags ignore letter case in searches."""
    if "*" in wanted:
        pattern = wanted.casefold().replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(name.casefold(), pattern)
    return name.casefold() == wanted.casefold()

"""The kinds of extractions, each as one expression for one wanted field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from harness.functions.extraction import (
    JSON_BETWEEN,
    RARE_ATTRIBUTES,
    SYSTEM_ATTRIBUTES,
    SYSTEM_ELEMENTS,
    UNNAMED,
    XML_ATTRIBUTE,
    XML_DATA,
    XML_ELEMENT,
)
from harness.plan.expressions import FALSE, Call, Const, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.errors import HarnessError

CLEAN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LITERAL = r"(?:\\[nt=:;,|.-]|[^\\\[\](){}.*+?^$|])(?![*+?{])"
BLANKS = r"(?:\[ \\t\]| )[*+]?"
DYNAMIC = re.compile(
    rf"(?P<first>{LITERAL})(?P<gap>(?:\[ \\t\][*+]?)?)\((?P<name>\[\^(?P<outside>[^\]]+)\]\+)\)"
    rf"(?P<middle>(?:{BLANKS}|{LITERAL})*)\((?P<value>\[\^[^\]]+\][*+])\)"
)
XML_PARTS = {"names": 1.0, "values": 2.0}
JSON_PARTS = {**XML_PARTS, "between": float(JSON_BETWEEN)}
NOT_LISTED = {
    XML_ELEMENT: SYSTEM_ELEMENTS,
    XML_ATTRIBUTE: SYSTEM_ATTRIBUTES.keys() - set(RARE_ATTRIBUTES),
}
"""Names that an event's XML may have though they are not listed."""
ELEMENT_NAME = re.compile(r"[A-Za-z_][\w.-]*")
ESCAPED = {r"\n": "\n", r"\t": "\t"}


class Extractor(Protocol):
    """One extraction: `source` is the field it reads."""

    @property
    def source(self) -> str:
        """The field that is read."""
        ...

    @property
    def adds(self) -> bool:
        """Whether it adds values to a field that exists (MV_ADD)."""
        ...

    @property
    def encoded(self) -> bool:
        """Whether its values are encoded as XML (then it is alone in its round)."""
        ...

    @property
    def broken(self) -> HarnessError | None:
        """Why it gives nothing, if it cannot be applied."""
        ...

    def names(self) -> tuple[str, ...]:
        """The fields that it is known to give."""
        ...

    def found_names(self) -> Expr | None:
        """An expression for the names that it takes from the data, if it does."""
        ...

    def field(self, name: str) -> Expr | None:
        """The expression of one field, or None if it never gives it."""
        ...

    def lists(self) -> dict[str, Expr]:
        """Lists of all names and values in the text, out of which `listed` takes a field.

        Empty where each field is extracted by itself in any case. Where many fields are wanted
        the text is read once for all of them.
        """
        ...

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:
        """As `field`, out of the lists, which `lists` gives by their names."""
        ...


class Single:
    """An extraction whose names are known and that has no lists."""

    broken: ClassVar[HarnessError | None] = None

    def found_names(self) -> Expr | None:
        """None: all are known."""
        return None

    def lists(self) -> dict[str, Expr]:
        """None."""
        return {}

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:  # noqa: ARG002
        """The field by itself."""
        return self.field(name)

    def field(self, name: str) -> Expr | None:
        """The expression of one field; the extraction says it."""
        raise NotImplementedError(name)


@dataclass(frozen=True, slots=True)
class Broken:
    """An extraction that cannot be applied: `error` says why, `fields` what it would give."""

    error: HarnessError
    source: str = "_raw"
    fields: tuple[str, ...] = ()
    adds: bool = False
    encoded: bool = False

    @property
    def broken(self) -> HarnessError | None:
        """The error."""
        return self.error

    def names(self) -> tuple[str, ...]:
        """None: nothing is given."""
        return ()

    def found_names(self) -> Expr | None:
        """None: nothing is given."""
        return None

    def field(self, name: str) -> Expr | None:
        """Nothing, or the error where the field would come from here."""
        if name in self.fields:
            raise self.error
        return None

    def lists(self) -> dict[str, Expr]:
        """None."""
        return {}

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:  # noqa: ARG002
        """As `field`."""
        return self.field(name)


@dataclass(frozen=True, slots=True)
class Groups(Single):
    """Groups of one pattern that are fields: EXTRACT, and REPORT with fixed names.

    A name may stand on several groups, of which one takes part in a match. With `keeps_empty`
    what caught nothing is an empty value (KEEP_EMPTY_VALS).
    """

    pattern: str
    source: str
    groups: tuple[tuple[str, tuple[int, ...]], ...]
    constants: tuple[tuple[str, str], ...] = ()
    adds: bool = False
    encoded: bool = False
    keeps_empty: bool = False

    def names(self) -> tuple[str, ...]:
        """The groups' names."""
        return (*(name for name, _ in self.groups), *(name for name, _ in self.constants))

    def field(self, name: str) -> Expr | None:
        """The group's catch."""
        for known, numbers in self.groups:
            if known == name:
                return self._caught(numbers)
        for known, value in self.constants:
            if known == name:
                return Call("if", (self._matched(), Const(value), Const(None)))
        return None

    def _matched(self) -> Expr:
        return Call("extract_matches", (Field(self.source), Const(self.pattern)))

    def _caught(self, numbers: tuple[int, ...]) -> Expr:
        arguments = (Field(self.source), Const(self.pattern))
        if self.adds and len(numbers) == 1:
            call = "extract_groups" if self.keeps_empty else "extract_all_filled"
            rest = (Const(0.0),) if self.keeps_empty else ()
            return Call(call, (*arguments, Const(float(numbers[0])), *rest))
        catches = [Call("extract_filled", (*arguments, Const(float(one)))) for one in numbers]
        found: Expr = catches[0] if len(catches) == 1 else Call("coalesce", tuple(catches))
        if self.keeps_empty:
            kept = Call("coalesce", (found, Const("")))
            return Call("if", (self._matched(), kept, Const(None)))
        return found


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values both taken from the data: `FORMAT = $1::$2`, or `_KEY_1` and `_VAL_1`.

    Without a `value_group` each name has the same `value`.
    """

    broken: ClassVar[HarnessError | None] = None
    pattern: str
    source: str
    name_group: int
    value_group: int | None
    adds: bool
    clean: bool = True
    encoded: bool = False
    keeps_empty: bool = False
    value: str = ""

    def names(self) -> tuple[str, ...]:
        """None is known beforehand."""
        return ()

    def found_names(self) -> Expr:
        """The cleaned keys of every match."""
        group = Const(float(self.name_group))
        clean = Const(self.clean)
        return Call("pair_names", (Field(self.source), Const(self.pattern), group, clean))

    def field(self, name: str) -> Expr | None:
        """The value beside one name.

        Where a match cannot begin inside another one, the name is written into the pattern,
        which gives the same and is far faster; elsewhere all pairs are taken and looked through.
        """
        if self.clean and not CLEAN_NAME.fullmatch(name):
            return None
        if self.value_group is None:
            return self._constant(name, self.found_names())
        written = None
        if self.clean and not self.keeps_empty:
            written = specialise(self.pattern, self.name_group, self.value_group, name)
        if written is not None:
            pattern, group = written
            arguments = (Field(self.source), Const(pattern), Const(float(group)))
            if not self.adds and pattern.endswith("+)"):
                return Call("extract_filled", arguments)
            found = Call("extract_all_filled", arguments)
            return found if self.adds else Call("mvindex", (found, Const(0.0)))
        pairs = self._pairs(name, self.value_group)
        return pairs if self.adds else Call("mvindex", (pairs, Const(0.0)))

    def lists(self) -> dict[str, Expr]:
        """The keys and the values of every match."""
        if self.value_group is None:
            return {"names": self.found_names()}
        values = (Field(self.source), Const(self.pattern), Const(float(self.value_group)))
        found = Call("extract_groups", (*values, Const(0.0)))
        return _lists(self.found_names(), found, keeps_empty=self.keeps_empty)

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:
        """The values beside a name, or the first one."""
        if self.clean and not CLEAN_NAME.fullmatch(name):
            return None
        if self.value_group is None:
            return self._constant(name, lists("names"))
        return listed_pairs(name, lists, adds=self.adds)

    def _constant(self, name: str, names: Expr) -> Expr:
        given = Call("isnotnull", (Call("listed_value", (names, names, Const(name), FALSE)),))
        return Call("if", (given, Const(self.value), Const(None)))

    def _pairs(self, name: str, value_group: int) -> Expr:
        return Call(
            "extract_pair",
            (
                Field(self.source),
                Const(self.pattern),
                Const(float(self.name_group)),
                Const(float(value_group)),
                Const(name),
                Const(self.clean),
                Const(self.keeps_empty),
            ),
        )


def listed_pairs(name: str, lists: Callable[[str], Field], *, adds: bool) -> Expr:
    """The values beside a name in the lists `names` and `values`, or the first one."""
    call = "values_beside" if adds else "value_beside"
    return Call(call, (lists("names"), lists("values"), Const(name)))


def _lists(names: Expr, values: Expr, *, keeps_empty: bool) -> dict[str, Expr]:
    named = names if keeps_empty else Call("filled_names", (names, values))
    return {"names": named, "values": values}


@dataclass(frozen=True, slots=True)
class Delimited(Single):
    """DELIMS with FIELDS: the parts of a text by position."""

    delimiters: str
    source: str
    fields: tuple[str, ...]
    adds: bool = False
    encoded: bool = False
    keeps_empty: bool = False

    def names(self) -> tuple[str, ...]:
        """The listed fields."""
        return self.fields

    def field(self, name: str) -> Expr | None:
        """The part at the field's position."""
        if name not in self.fields:
            return None
        arguments = (Field(self.source), Const(self.delimiters))
        parts = [
            Call("extract_part", (*arguments, Const(float(place)), Const(self.keeps_empty)))
            for place, known in enumerate(self.fields, start=1)
            if known == name
        ]
        if self.adds and len(parts) > 1:
            return Call("append_values", tuple(parts))
        return parts[0]


@dataclass(frozen=True, slots=True)
class DelimitedPairs:
    """DELIMS of two sets, or of one without FIELDS: names and values of a text, cut apart."""

    broken: ClassVar[HarnessError | None] = None
    pairs: str
    inner: str
    source: str
    adds: bool
    clean: bool = True
    encoded: bool = False
    keeps_empty: bool = False

    def names(self) -> tuple[str, ...]:
        """None is known beforehand."""
        return ()

    def found_names(self) -> Expr:
        """The names, cleaned if they are to be."""
        return self._call("delimited_names", Const(self.clean))

    def field(self, name: str) -> Expr | None:
        """The value beside one name."""
        names, values = self.found_names(), self._call("delimited_values")
        call = "listed_values" if self.adds else "listed_value"
        return Call(call, (names, values, Const(name), Const(self.keeps_empty)))

    def lists(self) -> dict[str, Expr]:
        """The names and the values of all pairs."""
        values = self._call("delimited_values")
        return _lists(self.found_names(), values, keeps_empty=self.keeps_empty)

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:
        """The values beside a name, or the first one."""
        return listed_pairs(name, lists, adds=self.adds)

    def _call(self, name: str, *more: Expr) -> Expr:
        return Call(name, (Field(self.source), Const(self.pairs), Const(self.inner), *more))


@dataclass(frozen=True, slots=True)
class Automatic:
    """KV_MODE: the whole event in one shape (`xml`, `auto`, `auto_escaped`, `json`).

    Values of XML are encoded; `harness.fields.resolver` decodes them in a layer of its own.
    `trims` is KV_TRIM_SPACES. `only` are the names that the events' XML holds, where that is
    known, each behind what has it (see `xml_names`).
    """

    broken: ClassVar[HarnessError | None] = None
    mode: str
    source: str = "_raw"
    adds: bool = False
    trims: bool = True
    only: frozenset[str] | None = None

    @property
    def encoded(self) -> bool:
        """Only XML is."""
        return self.mode == "xml"

    def names(self) -> tuple[str, ...]:
        """None is known beforehand."""
        return ()

    def found_names(self) -> Expr | None:
        """The names that the events hold."""
        shape = "auto" if self.mode == "auto_escaped" else self.mode
        return Call(f"{shape}_names", (Field("_raw"),))

    def field(self, name: str) -> Expr | None:
        """The field by its name."""
        if self.mode.startswith("auto"):
            escaped = Const(self.mode == "auto_escaped")
            return Call("auto_value", (Field("_raw"), Const(name), escaped, Const(self.trims)))
        if self._lacks(name):
            return None
        if self.mode == "xml" and name in SYSTEM_ATTRIBUTES and not self._may(XML_DATA, name):
            return Call("xml_attribute", (Field("_raw"), Const(name)))
        return Call(f"{self.mode}_field", (Field("_raw"), Const(name)))

    def _lacks(self, name: str) -> bool:
        """Whether it is known that no event has a name."""
        if self.mode != "xml" or "<" in name or name == UNNAMED:
            return False
        return not any(self._may(mark, name) for mark in (XML_DATA, XML_ELEMENT, XML_ATTRIBUTE))

    def _may(self, mark: str, name: str) -> bool:
        """Whether some event may have a name as what the mark says."""
        if self.only is None or f"{mark}{name}" in self.only:
            return True
        return name in NOT_LISTED.get(mark, ())

    def lists(self) -> dict[str, Expr]:
        """Of XML the names and values of its Data and of its elements, of JSON those of all."""
        raw, found = Field("_raw"), dict[str, Expr]()
        if self.mode == "json":
            return {what: Call("json_cells", (raw, Const(n))) for what, n in JSON_PARTS.items()}
        if self.mode != "xml":
            return {}
        for what, part in XML_PARTS.items():
            for mark, call in ((XML_DATA, "xml_data"), (XML_ELEMENT, "xml_elements")):
                found[mark + what] = Call(call, (raw, Const(part)))
        return found

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:
        """The field out of the lists, where it can stand in one of them."""
        if self.mode == "json":
            return Call("json_listed", (*map(lists, JSON_PARTS), Const(name)))
        if self.mode != "xml" or "<" in name:
            return self.field(name)
        if name in SYSTEM_ATTRIBUTES or name == UNNAMED:
            return self.field(name)
        marks = [XML_DATA]
        if name in SYSTEM_ELEMENTS:
            marks = [XML_ELEMENT, XML_DATA]
        elif ELEMENT_NAME.fullmatch(name):
            marks = [XML_DATA, XML_ELEMENT]
        found = [
            Call("listed_first", (lists(f"{mark}names"), lists(f"{mark}values"), Const(name)))
            for mark in marks
            if self._may(mark, name)
        ]
        return Call("coalesce", tuple(found)) if len(found) > 1 else found[0] if found else None


@dataclass(frozen=True, slots=True)
class Indexed(Single):
    """What was made at index time and is kept beside the event."""

    source: str = "_meta"
    adds: bool = False
    encoded: bool = False

    def names(self) -> tuple[str, ...]:
        """None is known beforehand."""
        return ()

    def found_names(self) -> Expr:
        """The names that the events have."""
        return Call("object_names", (Field(self.source),))

    def field(self, name: str) -> Expr:
        """The value, or values, under the name."""
        return Call("object_value", (Field(self.source), Const(name)))


def specialise(
    pattern: str, name_group: int, value_group: int, name: str
) -> tuple[str, int] | None:
    """A pattern that finds the value of one name only, with its value's group, or None.

    Sound where every match starts with a literal character that no later part of a match can
    hold, so that no match begins inside another, and where names end at a character that they
    cannot hold, so that a match has one name only.
    """
    matched = DYNAMIC.fullmatch(pattern)
    if matched is None or (name_group, value_group) != (1, 2):
        return None
    first, outside, middle = matched["first"], matched["outside"], matched["middle"]
    names, values = f"[^{outside}]", matched["value"][:-1]
    ends = re.match(LITERAL, middle)
    if "-" in outside or first in middle or ends is None:
        return None
    starts, stops = (ESCAPED.get(one, one[-1]) for one in (first, ends[0]))
    plain = name.replace("_", "")
    if not re.fullmatch(f"{names}*", plain) or re.match(names, stops):
        return None
    if re.match(names, starts) or re.match(values, starts):
        return None
    spelled = name.replace("_", f"[^{outside}A-Za-z0-9]")
    before = f"{first}{matched['gap']}[^{outside}A-Za-z]*"
    return f"{before}{spelled}{middle}({matched['value']})", 1

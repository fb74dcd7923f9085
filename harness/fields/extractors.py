"""What a source type's settings extract, each as one expression for one wanted field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.errors import Unsupported
from harness.functions.extraction import SYSTEM_ATTRIBUTES, SYSTEM_ELEMENTS
from harness.plan.expressions import Call, Const, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.apps import Extract, SourceKnowledge, Transform

NAMED = re.compile(r"\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>")
GROUP = re.compile(r"\$\d+")
CLEAN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LITERAL = r"(?:\\[nt=:;,|.-]|[^\\\[\](){}.*+?^$|])(?![*+?{])"
BLANKS = r"(?:\[ \\t\]| )[*+]?"
DYNAMIC = re.compile(
    rf"(?P<first>{LITERAL})(?P<gap>(?:\[ \\t\][*+]?)?)\((?P<name>\[\^(?P<outside>[^\]]+)\]\+)\)"
    rf"(?P<middle>(?:{BLANKS}|{LITERAL})*)\((?P<value>\[\^[^\]]+\][*+])\)"
)
XML_PAIRS = {
    "data": r"<Data Name=['\"]([^'\"]+)['\"]>([^<]*)",
    "element": r"<([A-Za-z_][\w.-]*)(?: [^>]*)?>([^<]*)</",
}
"""The named Data of an event and its elements: both as `xml_field` reads them one by one."""
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
    """An extraction that has no lists."""

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
class Groups(Single):
    """Named groups of one pattern: EXTRACT, and REPORT with fixed names."""

    pattern: str
    source: str
    groups: tuple[tuple[str, int], ...]
    constants: tuple[tuple[str, str], ...] = ()
    adds: bool = False
    encoded: bool = False

    def names(self) -> tuple[str, ...]:
        """The groups' names."""
        return (*(name for name, _ in self.groups), *(name for name, _ in self.constants))

    def found_names(self) -> Expr | None:
        """None: all are fixed."""
        return None

    def field(self, name: str) -> Expr | None:
        """The group's catch."""
        for known, group in self.groups:
            if known == name:
                call = "extract_all_filled" if self.adds else "extract_filled"
                return Call(call, (Field(self.source), Const(self.pattern), Const(float(group))))
        for known, value in self.constants:
            if known == name:
                caught = Call("match", (Field(self.source), Const(self.pattern)))
                return Call("if", (caught, Const(value), Const(None)))
        return None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values both taken from the data: `FORMAT = $1::$2`."""

    pattern: str
    source: str
    name_group: int
    value_group: int
    adds: bool
    clean: bool = True
    encoded: bool = False

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
        written = specialise(self.pattern, self.name_group, self.value_group, name)
        if written is not None and self.clean:
            pattern, group = written
            arguments = (Field(self.source), Const(pattern), Const(float(group)))
            if not self.adds and pattern.endswith("+)"):
                return Call("extract_filled", arguments)
            found = Call("extract_all_filled", arguments)
            return found if self.adds else Call("mvindex", (found, Const(0.0)))
        pairs = self._pairs(name)
        return pairs if self.adds else Call("mvindex", (pairs, Const(0.0)))

    def lists(self) -> dict[str, Expr]:
        """The keys and the values of every match."""
        values = (Field(self.source), Const(self.pattern), Const(float(self.value_group)))
        names = self.found_names()
        return {"names": names, "values": Call("extract_groups", (*values, Const(0.0)))}

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:
        """The values beside a name, or the first one."""
        if self.clean and not CLEAN_NAME.fullmatch(name):
            return None
        call = "listed_values" if self.adds else "listed_value"
        return Call(call, (lists("names"), lists("values"), Const(name)))

    def _pairs(self, name: str) -> Expr:
        return Call(
            "extract_pair",
            (
                Field(self.source),
                Const(self.pattern),
                Const(float(self.name_group)),
                Const(float(self.value_group)),
                Const(name),
                Const(self.clean),
            ),
        )


@dataclass(frozen=True, slots=True)
class Delimited(Single):
    """DELIMS with FIELDS: the parts of a text by position."""

    delimiters: str
    source: str
    fields: tuple[str, ...]
    adds: bool = False
    encoded: bool = False

    def names(self) -> tuple[str, ...]:
        """The listed fields."""
        return self.fields

    def found_names(self) -> Expr | None:
        """None: all are listed."""
        return None

    def field(self, name: str) -> Expr | None:
        """The part at the field's position."""
        if name not in self.fields:
            return None
        position = float(self.fields.index(name) + 1)
        return Call("extract_part", (Field(self.source), Const(self.delimiters), Const(position)))


@dataclass(frozen=True, slots=True)
class Automatic:
    """KV_MODE: the whole event in one shape (`xml`, `auto`, `json`).

    Values of XML are encoded; `harness.fields.resolver` decodes them in a layer of its own.
    """

    mode: str
    source: str = "_raw"
    adds: bool = False

    @property
    def encoded(self) -> bool:
        """Only XML is."""
        return self.mode == "xml"

    def names(self) -> tuple[str, ...]:
        """None is known beforehand."""
        return ()

    def found_names(self) -> Expr | None:
        """The names that the events hold."""
        return Call(f"{self.mode}_names", (Field("_raw"),))

    def field(self, name: str) -> Expr | None:
        """The field by its name."""
        return Call(f"{self.mode}_field", (Field("_raw"), Const(name)))

    def lists(self) -> dict[str, Expr]:
        """Of XML the names and values of its Data and of its elements; JSON is read once anyway."""
        if self.mode != "xml":
            return {}
        return {
            f"{kind} {what}": Call(
                "extract_groups", (Field("_raw"), Const(pattern), Const(group), Const(0.0))
            )
            for kind, pattern in XML_PAIRS.items()
            for what, group in (("names", 1.0), ("values", 2.0))
        }

    def listed(self, name: str, lists: Callable[[str], Field]) -> Expr | None:
        """The field out of the lists, where it can stand in one of them."""
        if self.mode != "xml":
            return self.field(name)

        def of(kind: str) -> Expr:
            return Call(
                "listed_first", (lists(f"{kind} names"), lists(f"{kind} values"), Const(name))
            )

        if name in SYSTEM_ATTRIBUTES:
            return self.field(name)
        if name in SYSTEM_ELEMENTS:
            return Call("coalesce", (of("element"), of("data")))
        if ELEMENT_NAME.fullmatch(name):
            return Call("coalesce", (of("data"), of("element")))
        return of("data")


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


def extractors(knowledge: SourceKnowledge) -> tuple[Extractor, ...]:
    """All extractions of a source type in Splunk's order: EXTRACT, REPORT, KV_MODE."""
    found: list[Extractor] = [_extract(extract) for extract in knowledge.extracts]
    found += [transform_extractor(transform) for transform in knowledge.reports]
    mode = knowledge.kv_mode.lower()
    if mode in ("xml", "json"):
        found.append(Automatic(mode))
    elif mode in ("auto", "auto_escaped", ""):
        found.append(Automatic("auto"))
        if knowledge.auto_kv_json:
            found.append(Automatic("json"))
    return tuple(found)


def _extract(extract: Extract) -> Extractor:
    groups = _numbered(extract.regex)
    return Groups(f"(?ms){extract.regex}", extract.source_field, groups)


def _numbered(pattern: str) -> tuple[tuple[str, int], ...]:
    """The named groups with their numbers; unnamed groups are counted along."""
    found, number, position, in_class = [], 0, 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 2
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            if pattern.startswith(("[]", "[^]"), position):
                position += 2 if pattern.startswith("[]", position) else 3
                continue
        elif character == "(":
            named = NAMED.match(pattern, position)
            if named or not pattern.startswith("(?", position):
                number += 1
            if named:
                found.append((named[1], number))
        position += 1
    return tuple(found)


def transform_extractor(transform: Transform) -> Extractor:
    """The extraction that a stanza of transforms.conf describes."""
    if transform.unsupported:
        raise Unsupported(f"[{transform.name}]: {transform.unsupported}", place=transform.place)
    if transform.delims:
        return _delimited(transform)
    pattern, source, adds = transform.regex, transform.source_key, transform.mv_add
    targets = transform.targets()
    if not targets:
        return Groups(pattern, source, _numbered(pattern), adds=adds)
    if any(name.startswith("$") for name, _ in targets):
        name, value = targets[0]
        if len(targets) > 1 or not GROUP.fullmatch(name) or not GROUP.fullmatch(value):
            raise Unsupported(
                f"[{transform.name}]: FORMAT = {transform.format}", place=transform.place
            )
        return Pairs(pattern, source, int(name[1:]), int(value[1:]), adds, transform.clean_keys)
    groups = [(name, int(value[1:])) for name, value in targets if GROUP.fullmatch(value)]
    constants = [(name, value) for name, value in targets if "$" not in value]
    if len(groups) + len(constants) < len(targets):
        raise Unsupported(f"[{transform.name}]: FORMAT = {transform.format}", place=transform.place)
    return Groups(pattern, source, tuple(groups), tuple(constants), adds)


def _delimited(transform: Transform) -> Extractor:
    delimiters = transform.delims
    source = transform.source_key or "_raw"
    if len(delimiters) == 1 and transform.fields:
        return Delimited(delimiters[0], source, tuple(transform.fields), transform.mv_add)
    if len(delimiters) == 2:
        outer, inner = (re.escape(part) for part in delimiters)
        pattern = rf"(?:^|[{outer}])\s*([^{outer}{inner}]+?)\s*[{inner}]([^{outer}]*)"
        return Pairs(pattern, source, 1, 2, transform.mv_add)
    raise Unsupported(f"[{transform.name}]: DELIMS without FIELDS", place=transform.place)


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

"""INGEST_EVAL: eval expressions over events on their way into an index.

An assignment by `=` adds a value to an indexed field, one by `:=` replaces its values; those of
`_raw`, `_time`, `queue`, `host`, `source`, `sourcetype` and `index` set what the event has. Each
sees the results of those before it. A whole batch of events is worked out at once, by the search
that `Evaluate` runs over rows. Source: transforms.conf.spec, INGEST_EVAL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError, Unsupported
from harness.ingest.errors import BadIndexSetting
from harness.model import Rows
from harness.model.numbers import number_text
from harness.registry.evaluation import is_condition
from harness.spl.expressions import parse_expression
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.apps.conf import Setting
    from harness.errors import Place
    from harness.ingest.arriving import Arriving
    from harness.model import Value

Evaluate = Callable[[str, Rows], Rows]
"""Runs a search over rows that its first command receives."""

KEYS = {name.lstrip("_"): name for name in "_raw _time queue host source sourcetype index".split()}
"""What an event has beside fields, by the attribute's name."""
NAMES = frozenset(KEYS.values())
NUMBER = "ingest row"
STOPS = "ingest stops"
ASSIGNMENT = re.compile(
    r"\s*(?:\$(?P<prefixed>[^$]+)\$|\"(?P<quoted>[^\"]+)\"|(?P<plain>[A-Za-z_][\w.:{}-]*?))"
    r"\s*(?:\[(?P<kind>[a-z0-9-]+)\])?\s*(?P<sign>:?=)(?!=)(?P<expression>.*)",
    re.DOTALL,
)
REFERENCE = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"|\$(?P<name>(?:field:|pd:|mv:)?[\w.:{}-]+)\$|\blength(?=\s*\()",
    re.DOTALL,
)
"""What is not as in a search: names between dollars, and `len` called as the specification does."""
KINDS = frozenset({"int", "float", "float32", "float-sf", "float32-sf", "string"})
MANY = "mv:"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `name = expression`; `is_key` says that the name is no field but what the event has."""

    name: str
    expression: str
    replaces: bool
    is_key: bool
    kind: str = ""


@dataclass(frozen=True, slots=True)
class IndexEvaluation:
    """A stanza with INGEST_EVAL: its search over events, and what to do with the results.

    With `stops` the search also says of which events no further transform is applied to.
    """

    assignments: tuple[Assignment, ...]
    search: str
    many: frozenset[str]
    place: Place
    stops: bool = False

    def apply(self, events: list[Arriving], evaluate: Evaluate) -> list[Arriving]:
        """Work out all expressions for all events, give each its results; those that go on."""
        rows = [self._row(event, number) for number, event in enumerate(events)]
        columns = dict.fromkeys(name for row in rows for name in row)
        try:
            found = evaluate(self.search, Rows(tuple(columns), rows))
        except HarnessError as error:
            raise type(error)(
                f"INGEST_EVAL: {error.message}", place=self.place, hints=error.hints
            ) from error
        stopped: set[int] = set()
        for row in found.rows:
            number = row[NUMBER]
            if isinstance(number, int | float | str):
                self._keep(events[int(number)], row)
                if row.get(STOPS):
                    stopped.add(int(number))
        return [event for number, event in enumerate(events) if number not in stopped]

    def _row(self, event: Arriving, number: int) -> dict[str, Value]:
        row: dict[str, Value] = {}
        for name, value in event.fields.items():
            values = value if isinstance(value, list) else [value]
            row[name] = values[0]
            if name in self.many:
                row[MANY + name] = values
        row |= {name: getattr(event, attribute) for attribute, name in KEYS.items()}
        row["linecount"] = event.raw.count("\n") + 1
        row[NUMBER] = number
        return row

    def _keep(self, event: Arriving, row: dict[str, Value]) -> None:
        for position, one in enumerate(self.assignments):
            value = row.get(_result(position))
            if one.is_key:
                if value is not None and one.name == "_time":
                    event.set_time(value)
                elif value is not None:
                    setattr(event, one.name.lstrip("_"), _texts(value, one.kind)[0])
                continue
            if one.replaces:
                event.fields.pop(one.name, None)
            for text in _texts(value, one.kind):
                event.add(one.name, text)


def index_evaluation(given: Setting | None, stop: Setting | None) -> IndexEvaluation:
    """What INGEST_EVAL and STOP_PROCESSING_IF say; an error with its place for what is wrong."""
    assignments = tuple(_assignments(given)) if given is not None else ()
    settings = [one for one in (given, stop) if one is not None]
    many = frozenset(
        found["name"].removeprefix(MANY)
        for setting in settings
        for found in REFERENCE.finditer(setting.value)
        if found["name"] and found["name"].startswith(MANY)
    )
    parts = []
    for position, one in enumerate(assignments):
        result, name = _result(position), one.name
        parts.append(f'"{result}"={one.expression}')
        if one.is_key:
            parts.append(f"\"{name}\"=coalesce('{result}', '{name}')")
        elif one.replaces:
            parts.append(f"\"{name}\"=mvindex('{result}', 0)")
        else:
            parts.append(f"\"{name}\"=coalesce('{name}', mvindex('{result}', 0))")
        if name in many and not one.is_key:
            added = f"mvappend('{MANY}{name}', '{result}')"
            parts.append(f'"{MANY}{name}"=' + (f"'{result}'" if one.replaces else added))
    if stop is not None:
        parts += _stopping(stop)
    results = " ".join(f'"{_result(position)}"' for position in range(len(assignments)))
    search = f'| eval {", ".join(parts)} | table "{NUMBER}" "{STOPS}" {results}'
    return IndexEvaluation(assignments, search, many, settings[0].place, stops=stop is not None)


def _stopping(setting: Setting) -> Iterator[str]:
    """Whether to stop: at a condition that holds, and at any value but 0."""
    expression, holds = _expression(setting, setting.value, "STOP_PROCESSING_IF")
    if holds:
        yield f'"{STOPS}"=if({expression}, 1, null())'
        return
    yield f'"{STOPS}"={expression}'
    yield f"\"{STOPS}\"=if(isnull('{STOPS}') OR '{STOPS}'==0, null(), 1)"


def _expression(setting: Setting, written: str, key: str) -> tuple[str, bool]:
    """An expression as a search has it, and whether it is a condition."""
    text = REFERENCE.sub(_referred, written).strip()
    try:
        return text, is_condition(parse_expression(SplText.of(Source(text, setting.place.path))))
    except HarnessError as error:
        raise BadIndexSetting(f"{key}: {error.message}", place=setting.place) from error


def _assignments(setting: Setting) -> Iterator[Assignment]:
    for written in _parts(setting.value):
        found = ASSIGNMENT.fullmatch(written)
        kind = (found["kind"] or "") if found is not None else ""
        if found is None or (kind and kind not in KINDS):
            raise BadIndexSetting(
                f"INGEST_EVAL is `<name> = <expression>, …`, and not `{written.strip()}`",
                place=setting.place,
            )
        name = found["prefixed"] or found["quoted"] or found["plain"]
        scope, sign, bare = name.partition(":")
        name = bare if sign and scope in ("field", "pd") else name
        is_key = (scope == "pd" and bool(sign)) or (name in NAMES and scope != "field")
        if (is_key and name not in NAMES) or (not is_key and name.startswith("_")):
            raise Unsupported(f"INGEST_EVAL sets the key `{name}`", place=setting.place)
        if "'" in name or '"' in name:
            raise Unsupported(f"INGEST_EVAL sets a field called `{name}`", place=setting.place)
        expression, _ = _expression(setting, found["expression"], "INGEST_EVAL")
        yield Assignment(name, expression, found["sign"] == ":=", is_key, kind)


def _referred(found: re.Match[str]) -> str:
    """A `$field:name$` as the field's name, `length` as `len`; a text in quotes stays."""
    name = found["name"]
    if name is None:
        return "len" if found[0] == "length" else found[0]
    for scope in ("field:", "pd:"):
        name = name.removeprefix(scope)
    return f"'{name}'"


def _parts(text: str) -> Iterator[str]:
    """The assignments: cut at commas outside of quotes and brackets."""
    depth, quote, start = 0, "", 0
    position = 0
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
        position += 1
    if text[start:].strip():
        yield text[start:]


def _result(position: int) -> str:
    return f"ingest result {position}"


def _texts(value: Value, kind: str) -> list[str]:
    """A result as the texts that are kept; of a kind of number, those that are one."""
    values = value if isinstance(value, list) else [value]
    found = []
    for one in values:
        if one is None:
            continue
        if kind == "int":
            try:
                found.append(str(int(float(one))))
            except (ValueError, OverflowError):
                continue
        else:
            found.append(one if isinstance(one, str) else number_text(float(one)))
    return found

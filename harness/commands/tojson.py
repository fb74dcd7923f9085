"""tojson: each row as a JSON object."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.names import is_wild, matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

OPTIONS = ("default_type", "fill_null", "include_internal", "output_field")
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
TRUE, FALSE = frozenset({"true", "t", "yes"}), frozenset({"false", "f", "no"})
Single = str | float
Json = str | None
"""A value written as JSON, or None where the type leaves it out."""


@command("tojson")
@dataclass(frozen=True, slots=True)
class Tojson:
    """tojson [<type>(<field>…) | <field>]… [<option>…].

    Options: default_type=<type>, fill_null=<bool>, include_internal=<bool>,
    output_field=<field>.

    Writes the named fields, or all, as an object into _raw (output_field); a field of several
    values becomes an array. Names may hold wildcards; fields that begin with `_` are left out
    unless named or include_internal=true. The types: none (text is text, a number a number),
    auto (text that spells a number, true, false, null or JSON is that), bool, json, num (what
    cannot be one is left out, or null with fill_null=true), and str. Fields without a type have
    default_type, which is none.

    The keys stand in the order of the columns, which Splunk does not promise.

    Source: Search Reference, tojson.
    """

    stage: Stage
    fields: tuple[tuple[str, str], ...]
    default: str
    fill: bool
    internal: bool
    output: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the fields with their types, and the options."""
        arguments = stage.arguments
        fields: list[tuple[str, str]] = []
        options = {}
        while not arguments.done:
            if arguments.accept(","):
                continue
            if arguments.at_option():
                options.update(arguments.options(OPTIONS))
                continue
            fields += cls._typed(arguments)
        default = "none"
        if "default_type" in options:
            default = arguments.choice(options["default_type"], "default_type", WRITERS)
        flags = {
            name: name in options and arguments.boolean(options[name], name)
            for name in ("fill_null", "include_internal")
        }
        output = options["output_field"].value if "output_field" in options else "_raw"
        typed = tuple((name, kind or default) for name, kind in fields)
        return cls(stage, typed, default, flags["fill_null"], flags["include_internal"], output)

    @staticmethod
    def _typed(arguments: Arguments) -> Iterator[tuple[str, str]]:
        token = arguments.next("a field")
        if not arguments.accept("("):
            yield token.value, ""
            return
        kind = arguments.choice(token, "a type", WRITERS)
        while not arguments.accept(")"):
            if not arguments.accept(","):
                yield arguments.field(), kind

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Write each row."""
        if rows is None:
            self.stage.fail("`tojson` cannot begin a search")
        return context.applied(rows, self._written)

    def _written(self, rows: Rows) -> Rows:
        kinds = self._kinds(rows.columns)
        found: list[dict[str, Value]] = []
        for row in rows.rows:
            pairs = []
            for name, kind in kinds.items():
                if (value := row.get(name)) is None:
                    continue
                written = self._value(value, WRITERS[kind])
                if written is not None:
                    pairs.append(f"{json.dumps(name, ensure_ascii=False)}:{written}")
            found.append({**row, self.output: f"{{{','.join(pairs)}}}"})
        return Rows(tuple(dict.fromkeys((*rows.columns, self.output))), found)

    def _kinds(self, columns: tuple[str, ...]) -> dict[str, str]:
        """The type of each field that is written; the first that names it counts."""
        if not self.fields:
            seen = [one for one in columns if self.internal or not one.startswith("_")]
            return dict.fromkeys(seen, self.default)
        found: dict[str, str] = {}
        for name, kind in self.fields:
            names = matching(name, columns) if is_wild(name) else [name]
            for one in names:
                if self.internal or not is_wild(name) or not one.startswith("_"):
                    found.setdefault(one, kind)
        return {name: found[name] for name in columns if name in found}

    def _value(self, value: Single | list[str], writer: Callable[[Single], Json]) -> Json:
        absent = "null" if self.fill else None
        if not isinstance(value, list):
            return writer(value) or absent
        parts = [writer(one) or absent for one in value]
        return f"[{','.join(part for part in parts if part is not None)}]"


def _none(value: Single) -> Json:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    whole = math.isfinite(value) and float(value).is_integer()
    return str(int(value)) if whole else f"{value:.15g}"


def _str(value: Single) -> Json:
    return json.dumps(value if isinstance(value, str) else _none(value), ensure_ascii=False)


def _num(value: Single) -> Json:
    if isinstance(value, str):
        return value.strip() if NUMBER.fullmatch(value.strip()) else None
    return _none(value)


def _bool(value: Single) -> Json:
    if not isinstance(value, str):
        return "true" if value else "false"
    if (number := _num(value)) is not None:
        return "true" if float(number) else "false"
    word = value.strip().lower()
    return "true" if word in TRUE else "false" if word in FALSE else None


def _json(value: Single) -> Json:
    if not isinstance(value, str):
        return _none(value)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return None
    return value.strip()


def _auto(value: Single) -> Json:
    return _num(value) or _json(value) or _none(value)


WRITERS = {"auto": _auto, "bool": _bool, "json": _json, "none": _none, "num": _num, "str": _str}

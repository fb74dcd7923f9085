"""makeresults: rows out of nothing, or out of a text."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const
from harness.plan.nodes import Explode, Extend, Project, Relation, Values
from harness.registry import command

if TYPE_CHECKING:
    from harness.model import Value
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = ("count", "annotate", "splunk_server", "splunk_server_group", "format", "data")
ANNOTATED = tuple("_raw _time host source sourcetype splunk_server splunk_server_group".split())
SERVER = "localhost"
MAX_COUNT = 100_000
MOST_WRITTEN = 1_000
"""More rows than these are made by the engine, not written into its statement."""


@command("makeresults")
@dataclass(frozen=True, slots=True)
class Makeresults:
    """makeresults [count=<n>] [format=csv|json data="<text>"]: rows with `_time`, the search's now.

    A CSV text has a row for each of its lines after the header; a JSON text is an array of
    objects, each a row with `_raw`, `_time` and its members. With annotate=true the rows have
    `splunk_server` as well, and empty metadata fields. The server options change nothing.
    Unsupported: annotate=true with data. Source: Search Reference, makeresults.
    """

    stage: Stage
    count: int
    form: str | None
    data: Token | None
    annotate: bool = False

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        arguments.finish()
        annotate = "annotate" in options and arguments.boolean(options["annotate"], "annotate")
        if annotate and "data" in options:
            stage.unsupported("annotate=true with data", options["annotate"].span)
        count = arguments.integer(options["count"], "count") if "count" in options else 1
        if count > MAX_COUNT:
            stage.unsupported(f"makeresults of more than {MAX_COUNT:,} rows", options["count"].span)
        form = None
        if "format" in options:
            form = arguments.choice(options["format"], "format", ("csv", "json"))
        if (form is None) != ("data" not in options):
            stage.fail("format= and data= go together")
        return cls(stage, count, form, options.get("data"), annotate)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The rows."""
        if rows is not None:
            self.stage.fail("`makeresults` must begin a search")
        if self.data is not None:
            read = self._csv if self.form == "csv" else self._json
            return read(self.data, context)
        cells: dict[str, Value] = {"_time": context.now, "splunk_server": SERVER}
        names = ANNOTATED if self.annotate else ("_time",)
        row = tuple(cells.get(name) for name in names)
        if self.count <= MOST_WRITTEN:
            return Values(names, (row,) * self.count)
        place = context.spare("place")
        places = Call("mvrange", (Const(0.0), Const(float(self.count))))
        rows = Explode(Extend(Values(names, (row,)), ((place, places),)), place)
        return Project(rows, tuple((name, name) for name in names))

    def _csv(self, data: Token, context: Context) -> Relation:  # noqa: ARG002 - like _json
        try:
            lines = list(csv.reader(io.StringIO(data.value.strip()), strict=True))
        except csv.Error as error:
            self.stage.fail(f"the data is no CSV: {error}", data.span)
        if not lines or not lines[0]:
            self.stage.fail("the data has no header", data.span)
        names = tuple(name.strip() for name in lines[0])
        if len(set(names)) != len(names):
            self.stage.fail("the header names a field twice", data.span)
        found: list[tuple[Value, ...]] = []
        for number, line in enumerate(lines[1:], start=2):
            if len(line) != len(names):
                self.stage.fail(
                    f"line {number} has {len(line)} cells and the header {len(names)}", data.span
                )
            found.append(tuple(cell.strip() or None for cell in line))
        return Values(names, tuple(found))

    def _json(self, data: Token, context: Context) -> Relation:
        try:
            parsed = json.loads(data.value)
        except (ValueError, RecursionError) as error:
            self.stage.fail(f"the data is no JSON: {error}", data.span)
        objects = parsed if isinstance(parsed, list) else [parsed]
        if not all(isinstance(one, dict) for one in objects):
            self.stage.fail("the data is no array of JSON objects", data.span)
        names = tuple(dict.fromkeys(("_raw", "_time", *(name for one in objects for name in one))))
        found = []
        for one in objects:
            cells = {name: _cell(value) for name, value in one.items()}
            row = {"_raw": json.dumps(one), "_time": context.now, **cells}
            found.append(tuple(row.get(name) for name in names))
        return Values(names, tuple(found))


def _cell(value: object) -> Value:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return value if isinstance(value, int | float) else str(value)

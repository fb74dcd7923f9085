"""map: a search that runs once for each row, with the row's values in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from harness.errors import HarnessError, Unsupported
from harness.model.numbers import number_text
from harness.plan.nodes import Limit, Project, Relation, Union, Values
from harness.registry import command
from harness.registry.subsearches import accept_subsearch
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Span
from harness.spl.templates import Template

if TYPE_CHECKING:
    from harness.model import Value
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

TOKEN = re.compile(r"\$([A-Za-z0-9_][\w.:{}@-]*(?: [\w.:{}@-]+)*)\$")
SERIAL = "_serial_id"
MAX_RUNS = 100


class MissingValue(HarnessError):
    """A row lacks a field that map's search asks for."""


@command("map")
@dataclass(frozen=True, slots=True)
class Map:
    """map (search="<search>" | [<search>]) [maxsearches=<n>]: the rows of all runs, in order.

    `$field$` in the search is the row's value, `$_serial_id$` the number of the run from 1.
    Values are put in so that they cannot write SPL (`harness.spl.templates`). At most
    `maxsearches` rows run (10), with a warning when there are more. A row without a field that
    the search asks for is an error. Macros are expanded before the values are put in.
    Unsupported: a saved search, a field of several values, more than 100 runs, a search that
    writes. Source: Search Reference, map.
    """

    stage: Stage
    written: Token | None
    subsearch: Span | None
    most: int | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the search and the option, in any order."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        subsearch: Span | None = None
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(("search", "maxsearches")))
            elif (found := accept_subsearch(arguments)) is not None:
                subsearch = found
            else:
                stage.unsupported("map of a saved search", arguments.here())
        written = options.get("search")
        if (written is None) == (subsearch is None):
            stage.fail("`map` needs one search", None, 'write search="…" or […]')
        most = None
        if "maxsearches" in options:
            most = arguments.integer(options["maxsearches"], "maxsearches", minimum=1)
        return cls(stage, written, subsearch, most)

    def _template(self, context: Context) -> Template:
        if self.written is not None:
            text = context.parse(self.written.value, self.stage).text
            return Template(text, Span(0, len(text.text)), TOKEN)
        if self.subsearch is None:
            raise TypeError(self)
        inner = Span(self.subsearch.start + 1, self.subsearch.end - 1)
        return Template(self.stage.text, inner, TOKEN)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Run the search for each row and put the results one after the other."""
        if rows is None:
            self.stage.fail("`map` cannot begin a search")
        template = self._template(context)
        places = template.keys()
        names = tuple(name for name in places if name != SERIAL) or (context.spare("row"),)
        most = self.most or context.limits.map_searches
        asked = Limit(Project(rows, tuple((name, name) for name in names)), most + 1)
        found = context.fetched(asked).rows
        if len(found) > most:
            context.warn(f"map ran for the first {most:,} rows only: see maxsearches")
        if min(len(found), most) > MAX_RUNS:
            self.stage.unsupported(f"map with more than {MAX_RUNS} runs")
        results: list[Relation] = []
        for serial, row in enumerate(found[:most], start=1):
            value = partial(self._value, template, {**row, SERIAL: serial})
            filled = template.filled(value)
            results.append(context.lowered(parse_pipeline(filled)))
        if not results:
            return Values((), ())
        return results[0] if len(results) == 1 else Union(tuple(results))

    def _value(self, template: Template, row: dict[str, Value], name: str) -> str:
        value = row.get(name)
        if isinstance(value, int | float):
            return number_text(float(value))
        if isinstance(value, str):
            return value
        raise self._refusal(template, name, value)

    def _refusal(self, template: Template, name: str, value: Value) -> HarnessError:
        span = template.keys()[name]
        place, hints = template.text.place(span), template.text.hints(span)
        if value is None:
            return MissingValue(
                f"a row has no field `{name}` for `map`",
                place=place,
                hints=("keep the rows that have it with `where isnotnull(…)`", *hints),
            )
        return Unsupported(f"map with several values of `{name}`", place=place, hints=hints)

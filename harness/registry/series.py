"""Rows against series, as chart and timechart lay them out: a column for each value of a field.

Source: Splunk Search Reference, `chart` and `timechart`: limit, useother, usenull, where, sep,
format.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.model import Rows
from harness.model.numbers import number_text
from harness.plan.expressions import Call, Expr, Field
from harness.plan.nodes import (
    Aggregate,
    Aggregation,
    Explode,
    Extend,
    Filter,
    Join,
    Match,
    Project,
    Values,
)
from harness.registry.computed import HIDDEN, Computed, result_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token

SERIES_OPTIONS = frozenset("agg format limit nullstr otherstr sep useother usenull".split())
CHOICE = re.compile(r"(top|bottom)?\s*(\d+)", re.IGNORECASE)
SPAN = re.compile(r"(-?[\d.]+)--?[\d.]+")
MOST_SERIES = 2_000
ZERO_WITHOUT_ROWS = frozenset({"count", "c", "dc", "distinct_count", "estdc"})
"""Of no rows at all these are 0, the others nothing."""


def _median(numbers: list[float]) -> float:
    ordered, middle = sorted(numbers), len(numbers) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


SCORES: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "avg": _mean,
    "mean": _mean,
    "max": max,
    "min": min,
    "median": _median,
    "range": lambda numbers: max(numbers) - min(numbers),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which series are kept: the `number` best by a score, or those past a threshold."""

    number: float = 10
    side: str = "top"
    score: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SeriesOptions:
    """How series are chosen and named; without a name OTHER or NULL is left out."""

    choice: Choice = field(default_factory=Choice)
    other: str | None = "OTHER"
    null: str | None = "NULL"
    separator: str = ": "
    format: str | None = None

    def column(self, aggregation: str, series: str, *, several: bool) -> str:
        """The name of a column; the function's name appears only where there are several."""
        if self.format is not None:
            return self.format.replace("$AGG$", aggregation).replace("$VAL$", series)
        return f"{aggregation}{self.separator}{series}" if several else series


def parse_series_options(arguments: Arguments, tokens: dict[str, Token]) -> SeriesOptions:
    """The options of the series among those that a command took."""
    options, names = SeriesOptions(), {"other": "OTHER", "null": "NULL"}
    if "agg" in tokens:
        arguments.stage.unsupported(f"{arguments.stage.name} with agg", tokens["agg"].span)
    if "limit" in tokens:
        options = replace(options, choice=_choice(arguments, tokens["limit"], None))
    for kind in names:
        if f"{kind}str" in tokens:
            names[kind] = tokens[f"{kind}str"].value
    used = {
        kind: f"use{kind}" not in tokens or arguments.boolean(tokens[f"use{kind}"], f"use{kind}")
        for kind in names
    }
    return replace(
        options,
        other=names["other"] if used["other"] else None,
        null=names["null"] if used["null"] else None,
        separator=tokens["sep"].value if "sep" in tokens else options.separator,
        format=tokens["format"].value if "format" in tokens else None,
    )


def parse_where(arguments: Arguments) -> Choice:
    """Take `where <function> (in|notin) (top|bottom)<number>` or `where <function> > <number>`."""
    stage, token = arguments.stage, arguments.next("a function")
    score = token.value.lower()
    if score not in SCORES:
        stage.unsupported(f"series chosen by `{token.value}`", token.span)
    if arguments.accept("("):
        arguments.expect(")")
    operator = arguments.next("a comparison")
    word = operator.value.lower()
    if word in ("in", "notin"):
        choice = _choice(arguments, arguments.next("topN or bottomN"), score)
        return replace(choice, negated=word == "notin")
    if word not in ("<", ">"):
        stage.fail("in, notin, < or > is expected here", operator.span)
    bound = arguments.next("a number")
    try:
        return Choice(float(bound.value), word, score)
    except ValueError:
        stage.fail(f"a number is expected here, not `{bound.value}`", bound.span)


def _choice(arguments: Arguments, token: Token, score: str | None) -> Choice:
    matched = CHOICE.fullmatch(token.value)
    if matched is None:
        arguments.stage.fail(
            f"topN, bottomN or a number is expected here, not `{token.value}`", token.span
        )
    return Choice(float(matched[2]), (matched[1] or "top").lower(), score)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their key in a first column, and what each other column has without events."""

    rows: Rows
    empty: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Result:
    """One value of a table: a function's, or an expression's over several."""

    name: str
    function: str | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Layout:
    """A table of statistics: `key` makes a row's key, `split` is the field of the series.

    `name` is the first column's. `computed` are expressions over statistics with hidden names.
    """

    context: Context
    name: str
    key: Expr
    split: Expr | None
    aggregations: tuple[Aggregation, ...]
    options: SeriesOptions
    computed: tuple[Computed, ...] = ()

    @property
    def results(self) -> tuple[Result, ...]:
        """What each cell, or each column, shows."""
        values = {one.name: one.value for one in self.computed}
        found: dict[str, Result] = {}
        for one in self.aggregations:
            if one.name.startswith(HIDDEN):
                name = result_name(one.name)
                found[name] = Result(name, None, values[name])
            else:
                found[one.name] = Result(one.name, one.function, Field(one.name))
        return tuple(found.values())

    def cells(self, rows: Relation) -> Relation:
        """One row for each key and series."""
        return self._cells(rows, split=self.split is not None)

    def table(self, rows: Relation, found: Rows) -> Table:
        """The table over some rows, of which `found` are the cells."""
        if self.split is None:
            names = [one.name for one in self.results]
            table = [
                {self.name: row["key"], **{n: row.get(str(i)) for i, n in enumerate(names)}}
                for row in found.rows
            ]
            return self._finished(table, [(i, n, n) for i, n in enumerate(names)])
        cells = [(str(_text(row["split"])), row) for row in found.rows]
        kept = self._kept(cells)
        if len(kept) < len({name for name, _ in cells}):
            kept.discard(str(self.options.other))
        series = [(name, row) for name, row in cells if name in kept]
        names = sorted(kept)
        options = self.options
        if options.null is not None:
            nulls = self._fetched(self._cells(rows, split=False, null=True))
            series += [(options.null, row) for row in nulls]
            names += [options.null] if nulls else []
        if options.other is not None and len(kept) < len({name for name, _ in cells}):
            others = self._fetched(self._cells(rows, split=False, without=kept))
            series += [(options.other, row) for row in others]
            names += [options.other] if others else []
        return self._pivoted(series, names)

    def _pivoted(self, series: list[tuple[str, dict[str, Value]]], names: list[str]) -> Table:
        several = len(self.results) > 1
        columns = [
            (number, one.name, self.options.column(one.name, name, several=several), name)
            for number, one in enumerate(self.results)
            for name in names
        ]
        named = {(number, name): column for number, _, column, name in columns}
        found: dict[Value, dict[str, Value]] = {}
        for name, row in series:
            cells = found.setdefault(_hashable(row["key"]), {self.name: row["key"]})
            for number in range(len(self.results)):
                cells[named[number, name]] = row.get(str(number))
        return self._finished(
            list(found.values()), [(number, one, column) for number, one, column, _ in columns]
        )

    def _finished(self, rows: list[dict[str, Value]], columns: list[tuple[int, str, str]]) -> Table:
        if len(columns) > MOST_SERIES:
            raise Unsupported(
                f"more than {MOST_SERIES:,} columns in one table",
                hints=["set limit=, or choose a field with fewer values"],
            )
        names = Counter((self.name, *(column for _, _, column in columns)))
        if (twice := names.most_common(1)[0])[1] > 1:
            raise Unsupported(
                f"two columns called `{twice[0]}` in one table",
                hints=["set format=, nullstr= or otherstr=, or rename the field of the rows"],
            )
        empty: dict[str, Value] = {
            column: 0.0 if self.results[number].function in ZERO_WITHOUT_ROWS else None
            for number, _, column in columns
        }
        places = [_place(row[self.name]) for row in rows]
        if None in places:
            rows.sort(key=lambda row: str(_text(row[self.name])))
        else:
            rows.sort(key=lambda row: _place(row[self.name]) or 0.0)
        filled: list[dict[str, Value]] = [
            {**empty, **{name: cell for name, cell in row.items() if cell is not None}}
            for row in rows
        ]
        return Table(Rows((self.name, *empty), filled), empty)

    def _kept(self, cells: list[tuple[str, dict[str, Value]]]) -> set[str]:
        """The series that the choice keeps."""
        values: dict[str, list[float]] = {}
        several, choice = len(self.results) > 1, self.options.choice
        measure = "frequency" if several and choice.score is None else "0"
        for name, row in cells:
            found = values.setdefault(name, [])
            if (number := _number(row.get(measure))) is not None:
                found.append(number)
        score = SCORES[choice.score or "sum"]
        scores = {name: score(found) if found else 0.0 for name, found in values.items()}
        if choice.side in "<>":
            above = choice.side == ">"
            return {n for n, s in scores.items() if (s > choice.number) is above}
        count = int(choice.number)
        if not count:
            return set(scores)
        sign = 1 if choice.side == "bottom" else -1
        ranked = sorted(scores, key=lambda name: (sign * scores[name], name))
        return set(ranked[count:] if choice.negated else ranked[:count])

    def _cells(
        self,
        rows: Relation,
        *,
        split: bool,
        null: bool = False,
        without: set[str] | None = None,
    ) -> Relation:
        """One row for each key (and series) with the statistics under their numbers."""
        context = self.context
        key, series = context.spare("key"), context.spare("series")
        rows = Extend(rows, ((key, self.key), (series, self.split or self.key)))
        if null:
            rows = Filter(rows, Call("isnull", (Field(series),)))
        if without is not None:
            rows = self._without(Explode(rows, series), series, without)
        frequency = context.spare("frequency")
        by = (key, series) if split else (key,)
        counted = Aggregate(rows, by, (*self.aggregations, Aggregation(frequency, "count")))
        values = [(context.spare("value"), one.value) for one in self.results]
        names = [("key", key), ("frequency", frequency)]
        names += [("split", series)] if split else []
        names += [(str(number), spare) for number, (spare, _) in enumerate(values)]
        return Project(Extend(counted, tuple(values)), tuple(names))

    def _fetched(self, rows: Relation) -> list[dict[str, Value]]:
        return self.context.fetched(rows).rows

    def _without(self, rows: Relation, series: str, names: set[str]) -> Relation:
        """The rows whose series is not among some names; rows without one are left out."""
        if not names:
            return Filter(rows, Call("isnotnull", (Field(series),)))
        flag = self.context.spare("kept")
        table = Values(("name", "kept"), tuple((name, "yes") for name in sorted(names)))
        matched = Join(rows, table, (Match(series, "name"),), ((flag, "kept"),))
        missing = Call("isnull", (Field(flag),))
        present = Call("isnotnull", (Field(series),))
        return Filter(matched, Call("and", (missing, present)))


def _place(cell: Value) -> float | None:
    """Where a number, or a span of numbers, stands among others."""
    matched = SPAN.fullmatch(cell) if isinstance(cell, str) else None
    return _number(matched[1] if matched else cell)


def _text(cell: Value) -> Value:
    return number_text(float(cell)) if isinstance(cell, int | float) else cell


def _hashable(cell: Value) -> Value:
    return str(cell) if isinstance(cell, list) else cell


def _number(cell: Value) -> float | None:
    if isinstance(cell, list) or cell is None:
        return None
    try:
        return float(cell)
    except ValueError:
        return None

"""trendline: moving averages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, with_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

TREND = re.compile(r"(sma|ema|wma)(\d+)", re.IGNORECASE)
LEAST, MOST = 2, 10_000


@dataclass(frozen=True, slots=True)
class Trend:
    """A field's average over so many rows, under a name; kinds are sma, ema and wma."""

    kind: str
    period: int
    field: str
    name: str


@command("trendline")
@dataclass(frozen=True, slots=True)
class Trendline:
    """trendline (sma|ema|wma)<period>(<field>) [AS <name>]…: averages over the last rows.

    The period is 2 to 10,000 rows, the row itself included. A row gets sma, the simple average,
    and wma, the one with more weight on recent rows, only if all rows of its period have a number.
    The exponential one is, as documented, ema(t) = alpha * ema(t - 1) + (1 - alpha) * field(t)
    with alpha = 2 / (period + 1).

    Differences: neither the weights of wma nor the beginning of ema is documented. Our choice are
    the weights 1 (the oldest row) to the period, and that ema begins with the field's first number
    and passes over rows without one.

    Source: Splunk Search Reference, `trendline`.
    """

    stage: Stage
    trends: tuple[Trend, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the trends, one or several."""
        arguments = stage.arguments
        trends = []
        while not arguments.done:
            if not arguments.accept(","):
                trends.append(cls._trend(arguments))
        if not trends:
            stage.fail("`trendline` needs a trend", None, "for example sma5(count)")
        return cls(stage, tuple(trends))

    @staticmethod
    def _trend(arguments: Arguments) -> Trend:
        token = arguments.next("a trend")
        matched = TREND.fullmatch(token.value) if token.kind == "word" else None
        if matched is None:
            arguments.stage.fail(
                f"`{token.value}` is no trend", token.span, "for example sma5(count)"
            )
        kind, period = matched[1].lower(), int(matched[2])
        if not LEAST <= period <= MOST:
            arguments.stage.fail(f"a period is {LEAST} to {MOST:,} rows", token.span)
        arguments.expect("(")
        field = arguments.field()
        arguments.expect(")")
        name = f"{kind}{period}({field})"
        if arguments.accept_word("as"):
            name = arguments.field("a name")
        return Trend(kind, period, field, name)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Average over the rows up to each one."""
        if rows is None:
            self.stage.fail("`trendline` cannot begin a search")
        return context.applied(rows, self._averaged)

    def _averaged(self, rows: Rows) -> Rows:
        found = [dict(row) for row in rows.rows]
        for trend in self.trends:
            numbers = [number_of(row.get(trend.field)) for row in rows.rows]
            averages = AVERAGES[trend.kind](numbers, trend.period)
            for place, average in enumerate(averages):
                if average is not None:
                    found[place][trend.name] = average
        return Rows(with_columns(rows, (trend.name for trend in self.trends)), found)


def _averages(numbers: list[float | None], period: int) -> list[float | None]:
    """The averages, of exact sums: a running sum of doubles would drift."""
    exact = [None if number is None else Fraction(number) for number in numbers]
    found: list[float | None] = []
    total, present = Fraction(0), 0
    for place, number in enumerate(exact):
        gone = exact[place - period] if place >= period else None
        total += (number or 0) - (gone or 0)
        present += (number is not None) - (gone is not None)
        found.append(float(total / period) if present == period else None)
    return found


def _weighted(numbers: list[float | None], period: int) -> list[float | None]:
    """The averages with the weights 1 to the period, of exact sums."""
    exact = [None if number is None else Fraction(number) for number in numbers]
    found: list[float | None] = []
    total, weighted, present = Fraction(0), Fraction(0), 0
    weights = period * (period + 1) // 2
    for place, number in enumerate(exact):
        gone = exact[place - period] if place >= period else None
        weighted += period * (number or 0) - total
        total += (number or 0) - (gone or 0)
        present += (number is not None) - (gone is not None)
        found.append(float(weighted / weights) if present == period else None)
    return found


def _exponential(numbers: list[float | None], period: int) -> list[float | None]:
    """The exponential averages, as Splunk documents their formula."""
    alpha = 2 / (period + 1)
    found: list[float | None] = []
    average: float | None = None
    for number in numbers:
        if number is not None:
            average = number if average is None else alpha * average + (1 - alpha) * number
        found.append(None if number is None else average)
    return found


AVERAGES: dict[str, Callable[[list[float | None], int], list[float | None]]] = {
    "sma": _averages,
    "wma": _weighted,
    "ema": _exponential,
}

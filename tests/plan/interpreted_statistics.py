"""Statistical functions for the interpreter of plans, from the Search Reference."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from interpreted_functions import evaluate, kind_of
from interpreted_values import Cell, Kind, number, single, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.plan.nodes import Aggregation

MOST_LISTED = 100
KEPT = frozenset({"min", "max", "first", "last", "earliest", "latest"})
TEXTS = frozenset({"values", "list"})


def statistic_kind(one: Aggregation, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of a statistic's result."""
    if one.function in TEXTS:
        return "list"
    if one.function == "mode":
        return "any"
    if one.function in KEPT and one.argument is not None:
        kind = kind_of(one.argument, kinds)
        kept = kind == "number" or (kind == "list" and one.function not in ("min", "max"))
        return kind if kept else "any"
    return "number"


def statistic(one: Aggregation, rows: Sequence[dict[str, Cell]], kinds: Mapping[str, Kind]) -> Cell:
    """One statistic over rows, in their order."""
    if one.argument is None:
        return float(len(rows))
    cells = [evaluate(one.argument, row, kinds) for row in rows]
    if any(isinstance(cell, bool) for cell in cells):
        return float(sum(cell is True for cell in cells))
    if one.function in ("earliest", "latest", "earliest_time", "latest_time"):
        return by_time(one.function, rows, cells)
    if one.function in ("first", "last"):
        present = [cell for cell in cells if cell is not None]
        if not present:
            return None
        return present[0 if one.function == "first" else -1]
    texts = [value for cell in cells for value in values(cell)]
    if one.function in OF_TEXTS:
        return OF_TEXTS[one.function](texts)
    numbers = [found for value in texts if (found := number(value)) is not None]
    if one.function in ("min", "max"):
        return extreme(one.function, texts, numbers, statistic_kind(one, kinds))
    if not numbers:
        return None
    if one.parameter is not None:
        return percentile(one.function, sorted(numbers), one.parameter)
    return OF_NUMBERS[one.function](numbers)


def by_time(function: str, rows: Sequence[dict[str, Cell]], cells: Sequence[Cell]) -> Cell:
    """The value of the row with the least or the greatest time, or that time."""
    found = [
        (moment, cell)
        for row, cell in zip(rows, cells, strict=True)
        if cell is not None and (moment := number(row.get("_time"))) is not None
    ]
    if not found:
        return None
    choose: Callable[..., tuple[float, Cell]] = min if function.startswith("earliest") else max
    moment, cell = choose(found, key=lambda pair: pair[0])
    return moment if function.endswith("_time") else cell


def extreme(function: str, texts: list[str], numbers: list[float], kind: Kind) -> Cell:
    """Numbers by size, and below every text that spells none."""
    if not texts:
        return None
    choose = min if function == "min" else max
    words = [one for one in texts if number(one) is None]
    if words and (function == "max" or not numbers):
        return choose(words)
    found = choose(numbers)
    if kind == "number":
        return found
    return next(one for one in texts if number(one) == found)


def mode(texts: list[str]) -> Cell:
    """The most frequent value; which one of several is not documented."""
    if not texts:
        return None
    counts = Counter(texts)
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)


def percentile(function: str, numbers: list[float], share: float) -> float:
    """Interpolated; `exactperc` takes the value after the share that lies below (0003)."""
    place = (len(numbers) - 1) * share / 100
    if function.startswith("exactperc"):
        return numbers[min(int(len(numbers) * share / 100), len(numbers) - 1)]
    low = math.floor(place)
    high = min(low + 1, len(numbers) - 1)
    return numbers[low] + (numbers[high] - numbers[low]) * (place - low)


def median(numbers: list[float]) -> float:
    """The middle value, or the higher of the two middle ones."""
    return sorted(numbers)[len(numbers) // 2]


def variance(numbers: list[float], *, sample: bool) -> float:
    """The mean square distance from the mean; of a single value it is 0."""
    mean = math.fsum(numbers) / len(numbers)
    squares = math.fsum((one - mean) ** 2 for one in numbers)
    if sample:
        return squares / (len(numbers) - 1) if len(numbers) > 1 else 0.0
    return squares / len(numbers)


OF_TEXTS: dict[str, Callable[[list[str]], Cell]] = {
    "count": lambda texts: float(len(texts)),
    "dc": lambda texts: float(len(set(texts))),
    "values": lambda texts: single(sorted(set(texts))),
    "list": lambda texts: single(texts[:MOST_LISTED]),
    "mode": mode,
}
OF_TEXTS["c"] = OF_TEXTS["count"]
OF_TEXTS["distinct_count"] = OF_TEXTS["estdc"] = OF_TEXTS["dc"]
OF_NUMBERS: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda numbers: math.fsum(numbers) / len(numbers),
    "median": median,
    "range": lambda numbers: max(numbers) - min(numbers),
    "sumsq": lambda numbers: math.fsum(one * one for one in numbers),
    "var": lambda numbers: variance(numbers, sample=True),
    "varp": lambda numbers: variance(numbers, sample=False),
    "stdev": lambda numbers: math.sqrt(variance(numbers, sample=True)),
    "stdevp": lambda numbers: math.sqrt(variance(numbers, sample=False)),
}
OF_NUMBERS["mean"] = OF_NUMBERS["avg"]

"""Rows that are improbable by the frequencies of their values, for anomalydetection."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Rows
from harness.registry.cells import number_of, texts_of, with_columns
from harness.registry.names import matching

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from harness.model import Value

INNER_FENCE, OUTER_FENCE = 1.5, 3.0
LEAST_COUNT, LEAST_SHARE, MOST_ANOMALOUS, LEAST_NORMAL = 100, 0.05, 0.05, 0.01
SUMMARY = ("num_anomalies", "thresh", "max_logprob", "min_logprob", "1st_quartile", "3rd_quartile")
ADDED = ("log_event_prob", "max_freq", "probable_cause", "probable_cause_freq")


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows whose values are rarely met together: the product of their frequencies is small.

    `threshold` is the probability under which a row is an anomaly; without one it comes from the
    quartiles of the rows' own, with `cutoff` further down.
    """

    fields: tuple[str, ...]
    action: str
    threshold: float | None
    cutoff: bool

    def treated(self, rows: Rows) -> Rows:
        """The anomalies, all rows, or what the detection rests on."""
        names = _chosen(rows, self.fields)
        shares = {name: _shares([row.get(name) for row in rows.rows]) for name in names}
        found = [self._frequencies(shares, place) for place in range(len(rows.rows))]
        scores = [math.fsum(map(math.log, one.values())) for one in found]
        if not scores:
            return Rows(SUMMARY if self.action == "summary" else with_columns(rows, ADDED), [])
        ordered = sorted(scores)
        first, third = (_quantile(ordered, share) for share in (0.25, 0.75))
        limit = self._limit(first, third)
        if self.action == "summary":
            numbers = (sum(one < limit for one in scores), limit, max(scores), min(scores))
            return Rows(SUMMARY, [dict(zip(SUMMARY, (*numbers, first, third), strict=True))])
        result: list[dict[str, Value]] = []
        for row, score, frequencies in zip(rows.rows, scores, found, strict=True):
            if score < limit:
                cause = min(frequencies, key=lambda name: frequencies[name])
                added = (score, max(frequencies.values()), cause, frequencies[cause])
                result.append({**row, **dict(zip(ADDED, added, strict=True))})
            elif self.action == "annotate":
                result.append(row)
        return Rows(with_columns(rows, ADDED), result)

    def _limit(self, first: float, third: float) -> float:
        if self.threshold is not None:
            return math.log(self.threshold) if self.threshold > 0 else -math.inf
        return first - (OUTER_FENCE if self.cutoff else INNER_FENCE) * (third - first)

    @staticmethod
    def _frequencies(shares: dict[str, list[float | None]], place: int) -> dict[str, float]:
        return {name: share for name, all_ in shares.items() if (share := all_[place]) is not None}


@dataclass(frozen=True, slots=True)
class Scores:
    """Rows with a value that is rare, or far from the mean, in a field that seldom has such.

    `threshold` is the probability under which a value is an anomaly.
    """

    fields: tuple[str, ...]
    annotates: bool
    threshold: float

    def treated(self, rows: Rows) -> Rows:
        """The rows with an anomaly, or all rows; anomalies get their score."""
        added: list[dict[str, Value]] = [{} for _ in rows.rows]
        names = []
        for name in _chosen(rows, self.fields):
            kind, scores = self._scores([row.get(name) for row in rows.rows])
            anomalies = {
                place: score
                for place, score in enumerate(scores)
                if score is not None and score < self.threshold
            }
            if anomalies and _is_telling(scores, len(anomalies)):
                names.append(f"Anomaly_Score_{kind}({name})")
                for place, score in anomalies.items():
                    added[place][names[-1]] = score
        result = [
            {**row, **new}
            for row, new in zip(rows.rows, added, strict=True)
            if new or self.annotates
        ]
        return Rows(with_columns(rows, names), result)

    @staticmethod
    def _scores(cells: list[Value]) -> tuple[str, list[float | None]]:
        numbers = _numbers(cells)
        if numbers is None:
            return "Cat", _category_shares(cells)
        present = [number for number in numbers if number is not None]
        mean = statistics.fmean(present)
        deviation = statistics.pstdev(present, mean)
        return "Num", [
            None
            if number is None
            else math.erfc(abs(number - mean) / deviation / math.sqrt(2))
            if deviation
            else 1.0
            for number in numbers
        ]


def _is_telling(scores: list[float | None], anomalies: int) -> bool:
    """Whether a field is met often enough, and is seldom enough anomalous, to be considered."""
    count = sum(score is not None for score in scores)
    return (
        count >= LEAST_COUNT
        and count / len(scores) >= LEAST_SHARE
        and anomalies / count <= MOST_ANOMALOUS
        and 1 - anomalies / count >= LEAST_NORMAL
    )


def _chosen(rows: Rows, fields: Iterable[str]) -> list[str]:
    names = (name for one in tuple(fields) or ("*",) for name in matching(one, rows.columns))
    return [
        name for name in dict.fromkeys(names) if any(row.get(name) is not None for row in rows.rows)
    ]


def _numbers(cells: list[Value]) -> list[float | None] | None:
    """The numbers of a field all of whose values are numbers, of a range that is one."""
    numbers = [number_of(cell) for cell in cells]
    if any(
        (cell is None) is not (number is None) for cell, number in zip(cells, numbers, strict=True)
    ):
        return None
    present = [number for number in numbers if number is not None]
    return numbers if math.isfinite(max(present) - min(present)) else None


def _shares(cells: list[Value]) -> list[float | None]:
    """How large a share of all rows has each row's value, or one in the same bin."""
    numbers = _numbers(cells)
    if numbers is None:
        return _category_shares(cells)
    ordered = sorted(number for number in numbers if number is not None)
    width, least = _bin_width(ordered), ordered[0]
    return _share(
        [
            None if number is None else int((number - least) / width) if width else 0
            for number in numbers
        ]
    )


def _bin_width(ordered: list[float]) -> float:
    """The width of a histogram's bins by the rule of Freedman and Diaconis, else of Sturges."""
    count = len(ordered)
    spread = _quantile(ordered, 0.75) - _quantile(ordered, 0.25)
    width = 2 * spread / count ** (1 / 3)
    return width or (ordered[-1] - ordered[0]) / math.ceil(math.log2(count) + 1)


def _category_shares(cells: list[Value]) -> list[float | None]:
    return _share([None if cell is None else tuple(texts_of(cell)) for cell in cells])


def _share(keys: list[Hashable]) -> list[float | None]:
    counts = Counter(keys)
    return [None if key is None else counts[key] / len(keys) for key in keys]


def _quantile(ordered: list[float], share: float) -> float:
    """The quantile of sorted numbers, interpolated as the statistic perc does."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])

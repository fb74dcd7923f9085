"""Levels and trends of a series of numbers by a Kalman filter, for predict.

The models are those of Durbin and Koopman, Time Series Analysis by State Space Methods: a local
level (chapter 2) and a local linear trend (3.2). Their noise is in units of the observation's;
how much of it is in level and slope is what makes the series most likely among `SHARES`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Series = list[float | None]
MOST_LAG = 1_000
LEAST_CORRELATION = 0.3
NEAR_BEST = 0.9
SHARES = tuple(10.0 ** (place / 4) for place in range(-24, 17))
TREND_SHARES = (0.0, *(10.0**place for place in range(-6, 3)))


@dataclass(frozen=True, slots=True)
class Forecast:
    """For each row what is expected from those before it, and its variance."""

    means: list[float]
    variances: list[float]


@dataclass(slots=True)
class _Run:
    """One pass of the filter: expectations, variances in units of noise, and surprises."""

    means: list[float]
    spreads: list[float]
    surprises: list[tuple[int, float, float]]


def level(series: Series) -> Forecast:
    """The local level: a value is the one before and some noise."""
    return _combined([series], _likeliest([[_level_run(series, share)] for share in SHARES]))


def seasonal(series: Series, period: int) -> Forecast:
    """A local level for each place in the period, all with the same noise."""
    parts = [series[place::period] for place in range(period)]
    runs = [[_level_run(part, share) for part in parts] for share in SHARES]
    return _combined(parts, _likeliest(runs))


def trend(series: Series) -> Forecast:
    """The local linear trend: level and slope, each with noise."""
    runs = [
        [_trend_run(series, of_level, of_slope)]
        for of_level in TREND_SHARES
        for of_slope in TREND_SHARES
    ]
    return _combined([series], _likeliest(runs))


def together(series: Sequence[Series]) -> list[Forecast]:
    """Local levels of several series, with one proportion of noise for all."""
    runs = [[_level_run(one, share) for one in series] for share in SHARES]
    scores = [sum(_likelihood([run]) for run in one) for one in runs]
    best = runs[scores.index(max(scores))]
    return [_combined([one], [run]) for one, run in zip(series, best, strict=True)]


def correlated(series: Series, other: Series) -> Forecast:
    """A local level and a multiple of another series' value in the same row."""
    known: Series = [
        value if beside is not None else None for value, beside in zip(series, other, strict=True)
    ]
    beside: Series = [
        value if one is not None else None for one, value in zip(known, other, strict=True)
    ]
    candidates = []
    for share in SHARES:
        run, aside = _level_run(known, share), _level_run(beside, share)
        pairs = list(zip(run.surprises, aside.surprises, strict=True))
        below = math.fsum(x * x / spread for _, (_, x, spread) in pairs)
        above = math.fsum(y * x / spread for (_, y, spread), (_, x, _) in pairs)
        factor = above / below if below else 0.0
        means = [
            mean + factor * ((value if value is not None else mean_aside) - mean_aside)
            for mean, mean_aside, value in zip(run.means, aside.means, other, strict=True)
        ]
        left = [(at, y - factor * x, spread) for (at, y, spread), (_, x, _) in pairs]
        candidates.append([_Run(means, run.spreads, left)])
    return _combined([series], _likeliest(candidates))


def averaged(one: Forecast, other: Forecast) -> Forecast:
    """Two forecasts in one, each with a weight by how sure it is."""
    means, variances = [], []
    for a, v, b, w in zip(one.means, one.variances, other.means, other.variances, strict=True):
        weight = w / (v + w) if v + w > 0 else 0.5
        means.append(weight * a + (1 - weight) * b)
        variances.append(weight * v + (1 - weight) * w)
    return Forecast(means, variances)


def period_of(series: Series) -> int | None:
    """After how many rows a series is most like itself, its straight trend taken away."""
    values = [value for value in series if value is not None]
    count = len(values)
    most = min(count // 2, MOST_LAG)
    if most < 2:
        return None
    left = _detrended(values)
    whole = math.fsum(value * value for value in left)
    if whole <= 1e-12 * math.fsum(value * value for value in values):
        return None
    correlations = [
        math.fsum(a * b for a, b in zip(left, left[lag:], strict=False)) / whole
        for lag in range(most + 1)
    ]
    peaks = {
        lag: correlations[lag]
        for lag in range(2, most + 1)
        if correlations[lag] > correlations[lag - 1]
        and (lag == most or correlations[lag] >= correlations[lag + 1])
    }
    best = max(peaks.values(), default=0.0)
    if best < LEAST_CORRELATION:
        return None
    return min(lag for lag, one in peaks.items() if one >= NEAR_BEST * best)


def _detrended(values: list[float]) -> list[float]:
    count = len(values)
    middle, mean = (count - 1) / 2, math.fsum(values) / count
    below = math.fsum((place - middle) ** 2 for place in range(count))
    slope = math.fsum((place - middle) * value for place, value in enumerate(values)) / below
    return [value - mean - slope * (place - middle) for place, value in enumerate(values)]


def _level_run(series: Series, share: float) -> _Run:
    """The filter of a local level, begun with the first value."""
    run = _Run([], [], [])
    first = next((value for value in series if value is not None), 0.0)
    mean, spread, begun = first, 1.0 + share, False
    for place, value in enumerate(series):
        run.means.append(mean)
        run.spreads.append(spread + 1)
        if not begun:
            begun = value is not None
            continue
        if value is not None:
            run.surprises.append((place, value - mean, spread + 1))
            gain = spread / (spread + 1)
            mean, spread = mean + gain * (value - mean), gain
        spread += share
    return run


def _trend_run(series: Series, of_level: float, of_slope: float) -> _Run:
    """The filter of a local linear trend, begun with the first two values."""
    run = _Run([], [], [])
    places = [place for place, value in enumerate(series) if value is not None][:2]
    first, second = series[places[0]] or 0.0, series[places[1]] or 0.0
    gap = places[1] - places[0]
    slope = (second - first) / gap
    mean, variance, both = second, 1.0, 1.0 / gap
    slope_variance = (2.0 + gap * of_level) / gap**2 + gap * of_slope
    for value in series[places[1] + 1 :]:
        mean += slope
        variance += 2 * both + slope_variance + of_level
        both += slope_variance
        slope_variance += of_slope
        run.means.append(mean)
        run.spreads.append(variance + 1)
        if value is None:
            continue
        spread, surprise = variance + 1, value - mean
        run.surprises.append((places[1] + len(run.means), surprise, spread))
        gain, slope_gain = variance / spread, both / spread
        mean, slope = mean + gain * surprise, slope + slope_gain * surprise
        slope_variance -= slope_gain * both
        variance, both = gain, both / spread
    begun = places[1] + 1
    run.means = [first] * begun + run.means
    run.spreads = run.spreads[:1] * begun + run.spreads
    return run


def _likeliest(candidates: Iterable[list[_Run]]) -> list[_Run]:
    found = list(candidates)
    scores = [_likelihood(runs) for runs in found]
    return found[scores.index(max(scores))]


def _likelihood(runs: list[_Run]) -> float:
    """The logarithm of the likelihood, with the noise at its most likely."""
    count = sum(len(run.surprises) for run in runs)
    noise = _noise(runs)
    if not count or not noise:
        return math.inf if count else 0.0
    spreads = math.fsum(math.log(spread) for run in runs for _, _, spread in run.surprises)
    return -(count * math.log(noise) + spreads) / 2


def _noise(runs: list[_Run]) -> float:
    squares = [one * one / spread for run in runs for _, one, spread in run.surprises]
    return math.fsum(squares) / len(squares) if squares else 0.0


def _combined(parts: Sequence[Series], runs: list[_Run]) -> Forecast:
    """The runs of a period's places as one forecast."""
    noise, period = _noise(runs), len(parts)
    count = sum(len(part) for part in parts)
    found = [divmod(place, period) for place in range(count)]
    return Forecast(
        [runs[part].means[row] for row, part in found],
        [noise * runs[part].spreads[row] for row, part in found],
    )

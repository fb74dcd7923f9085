"""predict: what a series of numbers is expected to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NoReturn, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import number_of, with_columns
from harness.registry.forecasts import (
    averaged,
    correlated,
    level,
    period_of,
    seasonal,
    together,
    trend,
)

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.registry.forecasts import Forecast, Series
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

ALGORITHMS = {"ll": 2, "llt": 3, "llp": 4, "llp5": 3, "llb": 2, "bill": 2}
BOUND = re.compile(r"(lower|upper)(\d{1,2})", re.ASCII)
OPTIONS = """
    algorithm correlate correlate_field future_timespan holdback period suppress
""".split()
FUTURE, MOST_ROWS, LARGEST = 5, 10_000, 1e100
PERCENT = {"lower": 95, "upper": 95}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How wide the interval is below and above, in percent, and the names of its ends."""

    percents: dict[str, int]
    names: dict[str, str]

    def name(self, side: str, prediction: str) -> str:
        """The field of one end."""
        return self.names.get(side, f"{side}{self.percents[side]}({prediction})")

    def reach(self, side: str) -> float:
        """How many standard deviations the end is away."""
        return NormalDist().inv_cdf(0.5 + self.percents[side] / 200)


@command("predict")
@dataclass(frozen=True, slots=True)
class Predict:
    """predict <field> [AS <name>]… [algorithm=…] [future_timespan] [holdback] [period] [lower95=…].

    Each row gets what is expected of the field from the rows before it, in prediction(<field>),
    and the interval that holds 95 % of values, in lower95(…) and upper95(…); lower90=<name> and
    the like say another percentage and a name. future_timespan (5) rows are added, one step of
    _time apart each. The last `holdback` rows are predicted without their own values. A missing
    value is passed over.

    algorithm is LL (a level), LLT (a level and a trend), LLP (a level for each place of a period,
    found out unless given), LLP5 (the default: LLT and LLP together if there is a period), LLB
    (the level of a field with that of `correlate`; no future), BiLL (two fields). `suppress` names
    a field of several whose results are left out. There have to be 2 values, with LLT and LLP5 3,
    with LLP two periods.

    Differences: Splunk documents the models and that they use a Kalman filter. Our choice are: the
    proportions of noise by likelihood among fixed ones; a period by autocorrelation, LL where LLP
    has none; weights of LLP5 by variance; that BiLL shares a proportion of noise, passes
    over a row without both values and leaves their covariance out; that future_timespan counts
    from the held-back rows on; the first value as the prediction of the rows that a model begins
    with. 10,000 rows at most.

    Not supported: named bounds for several fields.

    Source: Search Reference, predict.
    """

    stage: Stage
    fields: dict[str, str]
    algorithm: str
    correlate: str | None
    suppressed: str | None
    future: int
    holdback: int
    period: int | None
    bounds: Bounds

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the fields and the options."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        bounds = Bounds(dict(PERCENT), {})
        fields = cls._fields(arguments, options, bounds)
        if not fields:
            stage.fail("`predict` needs a field", None, "for example predict count")
        if len(fields) > 1 and bounds.names:
            stage.unsupported("named bounds for several fields")
        algorithm = "llp5"
        if "algorithm" in options:
            algorithm = arguments.choice(options["algorithm"], "algorithm", ALGORITHMS)
        correlate = options.get("correlate", options.get("correlate_field"))
        cls._check(stage, algorithm, options, correlate, len(fields))
        future = 0 if algorithm == "llb" else FUTURE
        return cls(
            stage,
            fields,
            algorithm,
            None if correlate is None else correlate.value,
            options["suppress"].value if "suppress" in options else None,
            future
            if (given := cls._number(arguments, options, "future_timespan")) is None
            else given,
            cls._number(arguments, options, "holdback") or 0,
            cls._number(arguments, options, "period", minimum=2),
            bounds,
        )

    @classmethod
    def _fields(
        cls, arguments: Arguments, options: dict[str, Token], bounds: Bounds
    ) -> dict[str, str]:
        """The fields with the names of their predictions; options are put aside."""
        fields: dict[str, str] = {}
        while not arguments.done:
            if arguments.at_option():
                cls._option(arguments, options, bounds)
            elif not arguments.accept(","):
                field = arguments.field()
                fields[field] = f"prediction({field})"
                if arguments.accept_word("as"):
                    fields[field] = arguments.field("a name")
        return fields

    @staticmethod
    def _number(
        arguments: Arguments, options: dict[str, Token], name: str, *, minimum: int = 0
    ) -> int | None:
        """The whole number that an option gives, bounded by the rows that there may be."""
        if name not in options:
            return None
        number = arguments.integer(options[name], name, minimum=minimum)
        if number > MOST_ROWS:
            arguments.stage.fail(f"{name} is at most {MOST_ROWS:,}", options[name].span)
        return number

    @staticmethod
    def _option(arguments: Arguments, options: dict[str, Token], bounds: Bounds) -> None:
        token = arguments.tokens[arguments.position]
        matched = BOUND.fullmatch(token.value.lower())
        if matched is None:
            stop = [f"{side}{number}" for side in PERCENT for number in range(100)]
            options |= arguments.options(OPTIONS, stop=stop)
            return
        bounds.percents[matched[1]] = int(matched[2])
        bounds.names[matched[1]] = arguments.option_value().value

    @staticmethod
    def _check(
        stage: Stage,
        algorithm: str,
        options: dict[str, Token],
        correlate: Token | None,
        fields: int,
    ) -> None:
        """What an algorithm needs, and what it cannot do with."""
        if algorithm == "llb":
            if correlate is None:
                stage.fail("algorithm=LLB needs correlate", options["algorithm"].span)
            if "future_timespan" in options:
                stage.fail("algorithm=LLB has no future", options["future_timespan"].span)
        elif correlate is not None:
            stage.fail("correlate goes with algorithm=LLB", correlate.span)
        if algorithm == "bill" and fields != 2:
            stage.fail("algorithm=BiLL predicts two fields", options["algorithm"].span)
        if "period" in options and algorithm not in ("llp", "llp5"):
            stage.fail("period goes with algorithm=LLP and LLP5", options["period"].span)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Predict each field."""
        if rows is None:
            self.stage.fail("`predict` cannot begin a search")
        return context.applied(rows, self._predicted)

    def _predicted(self, rows: Rows) -> Rows:
        if len(rows) > MOST_ROWS:
            self.stage.unsupported(f"predict over more than {MOST_ROWS:,} rows")
        more = max(self.future - self.holdback, 0) if rows.rows else 0
        found = [*map(dict, rows.rows), *self._later(rows, more)]
        names: list[str] = []
        for (field, prediction), forecast in zip(
            self.fields.items(), self._forecasts(rows, more), strict=True
        ):
            if field == self.suppressed:
                continue
            ends = [self.bounds.name(side, prediction) for side in PERCENT]
            names += [prediction, *ends]
            for row, mean, variance in zip(found, forecast.means, forecast.variances, strict=True):
                row[prediction] = mean
                row[ends[0]] = mean - self.bounds.reach("lower") * max(variance, 0.0) ** 0.5
                row[ends[1]] = mean + self.bounds.reach("upper") * max(variance, 0.0) ** 0.5
        return Rows(with_columns(rows, names), found)

    def _forecasts(self, rows: Rows, more: int) -> list[Forecast]:
        fields = list(self.fields)
        series = [self._series(rows, field, more) for field in fields]
        if not rows.rows:
            return [level([]) for _ in fields]
        if self.algorithm == "bill":
            both = [None not in pair for pair in zip(*series, strict=True)]
            series = [
                [value if whole else None for value, whole in zip(one, both, strict=True)]
                for one in series
            ]
        for field, one in zip(fields, series, strict=True):
            if sum(value is not None for value in one) < ALGORITHMS[self.algorithm]:
                self._fail_few(field)
        if self.algorithm == "bill":
            return together(series)
        other = None if self.correlate is None else self._series(rows, self.correlate, more)
        return [
            self._forecast(field, one, other) for field, one in zip(fields, series, strict=True)
        ]

    def _forecast(self, field: str, series: Series, other: Series | None) -> Forecast:
        if other is not None:
            pairs = zip(series, other, strict=True)
            if sum(None not in pair for pair in pairs) < ALGORITHMS["llb"]:
                self._fail_few(field)
            return correlated(series, other)
        if self.algorithm == "ll":
            return level(series)
        if self.algorithm == "llt":
            return trend(series)
        period = self.period or period_of(series)
        if period is None:
            return level(series) if self.algorithm == "llp" else trend(series)
        values = [value is not None for value in series]
        whole = sum(values) >= 2 * period and all(
            any(values[place::period]) for place in range(period)
        )
        if not whole and self.algorithm == "llp":
            self._fail_few(field)
        if self.algorithm == "llp":
            return seasonal(series, period)
        return averaged(trend(series), seasonal(series, period)) if whole else trend(series)

    def _fail_few(self, field: str) -> NoReturn:
        self.stage.fail(f"too few values of `{field}` to predict from")

    def _series(self, rows: Rows, field: str, more: int) -> Series:
        """The field's numbers, those held back and those to come missing."""
        known = max(len(rows) - self.holdback, 0)
        numbers = [number_of(row.get(field)) for row in rows.rows[:known]]
        found: Series = [
            number if number is not None and abs(number) < LARGEST else None for number in numbers
        ]
        return found + [None] * (len(rows) - known + more)

    @staticmethod
    def _later(rows: Rows, count: int) -> list[dict[str, Value]]:
        """Rows to come, as far apart as the last two."""
        times = [number_of(row.get("_time")) for row in rows.rows[-2:]]
        last = times[-1] if times else None
        before = times[0] if len(times) > 1 else None
        if last is None or before is None:
            return [{} for _ in range(count)]
        return [{"_time": last + place * (last - before)} for place in range(1, count + 1)]

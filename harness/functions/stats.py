"""Statistical functions: aggregates over a group of rows.

NULLs never count; a multivalue field counts with each of its values. Source: Splunk Search
Reference, "Statistical and charting functions".
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness.plan.types import Kind, Typed, as_any, as_number, as_text
from harness.registry import known_stats_function, stats_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql

LIST_LIMIT = 100
SPARKLINE_MARK = "##__SPARKLINE__##"


def _flat(d: Dialect, value: Typed) -> Sql:
    """All values of a multivalue field over the group's rows, in no order, as one list."""
    return d.function("flatten", _present(d, "list", value.sql))


def _present(d: Dialect, aggregate: str, sql: Sql, *more: Sql) -> Sql:
    return d.function("filtered", d.function(aggregate, sql, *more), d.function("is_not_null", sql))


def _numbers(d: Dialect, value: Typed) -> Sql:
    each = d.each(_flat(d, value), lambda v: as_number(d, Typed(v, Kind.ANY)).sql)
    return d.where(each, lambda v: d.function("is_not_null", v))


def _words(d: Dialect, value: Typed) -> Sql:
    """The values that are no numbers."""

    def is_word(v: Sql) -> Sql:
        return d.function("is_null", as_number(d, Typed(v, Kind.ANY)).sql)

    return d.where(_flat(d, value), is_word)


def _numeric(d: Dialect, aggregate: str, value: Typed) -> Typed:
    """A numeric aggregate; of a multivalue field over all of its values."""
    if value.kind is Kind.BOOLEAN:
        value = Typed(d.case([(value.sql, d.literal(1.0))]), Kind.NUMBER)
    if value.multi:
        total = d.function("list_aggregate", _numbers(d, value), d.literal(aggregate))
        return Typed(d.function("double", total), Kind.NUMBER)
    return Typed(d.function("double", d.function(aggregate, as_number(d, value).sql)), Kind.NUMBER)


@stats_function("count", "c", bare=True)
def count(d: Dialect, value: Typed | None = None) -> Typed:
    """count(<value>): the values; without an argument the rows; of a condition, how often true."""
    if value is None:
        return Typed(d.function("row_count"), Kind.NUMBER)
    if value.kind is Kind.BOOLEAN:
        ones = d.case([(value.sql, d.position(1))])
        return Typed(d.function("double", d.function("count", ones)), Kind.NUMBER)
    if value.multi:
        total = d.function("sum", d.function("list_length", value.sql))
        return Typed(d.function("coalesce", total, d.literal(0.0)), Kind.NUMBER)
    return Typed(d.function("double", d.function("count", value.sql)), Kind.NUMBER)


@stats_function("dc", "distinct_count", "estdc", bare=False)
def distinct_count(d: Dialect, value: Typed) -> Typed:
    """dc(<value>): the number of different values."""
    if not value.multi:
        different = d.function("distinct", as_any(d, value).sql)
        return Typed(d.function("double", d.function("count", different)), Kind.NUMBER)
    size = d.function("list_length", d.function("list_distinct", _flat(d, value)))
    return Typed(d.function("coalesce", size, d.literal(0.0)), Kind.NUMBER)


@stats_function()
def estdc_error(d: Dialect, value: Typed) -> Typed:  # noqa: ARG001 - whatever the values are
    """estdc_error(<value>): the error of estdc, which counts exactly here: 0."""
    return Typed(
        d.function("coalesce", d.function("max", d.literal(0.0)), d.literal(0.0)), Kind.NUMBER
    )


@stats_function()
def values(d: Dialect, value: Typed) -> Typed:
    """values(<value>): the different values in lexicographic order."""
    if not value.multi:
        text = as_text(d, value).sql
        different = d.function("list", d.function("distinct", text))
        present = d.function("filtered", different, d.function("is_not_null", text))
        return Typed(d.function("list_sort", present), Kind.ANY, multi=True)
    unique = d.function("list_sort", d.function("list_distinct", _flat(d, value)))
    return Typed(d.function("not_empty", unique), Kind.ANY, multi=True)


@stats_function("list", ordered=True)
def list_(d: Dialect, value: Typed) -> Typed:
    """list(<value>): the values in the order of the rows, duplicates included, 100 at most."""
    if value.multi:
        found = d.function("flatten", d.ordered("list", value.sql))
    else:
        found = d.ordered("list", as_text(d, value).sql)
    limited = d.function("list_slice", found, d.position(1), d.position(LIST_LIMIT))
    return Typed(d.function("not_empty", limited), Kind.ANY, multi=True)


def _order_function(name: str, meaning: str) -> None:
    def function(d: Dialect, value: Typed) -> Typed:
        return Typed(d.ordered(name, value.sql), value.kind, value.multi)

    function.__doc__ = f"{name}(<value>): the value of the {meaning} row, in the rows' own order."
    stats_function(name, ordered=True)(function)


_order_function("first", "first")
_order_function("last", "last")


def _time_function(name: str, aggregate: str, *, of_time: bool) -> None:
    def function(d: Dialect, value: Typed, time: Typed) -> Typed:
        moment = as_number(d, time).sql
        if of_time:
            timed = d.case([(d.function("is_not_null", value.sql), moment)])
            return Typed(d.function("min" if aggregate == "arg_min" else "max", timed), Kind.NUMBER)
        found = d.function(
            "filtered",
            d.function(aggregate, value.sql, moment),
            d.function("is_not_null", value.sql),
        )
        return Typed(found, value.kind, value.multi)

    side = "oldest" if aggregate == "arg_min" else "newest"
    what = "time of the" if of_time else "value of the"
    function.__doc__ = f"{name}(<value>): the {what} {side} event that has it."
    stats_function(name, needs=("_time",))(function)


_time_function("earliest", "arg_min", of_time=False)
_time_function("latest", "arg_max", of_time=False)
_time_function("earliest_time", "arg_min", of_time=True)
_time_function("latest_time", "arg_max", of_time=True)


def _extreme(name: str, meaning: str) -> None:
    def function(d: Dialect, value: Typed) -> Typed:
        if value.kind is Kind.NUMBER and not value.multi:
            return Typed(d.function(name, value.sql), Kind.NUMBER)
        if value.multi:
            number = d.function("list_aggregate", _numbers(d, value), d.literal(name))
            text = d.function("list_aggregate", _words(d, value), d.literal(name))
        else:
            spelled, numeric = as_text(d, value).sql, as_number(d, value).sql
            word = d.case([(d.function("is_null", numeric), spelled)])
            number, text = d.function(name, numeric), d.function(name, word)
        found = [d.function("number_text", number), text]
        return Typed(d.function("coalesce", *(found if name == "min" else found[::-1])), Kind.ANY)

    function.__doc__ = f"{name}(<value>): the {meaning}; numbers by size, and below all texts."
    stats_function(name)(function)


_extreme("min", "least value")
_extreme("max", "greatest value")


def _statistic(names: tuple[str, ...], aggregate: str, meaning: str) -> None:
    def function(d: Dialect, value: Typed) -> Typed:
        return _numeric(d, aggregate, value)

    function.__doc__ = f"{names[0]}(<number>): the {meaning}; what is no number does not count."
    stats_function(*names)(function)


_statistic(("sum",), "sum", "sum")
_statistic(("avg", "mean"), "avg", "average")
_statistic(("stdevp",), "stddev_pop", "standard deviation of a population")
_statistic(("varp",), "var_pop", "variance of a population")


@stats_function("range")
def range_(d: Dialect, value: Typed) -> Typed:
    """range(<number>): the greatest less the least."""
    high, low = _numeric(d, "max", value), _numeric(d, "min", value)
    return Typed(d.function("subtract", high.sql, low.sql), Kind.NUMBER)


def _of_sample(name: str, meaning: str, sample: str, population: str) -> None:
    def function(d: Dialect, value: Typed) -> Typed:
        spread = [_numeric(d, aggregate, value).sql for aggregate in (sample, population)]
        return Typed(d.function("coalesce", *spread), Kind.NUMBER)

    function.__doc__ = f"{name}(<number>): the {meaning} of a sample; of a single value 0."
    stats_function(name)(function)


_of_sample("stdev", "standard deviation", "stddev_samp", "stddev_pop")
_of_sample("var", "variance", "var_samp", "var_pop")


@stats_function("sumsq")
def sumsq(d: Dialect, value: Typed) -> Typed:
    """sumsq(<number>): the sum of the squares."""
    if value.multi:
        squares = d.each(_numbers(d, value), lambda v: d.function("multiply", v, v))
        return Typed(d.function("list_aggregate", squares, d.literal("sum")), Kind.NUMBER)
    number = as_number(d, value).sql
    return Typed(d.function("sum", d.function("multiply", number, number)), Kind.NUMBER)


@stats_function("mode")
def mode(d: Dialect, value: Typed) -> Typed:
    """mode(<value>): the most frequent value."""
    if value.multi:
        found = d.function("list_aggregate", _flat(d, value), d.literal("mode"))
        return Typed(found, Kind.ANY)
    return Typed(d.function("mode", as_text(d, value).sql), Kind.ANY)


def _sorted_numbers(d: Dialect, value: Typed) -> Sql:
    if value.multi:
        return d.function("list_sort", _numbers(d, value))
    return d.function("list_sort", _present(d, "list", as_number(d, value).sql))


@stats_function("perc", "p", "upperperc", parametrised=True)
def percentile(d: Dialect, value: Typed, percent: float) -> Typed:
    """percNN(<number>) or pNN: the NNth percentile, interpolated as Splunk's examples are.

    Splunk approximates beyond 1,000 different values, to within one percent of the rank; only
    there does upperpercNN differ.
    """
    share = d.literal(percent / 100)
    if value.multi:
        found = d.function("list_aggregate", _numbers(d, value), d.literal("quantile_cont"), share)
        return Typed(d.function("double", found), Kind.NUMBER)
    return Typed(d.function("quantile_cont", as_number(d, value).sql, share), Kind.NUMBER)


@stats_function("exactperc", parametrised=True)
def exact_percentile(d: Dialect, value: Typed, percent: float) -> Typed:
    """exactpercNN(<number>): the value below which NN percent of the values lie.

    One of the values, never between two. Source: the manual says no more than "exact"; the
    choice among two neighbours is one that a user of 9.0 reported (Splunk Community 623886).
    """
    numbers = _sorted_numbers(d, value)
    size = d.function("list_length", numbers)
    below = d.function("floor", d.function("multiply", size, d.literal(percent / 100)))
    position = d.function("least", d.function("add", below, d.literal(1.0)), size)
    found = d.function("list_extract", numbers, d.function("integer", position))
    return Typed(found, Kind.NUMBER)


@stats_function()
def median(d: Dialect, value: Typed) -> Typed:
    """median(<number>): the middle value; of two in the middle the higher one."""
    return exact_percentile(d, value, 50.0)


@stats_function(needs=("_time",))
def rate(d: Dialect, value: Typed, time: Typed) -> Typed:
    """rate(<counter>): its growth a second, from the oldest event that has it to the newest.

    Where the counter began again, the greatest value that it had is added.
    """
    number, moment = as_number(d, value).sql, as_number(d, time).sql
    known = d.function("and", d.function("is_not_null", number), d.function("is_not_null", moment))
    lists = [d.function("filtered", d.function("list", one), known) for one in (number, moment)]
    return Typed(d.function("spl_rate", *lists), Kind.NUMBER)


@stats_function("sparkline", needs=("_time",), bare=True)
def sparkline(d: Dialect, *arguments: Any) -> Typed:
    """sparkline(<function>(<value>), <span>): a number for each bucket of time, behind a mark.

    The values are `##__SPARKLINE__##` and then the function's value of each span, over the time
    range of the search. Differences: what a bucket without values shows is not documented; here
    it is 0. A sparkline of more than 100 buckets is not supported. Source: Search Reference,
    `stats`, "Sparkline function options"; limits.conf, sparkline_maxsize.
    """
    *values, time, name, starts = arguments
    value = values[0] if values else Typed(d.literal("row"), Kind.TEXT)
    moment = as_number(d, time).sql
    cells = [d.literal(SPARKLINE_MARK)]
    for start, end in zip_longest(starts, starts[1:]):
        inside = d.function("at_least", moment, d.literal(start))
        if end is not None:
            before = d.function("less", moment, d.literal(end))
            inside = d.function("and", inside, before)
        part = Typed(d.case([(inside, value.sql)]), value.kind, value.multi)
        shown = as_text(d, known_stats_function(name).lower(d, part)).sql
        cells.append(d.function("coalesce", shown, d.literal("0")))
    return Typed(d.function("make_list", *cells), Kind.ANY, multi=True)


def _per(name: str, seconds: float) -> None:
    def function(d: Dialect, value: Typed, span: float) -> Typed:
        total = _numeric(d, "sum", value).sql
        scaled = d.function("multiply", total, d.literal(seconds))
        return Typed(d.function("divide", scaled, d.literal(span)), Kind.NUMBER)

    unit = name.removeprefix("per_")
    function.__doc__ = f"{name}(<number>): the sum of a span, as so much a {unit}."
    stats_function(name, spanned=True)(function)


for _unit, _seconds in {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}.items():
    _per(f"per_{_unit}", _seconds)

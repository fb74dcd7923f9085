"""The lists of statistical functions that stats, tstats and their like take.

list     = one { [","] one }
one      = function [ "(" [ field | "eval(" expression ")" ] ")" ] [ "AS" name ]
         | "sparkline" [ "(" function [ "(" field ")" ] [ "," span ] ")" ] [ "AS" name ]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from harness.errors import HarnessError, Unsupported, nearest
from harness.plan.expressions import Expr, Field
from harness.plan.nodes import Aggregation
from harness.registry.evaluation import Evaluation, is_condition
from harness.registry.functions import (
    find_stats_function,
    known_stats_function,
    stats_function_names,
)
from harness.registry.names import is_wild, matching, renamed
from harness.registry.prefixes import accept_prefix, prefixed_terms
from harness.registry.prestats import finishing, is_prestats
from harness.registry.spans import parse_time_span
from harness.spl.arguments import STATISTICS, is_statistic
from harness.spl.expressions import ExpressionParser
from harness.spl.source import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.registry.functions import StatsFunction
    from harness.registry.spans import TimeSpan
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

PERCENTILES = frozenset({"exactperc", "p", "perc", "upperperc"})
METRICS_ONLY = frozenset({"rate_avg", "rate_sum"})
SPARKLINE = "sparkline"
SPARKLINE_COMMANDS = frozenset({"chart", "sichart", "sistats", "stats"})
SPARKLINE_FUNCTIONS = frozenset(
    "avg c count dc max mean min range stdev stdevp sum sumsq var varp".split()
)
"""What a sparkline may show of each of its buckets."""
SPANNED_COMMANDS = frozenset({"timechart", "sitimechart"})
"""The commands whose rows are spans of time: they call `spanned`."""


class UnknownStatistic(HarnessError):
    """A statistical function that Splunk does not have either."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One function as it was written; `field` may be a pattern, `name` a pattern with it.

    Of a sparkline `inner` is the function of each of its buckets, as long as `span` where it is
    written.
    """

    function: str
    parameter: float | None
    field: str | None
    argument: Expr | None
    name: str
    inner: str | None = None
    span: TimeSpan | None = None


def parse_statistics(arguments: Arguments, *stop: str) -> list[Statistic]:
    """Take functions up to a keyword, an option or the end; at least one."""
    found: list[Statistic] = []
    while not (arguments.done or arguments.at_word(*stop) or arguments.at_option()):
        if arguments.accept(","):
            continue
        found.append(_statistic(arguments, stop))
    if not found:
        arguments.fail(f"`{arguments.stage.name}` needs a function", "for example count")
    return found


def _statistic(arguments: Arguments, stop: Sequence[str]) -> Statistic:
    token = arguments.next("a function")
    stage = arguments.stage
    if token.kind != "word":
        stage.fail(f"a function is expected here, not `{token.value}`", token.span)
    name = token.value.lower()
    function = find_stats_function(name)
    if function is None:
        _unknown(arguments, token, name, stop)
    if name == SPARKLINE:
        return _sparkline(arguments, token)
    check_function(stage, token.value, token.span, *function)
    field: str | None = None
    argument: Expr | None = None
    written = token.value
    if arguments.accept("("):
        field, argument, inside = _argument(arguments)
        written = f"{token.value}({inside})"
    if argument is None and field is None and not function[0].bare:
        stage.fail(f"`{token.value}` needs a field", token.span, f"write {token.value}(field)")
    if arguments.accept_word("as"):
        written = _name(arguments)
    base = function[0].name
    return Statistic(base, function[1], field, argument, written)


def _sparkline(arguments: Arguments, token: Token) -> Statistic:
    """A sparkline behind its name: of the rows' number where nothing follows."""
    stage = arguments.stage
    if stage.name.lower() not in SPARKLINE_COMMANDS:
        stage.fail("`sparkline` is a function of stats and chart alone", token.span)
    inner, span, written = "count", None, token.value
    field: str | None = None
    argument: Expr | None = None
    if arguments.accept("("):
        function = arguments.next("a function")
        inner = function.value.lower()
        if function.kind != "word" or inner not in SPARKLINE_FUNCTIONS:
            stage.fail(
                f"`{function.value}` is no function of a sparkline",
                function.span,
                f"the functions are {', '.join(sorted(SPARKLINE_FUNCTIONS))}",
            )
        if arguments.accept("("):
            field, argument, _ = _argument(arguments)
        if field is None and argument is None and inner not in ("c", "count"):
            stage.fail(f"`{function.value}` needs a field", function.span, "or write count")
        if arguments.accept(","):
            span = parse_time_span(arguments.next("a span of time"), stage)
        end = arguments.expect(")").span.end
        written = stage.text.text[token.span.start : end]
    if arguments.accept_word("as"):
        written = _name(arguments)
    return Statistic(SPARKLINE, None, field, argument, written, inner, span)


def _name(arguments: Arguments) -> str:
    """The name after AS; what stands in brackets right behind it belongs to it."""
    name = arguments.field("a name")
    following = arguments.peek()
    if following is None or following.kind != "(" or following.spaced:
        return name
    start = arguments.expect("(").span.start
    while (token := arguments.next("`)`")).kind != ")":
        pass
    return name + arguments.stage.text.text[start : token.span.end]


def check_function(
    stage: Stage, written: str, span: Span, function: StatsFunction, percent: float | None
) -> None:
    """Fail where a function, as it was written, does not suit its command or its number."""
    if percent is not None and percent > 100:
        stage.fail("a percentile is a number from 0 to 100", span)
    if function.spanned and stage.name.lower() not in SPANNED_COMMANDS:
        stage.fail(f"`{written}` needs the spans of `timechart`", span, "or divide a sum by them")


def _argument(arguments: Arguments) -> tuple[str | None, Expr | None, str]:
    if arguments.accept(")"):
        return None, None, ""
    if arguments.stage.name.lower() == "tstats" and (prefix := accept_prefix(arguments)):
        arguments.expect(")")
        if not arguments.at_word("as"):
            arguments.fail("a function of PREFIX() needs a name", "write AS and a name")
        return None, prefixed_terms(prefix), prefix
    token = arguments.next("a field")
    if token.kind == "word" and token.value.lower() == "eval" and arguments.accept("("):
        text, stage = arguments.stage.text, arguments.stage
        parser = ExpressionParser(text, Span(arguments.here().start, stage.span.end))
        expression = parser.expression()
        end = parser.position
        while (following := arguments.peek()) is not None and following.span.start < end:
            arguments.position += 1
        arguments.expect(")")
        arguments.expect(")")
        evaluation = Evaluation(text)
        lowered = (
            evaluation.condition(expression)
            if is_condition(expression)
            else evaluation.value(expression)
        )
        written = text.text[expression.span.start : expression.span.end]
        return None, lowered, f"eval({written})"
    if token.kind not in ("word", "string", "quoted"):
        arguments.stage.fail(f"a field is expected here, not `{token.value}`", token.span)
    arguments.expect(")")
    return token.value, None if is_wild(token.value) else Field(token.value), token.value


def _unknown(arguments: Arguments, token: Token, name: str, stop: Sequence[str]) -> NoReturn:
    place = arguments.stage.text.place(token.span)
    hints = arguments.stage.text.hints(token.span)
    if name in PERCENTILES:
        arguments.stage.fail(
            f"`{token.value}` needs a percentage", token.span, f"for example {name}95(field)"
        )
    if name in METRICS_ONLY:
        raise Unsupported(
            f"`{name}`, a function of metrics (`mstats`) alone", place=place, hints=hints
        )
    if is_statistic(name):
        raise Unsupported(
            f"the statistical function `{name}` is not supported yet", place=place, hints=hints
        )
    raise UnknownStatistic(
        f"unknown statistical function `{token.value}`",
        place=place,
        hints=(*nearest(name, {*stats_function_names(), *STATISTICS, *stop}), *hints),
    )


def spanned(
    found: Sequence[Aggregation], seconds: float | None, stage: Stage
) -> tuple[Aggregation, ...]:
    """The aggregations with the length of the rows' spans, for those that are rates.

    Without a length (calendar months) rates are not supported.
    """
    rates = [one for one in found if known_stats_function(one.function).spanned]
    if rates and seconds is None:
        stage.unsupported(f"`{rates[0].function}` over spans of different lengths")
    return tuple(replace(one, parameter=seconds) if one in rates else one for one in found)


def wild(statistics: Sequence[Statistic]) -> bool:
    """Whether a function is asked of a pattern of fields."""
    return any(one.field is not None and is_wild(one.field) for one in statistics)


def aggregations(
    statistics: Sequence[Statistic],
    columns: Sequence[str] | None,
    by: Sequence[str],
    starts: Mapping[TimeSpan | None, tuple[float, ...]] | None = None,
) -> tuple[Aggregation, ...]:
    """The plan's aggregations, patterns spread over the columns; BY fields are left out.

    `starts` are those of the buckets of sparklines, by their span.
    """
    found: dict[str, Aggregation] = {}
    if columns is not None and is_prestats(columns):
        statistics = finishing(statistics, columns)
    for one in statistics:
        buckets = (starts or {}).get(one.span, ()) if one.inner else ()
        options = (one.parameter, one.inner, buckets)
        if one.field is None or not is_wild(one.field):
            found[one.name] = Aggregation(one.name, one.function, one.argument, *options)
            continue
        for column in matching(one.field, columns or ()):
            if column in by:
                continue
            name = renamed(column, one.field, one.name)
            found[name] = Aggregation(name, one.function, Field(column), *options)
    return tuple(found.values())

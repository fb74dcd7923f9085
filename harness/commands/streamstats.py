"""streamstats: every row with statistics over the rows up to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field, demands, every, some
from harness.plan.nodes import (
    Aggregate,
    Aggregation,
    Extend,
    Filter,
    Frame,
    Project,
    Union,
    Window,
    Windowed,
)
from harness.registry import command
from harness.registry.aggregations import Statistic, aggregations, parse_statistics, wild
from harness.registry.evaluation import Evaluation
from harness.registry.numeric_fields import of_numbers_alone
from harness.registry.spans import parse_time_span
from harness.spl.expressions import ExpressionParser, parse_expression
from harness.spl.lexer import unescape
from harness.spl.source import Source, Span, SplText

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = frozenset(
    "allnum current global reset_after reset_before reset_on_change time_window window".split()
)
RESETS = ("reset_before", "reset_after")
CLOSING = '")"'
MOST_RESETS = 100
MOST_ROWS = 10_000
"""Splunk's max_stream_window."""
INSTANT = 5e-7
"""Less than any two times of events differ."""


@dataclass(frozen=True, slots=True)
class Options:
    """How far the statistics of a row reach back."""

    window: int = 0
    seconds: float = 0.0
    current: bool = True
    single: bool = True
    on_change: bool = False
    allnum: bool = False
    before: Expr | None = None
    after: Expr | None = None
    after_span: Span | None = None
    time_span: Span | None = None


@command("streamstats")
@dataclass(frozen=True, slots=True)
class Streamstats:
    """streamstats [<option>=<value>]… <function>(<field>) [AS <name>]… [BY <field>…].

    The rows that a row's statistics see: itself (`current`) and those before it, all or the
    last `window`, counted over all rows or with `global=false` within the BY group; or those
    less than `time_window` away, in rows ordered by time in either direction. A reset
    (`reset_on_change`, `reset_before`, `reset_after`) forgets every group's rows; reset_after may
    ask for the results, at most 100 times. A row that lacks a BY field gets no statistics and
    does not count as a change. allnum=true gives numerical
    statistics of those fields alone that hold only numbers.
    Source: Splunk Search Reference, `streamstats`.
    """

    stage: Stage
    statistics: tuple[Statistic, ...]
    by: tuple[str, ...]
    options: Options = field(default_factory=Options)

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, which may stand anywhere, the functions and the BY fields."""
        arguments = stage.arguments
        options = _options(arguments, Options())
        statistics: list[Statistic] = []
        while not arguments.done and not arguments.at_word("by"):
            if arguments.at_option():
                options = _options(arguments, options)
            elif not arguments.accept(","):
                statistics += parse_statistics(arguments, "by")
        if not statistics:
            arguments.fail("`streamstats` needs a function", "for example count")
        by: list[str] = []
        if arguments.accept_word("by"):
            while not arguments.done and not arguments.at_option():
                if not arguments.accept(","):
                    by.append(arguments.field())
            if not by:
                arguments.fail("BY needs a field")
            options = _options(arguments, options)
        arguments.finish()
        return cls(stage, tuple(statistics), tuple(dict.fromkeys(by)), options)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Windows over the rows, in partitions by group and by reset."""
        if rows is None:
            self.stage.fail("`streamstats` cannot begin a search")
        if wild(self.statistics):
            rows = context.closed(rows)
        found = aggregations(self.statistics, rows.columns, self.by)
        options, results = self.options, {one.name for one in found}
        if options.allnum:
            found = of_numbers_alone(found, rows, context)
        by_result = options.after is not None and demands(options.after) & results
        if options.seconds or by_result:
            rows = context.kept(rows)
        columns = rows.columns
        if by_result:
            result = self._reset_by_results(rows, found, context)
        else:
            result = self._windowed(rows, found, options, context)
        if columns is not None:
            names = dict.fromkeys((*columns, *(one.name for one in found)))
            result = Project(result, tuple((name, name) for name in names))
        return result

    def _reset_by_results(
        self, rows: Relation, found: tuple[Aggregation, ...], context: Context
    ) -> Relation:
        """The statistics from one reset to the next, which their own results decide."""
        options = replace(self.options, after=None)
        if options.seconds or self.options.after is None:
            self.stage.unsupported(
                "time_window with a reset_after that asks for a result", self.options.after_span
            )
        place, start = context.spare("place"), 0.0
        numbered = Window(rows, place, ())
        parts: list[Relation] = []
        while True:
            if len(parts) == MOST_RESETS:
                self.stage.unsupported(
                    f"more than {MOST_RESETS} resets that results decide", self.options.after_span
                )
            rest = Filter(numbered, Call(">", (Field(place), Const(start))))
            part = self._windowed(rest, found, options, context)
            first = Aggregation("first", "min", Field(place))
            hits = Aggregate(Filter(part, self.options.after), (), (first,))
            (row,) = context.fetched(hits).rows
            end = row.get("first")
            if not isinstance(end, int | float):
                return Union((*parts, part))
            parts.append(Filter(part, Call("<=", (Field(place), Const(float(end))))))
            start = float(end)

    def _windowed(
        self,
        rows: Relation,
        found: tuple[Aggregation, ...],
        options: Options,
        context: Context,
    ) -> Relation:
        """The rows with their statistics, by group and by reset."""
        partition, rows = self._partition(rows, options, context)
        back = options.window - 1 if options.current else options.window
        if options.seconds:
            frame, rows = self._timed(rows, partition, context)
        elif options.window and options.single and self.by:
            number = context.spare("number")
            rows = Window(rows, number, ())
            frame = Frame(back, options.current, number)
        else:
            frame = Frame(back if options.window else None, options.current)
        return Windowed(rows, partition, found, frame)

    def _partition(
        self, rows: Relation, options: Options, context: Context
    ) -> tuple[tuple[str, ...], Relation]:
        """The BY fields with the number of resets so far of each kind."""
        resets = list[str]()
        if options.before is not None:
            rows = _counted(rows, resets, options.before, context, current=True)
        if options.after is not None:
            rows = _counted(rows, resets, options.after, context, current=False)
        if options.on_change and self.by:
            condition, rows = self._change(rows, context)
            rows = _counted(rows, resets, condition, context, current=True)
        return (*resets, *self.by), rows

    def _change(self, rows: Relation, context: Context) -> tuple[Expr, Relation]:
        """Whether a row's BY values differ from those of the last row that had all of them."""
        present = every(Call("isnotnull", (Field(name),)) for name in self.by)
        held = {name: (context.spare("held"), context.spare("before")) for name in self.by}
        rows = Extend(
            rows,
            tuple(
                (own, Call("if", (present, Field(name), Const(None))))
                for name, (own, _) in held.items()
            ),
        )
        before = (Aggregation(last, "last", Field(own)) for own, last in held.values())
        rows = Windowed(rows, (), tuple(before), Frame(None, current=False))
        differs = some(Call("!=", (Field(own), Field(last))) for own, last in held.values())
        return differs, rows

    def _timed(
        self, rows: Relation, partition: tuple[str, ...], context: Context
    ) -> tuple[Frame, Relation]:
        """The frame of `time_window`: as many rows of the partition as lie in the time."""
        options = self.options
        distance, number = context.spare("distance"), context.spare("number")
        first, reach = context.spare("first"), context.spare("reach")
        sign = -1.0 if self._descending(rows, context) else 1.0
        rows = Extend(rows, ((distance, Call("*", (Field("_time"), Const(sign)))),))
        rows = Window(rows, number, partition)
        within = Frame(options.seconds - INSTANT, over=distance)
        rows = Windowed(rows, partition, (Aggregation(first, "min", Field(number)),), within)
        since = Call("coalesce", (Field(first), Field(number)))
        back: Expr = Call("-", (Field(number), since))
        if options.window:
            most = options.window - 1 if options.current else options.window
            back = Call("if", (Call(">", (back, Const(float(most)))), Const(float(most)), back))
        return Frame(reach, options.current), Extend(rows, ((reach, back),))

    def _descending(self, rows: Relation, context: Context) -> bool:
        """Whether the rows are newest first; rows in no order of time are an error."""
        before, gap = context.spare("before"), context.spare("gap")
        last = (Aggregation(before, "last", Field("_time")),)
        rows = Windowed(rows, (), last, Frame(1, current=False))
        rows = Extend(rows, ((gap, Call("-", (Field("_time"), Field(before)))),))
        extremes = tuple(Aggregation(name, name, Field(gap)) for name in ("min", "max"))
        (row,) = context.fetched(Aggregate(rows, (), extremes)).rows
        least, most = (float(str(row.get(name) or 0)) for name in ("min", "max"))
        if least < 0 < most:
            self.stage.fail(
                "time_window needs rows in the order of their time",
                self.options.time_span,
                "sort them before: `sort 0 _time`",
            )
        return least < 0


def _counted(
    rows: Relation, names: list[str], condition: Expr, context: Context, *, current: bool
) -> Relation:
    """The rows with how often the condition has held so far, as one more name."""
    name = context.spare("resets")
    names.append(name)
    return Windowed(rows, (), (Aggregation(name, "count", condition),), Frame(None, current))


def _options(arguments: Arguments, options: Options) -> Options:
    """Take options while they come."""
    while arguments.at_option():
        token = arguments.tokens[arguments.position]
        if token.value.lower() == "reset_before":
            options = replace(options, before=_condition(arguments))
        elif token.value.lower() == "reset_after":
            options = replace(options, after=_condition(arguments), after_span=token.span)
        for name, value in arguments.options(OPTIONS, stop=RESETS).items():
            options = _option(arguments, options, name, value)
    return options


def _option(arguments: Arguments, options: Options, name: str, token: Token) -> Options:
    stage = arguments.stage
    if name == "window":
        size = arguments.integer(token, name)
        if size > MOST_ROWS:
            stage.fail(f"window is at most {MOST_ROWS:,}", token.span)
        return replace(options, window=size)
    if name == "time_window":
        span = parse_time_span(token, stage)
        return replace(options, seconds=span.seconds, time_span=token.span)
    value = arguments.boolean(token, name)
    if name == "allnum":
        return replace(options, allnum=value)
    if name == "current":
        return replace(options, current=value)
    if name == "global":
        return replace(options, single=value)
    return replace(options, on_change=value) if name == "reset_on_change" else options


def _condition(arguments: Arguments) -> Expr:
    """The condition of a reset, in parentheses, which may themselves be quoted."""
    name = arguments.next("a reset").value.lower()
    arguments.position += 1
    token = arguments.next(f"the condition of {name}")
    if token.kind == "string" and token.value != "(" and "\\" not in token.value:
        return _quoted_condition(arguments, token)
    if token.kind == "string" and (written := _escaped(arguments, token)) is not None:
        text = SplText.of(Source(written, name))
        return Evaluation(text).condition(parse_expression(text))
    if token.kind != "(" and token.value != "(":
        arguments.stage.fail(
            f"{name} takes a condition in parentheses", token.span, f'{name}=(action="x")'
        )
    condition = Evaluation(arguments.stage.text).condition(arguments.expression())
    closing = arguments.next("`)`")
    if closing.kind != ")" and closing.value != ")":
        arguments.stage.fail("`)` is expected here", closing.span)
    return condition


def _quoted_condition(arguments: Arguments, token: Token) -> Expr:
    """A condition that stands in quotes as a whole, with or without its parentheses."""
    text = arguments.stage.text
    inside = Span(token.span.start + 1, token.span.end - 1)
    parser = ExpressionParser(text, inside)
    expression = parser.expression()
    if text.text[parser.position : inside.end].strip():
        arguments.stage.fail("the condition ends before its quotes do", token.span)
    return Evaluation(text).condition(expression)


def _escaped(arguments: Arguments, token: Token) -> str | None:
    r"""A condition with quotes escaped inside: `"("status!=\"down\"")"`."""
    if token.value != "(":
        return token.value
    raw, end = arguments.stage.text.text, arguments.stage.span.end
    close = raw.find(CLOSING, token.span.end, end)
    inner = raw[token.span.end : close] if close >= 0 else ""
    if '\\"' not in inner:
        return None
    end = close + len(CLOSING)
    while (following := arguments.peek()) is not None and following.span.start < end:
        arguments.position += 1
    return unescape(inner)

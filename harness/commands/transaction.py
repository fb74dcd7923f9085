"""transaction: events that belong together as one row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.model.numbers import number_text
from harness.plan.expressions import Call, Const
from harness.plan.nodes import Extend
from harness.registry import command
from harness.registry.evaluation import Evaluation
from harness.registry.predicates import Searching
from harness.registry.spans import parse_time_span
from harness.registry.transactions import Event, Grouping, Rules
from harness.registry.transactions import Transaction as Group
from harness.spl.expressions import Expression, parse_expression
from harness.spl.predicates import Predicate, parse_predicate
from harness.spl.source import Source, Span, SplText

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import Value
    from harness.plan.expressions import Expr
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

FILTERS = ("startswith", "endswith")
FLAGS = ("connected", "keepevicted", "keeporphans", "mvraw", "unifyends")
COUNTS = ("maxevents", "maxopenevents", "maxopentxn")
SPANS = ("maxpause", "maxspan")
OPTIONS = frozenset({*FLAGS, *COUNTS, *SPANS, "delim", "match", "mvlist", "name", "nullstr"})
RESULTS = ("duration", "eventcount", "closed_txn", "field_match_sum", "linecount")
ORPHAN = "_txn_orphan"
FLAG = "\1"
"""Begins the name of a column that no search can write."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What marks the first or the last event: a search or an eval expression, and its text."""

    text: SplText
    condition: Predicate | Expression

    def lowered(self, context: Context, *, events: bool) -> Expr:
        """The condition as an expression of the plan."""
        if isinstance(self.condition, Predicate):
            return Searching(self.text, context, events=events).lower(self.condition)
        return Evaluation(self.text).condition(self.condition)


@dataclass(frozen=True, slots=True)
class Display:
    """How the values of a transaction's events are shown together."""

    evicted: bool = False
    orphans: bool = False
    lists: bool | tuple[str, ...] = False
    missing: str = "NULL"
    raw_values: bool = False

    def listed(self, name: str) -> bool:
        """Whether a field is shown event by event, rather than as its different values."""
        return self.lists if isinstance(self.lists, bool) else name in self.lists


@command("transaction")
@dataclass(frozen=True, slots=True)
class Transaction:
    """transaction [<field>…] [maxspan=] [maxpause=] [maxevents=] [startswith=] [endswith=] ….

    Rows should come newest first; of others each is near enough for maxspan and maxpause, as
    in Splunk, and a warning says so. A transaction has the time of its earliest event, the text
    of all (oldest first) and of each other field the different values; `duration`,
    `eventcount`, `closed_txn`, `field_match_sum` (how often its events had one of the fields)
    and `linecount` are added. Transactions that lack the wanted beginning or end
    are left out unless `keepevicted=true`, rows without any of the fields unless
    `keeporphans=true`. A field of several values counts as one value of all of them.
    Source: Splunk Search Reference, `transaction`.
    """

    stage: Stage
    rules: Rules
    display: Display
    first: Edge | None
    last: Edge | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the fields and the options, in any order."""
        arguments, fields = stage.arguments, list[str]()
        tokens: dict[str, Token] = {}
        edges: dict[str, Edge] = {}
        while not arguments.done:
            if arguments.at_option():
                name = arguments.tokens[arguments.position].value.lower()
                if name in FILTERS:
                    edges[name] = _edge(arguments)
                else:
                    tokens.update(arguments.options({*OPTIONS, *FILTERS}, stop=FILTERS))
            elif not arguments.accept(","):
                fields.append(arguments.field())
        _refuse(arguments, tokens)
        rules = _rules(arguments, tokens, tuple(dict.fromkeys(fields)))
        first, last = edges.get("startswith"), edges.get("endswith")
        rules = replace(rules, starts=first is not None, ends=last is not None)
        return cls(stage, rules, _display(arguments, tokens), first, last)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Mark the first and last events in SQL, group the rows here."""
        if rows is None:
            self.stage.fail("`transaction` cannot begin a search")
        events = rows.columns is None
        marks = tuple(
            (
                f"{FLAG}{name}",
                Call("if", (edge.lowered(context, events=events), Const(1.0), Const(0.0))),
            )
            for name, edge in zip(FILTERS, (self.first, self.last), strict=True)
            if edge is not None
        )
        marked = Extend(rows, marks) if marks else rows
        return context.applied(marked, lambda found: self._grouped(found, context))

    def _grouped(self, rows: Rows, context: Context) -> Rows:
        grouping = Grouping(self.rules)
        groups = grouping.over(self._events(rows, context))
        if any(group.evicted for group in groups):
            context.warn("transaction gave up open transactions: see maxopentxn, maxopenevents")
        names = [name for name in rows.columns if not name.startswith(FLAG)]
        found = [
            self._row(group, rows, names)
            for group in groups
            if self.display.evicted or group.complete(self.rules)
        ]
        results = [n for n in RESULTS if self.rules.fields or n != "field_match_sum"]
        columns = dict.fromkeys((*names, *results))
        if self.display.orphans and grouping.orphans:
            columns[ORPHAN] = None
            for event in grouping.orphans:
                row = rows.rows[event.row]
                found.append({**{name: row.get(name) for name in names}, ORPHAN: 1.0})
        found.sort(key=lambda row: -_time(row))
        return Rows(tuple(columns), found)

    def _events(self, rows: Rows, context: Context) -> Iterable[Event]:
        before, fields = float("inf"), self.rules.fields
        for number, row in enumerate(rows.rows):
            time = _time(row)
            if not isfinite(time):
                self.stage.fail("transaction needs rows with times")
            if time > before:
                context.warn(
                    "transaction: rows are not newest first, so that maxspan and maxpause do not"
                    " hold: `sort 0 -_time` before it mends that"
                )
            before = time
            keys = tuple((n, "\n".join(_texts(row.get(n)))) for n in fields if row.get(n))
            marks = [row.get(f"{FLAG}{name}") == 1 for name in FILTERS]
            yield Event(number, time, keys, *marks)

    def _row(self, group: Group, rows: Rows, names: list[str]) -> dict[str, Value]:
        """One transaction as a row."""
        oldest_first = group.events[::-1]
        oldest_first.sort(key=lambda event: event.time)
        members = [rows.rows[event.row] for event in oldest_first]
        row: dict[str, Value] = {name: self._together(name, members) for name in names}
        row["_time"] = _time(members[0])
        row["duration"] = round(_time(members[-1]) - _time(members[0]), 6)
        row["eventcount"] = float(len(members))
        row["closed_txn"] = float(group.closed(self.rules))
        if self.rules.fields:
            row["field_match_sum"] = float(sum(len(event.keys) for event in group.events))
        lines = ("\n".join(_texts(member.get("_raw"))).count("\n") + 1 for member in members)
        row["linecount"] = float(sum(lines))
        return row

    def _together(self, name: str, members: list[dict[str, Value]]) -> Value:
        if name == "_raw":
            texts = [text for member in members for text in _texts(member.get(name))]
            return texts if self.display.raw_values else "\n".join(texts)
        if self.display.listed(name):
            missing = [self.display.missing]
            return [text for one in members for text in _texts(one.get(name)) or missing]
        cells = [member[name] for member in members if member.get(name) is not None]
        texts = sorted({text for cell in cells for text in _texts(cell)})
        if len(texts) <= 1:
            return cells[0] if cells else None
        return texts


def _time(row: dict[str, Value]) -> float:
    """The time of a row; not a number where it has none."""
    time = row.get("_time")
    return float(time) if isinstance(time, int | float) else float("nan")


def _texts(cell: Value) -> list[str]:
    if cell is None or isinstance(cell, list):
        return cell or []
    return [number_text(float(cell)) if isinstance(cell, int | float) else cell]


def _refuse(arguments: Arguments, tokens: dict[str, Token]) -> None:
    stage = arguments.stage
    for name in ("delim", "name"):
        if name in tokens:
            stage.unsupported(f"transaction with {name}", tokens[name].span)
    if "match" in tokens:
        arguments.choice(tokens["match"], "match", ("closest",))


def _rules(arguments: Arguments, tokens: dict[str, Token], fields: tuple[str, ...]) -> Rules:
    rules = Rules(fields)
    spans = {name: _seconds(arguments, tokens[name]) for name in SPANS if name in tokens}
    counts = {name: _count(arguments, tokens[name], name) for name in COUNTS if name in tokens}
    connected = "connected" not in tokens or arguments.boolean(tokens["connected"], "connected")
    unify = connected
    if "unifyends" in tokens:
        unify = arguments.boolean(tokens["unifyends"], "unifyends")
    return replace(
        rules,
        span=spans.get("maxspan"),
        pause=spans.get("maxpause"),
        events=counts.get("maxevents", rules.events),
        open_transactions=counts.get("maxopentxn") or rules.open_transactions,
        open_events=counts.get("maxopenevents") or rules.open_events,
        limited=bool(tokens.keys() & {"maxevents", *SPANS}),
        connected=connected,
        unify_ends=unify,
    )


def _seconds(arguments: Arguments, token: Token) -> float | None:
    """A length of time; a negative one is no limit."""
    if token.value.startswith("-") and token.value[1:].rstrip("smhd").isdigit():
        return None
    return parse_time_span(token, arguments.stage).seconds


def _count(arguments: Arguments, token: Token, name: str) -> int | None:
    """A number of events or transactions; a negative one is no limit."""
    if token.value.startswith("-") and token.value[1:].isdigit():
        return None
    return arguments.integer(token, name, minimum=1)


def _display(arguments: Arguments, tokens: dict[str, Token]) -> Display:
    flags = {name: arguments.boolean(tokens[name], name) for name in FLAGS if name in tokens}
    lists: bool | tuple[str, ...] = False
    if (token := tokens.get("mvlist")) is not None:
        word = token.value.lower()
        if word in ("t", "true", "1", "f", "false", "0"):
            lists = arguments.boolean(token, "mvlist")
        else:
            lists = tuple(token.value.replace(",", " ").split())
    return Display(
        evicted=flags.get("keepevicted", False),
        orphans=flags.get("keeporphans", False),
        lists=lists,
        missing=tokens["nullstr"].value if "nullstr" in tokens else "NULL",
        raw_values=flags.get("mvraw", False),
    )


def _edge(arguments: Arguments) -> Edge:
    """Take `startswith=…`: a word, a comparison, a quoted search, `(search)` or `eval(…)`."""
    stage = arguments.stage
    name = arguments.next("an option").value
    arguments.position += 1
    token = arguments.next(f"the condition of {name}")
    if token.kind == "string":
        text = SplText.of(Source(token.value))
        return Edge(text, parse_predicate(text))
    if token.kind == "word" and token.value.lower() == "eval" and arguments.accept("("):
        inside = _inside(arguments)
        return Edge(stage.text, parse_expression(stage.text, inside))
    if token.kind == "(":
        return Edge(stage.text, parse_predicate(stage.text, _inside(arguments)))
    span, following = token.span, arguments.peek()
    if following is not None and following.kind == "operator" and not following.spaced:
        arguments.position += 1
        span = span.to(arguments.next("a value").span)
    return Edge(stage.text, parse_predicate(stage.text, span))


def _inside(arguments: Arguments) -> Span:
    """The stretch up to the `)` that closes the `(` just taken, which is taken too."""
    start, depth = arguments.here().start, 1
    while True:
        token = arguments.next("`)`")
        depth += (token.kind == "(") - (token.kind == ")")
        if not depth:
            return Span(start, token.span.start)

"""The search language, as parsed, to expressions of a plan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import TYPE_CHECKING, NoReturn, TypeVar

from harness.errors import HarnessError, Unsupported
from harness.model.numbers import number_text
from harness.plan.expressions import (
    FALSE,
    NULL,
    TRUE,
    Belongs,
    Call,
    Const,
    Expr,
    Field,
    every,
    negation,
    some,
)
from harness.registry.results import subsearch_result
from harness.spl import predicates as spl
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Source, Span, SplText
from harness.spl.time_modifiers import parse_time

if TYPE_CHECKING:
    from harness.model import Rows
    from harness.registry.context import Context

QUOTED = re.compile(r'"[^"\\]*"')
CIDR = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}")
TIME_FIELDS = {
    "earliest": ">=",
    "starttime": ">=",
    "latest": "<",
    "endtime": "<",
    "starttimeu": ">=",
    "endtimeu": "<",
}
INDEX_TIMES = {"_index_earliest": ">=", "_index_latest": "<"}
"""Bounds of the time at which an event was indexed; without one it is the event's own."""
RELATIVE_TIMES = {
    f"{edge}{unit}sago": (operator, unit)
    for edge, operator in (("start", ">="), ("end", "<"))
    for unit in ("second", "minute", "hour", "day", "month")
} | {f"{unit}sago": (">=", unit) for unit in ("minute", "hour", "day", "month")}
TAG_TERMS = {"eventtypetag": "tag::eventtype", "hosttag": "tag::host"}
"""Older names of tags of one field, among the terms of a search over events."""
UNSUPPORTED_FIELDS = frozenset(
    {"searchtimespandays", "searchtimespanhours", "searchtimespanminutes", "savedsearch"}
    | {"eventtypetag", "hosttag", "timeformat", "splunk_server_group", "savedsplunk"}
)
ORDERINGS = {"<": "search_less", "<=": "search_at_most", ">": "search_greater"}
ORDERINGS[">="] = "search_at_least"


@dataclass(frozen=True, slots=True)
class Searching:
    """Lowers the predicates of one text.

    `events` says that the rows are events, so that `eventtype=` and `tag=` ask what the apps
    know; elsewhere they are fields like others. `context` runs subsearches; a definition of an
    event type or a data set has none.
    """

    text: SplText
    context: Context | None
    events: bool = True

    @singledispatchmethod
    def lower(self, predicate: spl.Predicate) -> Expr:
        """The plan's expression, constants folded."""
        raise TypeError(predicate)

    @lower.register
    def _(self, predicate: spl.Everything) -> Expr:  # noqa: ARG002 - it has no parts
        return TRUE

    @lower.register
    def _(self, predicate: spl.Both) -> Expr:
        return every(self.lower(part) for part in predicate.parts)

    @lower.register
    def _(self, predicate: spl.Either) -> Expr:
        return some(self.lower(part) for part in predicate.parts)

    @lower.register
    def _(self, predicate: spl.Headless) -> Expr:
        if self.context is not None:
            message = "`OR` has nothing before it: Splunk refuses this search"
            hints = ("it was read as if the `OR` were not there", *self.text.hints(predicate.span))
            self.context.forgive(self.text.syntax_error(message, predicate.span, *hints))
        return self.lower(predicate.part)

    @lower.register
    def _(self, predicate: spl.Negation) -> Expr:
        return negation(self.lower(predicate.part))

    @lower.register
    def _(self, predicate: spl.Term) -> Expr:
        if predicate.text in ("*", ""):
            return TRUE
        flags = ("c" if predicate.exact_case else "") + ("w" if predicate.whole else "")
        return Call("search_term", (Field("_raw"), Const(predicate.text), Const(flags)))

    @lower.register
    def _(self, predicate: spl.Membership) -> Expr:
        return some(
            self._compare(predicate.field, "=", value, predicate.span) for value in predicate.values
        )

    @lower.register
    def _(self, predicate: spl.Comparison) -> Expr:
        if predicate.exact_case:
            name = "search_exact" if predicate.operator == "=" else "search_exact_not"
            return Call(name, (Field(predicate.field), Const(predicate.value)))
        return self._compare(predicate.field, predicate.operator, predicate.value, predicate.span)

    @lower.register
    def _(self, predicate: spl.Returned) -> Expr:
        if self.context is None:
            self._unsupported("a subsearch in a definition", predicate.span)
        value = subsearch_result(self.text, predicate.subsearch, self.context)
        if value == NULL:
            return FALSE
        if not isinstance(value, str):
            raise self.text.syntax_error(
                "the subsearch gives a condition, not a value",
                predicate.subsearch,
                "end it with return $field",
            )
        if len(value.split()) != 1 and not QUOTED.fullmatch(value):
            self._unsupported("a value from a subsearch that has spaces", predicate.subsearch)
        value = value[1:-1] if QUOTED.fullmatch(value) else value
        return self._compare(predicate.field, predicate.operator, value, predicate.span)

    @lower.register
    def _(self, predicate: spl.Subsearch) -> Expr:
        if self.context is None:
            self._unsupported("a subsearch in a definition", predicate.span)
        inner = Span(predicate.span.start + 1, predicate.span.end - 1)
        rows = self.context.rows(
            parse_pipeline(self.text, inner), limit=self.context.limits.subsearch_rows
        )
        return self._from_rows(rows, predicate.span)

    def _unsupported(self, what: str, span: Span) -> NoReturn:
        raise Unsupported(what, place=self.text.place(span), hints=self.text.hints(span))

    def _compare(self, field: str, operator: str, value: str, span: Span) -> Expr:
        lowered = field.lower()
        if lowered in TIME_FIELDS or lowered in RELATIVE_TIMES or lowered in INDEX_TIMES:
            return self._time(lowered, operator, value, span)
        if self.events and lowered in TAG_TERMS:
            field = TAG_TERMS[lowered]
        elif lowered in UNSUPPORTED_FIELDS:
            self._unsupported(f"the search term `{field}`", span)
        if self.events and operator in ("=", "!=") and (kind := _membership(field)):
            belongs = Belongs(kind[0], value, kind[1])
            return belongs if operator == "=" else every([_exists(field), negation(belongs)])
        return compare(field, operator, value)

    def _time(self, field: str, operator: str, value: str, span: Span) -> Expr:
        if operator != "=":
            raise self.text.syntax_error(f"`{field}` is set with `=`", span)
        if self.context is None:
            self._unsupported(f"`{field}` in a definition", span)
        try:
            if field in RELATIVE_TIMES:
                direction, unit = RELATIVE_TIMES[field]
                moment = parse_time(f"-{int(value)}{unit}", self.context.now)
            else:
                direction = (TIME_FIELDS | INDEX_TIMES)[field]
                moment = parse_time(value, self.context.now, self.context.timezone)
        except ValueError as error:
            raise self.text.syntax_error(str(error), span, "for example -24h@h") from error
        if field not in INDEX_TIMES:
            return Call(direction, (Field("_time"), Const(moment)))
        self.context.warn(
            f"`{field}` was held against the events' own times: a replay indexes an event at once"
        )
        indexed = Call("coalesce", (Field("_indextime"), Field("_time")))
        return Call(direction, (indexed, Const(moment)))

    def _from_rows(self, rows: Rows, span: Span) -> Expr:
        """The implicit `format`: each row's fields must all match, any row may.

        Values become literals of the plan, never text to be parsed again.
        """
        names = [name for name in rows.columns if not name.startswith("_")]
        if not rows.rows:
            return FALSE
        found = []
        for row in rows.rows:
            parts = []
            for name in names:
                value = row.get(name)
                if value is None:
                    continue
                options = value if isinstance(value, list) else [value]
                parts.append(some(self._returned(name, _printed(one), span) for one in options))
            found.append(every(parts))
        return some(found)

    def _returned(self, name: str, value: str, span: Span) -> Expr:
        """One field of a subsearch's row; what `search` or `query` holds is a condition itself.

        Such a condition comes from the data: it may compare, and nothing else.
        """
        if name not in ("search", "query"):
            return self._compare(name, "=", value, span)
        text = SplText.of(Source(value))
        try:
            predicate = spl.parse_predicate(text)
            if any(part.text.startswith("|") for part in _parts(predicate, spl.Term)):
                raise text.syntax_error("a pipe", Span(0, 1))
            if _parts(predicate, spl.Subsearch):
                raise text.syntax_error("a subsearch", Span(0, 1))
            return Searching(text, self.context, self.events).lower(predicate)
        except Unsupported as error:
            self._unsupported(f"{error.message} (in the field `{name}` of the subsearch)", span)
        except HarnessError as error:
            raise self.text.syntax_error(
                f"the field `{name}` of the subsearch holds no condition: {error.message}", span
            ) from error


def _printed(value: str | float) -> str:
    return value if isinstance(value, str) else number_text(float(value))


P = TypeVar("P", spl.Term, spl.Subsearch)


def _parts(predicate: spl.Predicate, kind: type[P]) -> list[P]:
    """All parts of a kind within a predicate."""
    if isinstance(predicate, kind):
        return [predicate]
    if isinstance(predicate, spl.Both | spl.Either):
        return [found for part in predicate.parts for found in _parts(part, kind)]
    return _parts(predicate.part, kind) if isinstance(predicate, spl.Negation) else []


def compare(field: str, operator: str, value: str) -> Expr:
    """One comparison of the search language, as `search` means it."""
    target = Field(field)
    if operator in ("=", "!="):
        if value and not value.strip("*"):
            return _exists(field) if operator == "=" else FALSE
        name = "search_equals"
        if "*" in value:
            name = "search_wildcard"
        elif CIDR.fullmatch(value):
            name = "search_cidr"
        return Call(name if operator == "=" else f"{name}_not", (target, Const(value)))
    return Call(ORDERINGS[operator], (target, Const(value)))


def _exists(field: str) -> Expr:
    return Call("isnotnull", (Field(field),))


def _membership(field: str) -> tuple[str, str | None] | None:
    if field == "eventtype":
        return "eventtype", None
    if field == "tag":
        return "tag", None
    return ("tag", field[5:]) if field.startswith("tag::") else None


def matches(value: str, operator: str, wanted: str) -> bool:
    """`search_equals` and `search_wildcard` worked out here, for values known before any row."""
    if operator == "search_equals":
        return value.casefold() == wanted.casefold()
    pattern = ".*".join(re.escape(part) for part in wanted.casefold().split("*"))
    return re.fullmatch(pattern, value.casefold(), re.DOTALL) is not None

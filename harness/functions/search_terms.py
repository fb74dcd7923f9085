r"""The comparisons of the search language, which eval does not have.

Source: Splunk Search Reference, `search`: values match without regard to letter case, `*` is a
wildcard, comparison is by number where both sides are numbers, a multivalue field matches when
any of its values does. Terms: Splunk Admin Manual, segmenters.conf (major and minor breakers).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.functions.operators import compared, condition
from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.types import Dialect, Sql

MAJOR = r"\[\]<>(){}|!;,'\"*\n\r\s\t&?+"
MINOR = r"/:=@.$#%\\_\-"


def any_value(d: Dialect, value: Typed, test: Callable[[Typed], Sql]) -> Typed:
    """Whether a value, or any of several, meets a test."""
    if value.absent:
        return condition(d.literal(value=False))
    if not value.multi:
        return condition(test(value))
    found = d.where(value.sql, lambda v: test(Typed(v, Kind.ANY)))
    return condition(d.function("is_not_null", found))


def _constant(value: Typed) -> str:
    if not isinstance(value.constant, str):
        raise TypeError(value)
    return value.constant


def _number(text: str) -> float | None:
    try:
        return float(text) if re.fullmatch(r"\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s*", text) else None
    except ValueError:
        return None


def _equal(d: Dialect, value: Typed, wanted: str) -> Sql:
    number = _number(wanted)
    if number is not None:
        if value.kind is Kind.NUMBER:
            return d.function("equals", value.sql, d.literal(number))
        same = d.function("equals", as_text(d, value).sql, d.literal(wanted))
        numeric = d.function("equals", as_number(d, value).sql, d.literal(number))
        return d.function("or", same, d.function("coalesce", numeric, d.literal(value=False)))
    lowered = d.function("lower", as_text(d, value).sql)
    return d.function("equals", lowered, d.literal(wanted.lower()))


def _wild(d: Dialect, value: Typed, wanted: str) -> Sql:
    lowered = d.function("lower", as_text(d, value).sql)
    parts = wanted.lower().split("*")
    if len(parts) == 3 and not parts[0] and not parts[2]:
        return d.function("contains", lowered, d.literal(parts[1]))
    if len(parts) == 2 and not parts[1]:
        return d.function("starts_with", lowered, d.literal(parts[0]))
    if len(parts) == 2 and not parts[0]:
        return d.function("ends_with", lowered, d.literal(parts[1]))
    escaped = [part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for part in parts]
    return d.function("like", lowered, d.literal("%".join(escaped)))


def _exact(d: Dialect, value: Typed, wanted: str) -> Sql:
    text = as_text(d, value).sql
    if "*" not in wanted:
        return d.function("equals", text, d.literal(wanted))
    parts = [re.escape(part) for part in wanted.split("*")]
    return d.regex_matches(text, rf"(?s)\A{'.*'.join(parts)}\z")


def _network(d: Dialect, value: Typed, wanted: str) -> Sql:
    text = as_text(d, value).sql
    inside = d.function("spl_cidr_match", d.literal(wanted), text)
    return d.function("or", inside, d.function("equals", text, d.literal(wanted)))


def _comparison(name: str, test: Callable[[Dialect, Typed, str], Sql]) -> None:
    def positive(d: Dialect, value: Typed, wanted: Typed) -> Typed:
        return any_value(d, value, lambda v: test(d, v, _constant(wanted)))

    def negative(d: Dialect, value: Typed, wanted: Typed) -> Typed:
        return any_value(d, value, lambda v: d.function("not", test(d, v, _constant(wanted))))

    positive.__doc__ = f"<field>=<value> of the search command ({name})."
    negative.__doc__ = f"<field>!=<value> of the search command ({name}): the field exists."
    eval_function(name)(positive)
    eval_function(f"{name}_not")(negative)


_comparison("search_equals", _equal)
_comparison("search_wildcard", _wild)
_comparison("search_cidr", _network)
_comparison("search_exact", _exact)


def _ordering(name: str, operator: str) -> None:
    def test(d: Dialect, value: Typed, wanted: Typed) -> Typed:
        constant = _constant(wanted)
        number = _number(constant)
        other = Typed(d.literal(constant), Kind.ANY, constant=constant)
        if number is not None:
            other = Typed(d.literal(number), Kind.NUMBER, constant=number)
        return any_value(d, value, lambda v: compared(d, operator, v, other).sql)

    test.__doc__ = f"<field>{operator}<value> of the search command."
    eval_function(name)(test)


_ordering("search_less", "<")
_ordering("search_at_most", "<=")
_ordering("search_greater", ">")
_ordering("search_at_least", ">=")


@eval_function("regex_any", literal=(1,))
def regex_any(d: Dialect, value: Typed, pattern: Typed) -> Typed:
    """Whether a pattern occurs in a value, or in any of several: the regex command."""
    return any_value(d, value, lambda v: d.regex_matches(as_text(d, v).sql, _constant(pattern)))


@eval_function("search_term", literal=(1, 2))
def term(d: Dialect, raw: Typed, wanted: Typed, flags: Typed) -> Typed:
    """A word or phrase of the raw event, between breakers; `*` reaches within a term."""
    word, how = _constant(wanted), _constant(flags)
    if raw.absent:
        return condition(d.literal(value=False))
    exact = "c" in how
    breakers = MAJOR if "w" in how else MAJOR + MINOR
    text = as_text(d, raw).sql
    inner = f"[^{MAJOR}]*".join(re.escape(part).replace("/", "/") for part in word.split("*"))
    before = "" if word.startswith("*") or _breaks(word[:1]) else rf"(?:^|[{breakers}])"
    after = "" if word.endswith("*") or _breaks(word[-1:]) else rf"(?:$|[{breakers}])"
    pattern = f"{'' if exact else '(?i)'}{before}{inner}{after}"
    found = d.regex_matches(text, pattern)
    longest = max(word.split("*"), key=len)
    if longest and longest.isascii():
        where = text if exact else d.function("lower", text)
        plain = d.literal(longest if exact else longest.lower())
        return condition(d.function("and", d.function("contains", where, plain), found))
    return condition(found)


@eval_function("prefixed_terms", literal=(1,))
def prefixed_terms(d: Dialect, raw: Typed, prefix: Typed) -> Typed:
    """What follows a text in the terms of an event, as an index keeps it: in small letters.

    A term lies between major breakers; so does each part of it between any breakers, which a
    text with a minor breaker cannot begin.
    """
    written = _constant(prefix)
    text, begins = d.function("lower", as_text(d, raw).sql), re.escape(written)
    found = d.regex_all(text, rf"(?:^|[{MAJOR}]){begins}([^{MAJOR}]+)", 1)
    if not re.search(rf"[{MINOR}]", written):
        parts = d.regex_all(text, rf"[{MINOR}]{begins}([^{MAJOR}{MINOR}]+)", 1)
        found = d.function("flatten", d.function("make_list", found, parts))
    different = d.function("list_sort", d.function("list_distinct", found))
    return Typed(d.function("not_empty", different), Kind.ANY, multi=True)


def _breaks(character: str) -> bool:
    """Whether a term begins or ends in a breaker itself, which then bounds it."""
    return bool(re.match(rf"[{MAJOR}{MINOR}]", character))

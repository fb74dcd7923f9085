"""How text, numbers and several values meet: the one place that decides (decision 0003).

Every value is *number* (a double), *text*, *any* (text of which a number may be read), or
*boolean* (conditions only: never a field's value), and may or may not be multivalue (a list of
text). NULL is a value of each of them; an empty list does not occur.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Sql = Any
"""An expression of the engine's language, opaque above the sql layer."""


class Kind(enum.Enum):
    """What a value is known to be before any row is seen."""

    NUMBER = "number"
    TEXT = "text"
    ANY = "any"
    BOOLEAN = "boolean"


PLAIN_DIGITS = 1e15
"""Whole numbers below are printed with their digits, without an exponent."""
MISSING = {
    Kind.NUMBER: "null_number",
    Kind.TEXT: "null_text",
    Kind.ANY: "null_text",
    Kind.BOOLEAN: "null_boolean",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """An engine's expression with its type.

    `constant` is its value where that is known; `absent` marks NULL as it was written.
    """

    sql: Sql
    kind: Kind
    multi: bool = False
    constant: str | float | bool | None = None
    absent: bool = False


class Dialect(Protocol):
    """What an engine's language offers to the functions of SPL.

    Functions are called by logical names; the dialect's table says how each one is written.
    `now` is the search's clock in epoch seconds, `timezone` its zone as an IANA name.
    """

    timezone: str

    @property
    def now(self) -> float:
        """The search's clock."""
        ...

    def literal(self, value: str | float | bool | None) -> Sql:
        """A constant."""
        ...

    def function(self, name: str, *arguments: Sql) -> Sql:
        """A function or operator by its logical name; unknown names are an error of ours."""
        ...

    def case(self, branches: Sequence[tuple[Sql, Sql]], default: Sql | None = None) -> Sql:
        """The value of the first branch whose condition is true."""
        ...

    def each(self, values: Sql, body: Callable[[Sql], Sql]) -> Sql:
        """A list with each value replaced."""
        ...

    def where(self, values: Sql, condition: Callable[[Sql], Sql]) -> Sql:
        """A list of the values that meet a condition."""
        ...

    def has(self, values: Sql, condition: Callable[[Sql], Sql]) -> Sql:
        """Whether one of a list's values meets a condition; NULL of no list."""
        ...

    def ordered(self, aggregate: str, value: Sql) -> Sql:
        """An aggregate over the rows in their own order: `list`, `first` or `last`."""
        ...

    def position(self, value: int) -> Sql:
        """An integer constant, for positions and counts."""
        ...

    def round(self, value: Sql, decimals: int) -> Sql:
        """A number rounded as its digits are written, halves away from zero."""
        ...

    def regex_matches(self, value: Sql, pattern: str) -> Sql:
        """Whether a pattern occurs in a text."""
        ...

    def regex_group(self, value: Sql, pattern: str, group: int | str) -> Sql:
        """What a group caught: NULL without a match or where the group took no part."""
        ...

    def regex_filled(self, value: Sql, pattern: str, group: int) -> Sql:
        """What a group caught, an empty catch counting as none."""
        ...

    def regex_all(self, value: Sql, pattern: str, group: int) -> Sql:
        """Every catch of a group, in order, as a list; NULL where there is none."""
        ...

    def regex_parts(self, value: Sql, pattern: str, count: int) -> Sql:
        """What so many groups of a plain pattern caught, '' for nothing; see `regex_part`."""
        ...

    def regex_all_parts(self, value: Sql, pattern: str, count: int) -> Sql:
        """The same of every match, as a list."""
        ...

    def regex_replace(
        self, value: Sql, pattern: str, replacement: str, *, every: bool = True
    ) -> Sql:
        r"""Every match, or the first one, replaced; `\1` in the replacement is a group."""
        ...


def null(d: Dialect) -> Typed:
    """The absent value."""
    return Typed(d.function("null_text"), Kind.ANY, absent=True)


def as_number(d: Dialect, value: Typed) -> Typed:
    """The number that a value is or spells, else NULL; of several values there is none."""
    if value.kind is Kind.NUMBER and not value.multi:
        return value
    if value.kind is Kind.BOOLEAN:
        return Typed(d.function("null_number"), Kind.NUMBER)
    single = only(d, value)
    return Typed(d.function("to_number", single.sql), Kind.NUMBER)


def as_text(d: Dialect, value: Typed) -> Typed:
    """The text of a value, numbers as SPL prints them; of several values there is none."""
    if value.kind is Kind.NUMBER and not value.multi:
        if isinstance(value.constant, float | int) and abs(value.constant) < PLAIN_DIGITS:
            whole = int(value.constant)
            if whole == value.constant:
                return Typed(d.literal(str(whole)), Kind.TEXT)
        return Typed(d.function("number_text", value.sql), Kind.TEXT)
    if value.kind is Kind.BOOLEAN:
        return Typed(d.function("boolean_text", value.sql), Kind.TEXT)
    single = only(d, value)
    return Typed(single.sql, Kind.TEXT, constant=value.constant)


def as_any(d: Dialect, value: Typed) -> Typed:
    """A value as it is stored where numbers and text meet; several values stay several."""
    if value.multi or value.kind is Kind.ANY:
        return value
    text = as_text(d, value)
    return Typed(text.sql, Kind.ANY if value.kind is Kind.NUMBER else value.kind)


def as_values(d: Dialect, value: Typed) -> Typed:
    """A value as a list of text, NULL when absent."""
    if value.multi:
        return value
    return Typed(d.function("to_list", as_text(d, value).sql), Kind.ANY, multi=True)


def only(d: Dialect, value: Typed) -> Typed:
    """The one value of a field that has exactly one, else NULL."""
    if not value.multi:
        return value
    return Typed(d.function("only_value", value.sql), Kind.ANY)


def unify(d: Dialect, values: Sequence[Typed]) -> list[Typed]:
    """Values of several branches brought to one type.

    Lists if any is one, else their common kind, else text that may be a number. NULL takes the
    type of the others.
    """
    if any(value.multi for value in values):
        return [as_values(d, value) for value in values]
    kinds = {value.kind for value in values if not value.absent}
    if len(kinds) <= 1:
        kind = next(iter(kinds), Kind.ANY)
        missing = Typed(d.function(MISSING[kind]), kind)
        return [missing if value.absent else value for value in values]
    return [Typed(as_any(d, value).sql, Kind.ANY) for value in values]


def elementwise(
    d: Dialect, value: Typed, body: Callable[[Sql], Sql], kind: Kind = Kind.TEXT
) -> Typed:
    """A function of text applied to a value, or to each one of several."""
    if value.multi:
        return Typed(d.each(value.sql, body), Kind.ANY, multi=True)
    return Typed(body(as_text(d, value).sql), kind)

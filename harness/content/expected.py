"""Expectations as plain data: what must hold of a detection's results and risk events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import Place

if TYPE_CHECKING:
    import re


@dataclass(frozen=True, slots=True)
class Bound:
    """How many there may be: `at_least` and `at_most` are both included, `None` is no bound."""

    at_least: int | None = 1
    at_most: int | None = None

    def holds(self, count: int) -> bool:
        """Whether the count lies within the bound."""
        return (self.at_least or 0) <= count and (self.at_most is None or count <= self.at_most)

    def __str__(self) -> str:
        if self.at_least == self.at_most:
            return f"exactly {self.at_least}"
        parts = [f"at least {self.at_least}"] if self.at_least else []
        parts += [f"at most {self.at_most}"] if self.at_most is not None else []
        return " and ".join(parts) or "any number"


@dataclass(frozen=True, slots=True)
class NamedInRaw:
    """Something that the raw data itself names: the pattern's first group, else its match."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class ExpectedRisk:
    """A risk event that must be there; `None` asks nothing.

    In `message`, `$object$` stands for the risk object.
    """

    object: str | NamedInRaw | None = None
    type: str | None = None
    score: float | None = None
    message: str | None = None
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field of a row must be; what is not given asks nothing.

    `equals` are all its values in order, `contains` some of them, `matches` fits the whole of
    each, the bounds are for numbers, and `absent` is for a field that the row lacks.
    """

    name: str
    equals: tuple[str, ...] | None = None
    contains: tuple[str, ...] = ()
    matches: re.Pattern[str] | None = None
    at_least: float | None = None
    at_most: float | None = None
    absent: bool = False
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold of a trial: number of results, fields of rows, risk events.

    `risk` is an exact multiset without order, `every_risk` holds for each risk event (and there
    is at least one), `None` asks nothing. Each of `some_row` holds for at least one row.
    """

    results: Bound = field(default_factory=Bound)
    every_row: tuple[FieldRule, ...] = ()
    some_row: tuple[tuple[FieldRule, ...], ...] = ()
    risk: tuple[ExpectedRisk, ...] | None = None
    every_risk: ExpectedRisk | None = None
    place: Place = field(default_factory=Place)

    @property
    def fires(self) -> bool:
        """Whether at least one result is wanted."""
        return bool(self.results.at_least)

"""Numbers that lie far outside the middle half of a field's numbers, for outlier and its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Rows
from harness.model.numbers import number_text
from harness.registry.cells import number_of
from harness.registry.names import matching

if TYPE_CHECKING:
    from harness.model import Value
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token

OUTLIER_OPTIONS = ("action", "mark", "param", "type", "uselower")
ACTIONS = {"remove": True, "rm": True, "transform": False, "tf": False}
FACTOR = 2.5
MARK = "000"


@dataclass(frozen=True, slots=True)
class Outliers:
    """What counts as an outlier, and what is done with it.

    Above: more than `factor` times the distance of the quartiles over the third one. Below: the
    same under the first one, only if `lower`.
    """

    fields: tuple[str, ...]
    remove: bool
    mark: bool
    factor: float
    lower: bool

    def treated(self, rows: Rows) -> Rows:
        """The rows without outliers, or with outliers cut to the bound."""
        patterns = self.fields or ("*",)
        names = dict.fromkeys(
            name for pattern in patterns for name in matching(pattern, rows.columns)
        )
        bounds = {name: bound for name in names if (bound := self._bounds(rows, name))}
        found = []
        for row in rows.rows:
            cut = {
                name: value
                for name in bounds
                if (value := self._cut(row.get(name), bounds[name])) is not None
            }
            if not cut:
                found.append(row)
            elif not self.remove:
                found.append({**row, **cut})
        return Rows(rows.columns, found)

    def _bounds(self, rows: Rows, name: str) -> tuple[float, float] | None:
        numbers = sorted(
            number for row in rows.rows if (number := number_of(row.get(name))) is not None
        )
        if not numbers:
            return None
        first, third = _quantile(numbers, 0.25), _quantile(numbers, 0.75)
        reach = self.factor * (third - first)
        return (first - reach if self.lower else float("-inf"), third + reach)

    def _cut(self, cell: Value, bounds: tuple[float, float]) -> Value:
        number = number_of(cell)
        if number is None or bounds[0] <= number <= bounds[1]:
            return None
        bound = bounds[0] if number < bounds[0] else bounds[1]
        return MARK + number_text(bound) if self.mark else bound


def read_outliers(options: dict[str, Token], fields: list[str], arguments: Arguments) -> Outliers:
    """The meaning of a command's options."""
    remove = False
    if "action" in options:
        remove = ACTIONS[arguments.choice(options["action"], "action", ACTIONS)]
    factor = FACTOR
    if "param" in options:
        given = number_of(options["param"].value)
        if given is None or given < 0:
            arguments.stage.fail("param is a number from 0 on", options["param"].span)
        factor = given
    return Outliers(
        tuple(fields),
        remove,
        "mark" in options and arguments.boolean(options["mark"], "mark"),
        factor,
        "uselower" in options and arguments.boolean(options["uselower"], "uselower"),
    )


def _quantile(numbers: list[float], share: float) -> float:
    """The quantile of sorted numbers, interpolated as the statistic perc does."""
    place = share * (len(numbers) - 1)
    below = int(place)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (place - below) * (numbers[above] - numbers[below])

"""Which rows of two results are the same, which belong together and differ, and in which fields.

Results are compared as multisets. What is left when equal rows are taken away is paired by what
rows have in common: first without the column whose values differ most, then without the second
too, and so on while half of the columns still agree; a few that are left are paired by likeness.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.trials.tolerances import Key, key_of, present, same, sorting_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Value
    from harness.trials.search_order import Ordering
    from harness.trials.tolerances import Tolerance

MOST_PASSES = 16
MOST_LIKENESSES = 40_000
"""How many pairs of rows are tried for their likeness."""
SHOWN_FIELDS = 3

Row = dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field's value on each side, None where it has none."""

    field: str
    a: Value
    b: Value


@dataclass(frozen=True, slots=True)
class RowDifference:
    """Two rows that belong together and differ in some fields, or one that only one side has.

    Rows are counted from 0. `where` are fields that tell which row it is: some that agree, or those
    of the one row.
    """

    row_a: int | None
    row_b: int | None
    fields: tuple[FieldDifference, ...] = ()
    where: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class RowsCompared:
    """How many rows each side has, what differs, and the first row out of order, from 0."""

    count_a: int
    count_b: int
    differences: tuple[RowDifference, ...] = ()
    out_of_order: int | None = None

    @property
    def same(self) -> bool:
        """Whether there is no difference."""
        return not self.differences and self.out_of_order is None

    def by_field(self) -> Counter[str]:
        """In how many rows each field differs."""
        return Counter(one.field for row in self.differences for one in row.fields)


def compare_rows(
    a: Sequence[Mapping[str, Any]],
    b: Sequence[Mapping[str, Any]],
    ordering: Ordering,
    tolerance: Tolerance,
) -> RowsCompared:
    """The differences of two results."""
    return _Comparison(a, b, ordering, tolerance).compared()


class _Comparison:
    def __init__(
        self,
        a: Sequence[Mapping[str, Any]],
        b: Sequence[Mapping[str, Any]],
        ordering: Ordering,
        tolerance: Tolerance,
    ) -> None:
        self.ordering = ordering
        self.tolerance = tolerance
        self.a = [self._compared(row) for row in a]
        self.b = [self._compared(row) for row in b]
        self.keys_a = [self._keys(row) for row in self.a]
        self.keys_b = [self._keys(row) for row in self.b]
        self.left_a: list[int] = []
        self.left_b: list[int] = []
        self.pairs: list[tuple[int, int]] = []
        self._telling: dict[str, tuple[bool, int]] = {}

    def compared(self) -> RowsCompared:
        """Take equal rows away, pair the others, and say what differs."""
        self.left_a, self.left_b = list(range(len(self.a))), list(range(len(self.b)))
        self._pair_without(frozenset())
        self.pairs.clear()
        columns = self._least_alike()
        for count in range(1, min(len(columns) // 2, MOST_PASSES) + 1):
            if not self.left_a or not self.left_b:
                break
            self._pair_without(frozenset(columns[:count]))
        self._pair_by_likeness()
        found: list[RowDifference] = []
        for one, other in sorted(self.pairs):
            fields = self._fields(self.a[one], self.b[other])
            if fields:
                found.append(RowDifference(one, other, fields, self._where(one, fields)))
        found += [RowDifference(one, None, where=self.a[one]) for one in sorted(self.left_a)]
        found += [RowDifference(None, one, where=self.b[one]) for one in sorted(self.left_b)]
        out_of_order = None if found else self._out_of_order()
        return RowsCompared(len(self.a), len(self.b), tuple(found), out_of_order)

    def _compared(self, row: Mapping[str, Any]) -> Row:
        found = {
            name: present(value) for name, value in row.items() if self.tolerance.compares(name)
        }
        return {name: value for name, value in found.items() if value is not None}

    def _keys(self, row: Row) -> dict[str, Key]:
        ordered = self.ordering.of_values
        return {name: key_of(name, value, ordered=ordered(name)) for name, value in row.items()}

    def _least_alike(self) -> list[str]:
        """The columns of the rows that are left, the one first whose values agree least."""
        columns = dict.fromkeys(
            name
            for keys, left in ((self.keys_a, self.left_a), (self.keys_b, self.left_b))
            for number in left
            for name in keys[number]
        )
        alike: dict[str, int] = {}
        for name in columns:
            one = Counter(self.keys_a[number].get(name) for number in self.left_a)
            other = Counter(self.keys_b[number].get(name) for number in self.left_b)
            alike[name] = (one & other).total()
        return sorted(columns, key=alike.__getitem__)

    def _pair_without(self, columns: frozenset[str]) -> None:
        """Pair the rows that are left and agree in everything but some columns."""

        def grouped(rows: list[dict[str, Key]], left: list[int]) -> dict[Any, list[int]]:
            groups: dict[Any, list[int]] = defaultdict(list)
            for number in left:
                items = rows[number].items()
                groups[frozenset(one for one in items if one[0] not in columns)].append(number)
            return groups

        of_a, of_b = grouped(self.keys_a, self.left_a), grouped(self.keys_b, self.left_b)
        names = sorted(columns)
        taken_a, taken_b = set[int](), set[int]()
        for group in of_a:
            if columns and not group:
                continue
            one, other = of_a[group], of_b.get(group, [])
            for pair in zip(
                self._sorted(self.a, one, names), self._sorted(self.b, other, names), strict=False
            ):
                self.pairs.append(pair)
                taken_a.add(pair[0])
                taken_b.add(pair[1])
        self.left_a = [number for number in self.left_a if number not in taken_a]
        self.left_b = [number for number in self.left_b if number not in taken_b]

    def _sorted(self, rows: list[Row], numbers: list[int], names: list[str]) -> list[int]:
        """Rows that agree but for some columns, by the values of these."""
        if not names or len(numbers) == 1:
            return numbers
        return sorted(
            numbers, key=lambda number: [sorting_key(rows[number].get(name)) for name in names]
        )

    def _pair_by_likeness(self) -> None:
        """Pair what is left and agrees in half of its fields at least; one and one, always."""
        if len(self.left_a) == 1 and len(self.left_b) == 1:
            self.pairs.append((self.left_a.pop(), self.left_b.pop()))
            return
        if len(self.left_a) * len(self.left_b) > MOST_LIKENESSES:
            return
        likenesses: list[tuple[float, int, int]] = []
        for one in self.left_a:
            for other in self.left_b:
                names = self.a[one].keys() | self.b[other].keys()
                differ = len(self._fields(self.a[one], self.b[other]))
                if names and 2 * differ <= len(names):
                    likenesses.append((differ / len(names), one, other))
        rest_a, rest_b = set(self.left_a), set(self.left_b)
        for _, one, other in sorted(likenesses):
            if one in rest_a and other in rest_b:
                self.pairs.append((one, other))
                rest_a.remove(one)
                rest_b.remove(other)
        self.left_a, self.left_b = sorted(rest_a), sorted(rest_b)

    def _same(self, name: str, one: Row, other: Row) -> bool:
        ordered = self.ordering.of_values(name)
        return same(name, one.get(name), other.get(name), ordered=ordered)

    def _fields(self, one: Row, other: Row) -> tuple[FieldDifference, ...]:
        names = dict.fromkeys((*one, *other))
        return tuple(
            FieldDifference(name, one.get(name), other.get(name))
            for name in names
            if not self._same(name, one, other)
        )

    def _where(self, one: int, fields: tuple[FieldDifference, ...]) -> Row:
        """Some fields that agree and tell which row it is: those with most values first."""
        differ = {field.field for field in fields}
        row = self.a[one]
        names = sorted((name for name in row if name not in differ), key=self._sameness)
        found: Row = {}
        for name in names:
            if row[name] not in found.values():
                found[name] = row[name]
            if len(found) == SHOWN_FIELDS:
                break
        return found

    def _sameness(self, name: str) -> tuple[bool, int]:
        """Fields that tell rows apart come first, one-valued before multivalued and internal."""
        if name not in self._telling:
            values = {keys.get(name) for keys in self.keys_a[:MOST_LIKENESSES]}
            multiple = any(isinstance(key, tuple) for key in values)
            self._telling[name] = (multiple or name.startswith("_"), -len(values))
        return self._telling[name]

    def _out_of_order(self) -> int | None:
        """The first row, from 0, that stands elsewhere, of results that are the same otherwise."""
        if not self.ordering.rows:
            return None
        keys = [one for one in self.ordering.keys if self.tolerance.compares(one)]
        if self.ordering.keys and not all(any(key in row for row in self.a) for key in keys):
            return None  # a field that sorted them is not in the results
        for number, (one, other) in enumerate(zip(self.a, self.b, strict=True)):
            names = keys if self.ordering.keys else dict.fromkeys((*one, *other))
            if not all(self._same(name, one, other) for name in names):
                return number
        return None

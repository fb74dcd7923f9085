"""What a plan means, told slowly: rows are dicts, nodes are loops.

Written from decisions 0003 and 0005 and Splunk's documentation, and from nothing else: it shares no
code with the functions, the compiler or the engine that it judges. A cell is a text, a number, a
list of at least two texts, or None.

A relation also has the `kind` of each column, since decision 0003 gives the branches of `if` one
kind for all rows: "number", "text", "list" (several values are possible), or "absent".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key, singledispatchmethod
from typing import TYPE_CHECKING, Any

from interpreted_functions import evaluate, kind_of
from interpreted_statistics import statistic, statistic_kind
from interpreted_values import Cell, Kind, address, number, text, unified, values

from harness.plan import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.plan.nodes import Aggregation, Relation

Row = dict[str, Cell]


@dataclass
class Table:
    """Rows in order, with the kind of each known column."""

    kinds: dict[str, Kind]
    rows: list[Row]


def brought(rows: Iterable[Row], kinds: Mapping[str, Kind]) -> list[Row]:
    """Rows whose cells are of their columns' kinds."""
    return [{name: unified(row.get(name), kind) for name, kind in kinds.items()} for row in rows]


class Interpreter:
    """Interprets plans; `stored` are the engine's tables by name."""

    def __init__(self, stored: Mapping[str, Table] | None = None) -> None:
        self.stored = stored or {}

    @singledispatchmethod
    def table(self, node: Relation) -> Table:
        """The rows of a plan."""
        raise TypeError(node)

    @table.register
    def _(self, node: nodes.Values) -> Table:
        rows = [dict(zip(node.names, row, strict=True)) for row in node.rows]
        kinds: dict[str, Kind] = {}
        for name in node.names:
            cells = [row[name] for row in rows if row[name] is not None]
            if any(isinstance(cell, list) for cell in cells):
                kinds[name] = "list"
            elif cells and all(isinstance(cell, int | float) for cell in cells):
                kinds[name] = "number"
            else:
                kinds[name] = "any"
        return Table(kinds, brought(rows, kinds))

    @table.register
    def _(self, node: nodes.Stored) -> Table:
        return self.stored[node.table]

    @table.register
    def _(self, node: nodes.Filter) -> Table:
        below = self.table(node.input)
        kept = [row for row in below.rows if evaluate(node.predicate, row, below.kinds) is True]
        return Table(below.kinds, kept)

    @table.register
    def _(self, node: nodes.Extend) -> Table:
        below = self.table(node.input)
        new = {str(name): value for name, value in node.fields}
        kinds = {**below.kinds, **{n: kind_of(value, below.kinds) for n, value in new.items()}}
        rows = [
            {**row, **{name: evaluate(value, row, below.kinds) for name, value in new.items()}}
            for row in below.rows
        ]
        return Table(kinds, rows)

    @table.register
    def _(self, node: nodes.Project) -> Table:
        below = self.table(node.input)
        kinds = {new: below.kinds.get(old, "absent") for new, old in node.fields}
        return Table(kinds, [{new: row.get(old) for new, old in node.fields} for row in below.rows])

    @table.register
    def _(self, node: nodes.Limit) -> Table:
        below = self.table(node.input)
        return Table(below.kinds, below.rows[: node.count])

    @table.register
    def _(self, node: nodes.Reverse) -> Table:
        below = self.table(node.input)
        return Table(below.kinds, below.rows[::-1])

    @table.register
    def _(self, node: nodes.Explode) -> Table:
        below = self.table(node.input)
        kind = below.kinds.get(node.field, "absent")
        if kind != "list":
            return below
        rows = [
            {**row, node.field: value}
            for row in below.rows
            for value in values(row.get(node.field))
        ]
        return Table({**below.kinds, node.field: "any"}, rows)

    @table.register
    def _(self, node: nodes.Sort) -> Table:
        below = self.table(node.input)
        rows = list(below.rows)
        for key in reversed(node.keys):
            rows = sorted_by(rows, key)
        return Table(below.kinds, rows)

    @table.register
    def _(self, node: nodes.Window) -> Table:
        below = self.table(node.input)
        counts: dict[object, int] = {}
        rows, before = [], object()
        for row in below.rows:
            group = tuple(text_key(row.get(name)) for name in node.partition)
            if node.runs and group != before:
                counts.clear()
            before = group
            counts[group] = counts.get(group, 0) + 1
            rows.append({**row, node.name: float(counts[group])})
        return Table({**below.kinds, node.name: "number"}, rows)

    @table.register
    def _(self, node: nodes.Union) -> Table:
        inputs = [self.table(one) for one in node.inputs]
        names = dict.fromkeys(name for one in inputs for name in one.kinds)
        kinds = {name: common(one.kinds.get(name, "absent") for one in inputs) for name in names}
        return Table(kinds, [row for one in inputs for row in brought(one.rows, kinds)])

    @table.register
    def _(self, node: nodes.Aggregate) -> Table:
        below = self.table(node.input)
        groups: dict[tuple[Cell, ...], list[Row]] = {} if node.by else {(): []}
        for one_row in below.rows:
            for group in combinations(one_row, node.by):
                groups.setdefault(group, []).append(one_row)
        kinds = {name: by_kind(below.kinds.get(name, "absent")) for name in node.by}
        kinds |= statistic_kinds(node.aggregations, below.kinds)
        rows: list[Row] = []
        for group, members in groups.items():
            made: Row = dict(zip(node.by, group, strict=True))
            for one in node.aggregations:
                made[one.name] = statistic(one, members, below.kinds)
            rows.append(made)
        for name in reversed(node.by):
            mode = "num" if kinds[name] == "number" else "str"
            rows = sorted_by(rows, nodes.SortKey(name, mode=mode))
        return Table(kinds, rows)

    @table.register
    def _(self, node: nodes.Windowed) -> Table:
        below = self.table(node.input)
        rows: list[Row] = []
        for position, row in enumerate(below.rows):
            results: Row = {one.name: None for one in node.aggregations}
            if all(row.get(name) is not None for name in node.by):
                seen = self._seen(node, below.rows, position)
                for one in node.aggregations:
                    results[one.name] = statistic(one, seen, below.kinds)
            rows.append({**row, **results})
        return Table({**below.kinds, **statistic_kinds(node.aggregations, below.kinds)}, rows)

    def _seen(self, node: nodes.Windowed, rows: Sequence[Row], position: int) -> list[Row]:
        """The rows of the group that a row's statistics see."""
        row, frame = rows[position], node.frame
        group = [text_key(row.get(name)) for name in node.by]
        same = [
            place
            for place, one in enumerate(rows)
            if [text_key(one.get(name)) for name in node.by] == group
        ]
        if frame is None:
            return [rows[place] for place in same]
        reach = frame.preceding
        if isinstance(reach, str):
            reach = number(row.get(reach))
        if frame.over is not None:
            here = number(row.get(frame.over))
            near = [
                one
                for one in same
                if (there := number(rows[one].get(frame.over))) is not None
                and here is not None
                and (reach is None or here - reach <= there)
                and there <= here
            ]
        else:
            near = [one for one in same if one <= position]
            if reach is not None:
                near = near[-int(reach) - 1 :]
        return [rows[one] for one in near if frame.current or one != position]

    @table.register
    def _(self, node: nodes.Combine) -> Table:
        left, right = self.table(node.input), self.table(node.right)
        kinds = dict(left.kinds)
        for name, kind in right.kinds.items():
            if name not in node.by:
                kinds[name] = common((kinds[name], kind)) if name in kinds else kind
        rows: list[Row] = []
        for row in left.rows:
            found = [one for one in right.rows if all(same(row, one, name) for name in node.by)]
            found = found if node.most is None else found[: node.most]
            beside: list[Row] = found or ([{}] if node.outer else [])
            rows += [self._beside(row, one, node, kinds) for one in beside]
        return Table(kinds, rows)

    def _beside(self, left: Row, right: Row, node: nodes.Combine, kinds: Mapping[str, Kind]) -> Row:
        row: Row = {}
        for name, kind in kinds.items():
            cells = [right.get(name), left.get(name)]
            if node.only_missing or name in node.by:
                cells.reverse()
            row[name] = unified(next((cell for cell in cells if cell is not None), None), kind)
        return row


def same(left: Row, right: Row, name: str) -> bool:
    """Whether a field has one and the same value in both rows."""
    one, other = left.get(name), right.get(name)
    return one is not None and other is not None and text_key(one) == text_key(other)


def text_key(cell: Cell) -> object:
    """A cell as what it is distinguished by: its texts."""
    return None if cell is None else tuple(values(cell))


def common(kinds: Iterable[Kind]) -> Kind:
    """The kind of a column of several relations."""
    found = set(kinds) - {"absent"}
    if "list" in found:
        return "list"
    return found.pop() if len(found) == 1 else "any" if found else "absent"


def by_kind(kind: Kind) -> Kind:
    """A BY field has one value in each row."""
    return "any" if kind == "list" else kind


def statistic_kinds(
    aggregations: Iterable[Aggregation], kinds: Mapping[str, Kind]
) -> dict[str, Kind]:
    """The kinds of the results."""
    return {one.name: statistic_kind(one, kinds) for one in aggregations}


def combinations(row: Row, by: Sequence[str]) -> list[tuple[Cell, ...]]:
    """The groups that a row belongs to: one for each combination of its BY fields' values."""
    found: list[tuple[Cell, ...]] = [()]
    for name in by:
        cell = row.get(name)
        options = cell if isinstance(cell, list) else [] if cell is None else [cell]
        found = [(*group, option) for group in found for option in options]
    return found


def sorted_by(rows: list[Row], key: nodes.SortKey) -> list[Row]:
    """The rows by one key: ties keep their order, rows without a value come last."""
    keyed = [(sort_value(row.get(key.field), key.mode), row) for row in rows]
    present = [pair for pair in keyed if pair[0] is not None]
    missing = [row for value, row in keyed if value is None]
    direction = -1 if key.descending else 1

    def compared(one: tuple[Any, Row], other: tuple[Any, Row]) -> int:
        return direction * (int(one[0] > other[0]) - int(one[0] < other[0]))

    return [row for _, row in sorted(present, key=cmp_to_key(compared))] + missing


def sort_value(cell: Cell, mode: str) -> object:
    """What a cell sorts by."""
    if cell is None:
        return None
    first = values(cell)[0] if isinstance(cell, list) else cell
    spelled = number(first)
    if mode == "num":
        return spelled
    if mode == "str":
        return text(first)
    if mode == "ip":
        return address(text(first))
    if spelled is not None:
        return (0, spelled, "")
    return (1, 0.0, text(first))

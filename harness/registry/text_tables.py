"""Tables written in a text: a header, and under it rows of aligned or delimited columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_COLUMNS = 500
MOST_LOOKED_AT = 50
SECOND_HEADER_WITHIN = 2
WORD = re.compile(r"\S+")
PART = re.compile(r"\S+(?: \S+)*")
RULE = re.compile(r"\s*[-=_+|:]{2,}(?:\s+[-=_+|:]{2,})*\s*")
COMMA = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*(?=,|\Z)|([^,]*))(,|\Z)')
UNCLEAN = re.compile(r"[^A-Za-z0-9_]")
HEADING = re.compile(r"[^\w]*(?:\d+[-_])?[^\W\d_]")
"""A word that may head a column; `1024-blocks` is one of `df`."""
CAPITAL = re.compile(r"[^\w]*[^\W\d_a-z]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, and where its heading stands in the line."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The number of the header's line, if any is forced; no header; several tables in a text."""

    header: int | None = None
    headless: bool = False
    several: bool = True


@dataclass(slots=True)
class _Table:
    header: str
    rows: list[str] = field(default_factory=list)


def table_rows(text: str, options: TableOptions) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row's line with its cells; a cell that is empty is left out."""
    blocks = _blocks(text)
    lines = [line for block in blocks for line in block]
    if options.headless:
        if lines:
            yield from _headless(lines)
        return
    if options.header is not None:
        place = options.header - 1
        if place < len(lines):
            yield from _headed(_Table(lines[place], lines[place + 1 :]))
        return
    for table in _tables(blocks if options.several else [lines]):
        yield from _headed(table)


def cleaned(name: str) -> str:
    """A heading as a field's name: letters, digits and `_`, the latter not at the beginning.

    Source: the names in the Splunk Add-on for Unix and Linux (`Use_` for `Use%`, `Device_` for
    `Device:`, `1024_blocks`, but `CPU` for `%CPU`).
    """
    return UNCLEAN.sub("_", name).lstrip("_")


def _blocks(text: str) -> list[list[str]]:
    """The lines with something in them, cut where an empty one stood."""
    found: list[list[str]] = [[]]
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return found


def _tables(blocks: list[list[str]]) -> Iterator[_Table]:
    current: _Table | None = None
    for block in blocks:
        begun = current is not None and bool(current.rows)
        place = _header_place(block, second=begun)
        if place is None:
            if current is not None:
                current.rows += block
            continue
        if current is not None and begun:
            yield current
        current = _Table(block[place], block[place + 1 :])
    if current is not None:
        yield current


def _header_place(block: list[str], *, second: bool) -> int | None:
    """Where a table's header stands: a further table's is capitalised, and leads its lines."""
    ranks = [_rank(line) for line in block]
    if second:
        leading = ranks[: min(SECOND_HEADER_WITHIN, len(ranks) - 1)]
        ranks = [rank if rank[0] > 1 else (0, False) for rank in leading]
    best = max(ranks, default=(0, False))
    return ranks.index(best) if best[0] else None


def _rank(line: str) -> tuple[int, bool]:
    """How much like a header: capitalised words (2), words (1) or none (0); several of them."""
    delimiter = _delimiter(line)
    words = WORD.findall(line) if delimiter is None else _split(line, delimiter)
    if RULE.fullmatch(line) or not all(HEADING.match(word) for word in words):
        return 0, False
    return 2 if all(CAPITAL.match(word) for word in words) else 1, len(words) > 1


def _headed(table: _Table) -> Iterator[tuple[str, dict[str, str]]]:
    rows = [line for line in table.rows if not RULE.fullmatch(line)]
    delimiter = _delimiter(table.header)
    if delimiter is not None:
        headings = [(name, 0, 0) for name in _split(table.header, delimiter)]
    else:
        looked_at = [_words(line)[:MOST_COLUMNS] for line in rows[:MOST_LOOKED_AT]]
        headings = _joined(_words(table.header), looked_at)
    columns: dict[str, Column] = {}
    for number, (heading, start, end) in enumerate(headings[:MOST_COLUMNS], 1):
        name = cleaned(heading) or f"Column_{number}"
        if name in columns:
            name = f"{name}_{number}"
        columns[name] = Column(name, start, end)
    yield from _cells(list(columns.values()), rows, delimiter)


def _headless(lines: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table without a header, with the columns that its first row has."""
    delimiter = _delimiter(lines[0])
    words = _words(lines[0])
    if delimiter is not None:
        words = [(word, 0, 0) for word in _split(lines[0], delimiter)]
    columns = [
        Column(f"Column_{number}", start, end)
        for number, (_, start, end) in enumerate(words[:MOST_COLUMNS], 1)
    ]
    yield from _cells(columns, lines, delimiter)


def _cells(
    columns: Sequence[Column], lines: list[str], delimiter: str | None
) -> Iterator[tuple[str, dict[str, str]]]:
    for line in lines:
        found = _aligned(columns, line) if delimiter is None else _split(line, delimiter)
        if delimiter is not None and len(found) > len(columns):
            last = len(columns) - 1
            found = [*found[:last], delimiter.join(found[last:])]
        yield line, {one.name: cell for one, cell in zip(columns, found, strict=False) if cell}


def _delimiter(header: str) -> str | None:
    """What stands between the cells of a table that is not aligned: a comma or a single tab."""
    if "," in header:
        return ","
    cells = header.split("\t")
    return "\t" if len(cells) > 1 and all(cell.strip() for cell in cells) else None


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == "\t":
        return [cell.strip() for cell in line.split("\t")]
    cells = []
    for matched in COMMA.finditer(line):
        quoted = matched[1]
        cells.append((matched[2] if quoted is None else quoted.replace('""', '"')).strip())
        if not matched[3]:
            break
    return cells


def _words(line: str) -> list[tuple[str, int, int]]:
    return [(one[0], one.start(), one.end()) for one in WORD.finditer(line.expandtabs())]


def _joined(
    heading: list[tuple[str, int, int]], rows: list[list[tuple[str, int, int]]]
) -> list[tuple[str, int, int]]:
    """The headings, those words joined under which no row has two words of its own."""
    heading = heading[:MOST_COLUMNS]
    if not rows or any(len(row) == len(heading) for row in rows):
        return heading
    found = heading[:1]
    for word in heading[1:]:
        last = found[-1]
        if word[1] - last[2] == 1 and _shared(last, word, rows):
            found[-1] = (f"{last[0]} {word[0]}", last[1], word[2])
        else:
            found.append(word)
    return found


def _shared(
    left: tuple[str, int, int],
    right: tuple[str, int, int],
    rows: list[list[tuple[str, int, int]]],
) -> bool:
    """Whether two headings stand over the same word in a row, and over two in none."""
    one = False
    for row in rows:
        over_left = {word for word in row if word[1] < left[2] and word[2] > left[1]}
        over_right = {word for word in row if word[1] < right[2] and word[2] > right[1]}
        if over_left and over_right and not over_left & over_right:
            return False
        one = one or bool(over_left or over_right)
    return one


def _aligned(columns: Sequence[Column], line: str) -> list[str]:
    """The cells of a line: in order if there are as many as columns, else by where they stand."""
    line = line.expandtabs()
    for pattern in (PART, WORD):
        parts = pattern.findall(line)
        if len(parts) == len(columns):
            return parts
    spans: dict[int, tuple[int, int]] = {}
    place = 0
    for _, start, end in _words(line):
        place = max(place, _nearest(columns, start, end))
        spans[place] = (spans.get(place, (start, end))[0], end)
    cells = (spans.get(number) for number in range(len(columns)))
    return [line[span[0] : span[1]] if span else "" for span in cells]


def _nearest(columns: Sequence[Column], start: int, end: int) -> int:
    """The first column whose heading a word stands under, or else the nearest one."""
    after = bisect_right(columns, start, key=lambda column: column.end)
    if after == len(columns) or after == 0:
        return min(after, len(columns) - 1)
    to_right, to_left = columns[after].start - end, start - columns[after - 1].end
    return after if to_right < 0 or to_right < to_left else after - 1

"""What of a search's results has an order that means something, read from the search's text.

Rows: where the search ends with sort, head, tail or reverse, with nothing after them but commands
that keep the order. Sort says which fields decide; rows that tie in them may come in any order.

Values: `list()` keeps the order of the events, `values()` gives a set. In a search that has
`values()`, the order of values counts only in the fields that `list()` made.

Source: Search Reference, "sort", "head", "Multivalue stats and chart functions".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.spl.pipeline import Stage

KEEPS_ORDER = frozenset(
    "accum addinfo addtotals autoregress bin bucket convert dedup delta eval eventstats extract"
    " fieldformat fields fillnull filldown foreach iplocation kv lookup makemv mvexpand nomv"
    " rangemap regex rename replace reltime rex search spath strcat streamstats table tags uniq"
    " where xmlkv xpath".split()
)
ORDERS = frozenset({"head", "tail", "reverse"})
NAME = r'"[^"]*"|[^\s,|()"]+'
RENAMED = re.compile(rf"({NAME})\s+as\s+({NAME})", re.IGNORECASE)
COLLECTED = re.compile(rf"\b(list|values)\s*\(\s*({NAME})\s*\)(?:\s+as\s+({NAME}))?", re.IGNORECASE)
SIGNED = re.compile(rf"(?:[+-]\s*)?(?:(?:auto|str|ip|num)\s*\(\s*({NAME})\s*\)|({NAME}))")
COUNT = re.compile(r"\d+|limit=\d+")
DIRECTIONS = frozenset({"d", "desc", "a", "asc"})
MACRO, UNKNOWN = re.compile(r"`[^`]*`"), "unknown_macro"
SORTS = re.compile(r"\bsortby\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ordering:
    """Whether rows have an order, and by which fields; which lists have one.

    `keys` are the fields of the last sort, empty where it is not one sort that decides.
    """

    rows: bool = False
    keys: tuple[str, ...] = ()
    has_values: bool = False
    lists: tuple[str, ...] = ()

    def of_values(self, field: str) -> bool:
        """Whether the order of a field's values means something."""
        return not self.has_values or any(fnmatchcase(field, one) for one in self.lists)


def ordering_of(search: str) -> Ordering:
    """The order of a search's results.

    A macro that is not expanded may do anything to the order of rows. In a text that cannot be
    read as a search no order counts.
    """
    text = MACRO.sub(f" {UNKNOWN} ", search)
    try:
        stages = parse_pipeline(SplText.of(Source(text))).stages
    except HarnessError:
        return Ordering(has_values=True)
    ordered, keys = False, tuple[str, ...]()
    for position in range(len(stages) - 1, -1, -1):
        stage, after = stages[position], stages[position + 1 :]
        name = stage.name.lower()
        if name == "sort":
            ordered, keys = True, tuple(_after(key, after) for key in _sort_keys(stage.raw))
            break
        if name in ORDERS:
            ordered = True
        elif name not in KEEPS_ORDER or (name == "dedup" and SORTS.search(stage.raw)):
            break
    has_values, lists = _collected(stages)
    return Ordering(ordered, keys, has_values, lists)


def _sort_keys(raw: str) -> tuple[str, ...]:
    found = list(SIGNED.finditer(raw))
    keys: list[str] = []
    for number, one in enumerate(found):
        if number == 0 and COUNT.fullmatch(one.group()):
            continue
        if number and number == len(found) - 1 and one.group().lower() in DIRECTIONS:
            continue
        keys.append((one[1] or one[2]).strip('"'))
    return tuple(keys)


def _collected(stages: Sequence[Stage]) -> tuple[bool, tuple[str, ...]]:
    """Whether a stage has values(), and the fields of list() by their last names."""
    has_values, lists = False, list[str]()
    for position, stage in enumerate(stages):
        for function, argument, name in COLLECTED.findall(stage.raw):
            if function.lower() == "values":
                has_values = True
                continue
            made = name.strip('"') or f"list({argument.strip(chr(34))})"
            lists.append(_after(made, stages[position + 1 :]))
    return has_values, tuple(lists)


def _after(field: str, stages: Iterable[Stage]) -> str:
    """What a field is called after the renames of some stages."""
    for stage in stages:
        if stage.name.lower() != "rename":
            continue
        for old, new in RENAMED.findall(stage.raw):
            before, after = old.strip('"'), new.strip('"')
            if before == field:
                field = after
                break
            if before.count("*") == 1 and after.count("*") == 1:
                head, tail = before.split("*")
                fits = len(field) >= len(head) + len(tail)
                if fits and field.startswith(head) and field.endswith(tail):
                    field = after.replace("*", field[len(head) : len(field) - len(tail)])
                    break
    return field

"""What two engines may give differently without being different: the one place that says so.

Fields. `DIFFERENT_BY_NATURE` names those that say where and when a copy of an event was stored or
found, which no two instances have in common. They are not compared.

Numbers. A number and a text that is a plain decimal number are compared as numbers (Splunk's REST
API gives every value as text), so 5, 5.0 and "5" are the same. Whole numbers are exact. Others may
differ by `RELATIVE`, the last digits that a sum's order and a printer decide, but never by more
than `MOST_ABSOLUTE`, so that times in epoch seconds are told apart by the millisecond. Two texts
are numbers only with `LONG` digits or more, where the end is noise: "1.10" and "1.1" are versions.

Times. `_time` may be epoch seconds or the ISO text that Splunk's REST API prints.

Absence. A field without a value and a field that is not there are the same, as are a list of one
value and the value; an empty text is a value.
"""

from __future__ import annotations

import re
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import Value

DIFFERENT_BY_NATURE = {
    "_bkt": "the bucket in which an indexer stored the event",
    "_cd": "the address of the event in its bucket",
    "_indextime": "when the event was indexed, which is when it was replayed",
    "_serial": "the number of the event among a job's results, as it was found",
    "_si": "the indexer and the index in which the event was found",
    "info_search_time": "when the search was started, written by addinfo",
    "info_sid": "the id of the search job, written by addinfo",
    "splunk_server": "the name of the machine that was searched",
    "splunk_server_group": "the groups of the machine that was searched",
}
"""Source: Knowledge Manager Manual, "Use default fields"; Search Reference, "addinfo"."""
TIMES = frozenset({"_time", "orig_time"})
RELATIVE = 1e-9
MOST_ABSOLUTE = 1e-4
PRECISION = 1e-14
"""What a number of double precision cannot hold, however large it is."""
LONG = 10
DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,30})(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?")

Key = tuple[str, ...] | str


class Tolerance:
    """What is compared of a field's values, and when two are the same.

    `ignored` are names, or patterns with `*`, of fields that a person does not want compared.
    """

    def __init__(self, ignored: Iterable[str] = ()) -> None:
        self.ignored = tuple(ignored)

    def compares(self, field: str) -> bool:
        """Whether a field is compared at all."""
        if field in DIFFERENT_BY_NATURE:
            return False
        return not any(fnmatchcase(field, pattern) for pattern in self.ignored)


def present(value: Value) -> Value:
    """A value in one shape: None for nothing, and one value where a list has no more."""
    if isinstance(value, list):
        found = [one for one in value if one is not None]
        return None if not found else found[0] if len(found) == 1 else found
    return value


def key_of(field: str, value: Value, *, ordered: bool) -> Key:
    """A value that has been made `present`, so that equal keys mean equal values."""
    if isinstance(value, list):
        keys = [_text(one) for one in value]
        return tuple(keys if ordered else sorted(keys))
    if field in TIMES and (time := _time(value)) is not None:
        return _text(time)
    return _text(value)


def _text(value: str | float | None) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return "" if value is None else str(value)


def same(field: str, one: Value, other: Value, *, ordered: bool) -> bool:
    """Whether two values that have been made `present` are the same."""
    if one is None or other is None:
        return one is other
    if isinstance(one, list) or isinstance(other, list):
        if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
            return False
        if not ordered:
            one, other = sorted(one, key=_sorting), sorted(other, key=_sorting)
        return all(_same(a, b) for a, b in zip(one, other, strict=True))
    if field in TIMES:
        first, second = _time(one), _time(other)
        if first is not None and second is not None:
            return _close(first, second)
    return _same(one, other)


def sorting_key(value: Value) -> tuple[int, float, str]:
    """A key that sorts values that are nearly the same side by side."""
    if isinstance(value, list):
        return (2, 0.0, "\n".join(map(str, value)))
    return (3, 0.0, "") if value is None else _sorting(value)


def _sorting(value: str | float) -> tuple[int, float, str]:
    number = _number(value)
    return (1, 0.0, str(value)) if number is None else (0, float(number), str(value))


def _same(one: str | float, other: str | float) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        if one == other:
            return True
        if min(_digits(one), _digits(other)) < LONG:
            return False
    first, second = _number(one), _number(other)
    if first is None or second is None:
        return str(one) == str(other)
    return _close(first, second)


def _close(one: float, other: float) -> bool:
    if one == other:
        return True
    if isinstance(one, int) and isinstance(other, int):
        return False
    size = max(abs(one), abs(other))
    return abs(one - other) <= max(min(RELATIVE * size, MOST_ABSOLUTE), PRECISION * size)


def _digits(text: str) -> int:
    """How many digits a text has that is a plain decimal number; 0 where it is none."""
    return sum(map(str.isdigit, text)) if DECIMAL.fullmatch(text) else 0


def _number(value: str | float) -> int | float | None:
    """The number that a value is; of a text only where a number would be printed so."""
    if isinstance(value, str):
        if DECIMAL.fullmatch(value) is None:
            return None
        return float(value) if set(value) & set(".eE") else int(value)
    return value


def _time(value: Value) -> float | None:
    if isinstance(value, list) or value is None:
        return None
    if isinstance(value, str) and (number := _number(value)) is None:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return found.timestamp() if found.tzinfo is not None else None
    number = _number(value)
    return None if number is None else float(number)

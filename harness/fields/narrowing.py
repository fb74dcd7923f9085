"""What a filter says of a field decides conditions behind it.

Add-ons write most calculated fields as cases of an event code. Where a search has asked for one
code, the branches of all others, and the fields that only they read, are nobody's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING

from harness.functions.extraction import UNNAMED
from harness.plan.expressions import FALSE, NULL, TRUE, Call, Const, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Known:
    """Numbers, one of which each row's field spells; where it is not `alone`, beside others."""

    values: frozenset[float]
    alone: bool = True


PLAIN = re.compile(r"0|[1-9][0-9]{0,8}")
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": eq, "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
EQUALS = {"search_equals": True, "search_equals_not": False}
ONE_OF = frozenset({"=", "==", "in", "search_equals"})
"""Conditions that one of several values meets alone."""
SINGLE = frozenset(
    {"auto_value", "extract_filled", "extract_part", "mvindex", "xml_attribute", "xml_field"}
)
"""Extractions that give one value at most."""


def values_of(predicate: Expr) -> dict[str, tuple[frozenset[float], ...]]:
    """The fields that have one of a few numbers wherever a predicate of `search` is met.

    For each there are sets, and some value is in each of them: of a field with one value that is
    in all, of several values perhaps another one in every set.
    """
    if not isinstance(predicate, Call):
        return {}
    if predicate.name == "search_equals":
        field, wanted = predicate.arguments
        if isinstance(field, Field) and isinstance(wanted, Const) and _is_plain(wanted.value):
            return {field.name: (frozenset((float(str(wanted.value)),)),)}
        return {}
    if predicate.name not in ("and", "or"):
        return {}
    parts = [values_of(part) for part in predicate.arguments]
    names = set[str]().union(*parts)
    if predicate.name == "and":
        return {name: tuple(one for part in parts for one in part.get(name, ())) for name in names}
    return {
        name: (frozenset[float]().union(*(smallest(part[name]) for part in parts)),)
        for name in names
        if all(name in part for part in parts)
    }


def smallest(sets: tuple[frozenset[float], ...]) -> frozenset[float]:
    """The set that says most."""
    return min(sets, key=len)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and PLAIN.fullmatch(value) is not None


def has_one_value(expression: Expr) -> bool:
    """Whether an extraction cannot give several values."""
    if not isinstance(expression, Call) or expression.name not in SINGLE:
        return False
    is_range = expression.name == "mvindex" and len(expression.arguments) > 2
    return not is_range and Const(UNNAMED) not in expression.arguments


def decided(expression: Expr, known: Mapping[str, Known]) -> Expr:
    """The expression in rows where fields have known values, without what cannot happen."""
    if not isinstance(expression, Call):
        return expression
    arguments = tuple(decided(argument, known) for argument in expression.arguments)
    name = expression.name
    if name in ("and", "or"):
        return _joined(name, arguments)
    if name in ("not", "not_true") and arguments[0] in (TRUE, FALSE):
        return FALSE if arguments[0] == TRUE else TRUE
    if name == "if" and len(arguments) == 3 and arguments[0] in (TRUE, FALSE):
        return arguments[1] if arguments[0] == TRUE else arguments[2]
    if name == "case":
        return _cases(arguments)
    found = _told(name, arguments, known)
    return Call(name, arguments) if found is None else Const(found)


def _joined(name: str, arguments: tuple[Expr, ...]) -> Expr:
    neutral, deciding = (TRUE, FALSE) if name == "and" else (FALSE, TRUE)
    if deciding in arguments:
        return deciding
    kept = tuple(one for one in arguments if one != neutral)
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else Call(name, kept)


def _cases(arguments: tuple[Expr, ...]) -> Expr:
    """The branches that may be taken; the one that is taken, where it comes first."""
    kept: list[Expr] = []
    for condition, value in zip(arguments[::2], arguments[1::2], strict=False):
        if condition == FALSE:
            continue
        if condition == TRUE and not kept:
            return value
        kept += (condition, value)
        if condition == TRUE:
            break
    return Call("case", tuple(kept)) if kept else NULL


def _told(name: str, arguments: tuple[Expr, ...], known: Mapping[str, Known]) -> bool | None:
    """The truth of a condition over one field that has known values, if all of them agree."""
    if not arguments:
        return None
    first, rest = arguments[0], arguments[1:]
    if name in COMPARISONS and isinstance(first, Const):
        name, first, rest = MIRRORED.get(name, name), rest[0], (first,)
    told = known.get(first.name) if isinstance(first, Field) else None
    if told is None:
        return None
    if name in ("isnotnull", "isnull"):
        return name == "isnotnull"
    constants = [one.value for one in rest if isinstance(one, Const)]
    if len(constants) < len(rest) or not all(isinstance(one, str | float) for one in constants):
        return None
    if told.alone:
        return _compared(name, constants, told.values)
    if name in ONE_OF and told.values <= {_number(one) for one in constants}:
        return True
    return None


def _compared(name: str, constants: Sequence[object], values: frozenset[float]) -> bool | None:
    """The same for the constants that a field of one value is held against."""
    wanted = [_number(one) for one in constants]
    if name in COMPARISONS:
        (number,) = wanted
        if number is None:
            return {"!=": True, "=": False, "==": False}.get(name)
        return _agreed(COMPARISONS[name](value, number) for value in values)
    if name == "in":
        return _agreed(value in wanted for value in values)
    if name in EQUALS and (wanted == [None] or _is_plain(constants[0])):
        return _agreed((value in wanted) is EQUALS[name] for value in values)
    return None


def _number(value: object) -> float | None:
    """The number that a constant is or spells; None is equal to no number."""
    if isinstance(value, float):
        return value
    return float(str(value)) if NUMBER.fullmatch(str(value)) else None


def _agreed(found: Iterable[bool]) -> bool | None:
    both = set(found)
    return both.pop() if len(both) == 1 else None

"""Operators and functions of eval and search, for the interpreter of plans.

From decision 0003 and Splunk's Search Reference. Truth is True, False or None for unknown.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cmp_to_key
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from interpreted_values import Cell, Kind, number, number_text, single, text, unified, values

from harness.plan.expressions import Call, Const, Each, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Value = Cell | bool
Truth = bool | None
Row = dict[str, Cell]

NUMERIC = frozenset(
    """
    - * / % negate abs ceil ceiling exact exp floor ln log pow round sqrt pi tonumber mvcount
    mvfind strptime relative_time now time bin_time
    """.split()
)
LISTS = frozenset("mvappend mvdedup mvsort mvzip mvrange mvfilter mvmap mvreverse split".split())
EACH = frozenset("len lower upper trim ltrim rtrim substr replace replace_first".split())
BRANCHES = frozenset("if case validate coalesce".split())


# Kinds


def kind_of(expression: Expr, kinds: Mapping[str, Kind]) -> Kind:
    """The kind that an expression has in every row."""
    if isinstance(expression, Field):
        return kinds.get(expression.name, "absent")
    if isinstance(expression, Const):
        if expression.value is None:
            return "absent"
        return "text" if isinstance(expression.value, str) else "number"
    assert isinstance(expression, Call), expression
    return _kind_of_call(expression, kinds)


def _kind_of_call(expression: Call, kinds: Mapping[str, Kind]) -> Kind:
    name, found = expression.name, [kind_of(one, kinds) for one in _of_values(expression)]
    if name in NUMERIC:
        return "number"
    if name == "+":
        return "number" if "number" in found else "text" if set(found) == {"text"} else "any"
    if name in BRANCHES:
        return _branches(found)
    if name in ("max", "min"):
        return "number" if set(found) <= {"number"} else "any"
    if name == "nullif":
        return found[0]
    if name == "mvindex":
        return "list" if len(found) == 3 else "any"
    if name in LISTS or (name in EACH and found[0] == "list"):
        return "list"
    return "number" if name == "len" else "text"


def _of_values(call: Call) -> Sequence[Expr]:
    """The arguments that give the value, without conditions."""
    if call.name == "if":
        return call.arguments[1:]
    if call.name in ("case", "validate"):
        return call.arguments[1::2]
    return [one for one in call.arguments if isinstance(one, Field | Const) or _gives_value(one)]


def _gives_value(expression: Expr) -> bool:
    return isinstance(expression, Call) and expression.name not in CONDITIONS


def _branches(kinds: Sequence[Kind]) -> Kind:
    if "list" in kinds:
        return "list"
    present = {kind for kind in kinds if kind != "absent"}
    return present.pop() if len(present) == 1 else "any"


# Values


def evaluate(expression: Expr, row: Row, kinds: Mapping[str, Kind]) -> Value:
    """The value of an expression in a row."""
    if isinstance(expression, Field):
        return row.get(expression.name)
    if isinstance(expression, Const):
        value = expression.value
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    assert isinstance(expression, Call), expression
    name, arguments = expression.name, expression.arguments
    if name in ("mvmap", "mvfilter"):
        return _each(name, arguments, row, kinds)
    found = [evaluate(one, row, kinds) for one in arguments]
    if name == "+" and all(kind_of(one, kinds) == "text" for one in arguments):
        return concatenation(found)
    if name in BRANCHES:
        chosen = CHOICES[name](found)
        return chosen if isinstance(chosen, bool) else unified(chosen, kind_of(expression, kinds))
    if name in ("isstr", "isnum", "isint", "typeof"):
        return INFORMATION[name](found[0], isinstance(arguments[0], Const))
    if name in CONDITIONS:
        return CONDITIONS[name](found)
    return FUNCTIONS[name](found)


def _each(name: str, arguments: Sequence[Expr], row: Row, kinds: Mapping[str, Kind]) -> Cell:
    field, each = arguments
    assert isinstance(each, Each)
    several = evaluate(field, row, kinds)
    assert not isinstance(several, bool)
    inner: dict[str, Kind] = {**kinds, each.field: "any"}
    kept: list[str] = []
    for value in values(several):
        found = evaluate(each.body, {**row, each.field: value}, inner)
        if name == "mvfilter":
            kept += [value] if found is True else []
        else:
            assert not isinstance(found, bool)
            kept += values(found)
    return single(kept)


def only(value: Value) -> Value:
    """The value of a field that has exactly one."""
    return None if isinstance(value, list) else value


# Conditions


def compared(one: Value, other: Value) -> int | None:
    """Less, equal or greater: by number if both spell numbers, else by text."""
    if one is None or other is None:
        return None
    a, b = number(one), number(other)
    if a is not None and b is not None:
        return (a > b) - (a < b)
    s, t = text(one), text(other)
    return (s.encode() > t.encode()) - (s.encode() < t.encode())


def comparison(holds: Callable[[int], bool]) -> Callable[[Sequence[Value]], Truth]:
    """A comparison that several values meet if any of them does."""

    def compare(found: Sequence[Value]) -> Truth:
        one, other = found
        if one is None or other is None:
            return None
        ones = one if isinstance(one, list) else [one]
        others = other if isinstance(other, list) else [other]
        results = [compared(a, b) for a in ones for b in others]
        return any(result is not None and holds(result) for result in results)

    return compare


def conjunction(found: Sequence[Value]) -> Truth:
    """False if any is, else unknown if any is."""
    if any(one is False for one in found):
        return False
    return None if any(one is None for one in found) else True


def disjunction(found: Sequence[Value]) -> Truth:
    """True if any is, else unknown if any is."""
    if any(one is True for one in found):
        return True
    return None if any(one is None for one in found) else False


def exclusive(found: Sequence[Value]) -> Truth:
    """True if exactly one of two is."""
    return None if None in found else found[0] is not found[1]


def like(found: Sequence[Value]) -> Truth:
    """Whether any value is of a form with `%` and `_`."""
    value, form = found
    if value is None or form is None:
        return None
    parts = [".*" if c == "%" else "." if c == "_" else re.escape(c) for c in text(form)]
    pattern = re.compile("".join(parts), re.DOTALL)
    return any(pattern.fullmatch(one) is not None for one in values(value))


def match(found: Sequence[Value]) -> Truth:
    """Whether a pattern occurs in any value."""
    value, pattern = found
    if value is None:
        return None
    return any(re.search(str(pattern), one) is not None for one in values(value))


def cidrmatch(found: Sequence[Value]) -> Truth:
    """Whether any value is an address of a network."""
    network, value = found
    return None if value is None else any(_in_network(one, str(network)) for one in values(value))


def _in_network(value: str, network: str) -> bool:
    try:
        return ip_address(value) in ip_network(network, strict=False)
    except ValueError:
        return False


def _spelled(value: str, wanted: str) -> bool:
    """Whether a value is a text in its own letter case, `*` being anything."""
    parts = [re.escape(part) for part in wanted.split("*")]
    return re.fullmatch(".*".join(parts), value, re.DOTALL) is not None


def found_in(found: Sequence[Value]) -> Truth:
    """`=` in turn."""
    return disjunction([EQUAL([found[0], one]) for one in found[1:]])


def searched(test: Callable[[str, str], bool]) -> Callable[[Sequence[Value]], Truth]:
    """A comparison of the search command: without a value there is no match."""

    def search(found: Sequence[Value]) -> Truth:
        value, wanted = found
        return any(test(one, str(wanted)) for one in values(value))

    return search


def search_equal(value: str, wanted: str) -> bool:
    """Letter case does not count; numbers are compared by value, as the documentation has it."""
    return value.casefold() == wanted.casefold()


def search_wildcard(value: str, wanted: str) -> bool:
    """`*` stands for any run of characters."""
    pattern = ".*".join(re.escape(part) for part in wanted.casefold().split("*"))
    return re.fullmatch(pattern, value.casefold(), re.DOTALL) is not None


def search_order(holds: Callable[[int], bool]) -> Callable[[str, str], bool]:
    """By number if both are numbers, else lexicographically."""

    def ordered(value: str, wanted: str) -> bool:
        result = compared(value, wanted)
        return result is not None and holds(result)

    return ordered


EQUAL = comparison(lambda result: result == 0)
CONDITIONS: dict[str, Callable[[Sequence[Value]], Truth]] = {
    "and": conjunction,
    "or": disjunction,
    "xor": exclusive,
    "not": lambda found: None if found[0] is None else not found[0],
    "not_true": lambda found: found[0] is not True,
    "=": EQUAL,
    "!=": comparison(lambda result: result != 0),
    "<": comparison(lambda result: result < 0),
    "<=": comparison(lambda result: result <= 0),
    ">": comparison(lambda result: result > 0),
    ">=": comparison(lambda result: result >= 0),
    "like": like,
    "in": found_in,
    "match": match,
    "cidrmatch": cidrmatch,
    "isnull": lambda found: found[0] is None,
    "isnotnull": lambda found: found[0] is not None,
    "isbool": lambda found: isinstance(found[0], bool),
    "true": lambda _: True,
    "false": lambda _: False,
    "search_equals": searched(search_equal),
    "search_equals_not": searched(lambda value, wanted: not search_equal(value, wanted)),
    "search_wildcard": searched(search_wildcard),
    "search_wildcard_not": searched(lambda value, wanted: not search_wildcard(value, wanted)),
    "search_exact": searched(_spelled),
    "search_exact_not": searched(lambda value, wanted: not _spelled(value, wanted)),
    "search_cidr": searched(_in_network),
    "search_cidr_not": searched(lambda value, wanted: not _in_network(value, wanted)),
    "search_less": searched(search_order(lambda result: result < 0)),
    "search_at_most": searched(search_order(lambda result: result <= 0)),
    "search_greater": searched(search_order(lambda result: result > 0)),
    "search_at_least": searched(search_order(lambda result: result >= 0)),
}
for _name in ("isstr", "isnum", "isint"):
    CONDITIONS[_name] = lambda _: None


def _spells(value: Value, *, written: bool) -> float | None:
    """The number that a value spells; a string literal is a string."""
    return None if written and isinstance(value, str) else number(only(value))


INFORMATION: dict[str, Callable[[Value, bool], Value]] = {
    "isnum": lambda value, written: _spells(value, written=written) is not None,
    "isint": lambda value, written: (
        (found := _spells(value, written=written)) is not None and found.is_integer()
    ),
    "isstr": lambda value, written: (
        value is not None
        and not isinstance(value, bool)
        and _spells(value, written=written) is None
    ),
    "typeof": lambda value, written: (
        "Invalid"
        if value is None
        else "Boolean"
        if isinstance(value, bool)
        else "Multivalue"
        if isinstance(value, list)
        else "String"
        if _spells(value, written=written) is None
        else "Number"
    ),
}


# Branches


def case(found: Sequence[Value]) -> Value:
    """The value of the first condition that is true."""
    return next((v for c, v in zip(found[::2], found[1::2], strict=True) if c is True), None)


def validate(found: Sequence[Value]) -> Value:
    """The value of the first condition that is false."""
    return next((v for c, v in zip(found[::2], found[1::2], strict=True) if c is False), None)


CHOICES: dict[str, Callable[[Sequence[Value]], Value]] = {
    "if": lambda found: found[1] if found[0] is True else found[2],
    "case": case,
    "validate": validate,
    "coalesce": lambda found: next((one for one in found if one is not None), None),
}


# Arithmetic


def plus(found: Sequence[Cell]) -> Cell:
    """A sum where a side is a number or both spell one, else the texts joined."""
    one, other = (only(value) for value in found)
    if one is None or other is None:
        return None
    a, b = number(one), number(other)
    if isinstance(one, float) or isinstance(other, float):
        return None if a is None or b is None else a + b
    if a is not None and b is not None:
        return number_text(a + b)
    return str(one) + str(other)


def arithmetic(work: Callable[[float, float], float | None]) -> Callable[[Sequence[Cell]], Cell]:
    """An operator of two numbers."""

    def apply(found: Sequence[Cell]) -> Cell:
        one, other = number(only(found[0])), number(only(found[1]))
        return None if one is None or other is None else work(one, other)

    return apply


def numeric(work: Callable[[float], float | None]) -> Callable[[Sequence[Cell]], Cell]:
    """A function of one number."""

    def apply(found: Sequence[Cell]) -> Cell:
        one = number(only(found[0]))
        return None if one is None else work(one)

    return apply


def concatenation(found: Sequence[Cell]) -> Cell:
    """The printed forms, one after the other."""
    one, other = (only(value) for value in found)
    if one is None or other is None:
        return None
    return text(one) + text(other)


def rounded(found: Sequence[Cell]) -> Cell:
    """Halves away from zero, by the digits as they are written."""
    value = number(only(found[0]))
    decimals = number(found[1]) if len(found) > 1 else 0.0
    if value is None or decimals is None:
        return None
    unit = Decimal(1).scaleb(-int(decimals))
    return float(Decimal(repr(value)).quantize(unit, rounding=ROUND_HALF_UP))


def greatest(sign: int) -> Callable[[Sequence[Cell]], Cell]:
    """The greatest or least value: every number lies below every text."""

    def choose(found: Sequence[Cell]) -> Cell:
        options: list[Cell] = []
        for one in found:
            options += one if isinstance(one, list) else [] if one is None else [one]
        if not options:
            return None
        best = min(options, key=cmp_to_key(lambda a, b: sign * _ranked(a, b)))
        return best if all(isinstance(one, float) for one in found) else text(best)

    return choose


def _ranked(one: Any, other: Any) -> int:
    a, b = number(one), number(other)
    if (a is None) != (b is None):
        return 1 if a is None else -1
    return compared(one, other) or 0


# Text


def each(work: Callable[..., Cell]) -> Callable[[Sequence[Cell]], Cell]:
    """A function of a text, worked out for each of several."""

    def apply(found: Sequence[Cell]) -> Cell:
        if any(one is None for one in found):
            return None
        if isinstance(found[0], list):
            results = [work(one, *found[1:]) for one in found[0]]
            return single([text(one) for one in results if one is not None])
        return work(text(found[0]), *found[1:])

    return apply


def substr(value: str, start: Cell, length: Cell = None) -> Cell:
    """A part by position, counted from 1, or from the end if negative."""
    first = int(number(start) or 0)
    begin = first - 1 if first > 0 else max(len(value) + first, 0)
    if first < 0 and -first > len(value) and length is not None:
        length = (number(length) or 0.0) - (-first - len(value))
    end = len(value) if length is None else begin + max(int(number(length) or 0), 0)
    return value[begin:end]


def replace(value: str, pattern: Cell, new: Cell) -> Cell:
    r"""Every match of a pattern replaced; `\1` is a group, `\0` the whole match."""

    def written(found: re.Match[str]) -> str:
        return re.sub(r"\\(\d)", lambda group: found[int(group[1])] or "", str(new))

    return re.sub(str(pattern), written, value)


def split(found: Sequence[Cell]) -> Cell:
    """The parts between delimiters."""
    value, delimiter = only(found[0]), found[1]
    return None if value is None else single(text(value).split(str(delimiter)))


def trimmed(where: str) -> Callable[[Sequence[Cell]], Cell]:
    """Spaces and tabs, or the given characters, taken off the ends."""

    def work(value: str, characters: Cell = " \t") -> Cell:
        found = str(characters)
        value = value.lstrip(found) if where != "right" else value
        return value.rstrip(found) if where != "left" else value

    return each(work)


def tonumber(found: Sequence[Cell]) -> Cell:
    """The number that a text spells, without spaces around it."""
    value = only(found[0])
    if value is None:
        return None
    written = text(value)
    return number(written) if written == written.strip() else None


def tostring(found: Sequence[Value]) -> Cell:
    """A value as text."""
    if isinstance(found[0], bool):
        return "True" if found[0] else "False"
    value = only(found[0])
    return None if value is None else text(value)


# Several values


def mvindex(found: Sequence[Cell]) -> Cell:
    """The values of a range of positions; a single one has to exist."""
    several = values(found[0])
    positions = [number(one) for one in found[1:]]
    if not several or None in positions:
        return None
    start, end = int(positions[0] or 0), int(positions[-1] or 0)
    start += len(several) if start < 0 else 0
    end += len(several) if end < 0 else 0
    if len(found) == 2:
        return several[start] if 0 <= start < len(several) else None
    return single(several[max(start, 0) : end + 1] if end >= 0 else [])


def mvzip(found: Sequence[Cell]) -> Cell:
    """The values of two fields side by side."""
    delimiter = "," if len(found) < 3 else str(found[2])
    pairs = zip(values(found[0]), values(found[1]), strict=False)
    return single([one + delimiter + other for one, other in pairs])


def mvfind(found: Sequence[Cell]) -> Cell:
    """The position of the first value with a match."""
    places = [n for n, one in enumerate(values(found[0])) if re.search(str(found[1]), one)]
    return float(places[0]) if places else None


def binned(found: Sequence[Cell]) -> Cell:
    """The span that a number lies in, as its bounds."""
    value, size = only(found[0]), number(found[1])
    here = number(value)
    if here is None or not size:
        return value
    low = math.floor(here / size) * size
    return f"{number_text(low)}-{number_text(low + size)}"


def caught(found: Sequence[Cell]) -> Cell:
    """What a named group caught in a field's value."""
    value = only(found[0])
    if value is None:
        return None
    pattern = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", str(found[1]))
    matched = re.search(pattern, text(value))
    return matched[str(found[2])] if matched else None


FUNCTIONS: dict[str, Callable[[Sequence[Cell]], Cell]] = {
    "+": plus,
    "-": arithmetic(lambda a, b: a - b),
    "*": arithmetic(lambda a, b: a * b),
    "/": arithmetic(lambda a, b: a / b if b else None),
    "%": arithmetic(lambda a, b: math.fmod(a, b) if b else None),
    ".": concatenation,
    "negate": numeric(lambda a: -a),
    "nullif": lambda found: None if EQUAL(found[:2]) is True else found[0],
    "abs": numeric(abs),
    "ceil": numeric(lambda a: float(math.ceil(a))),
    "floor": numeric(lambda a: float(math.floor(a))),
    "exact": numeric(lambda a: a),
    "sqrt": numeric(lambda a: math.sqrt(a) if a >= 0 else math.nan),
    "round": rounded,
    "max": greatest(-1),
    "min": greatest(1),
    "len": each(lambda value: float(len(value))),
    "lower": each(str.lower),
    "upper": each(str.upper),
    "trim": trimmed("both"),
    "ltrim": trimmed("left"),
    "rtrim": trimmed("right"),
    "substr": each(substr),
    "replace": each(replace),
    "split": split,
    "tonumber": tonumber,
    "tostring": tostring,
    "mvcount": lambda found: float(len(values(found[0]))) if values(found[0]) else None,
    "mvindex": mvindex,
    "mvjoin": lambda found: str(found[1]).join(values(found[0])) if found[0] is not None else None,
    "mvappend": lambda found: single([value for one in found for value in values(one)]),
    "mvdedup": lambda found: single(list(dict.fromkeys(values(found[0])))),
    "mvsort": lambda found: single(sorted(values(found[0]))),
    "mvzip": mvzip,
    "mvfind": mvfind,
    "bin_number": binned,
    "bin_time": arithmetic(lambda a, b: math.floor(a / b) * b),
    "extract_group": caught,
}
FUNCTIONS["ceiling"] = FUNCTIONS["ceil"]

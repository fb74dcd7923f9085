"""Whether what came out is what was expected, and if not, the first thing that is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.content import NamedInRaw
from harness.errors import Place
from harness.risk.derivation import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.content import Expectation, ExpectedRisk, FieldRule
    from harness.model import Rows, Value
    from harness.risk.events import RiskEvent, RiskOutcome

_MAX_SHOWN = 5
_MAX_NAMES = 8


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first expectation that does not hold: which, what it asks, and what was there.

    `details` are further lines: near misses, rows, what else is missing.
    """

    what: str
    expected: str
    actual: str
    details: tuple[str, ...] = ()
    place: Place = field(default_factory=Place)

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.actual}"

    def render(self) -> str:
        """Several lines, with the place in the sidecar."""
        where = f"{self.place}: " if str(self.place) else ""
        return "\n".join([f"{where}{self}", *(f"  {line}" for line in self.details)])


def check(
    expectation: Expectation,
    rows: Rows,
    outcome: RiskOutcome,
    raw_text_source: Callable[[], Iterable[str]],
) -> Mismatch | None:
    """The first expectation that does not hold, `None` where all hold.

    In order: number of results, failures of the risk events, fields of each row, fields of some
    row, risk. `raw_text_source` gives the text of the raw data in pieces that do not cut a line;
    it is read only where an expectation asks what the raw data names.
    """
    if not expectation.results.holds(len(rows)):
        return _wrong_count(expectation, rows)
    if outcome.failures:
        more = outcome.failures[1 : 1 + _MAX_SHOWN]
        return Mismatch(
            "risk events", "every risk field and message token to have a value",
            outcome.failures[0], more, expectation.place,
        )  # fmt: skip
    return (
        _wrong_row(expectation, rows)
        or _no_such_row(expectation, rows)
        or _wrong_risk(expectation, outcome.events, _Names(raw_text_source))
    )


def _wrong_count(expectation: Expectation, rows: Rows) -> Mismatch:
    bound = expectation.results
    shown = tuple(f"row {n + 1}: {_row(row)}" for n, row in enumerate(rows.rows[:_MAX_SHOWN]))
    expected = "the detection not to fire" if bound.at_most == 0 else f"{bound}"
    count = f"{len(rows)} result" + ("" if len(rows) == 1 else "s")
    return Mismatch("results", expected, count, shown, expectation.place)


def _wrong_row(expectation: Expectation, rows: Rows) -> Mismatch | None:
    for rule in expectation.every_row:
        for number, row in enumerate(rows.rows):
            if not _fits(rule, row):
                return Mismatch(
                    f"`{rule.name}` of row {number + 1}", _asked(rule), _actual(rule, row),
                    (f"row {number + 1}: {_row(row)}",), rule.place,
                )  # fmt: skip
    return None


def _no_such_row(expectation: Expectation, rows: Rows) -> Mismatch | None:
    for rules in expectation.some_row:
        if any(all(_fits(rule, row) for rule in rules) for row in rows.rows):
            continue
        near = max(
            range(len(rows)), key=lambda n: sum(_fits(rule, rows.rows[n]) for rule in rules),
            default=None,
        )  # fmt: skip
        asked = ", ".join(f"`{rule.name}` {_asked(rule)}" for rule in rules)
        actual = "no rows at all"
        details: tuple[str, ...] = ()
        if near is not None:
            row = rows.rows[near]
            wrong = [rule for rule in rules if not _fits(rule, row)]
            misses = ", ".join(f"`{rule.name}` {_actual(rule, row)}" for rule in wrong)
            actual = f"none in {len(rows)}; the nearest, row {near + 1}, has {misses}"
            details = (f"row {near + 1}: {_row(row)}",)
        place = rules[0].place if rules else expectation.place
        return Mismatch("some row", f"one with {asked}", actual, details, place)
    return None


def _fits(rule: FieldRule, row: Mapping[str, Value]) -> bool:
    values = values_of(row.get(rule.name))
    if rule.absent:
        return not values
    if rule.equals is not None and not (
        len(values) == len(rule.equals) and all(map(_same, values, rule.equals))
    ):
        return False
    if not all(any(_same(value, wanted) for value in values) for wanted in rule.contains):
        return False
    if rule.matches is not None and not (
        values and all(rule.matches.fullmatch(value) for value in values)
    ):
        return False
    if rule.at_least is None and rule.at_most is None:
        return True
    numbers = [_number(value) for value in values]
    return bool(numbers) and all(
        number is not None
        and (rule.at_least is None or number >= rule.at_least)
        and (rule.at_most is None or number <= rule.at_most)
        for number in numbers
    )


def _same(actual: str, wanted: str) -> bool:
    """Equal as text, or as numbers (`40` and `40.0`)."""
    if actual == wanted:
        return True
    one, other = _number(actual), _number(wanted)
    return one is not None and one == other


def _number(value: str) -> float | None:
    try:
        return float(value) if not value[:1].isspace() else None
    except ValueError:
        return None


def _asked(rule: FieldRule) -> str:
    parts = []
    if rule.absent:
        parts.append("absent")
    if rule.equals is not None:
        parts.append(_list(rule.equals))
    if rule.contains:
        parts.append(f"with {_list(rule.contains)} among its values")
    if rule.matches is not None:
        parts.append(f"to match `{rule.matches.pattern}`")
    parts += [f"at least {rule.at_least:g}"] if rule.at_least is not None else []
    parts += [f"at most {rule.at_most:g}"] if rule.at_most is not None else []
    return " and ".join(parts)


def _actual(rule: FieldRule, row: Mapping[str, Value]) -> str:
    values = values_of(row.get(rule.name))
    if values:
        return _list(values)
    return "no value" if rule.name in row else "no such field"


def _list(values: Sequence[str]) -> str:
    shown = ", ".join(repr(value) for value in values[:_MAX_NAMES])
    rest = len(values) - _MAX_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown


def _row(row: Mapping[str, Value]) -> str:
    parts = []
    for name, value in row.items():
        values = values_of(value)
        if values:
            more = f" (+{len(values) - 1})" if len(values) > 1 else ""
            parts.append(f"{name}={values[0][:80]!r}{more}")
    return ", ".join(parts)


class _Names:
    """What patterns find in the raw text, read once for each pattern and only when asked."""

    def __init__(self, source: Callable[[], Iterable[str]]) -> None:
        self._source = source
        self._found: dict[str, set[str]] = {}

    def of(self, named: NamedInRaw) -> set[str]:
        pattern = named.pattern
        if pattern.pattern not in self._found:
            group = 1 if pattern.groups else 0
            self._found[pattern.pattern] = {
                match[group]
                for text in self._source()
                for match in pattern.finditer(text)
                if match[group]
            }
        return self._found[pattern.pattern]


def _wrong_risk(
    expectation: Expectation, events: Sequence[RiskEvent], names: _Names
) -> Mismatch | None:
    if expectation.every_risk is not None:
        return _wrong_every_risk(expectation.every_risk, events, names)
    if expectation.risk is None:
        return None
    wanted = expectation.risk
    pairs = _matched(wanted, events, names)
    missing = [item for number, item in enumerate(wanted) if number not in pairs]
    left = [event for number, event in enumerate(events) if number not in pairs.values()]
    if not missing and not left:
        return None
    details = [f"missing: {_wish(item)}" for item in missing[:_MAX_SHOWN]]
    details += [f"not expected: {_said(event)}" for event in left[:_MAX_SHOWN]]
    place = missing[0].place if missing else expectation.place
    if missing and left:
        near = max(left, key=lambda event: _likeness(missing[0], event, names))
        asked, actual = _difference(missing[0], near, names)
        return Mismatch("risk", asked, actual, tuple(details), place)
    expected = f"{len(wanted)} risk events" if len(wanted) != 1 else "1 risk event"
    return Mismatch("risk", expected, f"{len(events)}", tuple(details), place)


def _wrong_every_risk(
    wanted: ExpectedRisk, events: Sequence[RiskEvent], names: _Names
) -> Mismatch | None:
    if not events:
        return Mismatch("risk", f"risk events with {_wish(wanted)}", "none", (), wanted.place)
    for event in events:
        if _differing(wanted, event, names):
            asked, actual = _difference(wanted, event, names)
            details = (f"risk event: {_said(event)}",)
            return Mismatch("risk", asked, actual, details, wanted.place)
    return None


def _matched(
    wanted: Sequence[ExpectedRisk], events: Sequence[RiskEvent], names: _Names
) -> dict[int, int]:
    """The largest pairing of expectations with events (augmenting paths)."""
    fitting = [
        [n for n, event in enumerate(events) if not _differing(item, event, names)]
        for item in wanted
    ]
    taken: dict[int, int] = {}
    for start in range(len(wanted)):
        _assign(start, fitting, taken)
    return {item: event for event, item in taken.items()}


def _assign(start: int, fitting: list[list[int]], taken: dict[int, int]) -> None:
    """Give the expectation `start` an event, moving others where that makes room."""
    came_from: dict[int, int] = {}
    queue = [start]
    while queue:
        item = queue.pop(0)
        for event in fitting[item]:
            if event in came_from:
                continue
            came_from[event] = item
            if event in taken:
                queue.append(taken[event])
                continue
            while True:
                owner = came_from[event]
                before = next((e for e, i in taken.items() if i == owner), None)
                taken[event] = owner
                if owner == start or before is None:
                    return
                event = before  # noqa: PLW2901 - the path is walked back


def _differing(wanted: ExpectedRisk, event: RiskEvent, names: _Names) -> list[str]:
    """The names of what is not as expected, the weightiest first."""
    differing = []
    match wanted.object:
        case str() if wanted.object != event.risk_object:
            differing.append("object")
        case NamedInRaw() if event.risk_object not in names.of(wanted.object):
            differing.append("object")
    if wanted.type is not None and wanted.type != event.risk_object_type:
        differing.append("type")
    if wanted.score is not None and wanted.score != event.risk_score:
        differing.append("score")
    if wanted.message is not None and _message(wanted, event) != event.risk_message:
        differing.append("message")
    return differing


def _message(wanted: ExpectedRisk, event: RiskEvent) -> str:
    return (wanted.message or "").replace("$object$", event.risk_object)


def _likeness(wanted: ExpectedRisk, event: RiskEvent, names: _Names) -> tuple[int, float]:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    wish = wanted.object if isinstance(wanted.object, str) else ""
    ratio = difflib.SequenceMatcher(None, wish, event.risk_object).ratio()
    return -len(_differing(wanted, event, names)), ratio


def _difference(wanted: ExpectedRisk, event: RiskEvent, names: _Names) -> tuple[str, str]:
    """What was asked and what was there instead, of the parts that differ alone."""
    asked, actual = [], []
    for part in _differing(wanted, event, names):
        match part:
            case "object" if isinstance(wanted.object, NamedInRaw):
                found = sorted(names.of(wanted.object))
                named = _list(found) if found else "nothing"
                pattern = wanted.object.pattern.pattern
                asked.append(f"an object that the raw data names by `{pattern}` ({named})")
                actual.append(repr(event.risk_object))
            case "object":
                asked.append(f"object {wanted.object!r}")
                actual.append(repr(event.risk_object))
            case "type":
                asked.append(f"type {wanted.type}")
                actual.append(event.risk_object_type)
            case "score":
                asked.append(f"score {wanted.score:g}")
                actual.append(f"{event.risk_score:g}")
            case _:
                asked.append(f"message {_message(wanted, event)!r}")
                actual.append(repr(event.risk_message))
    return " and ".join(asked), " and ".join(actual)


def _wish(wanted: ExpectedRisk) -> str:
    parts = []
    match wanted.object:
        case NamedInRaw():
            parts.append(f"object named by `{wanted.object.pattern.pattern}`")
        case str():
            parts.append(f"object {wanted.object!r}")
    parts += [f"type {wanted.type}"] if wanted.type is not None else []
    parts += [f"score {wanted.score:g}"] if wanted.score is not None else []
    parts += [f"message {wanted.message!r}"] if wanted.message is not None else []
    return ", ".join(parts)


def _said(event: RiskEvent) -> str:
    return (
        f"object {event.risk_object!r}, type {event.risk_object_type},"
        f" score {event.risk_score:g}, message {event.risk_message!r}"
    )

r"""Rows of results into risk events and notables.

One event for each result row and risk object; several values of a risk field are several
objects. In a message, `$field$` is replaced by the row's value. Several values are joined by
newlines: that is how they stand in the results that Splunk hands to an alert action, where only
`__mv_` columns keep them apart (Search Manual, "Evaluate and manipulate fields with multiple
values"); Splunk documents no separator for messages.

Rows without `_time` give risk events at `now`, since the search's own time is then all that is
known; a row's `_time` is kept as `orig_time` and as the event's time, so that a correlation over
the events sees the times of what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.content.risk_rule import TOKEN, tokens_of
from harness.errors import nearest
from harness.risk.events import Notable, RiskEvent, RiskOutcome, ThreatObject

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from harness.content import Detection, RiskObjectRule
    from harness.model import Rows, Value

_SHOWN_FIELDS = 3


def derive(detection: Detection, rows: Rows, *, now: float | None = None) -> RiskOutcome:
    """The risk events of a detection's result rows; `now` is epoch seconds.

    None for a detection that creates no risk (Hunting, Correlation). A token or risk field
    that a row lacks, or that is empty or the text `null`, is a failure; `unknown` is a warning.
    """
    if not detection.risk.creates_risk:
        return RiskOutcome()
    derived = _Derived(detection, now)
    for number, row in detection.alerting.acting(rows):
        derived.add(number, row)
    return RiskOutcome(tuple(derived.events), tuple(derived.failures), tuple(derived.warnings))


def notables(detection: Detection, rows: Rows, *, now: float | None = None) -> tuple[Notable, ...]:
    """A notable for each result row, where the detection creates notables (TTP, Correlation)."""
    if not detection.risk.notable:
        return ()
    found: list[Notable] = []
    for number, row in detection.alerting.acting(rows):
        title = _rendered(detection.title, row) if detection.title else detection.name
        time = _time_of(row)
        found.append(
            Notable(
                detection.search_name,
                title,
                detection.security_domain,
                now if time is None else time,
                number,
                row,
            )
        )
    return tuple(found)


def values_of(value: Value) -> list[str]:
    """A field's values as Splunk shows them: numbers without a needless `.0`, none for absent."""
    if value is None:
        return []
    if isinstance(value, list):
        return [shown for item in value for shown in values_of(item)]
    if isinstance(value, float) and value.is_integer():
        return [str(int(value))]
    return [str(value)]


@dataclass(slots=True)
class _Derived:
    """What has come out of the rows so far."""

    detection: Detection
    now: float | None
    events: list[RiskEvent] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, number: int, row: Mapping[str, Value]) -> None:
        where = f"result row {number + 1}{_shown(row)}"
        rules = self.detection.risk.objects
        for message in dict.fromkeys(rule.message for rule in rules):
            self._check_tokens(message, row, where)
        threats = self._threats(row, where)
        for rule in rules:
            self._check(f"risk field `{rule.field}`", rule.field, row, where)
            for value in values_of(row.get(rule.field)):
                if not _is_nothing(value):
                    self.events.append(self._event(rule, value, number, row, threats))

    def _event(
        self,
        rule: RiskObjectRule,
        value: str,
        number: int,
        row: Mapping[str, Value],
        threats: tuple[ThreatObject, ...],
    ) -> RiskEvent:
        time = _time_of(row)
        annotations = {
            "mitre_attack": self.detection.techniques,
            "kill_chain_phases": self.detection.kill_chain_phases,
            "analytic_story": self.detection.stories,
            **dict(self.detection.annotations),
        }
        return RiskEvent(
            risk_object=value,
            risk_object_type=rule.type,
            risk_score=int(rule.score) if rule.score == int(rule.score) else rule.score,
            risk_message=_rendered(rule.message, row),
            search_name=self.detection.search_name,
            analyticstories=self.detection.stories,
            annotations={name: found for name, found in annotations.items() if found},
            threat_objects=threats,
            time=self.now if time is None else time,
            orig_time=time,
            row=number,
            row_fields=row,
        )

    def _check_tokens(self, message: str, row: Mapping[str, Value], where: str) -> None:
        for name in tokens_of(message):
            self._check(f"`${name}$` of the message", name, row, where)

    def _check(self, what: str, name: str, row: Mapping[str, Value], where: str) -> None:
        values = values_of(row.get(name))
        if name not in row:
            hint = " ".join(nearest(name, row))
            problem = f"the row has no field `{name}`" + (f" ({hint})" if hint else "")
            self.failures.append(f"{where}: {what}: {problem}")
            return
        if not values:
            self.failures.append(f"{where}: {what}: the field has no value")
        for value in dict.fromkeys(values):
            if _is_nothing(value):
                called = f"the text `{value}`" if value.strip() else "empty"
                self.failures.append(f"{where}: {what}: the field is {called}")
            elif value.casefold() == "unknown":
                self.warnings.append(f"{where}: {what}: the field is `{value}`")

    def _threats(self, row: Mapping[str, Value], where: str) -> tuple[ThreatObject, ...]:
        found: list[ThreatObject] = []
        for rule in self.detection.risk.threat_objects:
            values = [value for value in values_of(row.get(rule.field)) if not _is_nothing(value)]
            if not values:
                self.warnings.append(f"{where}: threat field `{rule.field}`: there is no value")
            found += [ThreatObject(value, rule.type) for value in values]
        return tuple(found)


def _is_nothing(value: str) -> bool:
    return not value.strip() or value.casefold() == "null"


def _rendered(message: str, row: Mapping[str, Value]) -> str:
    """The message with its tokens replaced; a token without a value stays, as in Splunk."""

    def value(match: re.Match[str]) -> str:
        return "\n".join(values_of(row.get(match[1]))) or match[0]

    return TOKEN.sub(value, message)


def _time_of(row: Mapping[str, Value]) -> float | None:
    time = row.get("_time")
    if isinstance(time, str):
        try:
            return float(time)
        except ValueError:
            return None
    return float(time) if isinstance(time, int | float) else None


def _shown(row: Mapping[str, Value]) -> str:
    """A few fields by which a person tells the row from its neighbours."""
    pairs = [
        f"{name}={values[0]}"
        for name in row
        if not name.startswith("_") and len(values := values_of(row[name])) == 1 and values[0]
    ]
    return f" ({', '.join(pairs[:_SHOWN_FIELDS])})" if pairs else ""

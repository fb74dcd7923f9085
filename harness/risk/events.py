"""Risk events and notables as plain data.

The fields of a risk event: Splunk Enterprise Security, "Risk Analysis data model", and what
contentctl (`risk_event.py`) reads back from `index=risk`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model import Value


@dataclass(frozen=True, slots=True)
class ThreatObject:
    """What an attacker used, as a result row names it."""

    value: str
    type: str


@dataclass(frozen=True, slots=True)
class RiskEvent:
    """One risk object in one result row.

    `row` counts the result rows from 0. `time` is what the event's `_time` will be, and
    `orig_time` the row's own `_time`, both epoch seconds, `None` where not known.
    """

    risk_object: str
    risk_object_type: str
    risk_score: int | float
    risk_message: str
    search_name: str
    analyticstories: tuple[str, ...] = ()
    annotations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    threat_objects: tuple[ThreatObject, ...] = ()
    time: float | None = None
    orig_time: float | None = None
    row: int = 0
    row_fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notable:
    """One finding for an analyst: a result row of a detection that creates notables."""

    search_name: str
    title: str
    security_domain: str | None
    time: float | None
    row: int
    row_fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RiskOutcome:
    """What rows became: events in the order of rows and risk objects, and what was odd.

    A failure is a risk event that Splunk would write wrongly or not at all; a warning is one
    that says little. Each is a sentence that names the row and the field.
    """

    events: tuple[RiskEvent, ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


METADATA = frozenset({"host", "index", "source", "sourcetype"})


def to_event_fields(event: RiskEvent) -> dict[str, Value]:
    """The fields of the event in the index of risk: a row's own, then those of the risk event.

    A row's field that would hide one of an event's own (`host`, `source`, `_time`…) is there
    under `orig_…`, as Enterprise Security does. Several values are a list, one is text, none is
    left out.
    """
    own: dict[str, Value] = {
        "_time": event.time,
        "source": event.search_name,
        "search_name": event.search_name,
        "risk_object": event.risk_object,
        "risk_object_type": event.risk_object_type,
        "risk_score": event.risk_score,
        "risk_message": event.risk_message,
        "threat_object": _values(tuple(item.value for item in event.threat_objects)),
        "threat_object_type": _values(tuple(item.type for item in event.threat_objects)),
        "analyticstories": _values(event.analyticstories),
        "orig_time": event.orig_time,
    }
    everything: list[str] = []
    for name, values in event.annotations.items():
        own[f"annotations.{name}"] = _values(values)
        everything += [value for value in values if value not in everything]
    own["annotations._all"] = _values(tuple(everything))
    fields: dict[str, Value] = {}
    for name, value in event.row_fields.items():
        if name == "_time" or name.startswith("_"):
            continue
        fields[f"orig_{name}" if name in own or name in METADATA else name] = value
    fields |= own
    return {name: value for name, value in fields.items() if value is not None}


def _values(values: tuple[str, ...]) -> Value:
    return None if not values else values[0] if len(values) == 1 else list(values)

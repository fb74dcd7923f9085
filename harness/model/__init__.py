"""Plain data that every layer speaks: events, rows, times, shared knowledge."""

from harness.model.events import EventBatch, EventTable, Origin, name_of
from harness.model.knowledge import (
    MOST_MATCHES,
    FieldKind,
    LookupDefinition,
    Macro,
    MatchKind,
)
from harness.model.limits import Limits
from harness.model.results import Rows, Value
from harness.model.times import ALL_TIME, TimeRange

__all__ = [
    "ALL_TIME",
    "MOST_MATCHES",
    "EventBatch",
    "EventTable",
    "FieldKind",
    "Limits",
    "LookupDefinition",
    "Macro",
    "MatchKind",
    "Origin",
    "Rows",
    "TimeRange",
    "Value",
    "name_of",
]

"""Risk: what a detection's rows become, and whether that is what was expected."""

from harness.risk.assertions import Mismatch, check
from harness.risk.derivation import derive, notables
from harness.risk.events import Notable, RiskEvent, RiskOutcome, ThreatObject, to_event_fields
from harness.risk.recorded import recorded_differences

__all__ = [
    "Mismatch",
    "Notable",
    "RiskEvent",
    "RiskOutcome",
    "ThreatObject",
    "check",
    "derive",
    "notables",
    "recorded_differences",
    "to_event_fields",
]

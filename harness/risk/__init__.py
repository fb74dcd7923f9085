"""Risk: what a detection's rows become, and whether that is what was expected."""

from harness.risk.assertions import Mismatch, check
from harness.risk.derivation import derive, notables
from harness.risk.events import Notable, RiskEvent, RiskOutcome, ThreatObject, to_event_fields

__all__ = [
    "Mismatch",
    "Notable",
    "RiskEvent",
    "RiskOutcome",
    "ThreatObject",
    "check",
    "derive",
    "notables",
    "to_event_fields",
]

"""Content: detections of every generation, their expectations, macros and lookups."""

from harness.content.accepted import accepted_beside, read_accepted, write_accepted
from harness.content.alerting import RELATIONS, Alerting
from harness.content.detection import (
    AttackData,
    Detection,
    DetectionTest,
    Drilldown,
    Remark,
    detection_from,
    read_detection,
)
from harness.content.errors import (
    AmbiguousDetection,
    MalformedDetection,
    MalformedExpectation,
    MalformedKnowledge,
    MissingFolder,
    UnknownDetection,
)
from harness.content.expectations import (
    Clock,
    Expectations,
    TrialSpec,
    read_expectations,
    sidecar_of,
)
from harness.content.expected import Bound, Expectation, ExpectedRisk, FieldRule, NamedInRaw
from harness.content.folder import ContentFolder, load_content
from harness.content.knowledge import filter_macro_default
from harness.content.positions import place_in_file, place_in_search
from harness.content.risk_rule import (
    RiskObjectRule,
    RiskObjectType,
    RiskRule,
    ThreatObjectRule,
    tokens_of,
)
from harness.content.rules import RiskField, remarks_on, risk_fields, sources_in

__all__ = [
    "RELATIONS",
    "Alerting",
    "AmbiguousDetection",
    "AttackData",
    "Bound",
    "Clock",
    "ContentFolder",
    "Detection",
    "DetectionTest",
    "Drilldown",
    "Expectation",
    "Expectations",
    "ExpectedRisk",
    "FieldRule",
    "MalformedDetection",
    "MalformedExpectation",
    "MalformedKnowledge",
    "MissingFolder",
    "NamedInRaw",
    "Remark",
    "RiskField",
    "RiskObjectRule",
    "RiskObjectType",
    "RiskRule",
    "ThreatObjectRule",
    "TrialSpec",
    "UnknownDetection",
    "accepted_beside",
    "detection_from",
    "filter_macro_default",
    "load_content",
    "place_in_file",
    "place_in_search",
    "read_accepted",
    "read_detection",
    "read_expectations",
    "remarks_on",
    "risk_fields",
    "sidecar_of",
    "sources_in",
    "tokens_of",
    "write_accepted",
]

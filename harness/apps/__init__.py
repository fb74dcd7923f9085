"""Splunk apps read from their folders, in Splunk's layout, order and semantics."""

from harness.apps.apps import Apps, load_apps
from harness.apps.classification import EventType
from harness.apps.datamodels import DataModel, DataSet, ModelField
from harness.apps.faults import (
    AppEscape,
    AppNameTaken,
    AppNotFound,
    AppTooLarge,
    AppUnreadable,
    Ignored,
    UnknownDataModel,
    Warned,
)
from harness.apps.macros import Validation
from harness.apps.props import (
    Alias,
    AutoLookup,
    Automatic,
    Calculated,
    Extract,
    Origin,
    Report,
    SourceKnowledge,
)
from harness.apps.stanzas import BadPattern
from harness.apps.transforms import Transform

__all__ = [
    "Alias",
    "AppEscape",
    "AppNameTaken",
    "AppNotFound",
    "AppTooLarge",
    "AppUnreadable",
    "Apps",
    "AutoLookup",
    "Automatic",
    "BadPattern",
    "Calculated",
    "DataModel",
    "DataSet",
    "EventType",
    "Extract",
    "Ignored",
    "ModelField",
    "Origin",
    "Report",
    "SourceKnowledge",
    "Transform",
    "UnknownDataModel",
    "Validation",
    "Warned",
    "load_apps",
]

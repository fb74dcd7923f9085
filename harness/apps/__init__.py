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
from harness.apps.inventory import Inventory, inventory_of, summary_of
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
from harness.apps.savedsearches import SavedSearch
from harness.apps.stanzas import BadPattern
from harness.apps.tokenizers import Tokenizer
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
    "Inventory",
    "ModelField",
    "Origin",
    "Report",
    "SavedSearch",
    "SourceKnowledge",
    "Tokenizer",
    "Transform",
    "UnknownDataModel",
    "Warned",
    "inventory_of",
    "load_apps",
    "summary_of",
]

"""Trials: detection x dataset x engine -> verdict."""

from harness.trials.project import Project, UnknownEngine
from harness.trials.settings import BadSetting, Settings
from harness.trials.trial import Trial
from harness.trials.verdict import TrialResult, Verdict

__all__ = [
    "BadSetting",
    "Project",
    "Settings",
    "Trial",
    "TrialResult",
    "UnknownEngine",
    "Verdict",
]

"""The pytest plugin: sidecars are collected as tests, one for each trial.

Thin, and imported by every pytest of an environment that it is installed in: what costs time is
imported when a sidecar is found.
"""

from harness.pytest_plugin.fixtures import harness_project, run_trials
from harness.pytest_plugin.hooks import (
    pytest_addoption,
    pytest_collect_file,
    pytest_configure,
    pytest_deselected,
    pytest_terminal_summary,
    pytest_unconfigure,
)

__all__ = [
    "harness_project",
    "pytest_addoption",
    "pytest_collect_file",
    "pytest_configure",
    "pytest_deselected",
    "pytest_terminal_summary",
    "pytest_unconfigure",
    "run_trials",
]

"""Fixtures for tests in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.trials import Project, TrialResult


@pytest.fixture(scope="session")
def harness_project(pytestconfig: pytest.Config) -> Project:
    """The project of the test run: its content, apps and datasets."""
    from harness.pytest_plugin.items import project_of  # noqa: PLC0415 - only where it is used

    return project_of(pytestconfig)


@pytest.fixture
def run_trials(harness_project: Project) -> Callable[[str], list[TrialResult]]:
    """Run the trials of a detection, named by alias, name, id or path."""

    def run(name: str) -> list[TrialResult]:
        path = harness_project.content.find(name)
        return [trial.run(harness_project) for trial in harness_project.trials(path)]

    return run

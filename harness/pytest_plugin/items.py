"""Trials as pytest items."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError
from harness.pytest_plugin.hooks import engines_of, flags
from harness.report.escaping import shown
from harness.report.trials import stage_lines
from harness.trials import Project, Settings, Trial, TrialResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROJECT = pytest.StashKey[Project]()


class TrialFailed(Exception):
    """A trial that did not pass; its result says why."""

    def __init__(self, result: TrialResult) -> None:
        super().__init__(result.reason)
        self.result = result


def project_of(config: pytest.Config) -> Project:
    """The project of a test run, read once a process."""
    if PROJECT not in config.stash:
        told = flags(config)
        builtin = not told.pop("no_builtin_apps", False)
        settings = Settings.read(config.rootpath, told)
        config.stash[PROJECT] = Project(
            replace(settings, builtin_apps=settings.builtin_apps and builtin)
        )
    return config.stash[PROJECT]


class TrialFile(pytest.File):
    """A sidecar, or a detection that was named."""

    def __init__(self, *, detection: Path, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.detection = detection

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each trial."""
        try:
            trials = list(project_of(self.config).trials(self.detection))
        except HarnessError as error:
            raise self.CollectError(shown(error.render())) from None
        for trial in trials:
            alias = trial.alias or trial.detection.path.stem
            engines = engines_of(self.config)
            for engine in engines or (None,):
                shown_engine = f" on {engine}" if engine and engine != "local" else ""
                name = f"{alias}[{trial.name}{shown_engine}]"
                yield TrialItem.from_parent(self, name=name, trial=trial, engine=engine)


class TrialItem(pytest.Item):
    """One trial: found by alias, detection's name and id, technique and story."""

    def __init__(self, *, trial: Trial, engine: str | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.trial = trial
        self.engine = engine
        detection = trial.detection
        names = (detection.name, detection.id or "", *detection.techniques, *detection.stories)
        self.extra_keyword_matches.update(name for name in names if name)
        self.add_marker("trial")
        for name in (*detection.techniques, *detection.stories):
            marker = re.sub(r"[^\w.]+", "_", name)
            self.config.addinivalue_line("markers", f"{marker}: of detection-harness")
            self.add_marker(marker)

    def runtest(self) -> None:
        """Run the trial; skip where its dataset cannot be had."""
        project = project_of(self.config)
        if self.engine is not None:
            project = project.on(self.engine)
        result = self.trial.run(project)
        self._record(result)
        if project.settings.accept and result.verdict in (Verdict.PASS, Verdict.FAIL):
            self._accept(result)
        if result.verdict is Verdict.SKIP:
            pytest.skip(shown(result.reason))
        if result.verdict is not Verdict.PASS:
            raise TrialFailed(result)

    def _record(self, result: TrialResult) -> None:
        """What JUnit gets as properties of the test case."""
        detection = self.trial.detection
        self.user_properties += [
            ("detection", detection.name),
            ("detection_id", detection.id or ""),
            ("techniques", " ".join(detection.techniques)),
            ("engine", result.engine),
            ("dataset", result.dataset),
            ("synthetic", str(result.synthetic).lower()),
            ("verdict", str(result.verdict)),
            ("events", str(result.events)),
            ("results", str(len(result.rows))),
            ("risk_events", str(len(result.risk_events))),
            ("milliseconds", f"{result.timings_ms.get('total', 0):.0f}"),
        ]
        for warning in (*result.remarks, *result.warnings):
            self.add_report_section("call", "warnings", shown(warning) + "\n")

    def _accept(self, result: TrialResult) -> None:
        from harness.content import ExpectedRisk, write_accepted  # noqa: PLC0415 - only to accept

        if self.trial.data.dataset is None:
            return
        risk = [
            ExpectedRisk(
                event.risk_object,
                event.risk_object_type,
                float(event.risk_score),
                event.risk_message,
            )
            for event in result.risk_events
        ]
        write_accepted(
            self.trial.detection.path,
            self.trial.name,
            dataset=self.trial.data.dataset,
            results=len(result.rows),
            risk=risk,
        )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *arguments: Any) -> Any:
        """The trial's own report instead of a traceback."""
        error = excinfo.value
        if not isinstance(error, TrialFailed):
            return super().repr_failure(excinfo, *arguments)
        result = error.result
        lines = [f"{result.verdict}: {result.detection} on {result.dataset}"]
        lines += (result.details or result.reason).splitlines()
        return "\n".join(shown(line) for line in [*lines, *stage_lines(result)])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the item is and what it is called in reports."""
        return self.path, None, self.name

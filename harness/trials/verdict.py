"""What a trial comes to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.model import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.engines.base import StageRows
    from harness.risk import Mismatch, RiskEvent

EXIT_PASS, EXIT_FAIL, EXIT_NOTHING = 0, 1, 3


class Verdict(enum.StrEnum):
    """pass and fail judge the detection; error, unsupported and skip say why nobody could."""

    PASS = "pass"  # noqa: S105 - a verdict, no secret
    FAIL = "fail"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A trial's verdict with what led to it.

    `reason` is one line that a person can act on, empty for a pass. `stages` are the rows after
    each stage of the search, for a trial that failed. `warnings` are the run's, `remarks` those of
    the files that the trial is written in. Times are in milliseconds.
    """

    trial: str
    detection: str
    id: str | None
    alias: str | None
    techniques: tuple[str, ...]
    dataset: str
    engine: str
    verdict: Verdict
    reason: str = ""
    synthetic: bool = False
    events: int = 0
    rows: Rows = field(default_factory=lambda: Rows((), []))
    risk_events: tuple[RiskEvent, ...] = ()
    notables: int = 0
    mismatch: Mismatch | None = None
    stages: tuple[StageRows, ...] = ()
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    details: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The trial as it stands in `--json`: plain data."""
        return {
            "trial": self.trial,
            "detection": self.detection,
            "id": self.id,
            "dataset": self.dataset,
            "synthetic": self.synthetic,
            "engine": self.engine,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "events": self.events,
            "result_count": len(self.rows),
            "results": self.rows.rows,
            "risk_events": [_risk_json(event) for event in self.risk_events],
            "warnings": [*self.remarks, *self.warnings],
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
        }


def _risk_json(event: RiskEvent) -> dict[str, Any]:
    return {
        "risk_object": event.risk_object,
        "risk_object_type": event.risk_object_type,
        "risk_score": event.risk_score,
        "risk_message": event.risk_message,
        "search_name": event.search_name,
        "analyticstories": list(event.analyticstories),
        "annotations": {name: list(values) for name, values in event.annotations.items()},
        "threat_objects": [
            {"threat_object": one.value, "threat_object_type": one.type}
            for one in event.threat_objects
        ],
        "orig_time": event.orig_time,
    }


def summary(results: Iterable[TrialResult]) -> dict[str, int]:
    """How many trials there are of each verdict."""
    counts = dict.fromkeys((str(verdict) for verdict in Verdict), 0)
    for result in results:
        counts[str(result.verdict)] += 1
    return counts


def exit_code(results: Iterable[TrialResult]) -> int:
    """0 when something passed and nothing else went wrong, 1 if any failed, else 3."""
    counts = summary(results)
    if counts["fail"]:
        return EXIT_FAIL
    if counts["error"] or counts["unsupported"] or not counts["pass"]:
        return EXIT_NOTHING
    return EXIT_PASS

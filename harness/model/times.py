"""Spans of time that a search looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Epoch seconds: `earliest` included, `latest` excluded; `None` is without a bound."""

    earliest: float | None = None
    latest: float | None = None


ALL_TIME = TimeRange()

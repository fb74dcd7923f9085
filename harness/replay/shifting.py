"""Events moved in time, their distances kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.model import EventBatch


def shifted(batches: Iterable[EventBatch], until: float) -> list[EventBatch]:
    """The events with the newest of them at `until`, in epoch seconds.

    The texts stay as they are: what moves is `_time`. Events without a time stay without.
    """
    held = list(batches)
    times = [time for batch in held for time in batch.time if time is not None]
    if not times:
        return held
    by = until - max(times)
    return [
        replace(batch, time=[time if time is None else time + by for time in batch.time])
        for batch in held
    ]

from __future__ import annotations

from harness.model import EventBatch
from harness.replay import shifted


def test_the_newest_event_is_moved_and_distances_stay() -> None:
    batches = [
        EventBatch("i", "s", "st", ["a", "b"], [10.0, None], ["h", "h"]),
        EventBatch("i", "s", "st", ["c"], [12.5], ["h"]),
    ]
    assert [one.time for one in shifted(batches, 100.0)] == [[97.5, None], [100.0]]


def test_events_without_times_stay_as_they_are() -> None:
    batches = [EventBatch("i", "s", "st", ["a"], [None], ["h"])]
    assert shifted(batches, 100.0) == batches

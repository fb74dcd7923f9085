"""Requests as HEC takes them."""

from __future__ import annotations

import gzip
import json

from harness.model import EventBatch
from harness.replay.hec import MAX_BYTES, MAX_EVENTS, Sent, body_of, pieces


def test_requests_are_bounded_in_events_and_bytes() -> None:
    many = EventBatch("i", "s", "st", ["x"] * 2_500, [1.0] * 2_500, ["h"] * 2_500)
    large = EventBatch("i", "s", "st", ["y" * (MAX_BYTES // 2)] * 4, [2.0] * 4, ["h"] * 4)
    sent = Sent("t")
    found = list(pieces([many, large], sent))
    sizes = [len(piece.events) for piece in found]
    assert sizes[:2] == [MAX_EVENTS, MAX_EVENTS]
    assert sum(sizes) == sent.events == 2_504
    assert all(sum(len(one["event"]) for one in piece.events) <= MAX_BYTES for piece in found)
    assert [piece.number for piece in found] == list(range(len(found)))
    assert sent.newest == 2.0


def test_an_envelope_has_time_metadata_indexed_fields_and_markers() -> None:
    meta = ['{"vendor": ["a", "b"], "n": 5}', None]
    batch = EventBatch("i", "s", "st", ["one", "zwei ä"], [1.25, None], ["h1", "h2"], meta)
    (piece,) = pieces([batch], Sent("t"))
    lines = gzip.decompress(body_of(piece, "t", "t-0-0")).decode().split("\n")
    marked = {"harness_trial": "t", "harness_batch": "t-0-0"}
    told = {"index": "i", "source": "s", "sourcetype": "st"}
    assert [json.loads(line) for line in lines] == [
        {**told, "host": "h1", "event": "one", "time": 1.25,
         "fields": {"vendor": ["a", "b"], "n": 5, **marked}},
        {**told, "host": "h2", "event": "zwei ä", "fields": marked},
    ]  # fmt: skip

"""Requests as HEC's raw endpoint takes them."""

from __future__ import annotations

import gzip

from harness.model import EventBatch
from harness.replay.raw import MAX_BYTES, MAX_EVENTS, raw_pieces


def test_no_event_is_in_two_requests_and_requests_are_bounded() -> None:
    texts = [f"line {number}\n  goes on" for number in range(MAX_EVENTS + 5)]
    many = EventBatch("i", "s", "st", texts, [1.0] * len(texts), ["h"] * len(texts))
    large = EventBatch("i", "s2", "st", ["y" * (MAX_BYTES - 5)] * 3, [2.0] * 3, ["h"] * 3)
    found = list(raw_pieces([many, large]))
    assert [len(piece.texts) for piece in found] == [MAX_EVENTS, 5, 1, 1, 1]
    assert [text for piece in found for text in piece.texts] == [*texts, *large.raw]
    assert [piece.newest for piece in found] == [1.0, 1.0, 2.0, 2.0, 2.0]


def test_a_request_has_one_source_and_host_and_says_so_in_its_query() -> None:
    batch = EventBatch("win", "s", "st", ["a", "b", "ä"], [1.0, None, None], ["h1", "h1", "h2"])
    other = EventBatch("win", "s2", "st", ["c"], [None], ["h2"])
    found = list(raw_pieces([batch, other]))
    assert [(one.source, one.host, list(one.texts), one.newest) for one in found] == [
        ("s", "h1", ["a", "b"], 1.0), ("s", "h2", ["ä"], None), ("s2", "h2", ["c"], None),
    ]  # fmt: skip
    assert found[0].params("mine", "channel") == {
        "channel": "channel", "index": "mine", "source": "s", "sourcetype": "st", "host": "h1",
    }  # fmt: skip
    assert gzip.decompress(found[0].body()) == b"a\nb\n"
    assert gzip.decompress(found[1].body()) == "ä\n".encode()

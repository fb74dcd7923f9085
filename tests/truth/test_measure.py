"""The measure itself: what it takes for an event's own names, and for equal."""

from __future__ import annotations

import pytest
from measure import DATA_SOURCES, data_sources, is_whole, measured, precision, recall, shown

from harness.apps import load_apps

# A few of every shape: all are measured by `make truth`.
SAMPLE = ["sysmon_eventid_11", "aws_cloudtrail_consolelogin", "linux_secure", "suricata"]


def test_the_names_of_an_event_are_read_by_themselves() -> None:
    assert shown("<E xmlns='u'><S><Id>7</Id></S><D><Data Name='A'>b</Data></D></E>") == {
        "Id": {"7"}, "A": {"b"},
    }  # fmt: skip
    assert shown('{"a": {"b": [1.10, null]}, "c": true}') == {
        "a.b{}": {"1.10", "null"}, "c": {"true"},
    }  # fmt: skip
    assert shown('user=ann cmd="a b"') == {"user": {"ann"}, "cmd": {"a b"}}


@pytest.mark.parametrize(
    ("log", "whole"),
    [("<a>" + "x" * 50, False), ("{" + "x" * 50, False), ("x" * 50, True), ("x", False)],
)
def test_a_log_that_was_cut_off_does_not_count(log: str, *, whole: bool) -> None:
    assert is_whole(log) is whole


@pytest.mark.skipif(not DATA_SOURCES.is_dir(), reason="the folder ../shared/corpus is not there")
def test_a_sample_of_the_data_sources_has_its_fields() -> None:
    found = [measured(one, load_apps()) for one in data_sources(SAMPLE)]
    assert recall(found) >= 0.95
    tended = [one for one in found if one.data_source.is_tended]
    assert precision(tended) >= 0.95

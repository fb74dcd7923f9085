from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from reading import read, text_event, written, xml_event

from harness.ingest import BadTimezone, files, ingest, ingest_text
from harness.model import Origin

if TYPE_CHECKING:
    from pathlib import Path

TEN = datetime(2022, 2, 28, 10, tzinfo=UTC).timestamp()


def test_each_line_that_holds_something_is_an_event(tmp_path: Path) -> None:
    content = "one\n\n  two  \r\n\t\nthree\x00four\nlast"
    reading = read(written(tmp_path, content, "app.log"))
    assert reading.raws == ["one", "  two  ", "three\x00four", "last"]
    assert {(event.source, event.sourcetype, event.host) for event in reading.events} == {
        ("app.log", "text", "localhost")
    }
    assert reading.losses == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2022-02-28T10:00:00Z up", TEN),
        ("2022-02-28T10:00:00.123456789Z up", TEN + 0.123456),
        ("2022-02-28 10:00:00,250 up", TEN + 0.25 - 3600),
        ("2022-02-28 10:00:00 +0200 up", TEN - 2 * 3600),
        ("2022-02-28T10:00:00-05:00 up", TEN + 5 * 3600),
        ("level=info time=2022-02-28T10:00:00Z up", TEN),
        ("<34>Feb 28 10:00:00 host su: up", TEN - 3600),
        ("Feb  8 10:00:00 host su: up", TEN - 20 * 86400 - 3600),
        ("1646042400 up", TEN),
        ("1646042400.5 up", TEN + 0.5),
        ("1646042400250 up", TEN + 0.25),
        ("1646042400250000 up", TEN + 0.25),
        ('1.2.3.4 - - [28/Feb/2022:11:00:00 +0100] "GET / HTTP/1.1" 200', TEN),
        ("2022-13-28T10:00:00Z up", None),
        ("Foo 28 10:00:00 host su: up", None),
        ("16460424001 up", None),
        ("x" * 128 + " 2022-02-28T10:00:00Z", None),
        ("nothing", None),
    ],
)
def test_the_time_is_the_one_that_a_line_begins_with(
    tmp_path: Path, line: str, expected: float | None
) -> None:
    """Berlin is an hour ahead of UTC in February; a zone in the line itself wins."""
    path = written(tmp_path, line)
    os.utime(path, (TEN + 3600, TEN + 3600))
    (event,) = read(path, Origin(timezone="Europe/Berlin")).events
    of_the_file = TEN + 3600
    assert event.time == pytest.approx(of_the_file if expected is None else expected, abs=1e-6)


@pytest.mark.parametrize(
    ("stamp", "written_at", "year"),
    [
        ("Dec 31 23:59:59", "2022-01-01T00:00:05", 2021),
        ("Jan  1 00:00:00", "2022-01-01T00:00:05", 2022),
        # A clock that is a little ahead of the file's own does not lie a year back.
        ("Jan  1 12:00:00", "2021-12-31T23:00:00", 2022),
        ("Feb 29 12:00:00", "2023-06-01T00:00:00", 2020),
    ],
)
def test_syslog_has_the_latest_year_that_the_file_can_know(
    tmp_path: Path, stamp: str, written_at: str, year: int
) -> None:
    path = written(tmp_path, f"{stamp} host app: up")
    modified = datetime.fromisoformat(f"{written_at}+00:00").timestamp()
    os.utime(path, (modified, modified))
    (event,) = read(path).events
    assert event.time is not None
    found = datetime.fromtimestamp(event.time, UTC)
    assert found == datetime.strptime(f"{year} {stamp}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)


def test_no_year_has_a_thirtieth_of_february(tmp_path: Path) -> None:
    assert [event.time for event in read(written(tmp_path, "Feb 30 10:00:00 h a: up")).events] == [
        None
    ]


def test_what_is_told_wins(tmp_path: Path) -> None:
    path = written(tmp_path, "2022-02-28T10:00:00Z up")
    (event,) = read(path, Origin("net", "udp:514", "cisco:asa", "fw1")).events
    assert (event.index, event.source, event.sourcetype, event.host) == (
        "net", "udp:514", "cisco:asa", "fw1",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../../etc/passwd", "America", "\0"])
def test_an_unknown_zone_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadTimezone) as caught:
        read(written(tmp_path, "x"), Origin(timezone=name))
    assert caught.value.message == f"`{name}` is no time zone"
    if name == "Europe/Berln":
        assert caught.value.hints[0].startswith("did you mean `Europe/Berlin`")


LARGE = "x" * 10_000_000


@pytest.mark.parametrize(
    ("before", "large", "after"),
    [
        ("before", LARGE, "after"),
        (xml_event(1), xml_event(2, data=LARGE), xml_event(3)),
        (text_event(1), text_event(2) + LARGE, text_event(3)),
        ('{"n": 1}', json.dumps({"n": LARGE}), '{"n": 3}'),
        (xml_event(1), LARGE, text_event(3)),
    ],
    ids=["lines", "xml", "text", "json", "among windows events"],
)
def test_a_line_of_10_mb_is_one_event(tmp_path: Path, before: str, large: str, after: str) -> None:
    reading = read(written(tmp_path, f"{before}\n{large}\n{after}\n"))
    assert sorted(reading.raws, key=len) == sorted([before, large, after], key=len)
    assert reading.losses == []


@pytest.mark.parametrize("detected", [8, 8192])
def test_a_line_over_the_bound_is_cut_off_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detected: int
) -> None:
    """With a short look at the start, a line grows beyond the bound before its end is there."""
    monkeypatch.setattr(files, "DETECTED_CHARACTERS", detected)
    content = f"before\n{'x' * 101}\r\n{'y' * 100}\r\n{'z' * 5000}"
    for chunk in (7, 64, 4096):
        reading = read(written(tmp_path, content), chunk=chunk, bound=100)
        assert reading.raws == ["before", "x" * 100, "y" * 100, "z" * 100]
        assert [loss.offset for loss in reading.losses] == [7, 7 + 103 + 102]


def test_files_come_in_the_order_given(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{name}1\n{name}2", name) for name in ("b", "a", "c")]
    raws = [raw for batch in ingest(paths, Origin()) for raw in batch.raw]
    assert raws == ["b1", "b2", "a1", "a2", "c1", "c2"]


def test_text_is_read_as_a_file_of_its_name_would_be() -> None:
    (batch,) = ingest_text("2022-02-28T10:00:00Z one\ntwo", Origin(), "inline")
    assert (batch.source, batch.sourcetype, batch.raw) == (
        "inline", "text", ["2022-02-28T10:00:00Z one", "two"],
    )  # fmt: skip
    assert batch.time == [TEN, TEN]

"""Functions in Python that DuckDB calls, held against programs that were not written here."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from harness.engines import functions, printing, time_functions

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
MOMENTS = [1_600_000_000 + 7_776_543 * step for step in range(-40, 40)]


def test_substr_follows_sqlite() -> None:
    connection = sqlite3.connect(":memory:")
    try:
        for text in ("", "a", "hello", "äöü"):
            for start in range(-8, 9):
                for count in (None, *range(-8, 9)):
                    arguments = (text, start) if count is None else (text, start, count)
                    marks = ", ".join("?" * len(arguments))
                    wanted = connection.execute(f"SELECT substr({marks})", arguments).fetchone()
                    assert functions.substr(text, start, count) == wanted[0], arguments
    finally:
        connection.close()


@pytest.mark.parametrize("zone", ZONES)
def test_strftime_agrees_with_the_calendar(zone: str) -> None:
    form = "%Y-%m-%d %H:%M:%S %j %U %W %V %w %a %B %I %p %Z %y"
    for epoch in MOMENTS:
        moment = datetime.fromtimestamp(epoch, ZoneInfo(zone))
        assert time_functions.strftime(float(epoch), form, zone) == moment.strftime(form)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%dT%H:%M:%S.%3N%z",
        "%Y-%m-%dT%H:%M:%S.%6N%:z",
        "%s.%Q",
        "%d/%b/%Y:%H:%M:%S.%N %z",
        "%A, %d %B %Y %I:%M:%S.%f %p %::z",
        "%j of %Y at %T.%3N %z",
    ],
)
def test_strptime_reads_what_strftime_printed(form: str, zone: str) -> None:
    for epoch in MOMENTS:
        printed = time_functions.strftime(epoch + 0.125, form, zone)
        assert time_functions.strptime(printed, form, "UTC", 0.0) == epoch + 0.125


def test_strptime_of_a_local_time() -> None:
    for zone in ZONES:
        wall = datetime(2022, 2, 28, 10, 0, tzinfo=ZoneInfo(zone))
        read = time_functions.strptime("2022-02-28 10:00", "%Y-%m-%d %H:%M", zone, 0.0)
        assert read == wall.timestamp()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2022-02-29", "%Y-%m-%d"),
        ("2022-00-10", "%Y-%m-%d"),
        ("25:00", "%H:%M"),
        ("10:60", "%H:%M"),
        ("Foo 12", "%b %d"),
        ("2022-02-28 trailing", "%Y-%m-%d"),
        ("", "%Y"),
        ("0000-01-01", "%Y-%m-%d"),
        ("٢٠٢٢", "%Y"),
        ("2022-01-01 +9900", "%Y-%m-%d %z"),
    ],
)
def test_strptime_refuses(text: str, form: str) -> None:
    assert time_functions.strptime(text, form, "UTC", 1_646_042_400.0) is None


def test_a_format_is_text_except_for_its_variables() -> None:
    read = time_functions.strptime("[2022] (a+b).*", "[%Y] (a+b).*", "UTC", 0.0)
    assert read == datetime(2022, 1, 1, tzinfo=UTC).timestamp()
    assert time_functions.strptime("x2022] aab.z", "[%Y] (a+b).*", "UTC", 0.0) is None


def test_what_a_format_leaves_out_comes_from_the_clock() -> None:
    clock = datetime(2022, 2, 28, 23, 30, tzinfo=timezone(timedelta(0))).timestamp()
    read = time_functions.strptime("10:15", "%H:%M", "Asia/Kolkata", clock)
    assert read == datetime(2022, 3, 1, 10, 15, tzinfo=ZoneInfo("Asia/Kolkata")).timestamp()


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("%5.1f|%-8s|%+03d", ["2.5", "ab", "7"], "  2.5|ab      |+07"),
        ("%#x %#X %#o", ["255", "255", "8"], "0xff 0XFF 010"),
        ("%s", [None], None),
        ("%d", ["1.9"], "1"),
        ("%d", ["x"], None),
        ("%*d", ["99999999", "1"], None),
        ("%c", ["-5"], None),
        ("%x", ["-1"], None),
    ],
)
def test_printf(form: str, values: list[str | None], expected: str | None) -> None:
    assert printing.printf(form, values) == expected


def test_a_range_has_an_end() -> None:
    assert functions.spread(0.0, 100_000.0, "1", "UTC") is not None
    with pytest.raises(functions.TooManyValues, match="mvrange gives more than 100,000 values"):
        functions.spread(0.0, 100_001.0, "1", "UTC")
    assert functions.spread(0.0, float("inf"), "1", "UTC") is None
    assert functions.spread(0.0, 10.0, "0", "UTC") is None
    assert functions.spread(0.0, 10.0, "-1d", "UTC") is None


@pytest.mark.parametrize("text", ["1_0", " 7", "7 ", "", "+", "0x", "é", "1.5", "g"])
def test_what_only_python_reads_is_no_number(text: str) -> None:
    assert functions.from_base(text, 16) is None


def test_hexadecimal_digits_may_be_marked() -> None:
    assert functions.from_base("0x1F", 16) == 31
    assert functions.from_base("-ff", 16) == -255

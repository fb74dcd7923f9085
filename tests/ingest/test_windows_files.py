from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from reading import corpus, read, text_event, written, xml_event

from harness.ingest import files, read_file
from harness.model import Origin

if TYPE_CHECKING:
    from pathlib import Path

MIXED = (
    "attack_data", "attack_techniques", "T1552.004", "certutil_exe_certificate_extraction",
    "certutil_exe_certificate_extraction.raw",
)  # fmt: skip
TEN = datetime(2022, 2, 28, 10, tzinfo=UTC).timestamp()


def test_the_real_mixed_file_gives_every_event_that_counting_finds() -> None:
    path = corpus(*MIXED)
    text = path.read_bytes().decode()
    reading = read(path)
    kinds = Counter(event.sourcetype for event in reading.events)
    assert kinds == {"XmlWinEventLog": text.count("<Event "), "WinEventLog": text.count("LogName=")}
    assert sum(kinds.values()) == 59
    assert reading.losses == []
    channels = Counter(re.findall(r"<Channel>([^<]*)</Channel>", text))
    logs = Counter(re.findall(r"(?m)^LogName=([^\r\n]*)", text))
    expected = {f"XmlWinEventLog:{name}": count for name, count in channels.items()}
    expected |= {f"WinEventLog:{name}": count for name, count in logs.items()}
    assert Counter(event.source for event in reading.events) == expected
    hosts = re.findall(r"<Computer>([^<]*)<|(?m:^ComputerName=(.*?)\r?$)", text)
    assert Counter(event.host for event in reading.events) == Counter(
        of_xml or of_text for of_xml, of_text in hosts
    )


def test_the_real_mixed_file_has_the_times_written_in_it() -> None:
    path = corpus(*MIXED)
    text = path.read_bytes().decode()
    reading = read(path)
    xml_times = sorted(
        datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
        for stamp in re.findall(r"SystemTime='([^'.]*)", text)
    )
    text_times = sorted(
        datetime.strptime(stamp, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC).timestamp()
        for stamp in re.findall(r"(?m)^(.* [AP]M)\r?\nLogName=", text)
    )
    found: dict[str, list[float]] = {"XmlWinEventLog": [], "WinEventLog": []}
    for event in reading.events:
        assert event.time is not None
        found[event.sourcetype].append(event.time // 1)
    assert sorted(found["XmlWinEventLog"]) == xml_times
    assert sorted(found["WinEventLog"]) == text_times


def test_the_real_mixed_file_loses_no_text() -> None:
    path = corpus(*MIXED)
    kept = "".join(read(path).raws)
    for cut in ("\r", "\n", " ", "\ufeff"):
        kept = kept.replace(cut, "")
    text = path.read_bytes().decode()
    for cut in ("\r", "\n", " ", "\ufeff"):
        text = text.replace(cut, "")
    assert len(kept) == len(text)


@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        ("", "\n", "\n"),
        ("", "", ""),
        ("", "\r\n", "\r\n"),
        ("", "\n\n  ", "\n\n"),
        ("\ufeff<?xml version='1.0' encoding='utf-8'?>\n<Events>\n", "\n", "\n</Events>\n"),
        ('<Events xmlns="urn:x">', "", "</Events>"),
        ("", "<?xml version='1.0'?>", ""),
    ],
    ids=["one a line", "back to back", "crlf", "indented", "wrapped", "wrapped tight", "declared"],
)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_xml_events_are_the_text_between_their_tags(
    tmp_path: Path, before: str, between: str, after: str, quote: str
) -> None:
    events = [xml_event(number, quote=quote) for number in range(5)]
    reading = read(written(tmp_path, before + between.join(events) + after))
    assert reading.raws == events
    assert {event.source for event in reading.events} == {"XmlWinEventLog:Security"}
    assert {event.sourcetype for event in reading.events} == {"XmlWinEventLog"}
    assert {event.time for event in reading.events} == {TEN}
    assert [event.host for event in reading.events] == [f"host{n % 3}.example" for n in range(5)]
    assert reading.losses == []


def test_an_event_over_several_lines_keeps_its_lines(tmp_path: Path) -> None:
    events = [
        xml_event(n, data=f"first\nsecond {n}").replace("<System>", "\n  <System>\n")
        for n in (1, 2)
    ]
    assert read(written(tmp_path, "\n".join(events))).raws == events
    split = [event.replace("<Event xmlns", "<Event\n  xmlns") for event in events]
    assert read(written(tmp_path, "\n".join(split))).raws == split


@pytest.mark.parametrize(
    ("written_time", "expected"),
    [
        ("2021-01-14T23:41:39.938175300Z", 1610667699.938175),
        ("2021-01-14T23:41:39.9Z", 1610667699.9),
        ("2021-01-14T23:41:39Z", 1610667699.0),
        ("2021-01-14T23:41:39.938175", 1610667699.938175),
        ("2021-13-14T23:41:39Z", None),
        ("", None),
    ],
)
def test_the_system_time_of_xml_is_utc_to_the_microsecond(
    tmp_path: Path, written_time: str, expected: float | None
) -> None:
    path = written(tmp_path, xml_event(time=written_time))
    (event,) = read(path, Origin(timezone="America/New_York")).events
    assert event.time == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_text_blocks_are_cut_at_their_first_lines_and_keep_blank_ones(tmp_path: Path) -> None:
    events = [text_event(1), text_event(2, log="System"), text_event(3)]
    reading = read(written(tmp_path, "\n".join(events) + "\n\n"))
    by_source = sorted(reading.events, key=lambda event: event.raw.split("RecordNumber=")[1])
    assert [event.raw for event in by_source] == events
    assert [event.source for event in by_source] == [
        "WinEventLog:Security", "WinEventLog:System", "WinEventLog:Security",
    ]  # fmt: skip
    assert [event.host for event in by_source] == [
        "host1.example",
        "host2.example",
        "host0.example",
    ]
    crlf = read(written(tmp_path, "\r\n".join(events).replace("\n", "\r\n").replace("\r\r", "\r")))
    assert sorted(crlf.raws) == sorted(events)


@pytest.mark.parametrize(
    ("stamp", "zone", "offset_hours"),
    [
        ("02/28/2022 10:00:00 AM", "UTC", 0),
        ("02/28/2022 10:00:00 AM", "Europe/Berlin", 1),
        ("07/28/2022 10:00:00 AM", "Europe/Berlin", 2),
        ("02/28/2022 12:00:00 AM", "America/New_York", -5),
        ("02/28/2022 12:00:00 PM", "America/New_York", -5),
        # 02:30 came twice in the night of 30 October 2022: the first was in summer time.
        ("10/30/2022 02:30:00 AM", "Europe/Berlin", 2),
    ],
)
def test_the_time_of_a_text_block_has_the_zone_that_is_told(
    tmp_path: Path, stamp: str, zone: str, offset_hours: int
) -> None:
    (event,) = read(written(tmp_path, text_event(stamp=stamp)), Origin(timezone=zone)).events
    wall = datetime.strptime(f"{stamp} {offset_hours:+03}00", "%m/%d/%Y %I:%M:%S %p %z")
    assert event.time == wall.timestamp()


def test_an_impossible_stamp_is_an_event_without_a_time(tmp_path: Path) -> None:
    for stamp in ("02/30/2022 10:00:00 AM", "02/28/2022 13:00:00 PM"):
        (event,) = read(written(tmp_path, text_event(stamp=stamp))).events
        assert event.time is None


def test_what_is_told_wins_over_what_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path, xml_event(1) + "\n" + xml_event(2, channel="System"))
    told = Origin(index="win", source="s", sourcetype="custom", host="h")
    assert {(e.index, e.source, e.sourcetype, e.host) for e in read(path, told).events} == {
        ("win", "s", "custom", "h")
    }
    spelled = read(path, Origin(sourcetype="xmlwineventlog")).events
    assert [(event.source, event.sourcetype) for event in spelled] == [
        ("XmlWinEventLog:Security", "xmlwineventlog"), ("XmlWinEventLog:System", "xmlwineventlog"),
    ]  # fmt: skip


def test_other_lines_among_windows_events_are_events_of_their_own(tmp_path: Path) -> None:
    content = f"# exported\n{xml_event(1)}\nnote {xml_event(2)}\n{text_event(3)}\n{xml_event(4)}"
    reading = read(written(tmp_path, content))
    kinds = {event.raw: event.sourcetype for event in reading.events}
    assert kinds == {
        "# exported": "text", xml_event(1): "XmlWinEventLog", "note ": "text",
        xml_event(2): "XmlWinEventLog", text_event(3): "WinEventLog",
        xml_event(4): "XmlWinEventLog",
    }  # fmt: skip


def test_objects_among_windows_events_are_json(tmp_path: Path) -> None:
    lines = ['{"n": 1, "time": 1646042400}', xml_event(1), '{"n": 2}', "{odd}"]
    reading = read(written(tmp_path, "\n".join(lines)))
    by_raw = {event.raw: (event.sourcetype, event.time) for event in reading.events}
    assert by_raw == {
        lines[0]: ("_json", TEN), lines[1]: ("XmlWinEventLog", TEN), lines[2]: ("_json", TEN),
        lines[3]: ("text", TEN),
    }  # fmt: skip


def test_entities_are_never_expanded(tmp_path: Path) -> None:
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    )
    event = xml_event(data="&a;&b;&c;&#65;&lt;")
    reading = read(written(tmp_path, f'<?xml version="1.0"?>\n{bomb}\n{event}\n'))
    assert reading.raws == [event]
    assert reading.messages == ["a document type is left out: no entity is expanded"]
    inside = xml_event(data=bomb)
    assert read(written(tmp_path, inside)).raws == [inside]


def test_an_event_without_its_end_is_kept_and_noted(tmp_path: Path) -> None:
    whole, cut = xml_event(1), xml_event(2)[:-20]
    reading = read(written(tmp_path, f"{whole}\n{cut}\n"))
    assert reading.raws == [whole, cut]
    assert [str(loss) for loss in reading.losses] == [
        (
            f"{tmp_path / 'events.log'}: an event is cut short: it has no </Event>"
            f" (at {len(whole) + 1:,})"
        )
    ]


def test_an_event_without_its_end_takes_no_other_with_it(tmp_path: Path) -> None:
    cut, whole, text = xml_event(1)[:-30], xml_event(2), text_event(3)
    reading = read(written(tmp_path, f"{cut}\n{whole}\n{cut}\n{text}\n{whole}{cut}{whole}"))
    assert Counter(reading.raws) == {cut: 3, whole: 3, text: 1}
    assert len(reading.losses) == 3


@pytest.mark.parametrize("chunk", [500, 5000, 4_000_000])
def test_a_cut_event_takes_no_text_blocks_with_it(tmp_path: Path, chunk: int) -> None:
    """No `</Event>` ever comes, and the rest of the file is longer than any event may be."""
    cut, texts = xml_event(1)[:-30], [text_event(number) for number in range(200)]
    assert len("\n".join(texts)) > 20_000
    content = "\n".join([xml_event(0), cut, *texts])
    reading = read(written(tmp_path, content), chunk=chunk, bound=1000)
    assert Counter(reading.raws) == Counter([xml_event(0), cut, *texts])
    assert reading.messages == ["an event is cut short: it has no </Event>"]


@pytest.mark.parametrize("chunk", [500, 5000, 4_000_000])
def test_a_cut_event_over_the_bound_takes_no_text_blocks_with_it(
    tmp_path: Path, chunk: int
) -> None:
    cut, texts = xml_event(1, data="x" * 20_000)[:-30], [text_event(n) for n in range(200)]
    reading = read(written(tmp_path, "\n".join([cut, *texts])), chunk=chunk, bound=1000)
    assert Counter(reading.raws) == Counter([cut[:1000], *texts])
    assert reading.messages == ["an event is too long: it was cut off, and the rest of it left out"]


@pytest.mark.parametrize(
    ("told", "event"),
    [("xmlwineventlog", xml_event()), ("WinEventLog", text_event()),
     ("WinEventLog:Security", text_event())],
)  # fmt: skip
def test_a_told_source_type_says_what_a_long_start_does_not(
    tmp_path: Path, told: str, event: str
) -> None:
    notes = ["# exported by hand"] * 1000
    path = written(tmp_path, "\n".join([*notes, event]))
    assert {event.sourcetype for event in read(path).events} == {"text"}
    reading = read(path, Origin(sourcetype=told))
    assert [one.host for one in reading.events if one.raw == event] == ["host1.example"]
    assert {event.sourcetype for event in reading.events} == {told}


def test_batches_are_bounded(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join(xml_event(number) for number in range(25_000)))
    sizes = [len(batch.raw) for batch in read_file(path, Origin())]
    assert sum(sizes) == 25_000
    assert max(sizes) <= files.BATCH_EVENTS
    large = written(tmp_path, "\n".join(xml_event(data="x" * 1_000_000) for _ in range(20)))
    assert max(len(batch.raw) for batch in read_file(large, Origin())) < 10


def test_events_keep_the_order_of_the_file(tmp_path: Path) -> None:
    events = [xml_event(number) for number in range(25_000)]
    assert read(written(tmp_path, "\n".join(events))).raws == events


def test_hostile_openings_take_linear_time(tmp_path: Path) -> None:
    """Under a second if each is read once; minutes if each one reads to the end of the file."""
    for opening in (
        "<?xml \n",
        "<!DOCTYPE [\n",
        "<Events \n",
        "<Event \n",
        "<Event xmlns\n",
        "01/01/2022 10:00:00 AM\n",
    ):
        path = written(tmp_path, xml_event() + "\n" + opening * (300_000 // len(opening)))
        assert read(path).events

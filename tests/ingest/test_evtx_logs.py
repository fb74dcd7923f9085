from __future__ import annotations

import gzip
import json
import re
import struct
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from reading import corpus, read, written

from harness.ingest import DamagedFile, EmptyFile, evtx
from harness.ingest.evtx import as_rendered, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reading import Event

PROCDUMP = ("attack_data", "attack_techniques", "T1003.001", "procdump_capattack")
HEADER_BYTES, CHUNK_BYTES = 4096, 65536


def records_by_chunk(content: bytes) -> list[int]:
    """Counted by the chunk headers: the first and last record numbers, at bytes 8 and 16.

    https://github.com/libyal/libevtx/blob/main/documentation/Windows%20XML%20Event%20Log%20(EVTX).asciidoc
    """
    counts = []
    for start in range(HEADER_BYTES, len(content), CHUNK_BYTES):
        if content[start : start + 8] == b"ElfChnk\x00":
            first, last = struct.unpack_from("<QQ", content, start + 8)
            counts.append(last - first + 1)
    return counts


def security_log() -> tuple[Path, bytes]:
    path = corpus(*PROCDUMP, "Security.evtx")
    return path, path.read_bytes()


def package_records(path: Path) -> Iterator[dict[str, Any]]:
    from evtx import PyEvtxParser

    return cast("Iterator[dict[str, Any]]", PyEvtxParser(str(path)).records())


@pytest.mark.parametrize("name", ["Security", "Sysmon%4Operational", "PowerShell%4Operational"])
def test_a_log_gives_every_record_with_its_own_metadata(name: str) -> None:
    path = next(corpus(*PROCDUMP).glob(f"*{name}.evtx"))
    reading = read(path)
    assert len(reading.events) == sum(records_by_chunk(path.read_bytes()))
    assert reading.losses == []
    for event, record in zip(reading.events, package_records(path), strict=True):
        xml = record["data"]
        channel = re.findall(r"<Channel>(.*?)</Channel>", xml)
        assert event.source == f"XmlWinEventLog:{channel[0]}"
        assert event.sourcetype == "XmlWinEventLog"
        assert [event.host] == re.findall(r"<Computer>(.*?)</Computer>", xml)
        (stamp,) = re.findall(r'SystemTime="(.*?)Z"', xml)
        assert event.time == datetime.fromisoformat(f"{stamp}+00:00").timestamp()


def test_every_log_of_the_corpus_is_read_whole() -> None:
    paths = sorted(corpus("evtx_attack_samples").rglob("*.evtx"))
    assert len(paths) > 100
    for path in paths:
        reading = read(path)
        assert reading.losses == [], path
        texts = [record["data"] for record in package_records(path)]
        assert len(reading.events) == len(texts), path
        ids = Counter(re.findall(r"<EventID[^>]*>(\d+)<", "".join(texts)))
        found = Counter(re.findall(r"<EventID[^>]*>(\d+)<", "".join(reading.raws)))
        assert found == ids, path
        assert Counter(map(metadata, reading.events)) == Counter(map(named, texts)), path
        assert all(
            raw.startswith("<Event ") and raw.endswith("</Event>") for raw in reading.raws
        ), path


def test_logs_have_as_many_events_as_their_publisher_counted() -> None:
    """Sigma's regression data says how many events each log holds."""
    folder = corpus("sigma_regression")
    cases = json.loads((folder / "cases.json").read_bytes())
    for case in cases:
        reading = read(folder / case["evtx"])
        assert len(reading.events) == case["total_events"], case["evtx"]
        assert reading.losses == [], case["evtx"]
    assert len(cases) > 50


def metadata(event: Event) -> tuple[str, str, float | None]:
    assert event.sourcetype == "XmlWinEventLog"
    return event.source.removeprefix("XmlWinEventLog:"), event.host, event.time


def named(xml: str) -> tuple[str, str, float | None]:
    """Channel, computer and time of a record; raw ETW traces belong to no channel."""
    system, _, _ = xml.partition("</System>")
    channels = re.findall(r"<Channel>(.+?)</Channel>", system)
    (computer,) = re.findall(r"<Computer>(.+?)</Computer>", system)
    (stamp,) = re.findall(r'SystemTime="(.+?)Z"', system)
    time = datetime.fromisoformat(f"{stamp}+00:00").timestamp()
    return channels[0] if channels else "unknown", computer, time


def test_values_keep_their_lines_and_spaces() -> None:
    xml = (
        '<?xml version="1.0" encoding="utf-8"?>\n<Event xmlns="x">\n  <System>\n'
        "    <Correlation>\n    </Correlation>\n  </System>\n  <EventData>\n"
        '    <Data Name="a">one\n  two &lt;\n  </Data>\n    <Data Name="b">   </Data>\n'
        '    <Data Name="c"></Data>\n  </EventData>\n</Event>\n'
    )
    assert one_line(xml) == (
        '<Event xmlns="x"><System><Correlation></Correlation></System><EventData>'
        '<Data Name="a">one\n  two &lt;\n  </Data><Data Name="b">   </Data>'
        '<Data Name="c"></Data></EventData></Event>'
    )


def test_an_event_reads_as_windows_writes_it() -> None:
    """MS-EVEN6, 2.2.13 "Event" (GUIDType), and 4.8 "BinXml Example Using Templates"."""
    guid = "0197231E-4A83-694D-9E0E-000000000800"
    xml = (
        f'<Event xmlns="x"><System><Provider Name="A" Guid="{guid}"></Provider>'
        f'<Correlation ActivityID="{guid}"></Correlation><Channel></Channel>'
        '<Security></Security></System><EventData Name="Kind">'
        f'<Data Name="Line">run /v="a b" "{guid}"</Data><Data Name="Guid">{guid}</Data>'
        '<Data Name="None"></Data></EventData></Event>'
    )
    assert as_rendered(xml) == (
        f"<Event xmlns='x'><System><Provider Name='A' Guid='{{{guid}}}'/>"
        f"<Correlation ActivityID='{{{guid}}}'/><Channel></Channel>"
        "<Security/></System><EventData Name='Kind'>"
        f"<Data Name='Line'>run /v=\"a b\" \"{guid}\"</Data><Data Name='Guid'>{{{guid}}}</Data>"
        "<Data Name='None'></Data></EventData></Event>"
    )
    plain = '<Event><System><Level>4</Level></System><EventData><Data Name="a">"</Data></EventData>'
    assert as_rendered(plain).endswith("</System><EventData><Data Name='a'>\"</Data></EventData>")


def test_a_damaged_chunk_is_noted_and_the_rest_is_kept(tmp_path: Path) -> None:
    _, content = security_log()
    counts = records_by_chunk(content)
    second = HEADER_BYTES + CHUNK_BYTES
    damaged = content[:second] + b"garbage!" + content[second + 8 :]
    reading = read(written(tmp_path, damaged, "x.evtx"))
    assert len(reading.events) == sum(counts) - counts[1]
    (loss,) = reading.losses
    assert loss.message.startswith("a damaged part is missing (Failed to parse chunk number 1")


def test_a_wiped_chunk_is_noted(tmp_path: Path) -> None:
    """Zeros look like a chunk that was never used, but chunks that are used come after it."""
    _, content = security_log()
    counts = records_by_chunk(content)
    second = HEADER_BYTES + CHUNK_BYTES
    damaged = content[:second] + bytes(CHUNK_BYTES) + content[second + CHUNK_BYTES :]
    reading = read(written(tmp_path, damaged, "x.evtx"))
    assert len(reading.events) == sum(counts) - counts[1]
    assert reading.messages == [f"1 of {len(counts)} chunks of the log is blank or cut off"]


def test_damaged_records_are_noted_and_the_rest_is_kept(tmp_path: Path) -> None:
    _, content = security_log()
    counts = records_by_chunk(content)
    at = HEADER_BYTES + CHUNK_BYTES + 20_000
    reading = read(
        written(tmp_path, content[:at] + b"\xff" * 1000 + content[at + 1000 :], "x.evtx")
    )
    assert sum(counts) - counts[1] <= len(reading.events) < sum(counts)
    assert reading.losses


def test_a_log_cut_short_is_noted(tmp_path: Path) -> None:
    _, content = security_log()
    counts = records_by_chunk(content)
    reading = read(written(tmp_path, content[: HEADER_BYTES + CHUNK_BYTES + 30_000], "x.evtx"))
    assert len(reading.events) >= counts[0]
    assert reading.messages == ["1 of 2 chunks of the log is blank or cut off"]


def test_a_log_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    _, content = security_log()
    chunks = b"ElfChnk?" + bytes(CHUNK_BYTES - 8)
    path = written(tmp_path, content[:HEADER_BYTES] + chunks * 3, "x.evtx")
    with pytest.raises(DamagedFile, match=r"x\.evtx: no event of this log can be read: "):
        read(path)


def test_more_damage_than_is_worth_reading_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evtx, "MOST_FAULTS", 2)
    _, content = security_log()
    counts = records_by_chunk(content)
    assert len(counts) > 3
    damaged = bytearray(content)
    for number in (1, 2):
        at = HEADER_BYTES + number * CHUNK_BYTES
        damaged[at : at + 8] = b"garbage!"
    reading = read(written(tmp_path, bytes(damaged), "x.evtx"))
    assert len(reading.events) == counts[0]
    assert [message.split(" (")[0] for message in reading.messages] == [
        "too many damaged parts: the rest is missing"
    ]


def test_a_record_over_the_bound_is_cut_off_and_noted() -> None:
    path, content = security_log()
    whole, cut = read(path), read(path, bound=1500)
    assert len(whole.events) == sum(records_by_chunk(content))
    assert [event.raw[:1500] for event in whole.events] == cut.raws
    assert len(cut.losses) == sum(len(raw) > 1500 for raw in whole.raws) > 0


def test_a_packed_log_that_unpacks_to_too_much_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evtx, "MOST_BYTES", 100_000)
    _, content = security_log()
    path = written(tmp_path, gzip.compress(content), "x.evtx.gz")
    with pytest.raises(DamagedFile) as caught:
        read(path, chunk=50_000)
    assert caught.value.message == "a packed log of more than 2 GB"


def test_a_packed_log_is_read_as_well(tmp_path: Path) -> None:
    path, content = security_log()
    assert read(written(tmp_path, gzip.compress(content), "x.evtx.gz")).raws == read(path).raws


@pytest.mark.parametrize("length", [8, 100, HEADER_BYTES - 1])
def test_a_log_without_its_header_is_an_error(tmp_path: Path, length: int) -> None:
    path = written(tmp_path, (b"ElfFile\x00" + bytes(HEADER_BYTES))[:length], "x.evtx")
    with pytest.raises(DamagedFile, match=r"x\.evtx: this is no event log that can be read"):
        read(path)


def test_a_log_without_events_is_an_error(tmp_path: Path) -> None:
    _, content = security_log()
    with pytest.raises(EmptyFile, match=r"x\.evtx: the log holds no events"):
        read(written(tmp_path, content[:HEADER_BYTES], "x.evtx"))

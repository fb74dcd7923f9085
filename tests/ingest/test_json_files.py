from __future__ import annotations

import json
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from reading import Reading, corpus, read, written

from harness.ingest import Loss, files, jsontexts
from harness.ingest.jsontexts import _Reader
from harness.model import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OBJECTS = [
    {"n": 1, "text": 'a "quoted" } { ] [ , text', "nested": {"list": [1, {"x": None}]}},
    {"n": 2, "empty": {}, "unicode": "é \N{SNOWMAN}", "@timestamp": "2022-02-28T10:00:00Z"},
    {"n": 3, "big": 10**30, "list": []},
]
TEN = 1646042400.0


def pretty(objects: list[dict[str, Any]]) -> str:
    return json.dumps(objects, indent=2, ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(json.dumps(one) for one in OBJECTS),
        "\r\n".join(json.dumps(one) for one in OBJECTS) + "\r\n",
        json.dumps(OBJECTS),
        pretty(OBJECTS),
        "".join(json.dumps(one) for one in OBJECTS),
        " ".join(json.dumps(one, indent=4) for one in OBJECTS),
        json.dumps(OBJECTS[:2]) + "\n" + json.dumps(OBJECTS[2:]),
        ",\n".join(json.dumps(one) for one in OBJECTS),
        "\ufeff\n [ " + ", ".join(json.dumps(one, ensure_ascii=False) for one in OBJECTS) + " ] ",
        json.dumps(OBJECTS, indent=0),
    ],
    ids=[
        "a line each", "crlf", "array", "indented array", "back to back", "indented objects",
        "two arrays", "commas", "mark and spaces", "array without indentation",
    ],
)  # fmt: skip
def test_each_object_is_an_event_as_it_is_written(tmp_path: Path, content: str) -> None:
    reading = read(written(tmp_path, content, "app.json"))
    assert [json.loads(raw) for raw in reading.raws] == OBJECTS
    assert all(raw in content for raw in reading.raws)
    assert {(event.source, event.sourcetype, event.host) for event in reading.events} == {
        ("app.json", "_json", "localhost")
    }
    assert [event.time for event in reading.events] == [None, TEN, TEN]
    assert reading.losses == []


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("@timestamp", "2022-02-28T10:00:00.250Z", TEN + 0.25),
        ("timestamp", "2022-02-28T10:00:00+02:00", TEN - 7200),
        ("time", TEN, TEN),
        ("_time", str(int(TEN)), TEN),
        ("EventTime", "2022-02-28 10:00:00", TEN - 3600),
        ("eventTime", "2022-02-28T10:00:00,5Z", TEN + 0.5),
        ("UtcTime", "2022-02-28 10:00:00.123", TEN + 0.123),
        ("CreationTime", "2022-02-28T10:00:00", TEN),
        ("ts", int(TEN) * 1000 + 7, TEN + 0.007),
        ("ts", int(TEN) * 10**9, TEN),
        ("time", True, None),
        ("time", "yesterday", None),
        ("time", -5, None),
        ("time", None, None),
        # Getting Data In, "How timestamp assignment works": else the first time that the text has,
        # in its first 128 characters (props.conf.spec, MAX_TIMESTAMP_LOOKAHEAD).
        ("note", "2022-02-28T10:00:00Z", TEN),
        ("note", f"{'.' * 128} 2022-02-28T10:00:00Z", None),
    ],
)
def test_the_time_is_that_of_the_usual_keys(
    tmp_path: Path, key: str, value: Any, expected: float | None
) -> None:
    """Sysmon's UtcTime and Office 365's CreationTime are documented as UTC."""
    path = written(tmp_path, json.dumps({key: value}))
    (event,) = read(path, Origin(timezone="Europe/Berlin")).events
    assert event.time == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_a_key_without_a_time_leaves_it_to_the_next_one(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"time": "soon", "ts": TEN}))
    assert [event.time for event in read(path).events] == [TEN]


def test_a_broken_line_is_an_event_and_noted_and_takes_no_other_with_it(tmp_path: Path) -> None:
    lines = ['{"n": 1}', '{"n": "unclosed', '{"n": 2}', '{"n": }', "plain", '{"n": 3}', '{"n": [1,']
    reading = read(written(tmp_path, "\n".join(lines) + "\n"))
    types = [event.sourcetype for event in reading.events]
    by_raw = dict(zip(reading.raws, types, strict=True))
    assert set(by_raw) == set(lines)
    assert sorted(raw for raw, kind in by_raw.items() if kind == "_json") == sorted(
        ['{"n": 1}', '{"n": 2}', '{"n": 3}']
    )
    path = str(tmp_path / "events.log")
    assert reading.losses == [Loss(path, "text that is no JSON object: its lines are events", 9)]


def test_brackets_alone_make_no_json(tmp_path: Path) -> None:
    lines = ["[2022-02-28 10:00:00] started", "[warn] {odd}"]
    reading = read(written(tmp_path, "\n".join(lines)))
    assert reading.raws == lines
    assert {event.sourcetype for event in reading.events} == {"text"}
    mixed = ['{"n": 1}', "[warn] odd", '{"n": 2}']
    assert sorted(read(written(tmp_path, "\n".join(mixed))).raws) == sorted(mixed)


def test_nesting_without_end_is_text(tmp_path: Path) -> None:
    content = '{"a":' * 200_000
    reading = read(written(tmp_path, content))
    assert reading.raws == [content]
    assert len(reading.losses) == 1


def test_an_object_over_the_bound_is_cut_off_and_noted(tmp_path: Path) -> None:
    long = json.dumps({"n": "x" * 500})
    content = f'{{"n": 1}}\n{long}\n{{"n": 2}}\n'
    for chunk in (7, 64, 4096):
        reading = read(written(tmp_path, content), chunk=chunk, bound=100)
        assert sorted(reading.raws) == sorted(['{"n": 1}', long[:100], '{"n": 2}'])
        assert [(loss.message, loss.offset) for loss in reading.losses] == [
            ("an event is too long: it was cut off, and the rest of it left out", 9)
        ]


@pytest.mark.parametrize("chunk", [7, 64, 4096])
def test_an_object_over_the_bound_takes_no_other_of_its_line_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(files, "DETECTED_CHARACTERS", 16)
    long = json.dumps({"n": "x" * 300, "odd": ['}]"\\', {"}": "\\\\"}, [[]]], "y": "y" * 200})
    for content in (f'[{{"n": 1}}, {long}, {{"n": 2}}]', f'{{"n": 1}}{long}{{"n": 2}}'):
        reading = read(written(tmp_path, content), chunk=chunk, bound=100)
        assert sorted(reading.raws) == sorted(['{"n": 1}', long[:100], '{"n": 2}'])
        assert [loss.offset for loss in reading.losses] == [content.index(long)]


@pytest.mark.parametrize("chunk", [7, 64, 4096])
@pytest.mark.parametrize("rest", ['": "never closed', '": ["never closed",', '": "\\'])
def test_an_object_over_the_bound_that_never_ends_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, rest: str
) -> None:
    monkeypatch.setattr(files, "DETECTED_CHARACTERS", 16)
    long = '{"' + "x" * 500 + rest
    content = f'{{"n": 1}}\n{long}\n{{"n": 2}}\n{{"n": 3}}\n'
    reading = read(written(tmp_path, content), chunk=chunk, bound=100)
    assert sorted(reading.raws) == sorted(['{"n": 1}', long[:100], '{"n": 2}', '{"n": 3}'])
    assert [loss.offset for loss in reading.losses] == [9]


def test_a_line_over_the_bound_among_objects_is_cut_off_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "DETECTED_CHARACTERS", 16)
    content = f'{{"n": 1}}\n{"x" * 500}\n{{"n": 2}}\n'
    for chunk in (7, 64, 4096):
        reading = read(written(tmp_path, content), chunk=chunk, bound=100)
        assert sorted(reading.raws) == sorted(['{"n": 1}', "x" * 100, '{"n": 2}'])
        assert [loss.offset for loss in reading.losses] == [9]


def characters_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of every text that the decoder of the standard library is given."""
    lengths: list[int] = []
    decode = json.JSONDecoder.raw_decode

    def counting(self: json.JSONDecoder, text: str, idx: int = 0) -> tuple[Any, int]:
        lengths.append(len(text))
        return decode(self, text, idx)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counting)
    return lengths


@pytest.mark.parametrize("indent", [None, 1])
def test_a_large_object_is_read_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None
) -> None:
    """Once a piece of 4 MB at most, each time from its beginning: 4 + 8 + 12 + 16 + 20 MB."""
    document = {"list": [{"n": n, "text": "x" * 480} for n in range(40_000)]}
    content = json.dumps(document, indent=indent)
    assert len(content) > 20_000_000
    lengths = characters_read(monkeypatch)
    assert read(written(tmp_path, content)).raws == [content]
    assert sum(lengths) < 6 * len(content)


def test_a_large_object_that_never_ends_gives_up_its_inner_ones(tmp_path: Path) -> None:
    """The last one of them is cut short; the others are whole, whatever surrounds them."""
    inner = [{"n": n, "text": "x" * 480} for n in range(20_000)]
    content = json.dumps({"list": inner}, indent=1)
    reading = read(written(tmp_path, content[: content.rindex('"text"')]))
    found = [json.loads(raw) for raw, kind in kinds(reading) if kind == "_json"]
    assert found == inner[:-1]
    assert len(reading.losses) == 1


def kinds(reading: Reading) -> list[tuple[str, str]]:
    return [(event.raw, event.sourcetype) for event in reading.events]


@pytest.mark.parametrize(
    "opening", ['{"a":\n', '{"a":[\n', '[{"a":\n', '{"a":[{},\n', "{\n", '{"\n', '{"a":"x",\n']
)
def test_hostile_openings_are_not_read_from_each_line_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opening: str
) -> None:
    """Thousands of objects open and none closes: each line was once read a thousand times."""
    monkeypatch.setattr(jsontexts, "FREE_IN_VAIN", 0)
    content = opening * (300_000 // len(opening))
    lengths = characters_read(monkeypatch)
    reading = read(written(tmp_path, content))
    # A window of 4,096 characters is not a reading of them: an object's fault ends it.
    attempts = [length for length in lengths if length > jsontexts.WINDOW]
    assert sum(attempts) < 50 * len(content)
    assert sum(len(raw.strip("[\n")) for raw in reading.raws) >= sum(
        len(line.strip("[\n")) for line in content.splitlines()
    )


def test_a_large_array_is_decoded_once_an_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, attempts = 40_000, 0
    path = written(tmp_path, json.dumps([{"n": n, "text": "x" * 480} for n in range(count)]))
    assert path.stat().st_size > 20_000_000
    decoded = _Reader._decoded

    def counting(self: _Reader, position: int, *, final: bool) -> tuple[Any, int]:
        nonlocal attempts
        attempts += 1
        return decoded(self, position, final=final)

    monkeypatch.setattr(_Reader, "_decoded", counting)
    assert len(read(path).events) == count
    assert attempts <= count + 10


def by_text(objects: Iterable[Any]) -> list[str]:
    """Objects in an order of their own, as batches keep that of each source only."""
    return sorted(json.dumps(one) for one in objects)


def test_a_windows_event_in_json_has_the_source_of_its_channel(tmp_path: Path) -> None:
    nxlog = {"EventTime": "2020-08-01 07:53:24", "Hostname": "H", "EventID": 4688}
    nxlog |= {"SourceName": "Microsoft-Windows-Security-Auditing", "Channel": "Security"}
    other = {"Channel": "Security", "EventID": 4688, "Hostname": "H"}
    path = written(tmp_path, f"{json.dumps(nxlog)}\n{json.dumps(other)}\n")
    first, second = sorted(read(path).events, key=lambda event: event.sourcetype)
    assert (first.source, first.sourcetype, first.host) == (path.name, "_json", "localhost")
    assert (second.source, second.sourcetype, second.host) == (
        "XmlWinEventLog:Security", "nxlog_json", "H",
    )  # fmt: skip
    assert second.time == 1596268404


def expected_type(document: dict[str, object]) -> str:
    """The source type by what only events of one product have."""
    if {"EventID", "Channel", "Hostname"} <= document.keys():
        return "nxlog_json"
    if {"eventSource", "awsRegion", "eventName"} <= document.keys():
        return "aws:cloudtrail"
    if {"Workload", "RecordType"} <= document.keys():
        return "o365:management:activity"
    return "_json"


def test_real_json_of_many_products_is_read_whole(tmp_path: Path) -> None:
    """Each file of the Security-Datasets is an array or an object a line, by the json module."""
    read_files = 0
    for archive in sorted(corpus("security_datasets").rglob("*.zip")):
        with zipfile.ZipFile(archive) as opened:
            contents = [opened.read(name) for name in opened.namelist() if name.endswith(".json")]
        for content in contents:
            if content.lstrip().startswith(b"["):
                expected = json.loads(content)
            else:
                expected = [json.loads(line) for line in content.splitlines() if line.strip()]
            reading = read(written(tmp_path, content))
            assert by_text(json.loads(raw) for raw in reading.raws) == by_text(expected), archive
            assert reading.losses == []
            for event in reading.events:
                assert event.sourcetype == expected_type(json.loads(event.raw))
            read_files += 1
    assert read_files >= 10


def test_the_real_dump_in_a_tar_is_read_whole(tmp_path: Path) -> None:
    path = corpus(
        "attack_data", "attack_techniques", "T1047", "atomic_red_team", "attack_data.tar.gz"
    )
    with tarfile.open(path) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers() if member.isfile()]
        contents = [file.read() for file in files if file is not None]
    for content in contents:
        if content.lstrip()[:1] == b"{":
            expected = [json.loads(line) for line in content.splitlines() if line.strip()]
            reading = read(written(tmp_path, content))
            assert by_text(json.loads(raw) for raw in reading.raws) == by_text(expected)

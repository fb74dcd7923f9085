"""Recipes, held against the documented layouts and against what ingest makes of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.datasets import read_manifest
from harness.datasets.synthetic import BadRecipe, rendered
from harness.datasets.synthetic import recipe as recipe_module
from harness.errors import Place
from harness.ingest import ingest_text
from harness.model import EventBatch, Origin

ROOT = Path(__file__).parents[3]
DATA_SOURCES = ROOT.parent / "shared" / "corpus" / "security_content" / "data_sources"
KINDS = {
    "windows_security_4688_text": ("WinEventLog:Security", "WinEventLog"),
    "windows_security_4688_xml": ("XmlWinEventLog:Security", "XmlWinEventLog"),
    "sysmon_1_xml": ("XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", "XmlWinEventLog"),
}
XML_KINDS = sorted(kind for kind in KINDS if kind.endswith("_xml"))
START = "2022-02-28T10:00:00Z"
TEN = datetime(2022, 2, 28, 10, tzinfo=UTC).timestamp()
XMLNS = "{http://schemas.microsoft.com/win/2004/08/events/event}"
AWKWARD = "a <b> & \"c\" 'd' ]]> {x} {0} {n.__class__} %s é $f$ & whoami"
PLACE = Place("detections/x.expected.yaml", 12, 3)


def recipe(kind: str = "windows_security_4688_xml", **entry: Any) -> dict[str, Any]:
    return {"kind": kind, "start": START, "events": [entry]}


def text_of(made: Any) -> str:
    (one,) = rendered(made)
    return one.text


def ingested(made: Any) -> EventBatch:
    (one,) = rendered(made)
    losses: list[Any] = []
    (batch,) = ingest_text(one.text, one.origin, "inline", losses=losses)
    assert losses == []
    return batch


def data_of(raw: str) -> dict[str, str]:
    """The named values of an event, by the XML parser of the standard library."""
    return {
        element.attrib["Name"]: element.text or ""
        for element in ET.fromstring(raw).iter(f"{XMLNS}Data")
    }


def commands(kind: str, raw: str) -> str:
    if kind.endswith("_xml"):
        return data_of(raw)["CommandLine"]
    (found,) = re.findall(r"^\tProcess Command Line:\t(.*)$", raw, re.MULTILINE)
    return str(found)


def fault(made: Any) -> BadRecipe:
    with pytest.raises(BadRecipe) as caught:
        rendered(made, PLACE)
    assert caught.value.place == PLACE
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_from_ingest(kind: str) -> None:
    fields = {"host": "h{n}.lab.example", "user": "u", "process": "run {n:03}"}
    batch = ingested(recipe(kind, count=12, every="90s", at="1h", fields=fields))
    assert (batch.source, batch.sourcetype) == KINDS[kind]
    assert batch.time == [TEN + 3600 + 90 * number for number in range(12)]
    assert batch.host == [f"h{number}.lab.example" for number in range(1, 13)]
    assert [commands(kind, raw) for raw in batch.raw] == [f"run {n:03}" for n in range(1, 13)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_gives_the_same_bytes_each_time(kind: str) -> None:
    made = recipe(kind, count=5, fields={"process": "run {n}"})
    assert text_of(made) == text_of(made)


@pytest.mark.parametrize("kind", KINDS)
def test_events_that_name_nobody_say_that_they_are_stand_ins(kind: str) -> None:
    for raw in ingested(recipe(kind, count=2)).raw:
        assert "WIN-STANDIN" in raw
        assert re.search(r"STANDIN\\standin\.user", raw)


@pytest.mark.parametrize("kind", KINDS)
def test_values_come_back_as_they_were_given(kind: str) -> None:
    batch = ingested(recipe(kind, fields={"process": AWKWARD, "user": "o'<neill>"}))
    assert [commands(kind, raw) for raw in batch.raw] == [AWKWARD]


@pytest.mark.parametrize("kind", XML_KINDS)
def test_xml_is_well_formed_one_event_a_line(kind: str) -> None:
    lines = text_of(recipe(kind, count=3, fields={"process": AWKWARD})).splitlines()
    assert [ET.fromstring(line).tag for line in lines] == [f"{XMLNS}Event"] * 3


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("windows_security_4688_xml", "windows_event_log_security_4688.yml"),
        ("sysmon_1_xml", "sysmon_eventid_1.yml"),
    ],
)
def test_xml_has_the_elements_of_a_real_event(kind: str, name: str) -> None:
    if not DATA_SOURCES.exists():
        pytest.skip("the corpus of real data is not beside the repository")
    real = ET.fromstring(example_log(DATA_SOURCES / name))
    made = ET.fromstring(text_of(recipe(kind)))

    def shape(event: ET.Element) -> list[tuple[str, tuple[str, ...], str | None]]:
        return [
            (element.tag, tuple(element.attrib), element.attrib.get("Name"))
            for element in event.iter()
            if element.tag != f"{XMLNS}Security"
        ]

    assert shape(made) == shape(real)
    for element in ("EventID", "Version", "Level", "Task", "Opcode", "Keywords", "Channel"):
        assert made.findtext(f".//{XMLNS}{element}") == real.findtext(f".//{XMLNS}{element}")
    provider = f".//{XMLNS}Provider"
    found, expected = made.find(provider), real.find(provider)
    assert found is not None
    assert expected is not None
    assert found.attrib == expected.attrib


def example_log(path: Path) -> str:
    from harness.model.documents import read_document

    return str(read_document(path).data["example_log"])


def test_text_has_the_layout_of_the_classic_log() -> None:
    """Blocks and names: learn.microsoft.com, event 4688(S), version 2."""
    fields = {
        "host": "WIN-1", "user": "alice", "domain": "LAB", "process": "whoami /all",
        "process_path": r"C:\Windows\System32\whoami.exe", "process_id": 500,
        "parent_process_id": "0x1f4", "parent_process_path": r"C:\Windows\explorer.exe",
    }  # fmt: skip
    raw = text_of(recipe("windows_security_4688_text", fields=fields)).rstrip("\n")
    header, message = raw.split("\nMessage=")
    first, *entries = header.split("\n")
    assert first == "02/28/2022 10:00:00 AM"
    pairs = dict(entry.split("=", 1) for entry in entries)
    assert {name: pairs[name] for name in ("LogName", "EventCode", "ComputerName")} == {
        "LogName": "Security", "EventCode": "4688", "ComputerName": "WIN-1",
    }  # fmt: skip
    intro, *blocks = message.split("\n\n")
    assert intro == "A new process has been created."
    read = {}
    for block in blocks:
        heading, *lines = block.split("\n")
        parts = [re.fullmatch(r"\t([^:]+):\t{1,2}(.*)", line) for line in lines]
        read[heading] = {part[1]: part[2] for part in parts if part is not None}
        assert len(read[heading]) == len(lines)
    assert list(read) == ["Creator Subject:", "Target Subject:", "Process Information:"]
    assert read["Creator Subject:"]["Account Name"] == "alice"
    assert read["Creator Subject:"]["Account Domain"] == "LAB"
    assert read["Target Subject:"]["Account Name"] == "-"
    process = read["Process Information:"]
    assert process["New Process ID"] == process["Creator Process ID"] == "0x1f4"
    assert process["New Process Name"] == r"C:\Windows\System32\whoami.exe"
    assert process["Creator Process Name"] == r"C:\Windows\explorer.exe"
    assert process["Process Command Line"] == "whoami /all"


@pytest.mark.parametrize("kind", KINDS)
def test_noon_and_midnight_are_told_apart(kind: str) -> None:
    made = {"kind": kind, "start": "2022-02-28T00:00:00", "events": [{"count": 2, "every": "12h"}]}
    assert ingested(made).time == [TEN - 36_000, TEN + 7200]


def test_entries_are_mixed_by_their_times() -> None:
    made = {
        "kind": "sysmon_1_xml",
        "start": "2022-02-28T11:00:00+01:00",
        "events": [
            {"count": 2, "every": "10s", "fields": {"process": "late"}},
            {"at": "5s", "fields": {"process": "between"}},
        ],
    }
    batch = ingested(made)
    assert [commands("sysmon_1_xml", raw) for raw in batch.raw] == ["late", "between", "late"]
    assert batch.time == [TEN, TEN + 5, TEN + 10]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{n}", "11"), ("{n:03}", "011"), ("a{n}b{n:02}", "a11b11"), ("{n:3}", "{n:3}"),
        ("{{n}}", "{11}"), ("{n!r}", "{n!r}"), ("{n.real}", "{n.real}"), ("{n:0999}", "{n:0999}"),
        ("{m}", "{m}"),
    ],
)  # fmt: skip
def test_only_the_number_is_filled_in(value: str, expected: str) -> None:
    raws = ingested(recipe(count=11, fields={"process": value})).raw
    assert data_of(raws[10])["CommandLine"] == expected


@pytest.mark.parametrize(
    ("every", "seconds"), [("250ms", 0.25), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("1d", 86400)]
)
def test_durations_have_units(every: str, seconds: float) -> None:
    batch = ingested(recipe(count=2, every=every))
    assert batch.time[0] == TEN
    assert batch.time[1] == pytest.approx(TEN + seconds, abs=1e-6)


def test_raw_text_stays_as_it_is_with_what_is_told_of_it() -> None:
    told = {"source": "s", "sourcetype": "custom", "host": "h", "index": "i"}
    (one,) = rendered({"raw": "a {n} <b>\n", **told})
    assert one.text == "a {n} <b>\n"
    assert one.origin == Origin(index="i", source="s", sourcetype="custom", host="h")
    assert rendered({"raw": ""})[0].origin == Origin()


def test_a_list_is_several_files() -> None:
    files = rendered([recipe(count=2), {"raw": "x"}, recipe("sysmon_1_xml")])
    assert [file.origin.source for file in files] == [
        "XmlWinEventLog:Security", None, KINDS["sysmon_1_xml"][0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "message", "hints"),
    [
        (
            {"kind": "sysmon_xml", "events": [{}]},
            "unknown kind of event `sysmon_xml`",
            ("did you mean `sysmon_1_xml`?",),
        ),
        (
            {"kind": "zeek", "events": [{}]},
            "unknown kind of event `zeek`",
            ("kinds: sysmon_1_xml, windows_security_4688_text, windows_security_4688_xml",),
        ),
        ({"evens": []}, "unknown key `evens` in a recipe", ("did you mean `events`?",)),
        (recipe(cuont=3), "unknown key `cuont` in a recipe", ("did you mean `count`?",)),
        (
            recipe(fields={"proces_path": "x"}),
            "unknown field `proces_path` in a recipe",
            ("did you mean `process_path`",),
        ),
        (
            {"raw": "x", "sorce": "y"},
            "unknown key `sorce` in a recipe",
            ("did you mean `source`",),
        ),
        ({"raw": 5}, "`raw` is text", ()),
        ({"raw": "x", "host": 5}, "`host` is text", ()),
        ("text", "a recipe is a mapping with `kind` and `events`, or with `raw`", ()),
        ([], "a list of recipes has 1 to 100 of them", ()),
        ({"kind": "sysmon_1_xml"}, "`events` is a list with at least one entry", ()),
        (
            {"kind": "sysmon_1_xml", "events": ["x"]},
            "an entry of `events` is a mapping",
            (),
        ),
        (recipe(count=0), "`count` is a whole number from 1 to 1,000,000", ()),
        (recipe(count=True), "`count` is a whole number from 1 to 1,000,000", ()),
        (recipe(count="3"), "`count` is a whole number from 1 to 1,000,000", ()),
        (recipe(every=10), "`10` is no duration", ("for example 10s, 5m or 1h",)),
        (recipe(at="-5m"), "`-5m` is no duration", ("for example 10s, 5m or 1h",)),
        (
            {"kind": "sysmon_1_xml", "start": "noon", "events": [{}]},
            "`noon` is no time",
            ("for example 2022-02-28T10:00:00Z",),
        ),
        (recipe(fields=[]), "`fields` is a mapping", ()),
        (recipe(fields={"user": ["a"]}), "the field `user` is text or a number", ()),
        (
            recipe(fields={"process_id": "x1"}),
            "`process_id` is a whole number or 0x…, of 32 bits at most",
            (),
        ),
        (
            recipe(fields={"parent_process_id": "9" * 5000}),
            "`parent_process_id` is a whole number or 0x…, of 32 bits at most",
            (),
        ),
    ],
)  # fmt: skip
def test_a_recipe_that_cannot_be_followed_is_an_error(
    made: Any, message: str, hints: tuple[str, ...]
) -> None:
    error = fault(made)
    assert error.message == message
    assert len(error.hints) == len(hints)
    for found, expected in zip(error.hints, hints, strict=True):
        assert found.startswith(expected)
    assert str(error).startswith("detections/x.expected.yaml:12:3: ")


def test_a_kind_must_be_named() -> None:
    assert fault({"events": [{}]}).message == "a recipe needs `kind`"


def test_the_number_of_events_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_module, "MAX_EVENTS", 10)
    made = recipe(count=6)
    made["events"].append({"count": 5})
    assert fault(made).message == "a recipe makes at most 10 events"


@pytest.mark.parametrize(
    "made",
    [
        recipe(at="99999999d"),
        recipe(at="9" * 400 + "d"),
        recipe(every="9" * 400 + "d", count=2),
        {"kind": "sysmon_1_xml", "start": "0001-01-01T00:00:00+10:00", "events": [{}]},
        {"kind": "sysmon_1_xml", "start": "1969-12-31T23:59:59Z", "events": [{}]},
        {"kind": "sysmon_1_xml", "start": "9999-12-31T23:00:00-10:00", "events": [{}]},
    ],
)
def test_times_that_no_clock_shows_are_an_error(made: dict[str, Any]) -> None:
    assert fault(made).message == "the events lie outside the years 1970 to 9999"


def test_a_step_without_end_is_none_where_no_second_event_follows() -> None:
    assert ingested(recipe(every="9" * 400 + "d")).time == [TEN]


@pytest.mark.parametrize("kind", KINDS)
def test_process_ids_are_numbered_too(kind: str) -> None:
    raws = ingested(recipe(kind, count=2, fields={"process_id": "10{n}"})).raw
    if kind == "windows_security_4688_text":
        found = [re.findall(r"New Process ID:\t+(.*)", raw)[0] for raw in raws]
    else:
        name = "ProcessId" if kind == "sysmon_1_xml" else "NewProcessId"
        found = [data_of(raw)[name] for raw in raws]
    assert [int(number, 0) for number in found] == [101, 102]


@pytest.mark.parametrize("name", ["text", "xml", "sysmon"])
def test_a_stand_in_has_more_than_37_commands_in_one_bucket(name: str) -> None:
    """What the detection asks for, counted in the rendered text."""
    manifest = read_manifest(ROOT / "datasets" / f"standin_windows_temp_{name}.yml")
    assert manifest.environment == "synthetic"
    assert not manifest.official
    batch = ingested(manifest.synthetic)
    kind = str((manifest.synthetic or {})["kind"])
    groups: dict[tuple[str, int], set[str]] = {}
    benign = 0
    for raw, time, host in zip(batch.raw, batch.time, batch.host, strict=True):
        assert time is not None
        command = commands(kind, raw)
        if command.lower().startswith("c:\\windows\\temp\\"):
            groups.setdefault((host, int(time) // 1200), set()).add(command)
        else:
            benign += 1
    assert [len(found) > 37 for found in groups.values()] == [True]
    assert benign > len(batch.raw) / 2

"""The built-in apps under the embedded engine, on real events that regexes count independently."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import EventBatch, TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.model import Value

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpus"
CERTUTIL = (
    CORPUS / "attack_data/attack_techniques/T1552.004/certutil_exe_certificate_extraction"
    "/certutil_exe_certificate_extraction.raw"
)
SECURITY = "XmlWinEventLog:Security"
SYSMON = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"
CREATED = {SECURITY: "4688", SYSMON: "1"}
PATH_ELEMENT = {SECURITY: "NewProcessName", SYSMON: "Image"}
Events = dict[str, list[str]]


def by_source(events: Iterable[str]) -> Events:
    found: Events = defaultdict(list)
    for event in events:
        channel = re.search(r"<Channel>([^<]*)</Channel>", event)
        if channel is not None:
            found[f"XmlWinEventLog:{channel[1]}"].append(event)
    return found


def searched(events: Events, sourcetype: str, text: str) -> list[Mapping[str, Value]]:
    engine = DuckDBEngine(Knowledge(load_apps()))
    try:
        engine.load(
            EventBatch("main", source, sourcetype, raw, [0.0] * len(raw), ["x"] * len(raw))
            for source, raw in events.items()
        )
        request = SearchRequest(text, now=1.0, time_range=TimeRange())
        return list(engine.search(request).rows.rows)
    finally:
        engine.close()


def is_created(source: str, event: str) -> bool:
    return re.search(rf"<EventID[^>]*>{CREATED[source]}</EventID>", event) is not None


def path_of(source: str, event: str) -> str:
    found = re.search(rf"<Data Name=['\"]{PATH_ELEMENT[source]}['\"]>([^<]*)</Data>", event)
    assert found is not None
    return found[1]


def names_of_created(events: Events) -> set[tuple[str, str, int]]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for source in CREATED:
        for event in events.get(source, ()):
            if is_created(source, event):
                counts[source, path_of(source, event).rsplit("\\", 1)[-1]] += 1
    return {(source, name, count) for (source, name), count in counts.items()}


def evtx_events(paths: Iterable[Path]) -> Iterator[str]:
    evtx = pytest.importorskip("evtx")
    for path in paths:
        try:
            for record in evtx.PyEvtxParser(str(path)).records():
                yield record["data"]
        except RuntimeError:  # a damaged chunk: what came before it counts
            continue


# What a process does (Sysmon 5 to 10) is in the data set, too.
CREATIONS = "EventCode IN (1, 4688)"
PROCESSES = (
    f"search index=* tag=process tag=report {CREATIONS} | stats count by source process_name"
)


@pytest.mark.parametrize("sourcetype", ["XmlWinEventLog", "xmlwineventlog"])
def test_each_created_process_of_a_real_attack_data_file_is_in_processes(sourcetype: str) -> None:
    if not CERTUTIL.exists():
        pytest.skip("the folder ../shared/corpus is not there")
    raw = CERTUTIL.read_text(encoding="utf-8", errors="replace")
    events = by_source(re.findall(r"(?s)<Event .*?</Event>", raw))
    expected = names_of_created(events)
    assert {source for source, _, _ in expected} == {SECURITY, SYSMON}
    rows = searched(events, sourcetype, PROCESSES)
    assert {(row["source"], row["process_name"], row["count"]) for row in rows} == expected


def test_each_created_process_of_real_event_logs_is_in_processes() -> None:
    folder = CORPUS / "evtx_attack_samples"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/corpus is not there")
    paths = sorted(folder.rglob("*.evtx"), key=lambda path: path.stat().st_size)[:80]
    events = by_source(evtx_events(paths))
    expected = names_of_created(events)
    assert len(expected) > 20
    rows = searched(events, "XmlWinEventLog", PROCESSES)
    assert {(row["source"], row["process_name"], row["count"]) for row in rows} == expected

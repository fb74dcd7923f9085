"""What public sources say that Splunk's add-ons give: event types, tags, data sets and values.

Each case names its source. Events are ours, after the vendors' documentation; `xml` is short for a
Windows event of that number, with its data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import yaml

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import EventBatch, TimeRange

CASES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def raw_event(case: dict[str, Any]) -> str:
    if "xml" in case:
        number, data = case["xml"], case.get("data", {})
        values = "".join(f"<Data Name='{k}'>{escape(str(v))}</Data>" for k, v in data.items())
        keywords = case.get("keywords", "0x8020000000000000")
        return (
            f"<Event xmlns='x'><System><Provider Name='P'/><EventID>{number}</EventID>"
            f"<Keywords>{keywords}</Keywords><Computer>pc.ex</Computer></System>"
            f"<EventData>{values}</EventData></Event>"
        )
    event = case["event"]
    return event if isinstance(event, str) else json.dumps(event)


def searched(apps: Apps, case: dict[str, Any], text: str) -> list[dict[str, Any]]:
    engine = DuckDBEngine(Knowledge(apps), threads=1)
    try:
        source, sourcetype = case.get("source", "case"), case.get("sourcetype", "XmlWinEventLog")
        batch = EventBatch("main", source, sourcetype, [raw_event(case)], [0.0], ["h"])
        engine.load(iter([batch]))
        return [dict(row) for row in engine.search(SearchRequest(text, 1e9, TimeRange())).rows.rows]
    finally:
        engine.close()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_event_is_as_the_add_on_makes_it(apps: Apps, case: dict[str, Any]) -> None:
    assert case["facts"]
    wanted: dict[str, Any] = case.get("fields", {})
    absent: list[str] = case.get("absent", [])
    names = ",".join(json.dumps(name) for name in (*wanted, *absent, "eventtype", "tag"))
    row = searched(apps, case, f"search index=main | table {names}")[0]
    assert {name: row.get(name) for name in wanted} == wanted
    assert {name: row.get(name) for name in absent} == dict.fromkeys(absent)
    assert set(case.get("eventtypes", [])) <= set(values(row.get("eventtype")))
    assert set(case.get("tags", [])) <= set(values(row.get("tag")))
    assert not set(case.get("no_tags", [])) & set(values(row.get("tag")))


def values(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else list(found or [])


@pytest.mark.parametrize(
    ("case", "model", "count"),
    [
        (case, model, count)
        for case in CASES
        for key, count in (("models", 1), ("no_models", 0))
        for model in case.get(key, [])
    ],
    ids=[
        f"{case['name']}-{model}"
        for case in CASES
        for key in ("models", "no_models")
        for model in case.get(key, [])
    ],
)
def test_an_event_is_in_its_data_sets(
    apps: Apps, case: dict[str, Any], model: str, count: int
) -> None:
    found = searched(apps, case, f"| tstats count from datamodel={model}")
    assert found == [{"count": count}]


HOSTS = """[crowdstrike_ta_combined_host_resolution_lookup]
filename = hosts.csv

[crowdstrike_ta_host_resolution_lookup]
filename = hosts.csv
"""
COLUMNS = (
    "aid,ComputerName,City,Continent,Country,GatewayIP,GatewayMAC,LocalAddressIP4,MAC,"
    "MachineDomain,OU,SiteName,SystemProductName,Version\n"
)


def test_an_apps_own_inventory_names_the_computers_of_crowdstrike(tmp_path: Path) -> None:
    """Facts: a public extract of the add-on 3.2.0, lookups of `aid`; its documentation, source
    types, crowdstrike:inventory:aidmaster.
    """
    for name, text in {
        "default/app.conf": "[install]\nstate = enabled\n",
        "default/transforms.conf": HOSTS,
        "metadata/default.meta": "[]\nexport = system\n",
        "lookups/hosts.csv": COLUMNS + "aa11,WS-7,Bern,,,,,,,,,,,Windows 11\n",
    }.items():
        path = tmp_path / "my_hosts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    event = {"event_simpleName": "ProcessRollup2", "aid": "aa11", "event_platform": "Win"}
    case = {"sourcetype": "crowdstrike:events:sensor", "event": event}
    text = "search index=main | table dest aid_computer_name aid_city aid_os_version aid_ou"
    [row] = searched(load_apps([tmp_path / "my_hosts"]), case, text)
    wanted = {"dest": "WS-7", "aid_computer_name": "WS-7", "aid_city": "Bern"}
    assert row == {**wanted, "aid_os_version": "Windows 11"}

"""The built-in apps as apps: they load cleanly, and CIM's Endpoint finds its events."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.apps import Apps, load_apps

BUILTIN = Path(load_apps.__code__.co_filename).parents[1] / "builtin"
SOURCES = [
    ("WinEventLog:Security", "WinEventLog"),
    ("XmlWinEventLog:Security", "XmlWinEventLog"),
    ("XmlWinEventLog:Security", "xmlwineventlog"),
    ("XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", "XmlWinEventLog"),
]
FUNCTIONS = frozenset(
    [
        "if", "case", "coalesce", "isnull", "isnotnull", "replace", "lower", "upper",
        "mvindex", "mvcount", "split", "substr", "len", "match", "like", "tonumber",
        "tostring", "null", "nullif", "mvappend", "mvfilter", "ltrim", "rtrim", "trim",
    ]
)  # fmt: skip

# CIM manual, Endpoint: the fields of Processes, without those that Enterprise Security adds.
PROCESS_FIELDS = [
    "action", "cpu_load_percent", "dest", "mem_used", "original_file_name", "os",
    "parent_process", "parent_process_exec", "parent_process_guid", "parent_process_id",
    "parent_process_name", "parent_process_path", "process", "process_current_directory",
    "process_exec", "process_guid", "process_hash", "process_id", "process_integrity_level",
    "process_name", "process_path", "user", "user_id", "vendor_product",
]  # fmt: skip


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def test_nothing_in_them_is_malformed_or_without_effect(apps: Apps) -> None:
    for source, sourcetype in SOURCES:
        apps.props_for(source, sourcetype)
    assert apps.warnings == ()
    assert apps.ignored == ()


def test_they_hold_data_only() -> None:
    suffixes = {path.suffix for path in BUILTIN.rglob("*") if path.is_file()}
    assert suffixes <= {".conf", ".meta", ".json", ".csv"}


def test_they_are_inside_the_package_and_so_in_the_wheel() -> None:
    assert BUILTIN.parent.name == "harness"
    assert (BUILTIN / "system/default/props.conf").is_file()


@pytest.mark.parametrize(("source", "sourcetype"), SOURCES)
def test_calculated_fields_see_no_other_calculated_fields_result(
    apps: Apps, source: str, sourcetype: str
) -> None:
    calculated = apps.props_for(source, sourcetype).calculated
    names = {one.field for one in calculated}
    for one in calculated:
        code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', one.expression)
        used = set(re.findall(r"[A-Za-z_]\w*", code)) - FUNCTIONS - {"OR", "AND", "NOT"}
        called = set(re.findall(r"([A-Za-z_]\w*)\(", code))
        assert called <= FUNCTIONS
        assert used & names <= {one.field}


@pytest.mark.parametrize(("source", "sourcetype"), SOURCES)
def test_process_creation_gives_the_fields_that_detections_group_by(
    apps: Apps, source: str, sourcetype: str
) -> None:
    known = apps.props_for(source, sourcetype)
    given = {one.target for one in known.aliases} | {one.field for one in known.calculated}
    given |= {new for lookup in known.lookups for _, new in lookup.outputs}
    assert given >= {
        "action", "dest", "user", "process", "process_name", "process_path", "process_exec",
        "process_id", "parent_process", "parent_process_name", "parent_process_path",
        "parent_process_id", "signature", "signature_id", "vendor_product",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "tags"),
    # CIM manual, Endpoint: the tags of each data set.
    [
        ("Processes", ["process", "report"]),
        ("Filesystem", ["endpoint", "filesystem"]),
        ("Registry", ["endpoint", "registry"]),
        ("Services", ["report", "service"]),
        ("Ports", ["listening", "port"]),
    ],
)
def test_endpoint_is_constrained_by_cims_tags(apps: Apps, dataset: str, tags: list[str]) -> None:
    [constraint] = apps.data_model("Endpoint").dataset(dataset).constraints
    assert constraint.startswith("(`cim_Endpoint_indexes`) ")
    assert sorted(re.findall(r"tag=(\w+)", constraint)) == tags


def test_process_events_carry_the_tags_of_processes(apps: Apps) -> None:
    both = set(apps.eventtypes_with_tag("process")) & set(apps.eventtypes_with_tag("report"))
    searches = " ".join(sorted(one.search for one in both))
    assert "EventCode=4688" in searches
    assert "EventCode IN (1," in searches


def test_the_fields_of_processes(apps: Apps) -> None:
    processes = apps.data_model("Endpoint").dataset("Processes")
    for name in PROCESS_FIELDS:
        field = processes.field(f"Processes.{name}")
        assert field is not None, name
    dest = processes.field("Processes.dest")
    assert dest is not None
    assert (dest.kind, dest.expression) == (
        "calculated",
        'if(isnull(dest) OR dest="","unknown",dest)',
    )
    time = processes.field("_time")
    assert time is not None
    assert (time.kind, time.qualified_name, time.type) == ("inherited-base", "_time", "timestamp")


def test_macros_that_searches_of_security_content_call(apps: Apps) -> None:
    macros = {key: one.definition for key, one in apps.macros.items()}
    assert macros["cim_Endpoint_indexes", 0] == "()"
    assert macros["drop_dm_object_name", 1] == 'rename "$object$.*" as *'
    assert macros["security_content_summariesonly", 0].count("`") == 6


def test_the_macros_agree_with_security_contents_own(apps: Apps) -> None:
    yaml = pytest.importorskip("yaml")
    folder = BUILTIN.parents[2] / "shared/corpus/security_content/macros"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/corpus is not there")
    compared = 0
    for (name, _), macro in apps.macros.items():
        file = folder / f"{name}.yml"
        if file.exists():
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
            assert macro.definition == document["definition"]
            assert macro.arguments == tuple(document.get("arguments", ()))
            compared += 1
    assert compared == 5

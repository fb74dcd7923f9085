"""The data models of the CIM manual, and the Windows events that the add-ons put in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import EventBatch, TimeRange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.apps import Apps
    from harness.model import Value

SECURITY = "XmlWinEventLog:Security"
SYSTEM = "XmlWinEventLog:System"
SYSMON = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"

# CIM manual, one page a model ("Tags used with … event datasets"); Enterprise Security's own two.
ROOTS = {
    "Alerts": ["Alerts"],
    "Application_State": ["All_Application_State"],
    "Authentication": ["Authentication"],
    "Certificates": ["All_Certificates"],
    "Change": ["All_Changes"],
    "Change_Analysis": ["All_Changes"],
    "Compute_Inventory": ["All_Inventory"],
    "DLP": ["DLP_Incidents"],
    "Data_Access": ["Data_Access"],
    "Databases": ["All_Databases"],
    "Email": ["All_Email"],
    "Endpoint": ["Filesystem", "Ports", "Processes", "Registry", "Services"],
    "Event_Signatures": ["Signatures"],
    "Interprocess_Messaging": ["All_Messaging"],
    "Intrusion_Detection": ["IDS_Attacks"],
    "JVM": ["JVM"],
    "Malware": ["Malware_Attacks", "Malware_Operations"],
    "Network_Resolution": ["DNS"],
    "Network_Sessions": ["All_Sessions"],
    "Network_Traffic": ["All_Traffic"],
    "Performance": ["All_Performance"],
    "Risk": ["All_Risk"],
    "Ticket_Management": ["All_Ticket_Management"],
    "UEBA": ["All_UEBA_Events"],
    "Updates": ["Update_Errors", "Updates"],
    "Vulnerabilities": ["Vulnerabilities"],
    "Web": ["Web"],
}
WITHOUT_MACRO = {"Risk", "Splunk_Audit", "UEBA"}


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def searched(apps: Apps, batches: list[EventBatch], text: str) -> list[Mapping[str, Value]]:
    engine = DuckDBEngine(Knowledge(apps))
    try:
        engine.load(iter(batches))
        return list(engine.search(SearchRequest(text, 1e9, TimeRange())).rows.rows)
    finally:
        engine.close()


def xml(source: str, number: int, **data: str) -> EventBatch:
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    raw = (
        f"<Event><System><EventID>{number}</EventID><Keywords>0x8020000000000000</Keywords>"
        f"<Computer>H</Computer></System><EventData>{values}</EventData></Event>"
    )
    return EventBatch("main", source, "XmlWinEventLog", [raw], [0.0], ["H"])


def test_every_model_with_its_root_data_sets(apps: Apps) -> None:
    for name, roots in ROOTS.items():
        model = apps.data_model(name)
        assert sorted(one.name for one in model.datasets if len(one.lineage) == 1) == roots
    assert set(apps.data_models) == {*ROOTS, "Splunk_Audit"}


def test_every_model_has_a_macro_for_its_indexes(apps: Apps) -> None:
    for name in apps.data_models:
        if name not in WITHOUT_MACRO:
            assert apps.macros[f"cim_{name}_indexes", 0].definition == "()"


def test_every_model_can_be_searched(apps: Apps) -> None:
    for name in apps.data_models:
        if name != "Splunk_Audit":
            text = f"| tstats count from datamodel={name}"
            assert searched(apps, [], text) == [{"count": 0}], name
        for one in apps.data_model(name).datasets:
            if one.base_search is None:
                text = f"| tstats count from datamodel={name}.{one.name}"
                assert searched(apps, [], text) == [{"count": 0}], one.name


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Change", "All_Changes.Instance_Changes.image_id"),
        ("Certificates", "All_Certificates.SSL.ssl_subject_email_domain"),
        ("Compute_Inventory", "All_Inventory.Virtual_OS.Snapshot.size"),
        ("Databases", "All_Databases.Database_Instance.Session_Info.cursor"),
        ("Performance", "All_Performance.OS.Timesync.action"),
        ("UEBA", "All_UEBA_Events.UEBA_Anomalies.uba_model"),
        ("Risk", "All_Risk.annotations.mitre_attack.mitre_tactic_id"),
        ("Web", "Web.url_length"),
    ],
)
def test_fields_carry_the_lineage_of_their_data_set(apps: Apps, name: str, field: str) -> None:
    names = {
        one.qualified_name for data_set in apps.data_model(name).datasets for one in data_set.fields
    }
    assert field in names


# CIM manual, Intrusion Detection, Malware and Updates: the data sets below the roots.
CHILDREN = {
    "Intrusion_Detection": ["Application_IDS_Attacks", "Host_IDS_Attacks", "Network_IDS_Attacks"],
    "Malware": ["Allowed_Malware", "Blocked_Malware", "Deferred_Malware"],
    "Updates": ["Available_Updates", "Installed_Updates", "Restart_Required_Updates"],
}


@pytest.mark.parametrize("name", CHILDREN)
def test_data_sets_below_the_roots(apps: Apps, name: str) -> None:
    found = [one.name for one in apps.data_model(name).datasets if len(one.lineage) == 2]
    assert found == CHILDREN[name]


@pytest.mark.parametrize(
    ("process", "name"),
    [
        (r"C:\Windows\cmd.exe /c dir", "cmd.exe"),
        (r"&quot;C:\Program Files\a b\x.exe&quot; -v", "x.exe"),
        ("x.exe", "x.exe"),
        (r"C:\Program Files\x.exe /run", "x.exe"),
        ("&quot;x.exe&quot; -a", "unknown"),
    ],
)
def test_a_name_that_is_missing_comes_from_the_command_line(
    apps: Apps, process: str, name: str
) -> None:
    """CIM manual, Endpoint: `process` is the whole command, `process_name` its program."""
    event = xml(SYSMON, 1, ParentCommandLine=process, CommandLine="a.exe", IntegrityLevel="High")
    text = (
        "| tstats count from datamodel=Endpoint.Processes by Processes.parent_process_name"
        " Processes.process_integrity_level"
    )
    (row,) = searched(apps, [event], text)
    assert row["Processes.parent_process_name"] == name
    assert row["Processes.process_integrity_level"] == "high"


MODELS_OF_EVENTS: list[tuple[EventBatch, str, dict[str, str]]] = [
    (
        xml(
            SYSMON,
            3,
            Image=r"C:\a.exe",
            SourceIp="10.0.0.1",
            SourcePort="5000",
            Protocol="tcp",
            DestinationIp="10.0.0.2",
            DestinationHostname="-",
            DestinationPort="445",
            Initiated="true",
        ),
        "Network_Traffic.All_Traffic",
        {
            "src": "10.0.0.1",
            "src_port": "5000",
            "dest": "10.0.0.2",
            "dest_port": "445",
            "transport": "tcp",
            "direction": "outbound",
            "action": "allowed",
            "app": r"C:\a.exe",
            "dvc": "H",
            "vendor_product": "Microsoft Sysmon",
        },
    ),
    (
        xml(SYSMON, 22, QueryName="a.example", QueryStatus="0", QueryResults="::ffff:10.0.0.9;"),
        "Network_Resolution.DNS",
        {"query": "a.example", "answer": "::ffff:10.0.0.9", "reply_code": "No Error", "src": "H"},
    ),
    (
        xml(
            SYSMON,
            12,
            EventType="DeleteValue",
            Image=r"C:\reg.exe",
            TargetObject=r"HKLM\Software\A\b",
        ),
        "Endpoint.Registry",
        {
            "action": "deleted",
            "registry_path": r"HKLM\Software\A\b",
            "registry_value_name": "unknown",
            "registry_hive": r"HKEY_LOCAL_MACHINE\Software",
            "process_path": r"C:\reg.exe",
            "process_name": "reg.exe",
            "status": "success",
            "dest": "H",
        },
    ),
    (
        xml(SYSMON, 13, TargetObject=r"HKU\.DEFAULT\A\b", Details="DWORD (0x00000001)"),
        "Endpoint.Registry",
        {
            "action": "modified",
            "registry_value_data": "0x00000001",
            "registry_value_type": "REG_DWORD",
            "registry_hive": "HKEY_CURRENT_USER",
        },
    ),
    (
        xml(SYSMON, 26, TargetFilename=r"C:\x\y.txt", Hashes="MD5=00"),
        "Endpoint.Filesystem",
        {
            "action": "deleted",
            "file_path": r"C:\x\y.txt",
            "file_name": "y.txt",
            "file_hash": "MD5=00",
        },
    ),
    (
        xml(
            SECURITY,
            4624,
            TargetUserName="ann",
            TargetDomainName="D",
            IpAddress="10.0.0.3",
            LogonType="3",
        ),
        "Authentication.Successful_Authentication",
        {"action": "success", "user": "ann", "src": "10.0.0.3", "dest": "H", "app": "win:remote"},
    ),
    (
        xml(SECURITY, 4720, TargetUserName="new", SubjectUserName="ann", TargetDomainName="D"),
        "Change.Account_Management",
        {
            "action": "created",
            "user": "new",
            "object": "new",
            "object_category": "user",
            "change_type": "AAA",
            "src_user": "ann",
            "dest_nt_domain": "D",
        },
    ),
    (
        xml(
            SECURITY,
            4732,
            TargetUserName="Administrators",
            SubjectUserName="ann",
            MemberSid="S-1-1",
        ),
        "Change.Account_Management",
        {
            "action": "success",
            "object_category": "user",
            "object_attrs": "Administrators",
            "object_id": "S-1-1",
        },
    ),
    (
        xml(
            SECURITY,
            4657,
            ObjectName=r"\REGISTRY\MACHINE\A",
            ObjectValueName="b",
            NewValue="1",
            NewValueType="%%1876",
            OperationType="%%1904",
        ),
        "Endpoint.Registry",
        {
            "action": "created",
            "registry_path": r"\REGISTRY\MACHINE\A",
            "registry_key_name": "unknown",
            "registry_value_name": "b",
            "registry_value_data": "unknown",
            "registry_value_type": "%%1876",
        },
    ),
    (
        xml(SECURITY, 4663, ObjectType="File", ObjectName=r"C:\x\y.txt", AccessMask="0x10000"),
        "Endpoint.Filesystem",
        {"action": "success", "file_path": r"C:\x\y.txt", "file_name": "y.txt"},
    ),
    (
        xml(SYSTEM, 7045, ServiceName="svc", ImagePath=r"C:\s.exe", StartType="demand start"),
        "Endpoint.Services",
        {
            "service": "svc",
            "service_path": r"C:\s.exe",
            "start_mode": "manual",
            "status": "installed",
        },
    ),
]


@pytest.mark.parametrize(
    ("batch", "data_set", "fields"),
    MODELS_OF_EVENTS,
    ids=[f"{batch.raw[0].split('>')[3][:-9]}-{name}" for batch, name, _ in MODELS_OF_EVENTS],
)
def test_an_events_fields_in_its_data_set(
    apps: Apps, batch: EventBatch, data_set: str, fields: dict[str, str]
) -> None:
    model, _, name = data_set.partition(".")
    known = {one.name: one.qualified_name for one in apps.data_model(model).dataset(name).fields}
    asked = " ".join(f"values({known[field]}) AS {field}" for field in fields)
    [row] = searched(apps, [batch], f"| tstats count {asked} from datamodel={data_set}")
    assert row == {"count": 1, **fields}


def test_a_field_of_a_child_is_there_in_the_childs_events_only(apps: Apps) -> None:
    batches = [
        xml(SECURITY, 4720, SubjectUserName="ann", TargetUserName="new"),
        xml(SECURITY, 1102),
    ]
    text = (
        "| tstats count from datamodel=Change by All_Changes.action"
        " All_Changes.Account_Management.src_user"
    )
    assert searched(apps, batches, text) == [
        {
            "All_Changes.action": "created",
            "All_Changes.Account_Management.src_user": "ann",
            "count": 1,
        }
    ]
    assert searched(apps, batches, "| tstats count from datamodel=Change") == [{"count": 2}]


def test_an_event_by_nxlog_has_the_fields_of_the_same_event_in_xml(apps: Apps) -> None:
    """NXLog Reference Manual, im_msvistalog: the event's own data beside the header's fields."""
    fields = {
        "EventID": 12, "Hostname": "H", "SourceName": "Microsoft-Windows-Sysmon",
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventType": "INFO",
        "Message": "Registry object added or deleted:\r\nEventType: DeleteKey\r\n",
        "Image": r"C:\reg.exe", "TargetObject": r"HKLM\System\A",
    }  # fmt: skip
    batch = EventBatch("main", SYSMON, "nxlog_json", [json.dumps(fields)], [0.0], ["H"])
    text = (
        "| tstats count from datamodel=Endpoint.Registry by Registry.dest Registry.action"
        " Registry.registry_path Registry.process_name | `drop_dm_object_name(Registry)`"
    )
    [row] = searched(apps, [batch], text)
    assert row == {
        "dest": "H", "action": "deleted", "registry_path": r"HKLM\System\A",
        "process_name": "reg.exe", "count": 1,
    }  # fmt: skip


def test_network_traffic_counts_bytes_that_are_missing(apps: Apps) -> None:
    """CIM manual, Network Traffic: `bytes` is bytes_in + bytes_out."""
    relation = apps.data_model("Network_Traffic").dataset("All_Traffic").field("bytes")
    assert relation is not None
    assert relation.expression == (
        "case(isnum(bytes),bytes,isnum(bytes_in) AND isnum(bytes_out),bytes_in+bytes_out)"
    )

"""Fields and data models of Windows and Sysmon events, in every shape that they come in.

Events are ours. Source: Microsoft's reference of each security audit event and of Sysmon, the CIM
manual (the model's page), NXLog's im_msvistalog and Winlogbeat's field reference.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import EventBatch, TimeRange

SECURITY, SYSTEM = "XmlWinEventLog:Security", "XmlWinEventLog:System"
SYSMON = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"
TABLES = Path(load_apps.__code__.co_filename).parents[1] / "builtin/TA_harness_windows/lookups"


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def searched(apps: Apps, source: str, sourcetype: str, raw: str, text: str) -> list[dict[str, Any]]:
    engine = DuckDBEngine(Knowledge(apps))
    try:
        engine.load(iter([EventBatch("main", source, sourcetype, [raw], [0.0], ["H"])]))
        found = engine.search(SearchRequest(text, 1e9, TimeRange())).rows.rows
    finally:
        engine.close()
    return [{k: v for k, v in row.items() if v not in (None, "", [])} for row in found]


def holds(apps: Apps, source: str, sourcetype: str, raw: str, wanted: dict[str, Any]) -> None:
    [row] = searched(apps, source, sourcetype, raw, f"search index=* | table {' '.join(wanted)}")
    assert row == {name: value for name, value in wanted.items() if value is not None}


def xml(number: int, provider: str = "P", keywords: str = "0x8020000000000000", **data: str) -> str:
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        f"<Event xmlns='x'><System><Provider Name='{provider}'/><EventID>{number}</EventID>"
        f"<Keywords>{keywords}</Keywords><Computer>H</Computer></System>"
        f"<EventData>{values}</EventData></Event>"
    )


FAILURE = "0x8010000000000000"
SCM, UPDATE = "Service Control Manager", "Microsoft-Windows-WindowsUpdateClient"
XML_EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        SECURITY,
        xml(4625, keywords=FAILURE, TargetUserName="dora", LogonType="10", WorkstationName="PC7",
            Status="0xC000006D", SubStatus="0xC0000072", SubjectUserName="-"),
        {"action": "failure", "status": "failure", "user": "dora", "src": "PC7",
         "app": "win:remote", "reason": "The account is disabled", "src_user": None,
         "signature": "An account failed to log on", "tag::app": "remote"},
    ),
    (
        SECURITY,
        xml(4771, keywords=FAILURE, TargetUserName="dora", Status="0x18", IpAddress="::1"),
        {"action": "failure", "reason": "The pre-authentication information was invalid"},
    ),
    (
        SECURITY,
        xml(4728, MemberName="CN=Dora Kay,OU=x,DC=ex", MemberSid="EX\\dkay",
            TargetUserName="Domain Admins", TargetDomainName="EX", SubjectUserName="ann"),
        {"action": "success", "user": "dkay", "src_user": "ann", "object": "dkay",
         "Group_Name": "Domain Admins", "object_category": "user", "object_attrs": "Domain Admins",
         "result": "member was added to a security-enabled global group",
         "CategoryString": "Account Management"},
    ),
    (
        SECURITY,
        xml(4732, MemberName="-", MemberSid="EX\\dkay", TargetUserName="Users"),
        {"user": "dkay", "object": "dkay", "object_attrs": "Users"},
    ),
    (
        SECURITY,
        xml(4781, OldTargetUserName="PC$", NewTargetUserName="PC", SubjectUserName="ann"),
        {"user": "PC", "object": "PC", "src_user": "ann", "action": "modified"},
    ),
    (
        SECURITY,
        xml(4741, TargetUserName="PC$", SubjectUserName="ann"),
        {"user": "PC$", "user_type": "computer", "action": "created", "change_type": "AAA"},
    ),
    (
        SECURITY,
        xml(4663, ObjectType="Key", ObjectName=r"\REGISTRY\MACHINE\A\b", AccessMask="0x1"),
        {"action": "success", "object_file_path": r"\REGISTRY\MACHINE\A\b",
         "object_file_name": "b", "object_category": None},
    ),
    (
        SECURITY,
        xml(5158, Protocol="6", SourcePort="4444", ProcessId="7"),
        {"action": "allowed", "dest_port": "4444", "transport": "tcp", "process_id": "7"},
    ),
    (
        SECURITY,
        xml(4648, TargetUserName="x", TargetServerName="srv", IpAddress="10.0.0.5"),
        {"app": "win:remote", "dest_nt_host": "srv", "action": "success"},
    ),
    # Microsoft, 4703 "Token right adjusted"; security_content, 4703, "fields"; CIM, Change.
    (
        SECURITY,
        xml(4703, SubjectUserName="ann", SubjectDomainName="EX", TargetUserName="dora",
            TargetUserSid="EX\\dora", EnabledPrivilegeList="SeDebugPrivilege",
            ProcessName=r"C:\\a.exe", ProcessId="0x5"),
        {"action": "modified", "change_type": "AAA", "object": "dora", "object_id": "EX\\dora",
         "object_category": "user", "object_attrs": "account", "src_user_name": "ann",
         "user_name": "dora", "result": "A token right was adjusted", "process_exec": None},
    ),
    # 4741: a computer account is the user, of the type `computer`; the list has no `object`.
    (
        SECURITY,
        xml(4741, TargetUserName="PC9$", TargetSid="EX\\PC9$", SubjectUserName="ann"),
        {"action": "created", "user": "PC9$", "user_type": "computer", "src_user": "ann",
         "object": None, "object_id": None},
    ),
    # 4794: the list has nothing of Change.
    (
        SECURITY,
        xml(4794, SubjectUserName="ann", Workstation="DC1", Status="0x0"),
        {"action": "success", "src_user": "ann", "src": "DC1", "change_type": None,
         "user": "DSRM administrator", "object": "DSRM administrator",
          "CategoryString": "Account Management"},
    ),
    # 5140: the share is what is opened.
    (
        SECURITY,
        xml(5140, ShareName=r"\\*\Finance", IpAddress="10.0.0.9", SubjectUserName="ann"),
        {"file_name": r"\\*\Finance", "src_ip": "10.0.0.9", "user": "ann", "file_path": None},
    ),
    (
        SYSTEM,
        xml(7036, SCM, param1="Print Spooler", param2="running"),
        {"ServiceName": "Print Spooler", "service": "Print Spooler", "status": "started"},
    ),
    (
        SYSTEM,
        xml(7040, SCM, param1="Windows Update", param2="auto start", param3="disabled",
            param4="wuauserv"),
        {"service": "Windows Update", "service_name": "Windows Update", "start_mode": "disabled",
         "ServiceName": "wuauserv"},
    ),
    (
        SYSTEM,
        xml(7034, SCM, param1="Print Spooler", param2="1"),
        {"service": "Print Spooler", "status": "critical"},
    ),
    (
        SYSTEM,
        xml(19, UPDATE, updateTitle="KB1"),
        {"signature": "KB1", "status": "installed",
         "tag": ["os", "status", "track_event_signatures", "update", "windows"]},
    ),
    (
        SYSMON,
        xml(10, SourceImage=r"C:\a.exe", SourceProcessId="3", TargetImage=r"C:\w\lsass.exe",
            TargetProcessId="4", SourceProcessGUID="{s}", TargetProcessGUID="{t}",
            GrantedAccess="0x1010"),
        {"process_name": "lsass.exe", "process_id": "4", "process_guid": "{t}",
         "parent_process_name": "a.exe", "parent_process_id": "3", "parent_process_guid": "{s}",
         "granted_access": "0x1010", "signature": "ProcessAccess"},
    ),
    (
        SYSMON,
        xml(19, EventType="WmiFilterEvent", Operation="Created", User="EX\\dora",
            Name=' "evil"', Query=' "SELECT * FROM x"'),
        {"action": "created", "object": "evil", "object_category": "wmi", "change_type": "WMI",
         "user": "dora", "user_name": "dora", "object_path": "SELECT * FROM x"},
    ),
    # Sysmon, events 23 and 26; security_content, Sysmon EventID 23, "fields".
    (
        SYSMON,
        xml(26, TargetFilename=r"C:\d\x.tmp", UtcTime="2024-03-01 10:11:12.000"),
        {"file_name": "x.tmp", "file_modify_time": "2024-03-01 10:11:12.000", "action": "deleted"},
    ),
    (
        SYSMON,
        xml(7, Image=r"C:\a.exe", ImageLoaded=r"C:\b.dll", Signed="false",
            SignatureStatus="Unavailable", Hashes="MD5=00,IMPHASH=11"),
        {"process_name": "a.exe", "loaded_file": "b.dll", "IMPHASH": "11",
         "service_dll_signature_verified": "false"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("source", "raw", "wanted"), XML_EVENTS)
@pytest.mark.parametrize("sourcetype", ["XmlWinEventLog", "xmlwineventlog"])
def test_fields_of_xml(
    apps: Apps, source: str, sourcetype: str, raw: str, wanted: dict[str, Any]
) -> None:
    holds(apps, source, sourcetype, raw, wanted)


CLEARED = (
    "<Event><System><Provider Name='Microsoft-Windows-Eventlog'/><EventID>104</EventID>"
    "<Channel>System</Channel><Computer>H</Computer></System><UserData><LogFileCleared xmlns='y'>"
    "<SubjectUserName>ann</SubjectUserName><Channel>Application</Channel></LogFileCleared>"
    "</UserData></Event>"
)


def test_a_cleared_log_is_the_object(apps: Apps) -> None:
    holds(
        apps, SYSTEM, "XmlWinEventLog", CLEARED,
        {"object": "Application", "action": "cleared", "user": "ann", "status": "success"},
    )  # fmt: skip


MODELS = [
    (SECURITY, xml(4768, TargetUserName="d"), "Authentication.Authentication"),
    (SECURITY, xml(4740, TargetUserName="d"), "Change.Account_Management"),
    (SECURITY, xml(4703, TargetUserName="d"), "Change.Account_Management"),
    (SECURITY, xml(4719, SubcategoryGuid="{x}"), "Change.Auditing_Changes"),
    (SECURITY, xml(4946, RuleName="r"), "Change.Network_Changes"),
    (SECURITY, xml(4697, ServiceName="s"), "Endpoint.Services"),
    (SECURITY, xml(5154, SourcePort="1"), "Endpoint.Ports"),
    (SYSTEM, xml(7036, SCM, param1="s", param2="running"), "Endpoint.Services"),
    (SYSTEM, CLEARED, "Change.Auditing_Changes"),
    (SYSTEM, xml(1074, "User32", param7="EX\\d"), "Change.Endpoint_Restarts"),
    (SYSTEM, xml(19, UPDATE, updateTitle="t"), "Updates.Updates"),
    (SYSTEM, xml(20, UPDATE, updateTitle="t"), "Updates.Update_Errors"),
    (SYSTEM, xml(6013, "EventLog"), "Performance.Uptime"),
    (SYSTEM, xml(35, "Microsoft-Windows-Time-Service"), "Performance.Timesync"),
    (SYSMON, xml(20, Operation="Created"), "Change.Endpoint_Changes"),
    (SYSMON, xml(23, TargetFilename="C:\\x"), "Endpoint.Filesystem"),
    (
        "WinEventLog:Microsoft-Windows-Windows Defender/Operational",
        xml(1117, "Microsoft-Windows-Windows Defender"),
        "Malware.Blocked_Malware",
    ),
]


@pytest.mark.parametrize(("source", "raw", "dataset"), MODELS, ids=[one[2] for one in MODELS])
def test_a_data_model_finds_its_events(apps: Apps, source: str, raw: str, dataset: str) -> None:
    text = f"| tstats count from datamodel={dataset}"
    assert searched(apps, source, "XmlWinEventLog", raw, text) == [{"count": 1}]


HEAD = (
    "01/02/2024 10:11:12 AM\nLogName={log}\nEventCode={code}\nEventType=0\nComputerName=pc.ex\n"
    "SourceName={source}\nType=Information\nRecordNumber=7\nKeywords=Audit Success\n"
    "TaskCategory=T\nOpCode=Info\nMessage={message}\n"
)


def text_event(log: str, code: int, message: str, source: str = "S") -> str:
    return HEAD.format(log=log, code=code, message=message, source=source)


SUBJECT = (
    "Subject:\n\tSecurity ID:\t\tEX\\ann\n\tAccount Name:\t\tann\n\tAccount Domain:\t\tEX\n"
    "\tLogon ID:\t\t0x1\n\n"
)
TEXT_EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "WinEventLog:Security",
        text_event("Security", 4720, "A user account was created.\n\n" + SUBJECT +
            "New Account:\n\tSecurity ID:\t\tEX\\new\n\tAccount Name:\t\tnew\n"
            "\tAccount Domain:\t\tEX\n\nAttributes:\n\tSAM Account Name:\tnew\n"
            "\tPrimary Group ID:\t513\n\nAdditional Information:\n\tPrivileges\t\t-"),
        {"user": "new", "src_user": "ann", "action": "created", "msad_action": "created",
         "object": "new", "user_group_id": "513", "severity": "informational",
         "severity_id": "0", "category": "T", "dest_nt_host": "pc.ex",
         "CategoryString": "Account Management", "change_type": "AAA",
         "MSADChangedAttributes": "\tSAM Account Name:\tnew\n\tPrimary Group ID:\t513"},
    ),
    (
        "WinEventLog:Security",
        text_event("Security", 4732, "A member was added.\n\n" + SUBJECT +
            "Member:\n\tSecurity ID:\t\tEX\\dkay\n\tAccount Name:\t\tCN=Dora Kay,OU=x\n\n"
            "Group:\n\tSecurity ID:\t\tBUILTIN\\Admins\n\tGroup Name:\t\tAdmins\n"
            "\tGroup Domain:\t\tBuiltin\n\nAdditional Information:\n\tPrivileges:\t\t-"),
        {"user": "dkay", "member_id": "EX\\dkay", "member_dn": "CN=Dora Kay,OU=x",
         "member_nt_domain": "Builtin", "user_group": "Admins", "object": "dkay",
         "object_attrs": "Admins", "privilege_id": "-", "vendor_privilege": "-"},
    ),
    (
        "WinEventLog:Security",
        text_event("Security", 4672, "Special privileges assigned to new logon.\n\n" + SUBJECT +
            "Privileges:\t\tSeSecurityPrivilege\n\t\t\tSeDebugPrivilege"),
        {"user": "ann", "privilege_id": ["SeSecurityPrivilege", "SeDebugPrivilege"]},
    ),
    (
        "WinEventLog:Security",
        text_event("Security", 4698, "A scheduled task was created.\n\n" + SUBJECT +
            "Task Information:\n\tTask Name: \t\t\\t1\n\tTask Content: \t\t<?xml?>\n"
            "<Task>\n  <Author>a</Author>\n</Task>\n\t"),
        {"Task_Name": "\\t1", "user": "ann", "action": "created", "object": "\\t1",
         "Task_Content": "<?xml?>\n<Task>\n  <Author>a</Author>\n</Task>"},
    ),
    (
        "WinEventLog:System",
        text_event("System", 7036, "The Print Spooler service entered the stopped state.", SCM),
        {"service": "Print Spooler", "status": "stopped", "action": None},
    ),
    (
        "WinEventLog:Microsoft-Windows-PowerShell/Operational",
        text_event("P", 4104, "Creating Scriptblock text (1 of 1):\nWrite-Host 1\nls\n\n"
            "ScriptBlock ID: 12ab-34\nPath: C:\\a.ps1", "Microsoft-Windows-PowerShell"),
        {"ScriptBlockText": "Write-Host 1\nls", "ScriptBlockId": "12ab-34", "Path": "C:\\a.ps1",
         "Computer": "pc.ex", "signature": "A script block was created"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("source", "raw", "wanted"), TEXT_EVENTS)
@pytest.mark.parametrize("sourcetype", ["WinEventLog", "wineventlog"])
def test_fields_of_text(
    apps: Apps, source: str, sourcetype: str, raw: str, wanted: dict[str, Any]
) -> None:
    holds(apps, source, sourcetype, raw, wanted)


@pytest.mark.parametrize("sourcetype", ["wineventlog", "xmlwineventlog"])
def test_xml_under_the_name_of_text(apps: Apps, sourcetype: str) -> None:
    holds(
        apps,
        "WinEventLog:Microsoft-Windows-TaskScheduler/Operational",
        sourcetype,
        xml(200, "Microsoft-Windows-TaskScheduler", TaskName="\\t", ActionName="a.exe"),
        {"EventCode": "200", "signature_id": "200", "TaskName": "\\t", "dest": "H",
         "signature": "A task action was started", "action": "success", "product": "Windows"},
    )  # fmt: skip


def test_names_of_defender_with_spaces(apps: Apps) -> None:
    raw = xml(
        1117,
        "Microsoft-Windows-Windows Defender",
        **{"Threat Name": "Evil", "Path": "file:_C:\\a\\b.exe", "Detection User": "EX\\dora"},
    )
    holds(
        apps,
        "WinEventLog:Microsoft-Windows-Windows Defender/Operational",
        "XmlWinEventLog",
        raw,
        {"Threat_Name": "Evil", "signature": "Evil", "file_path": "C:\\a\\b.exe",
         "file_name": "b.exe", "user": "EX\\dora", "action": "blocked"},
    )  # fmt: skip


WINLOG = {
    "@timestamp": "2024-01-01T00:00:00Z",
    "log": {"level": "information"},
    "winlog": {
        "channel": "Security",
        "computer_name": "pc.ex",
        "event_id": 4625,
        "keywords": ["Audit Failure"],
        "provider_name": "Microsoft-Windows-Security-Auditing",
        "event_data": {
            "TargetUserName": "dora",
            "SubStatus": "0xc000006a",
            "LogonType": "3",
            "IpAddress": "10.0.0.1",
            "SubjectUserName": "-",
        },
    },
}


def test_winlogbeat(apps: Apps) -> None:
    wanted = {
        "EventCode": "4625", "TargetUserName": "dora", "user": "dora", "src_ip": "10.0.0.1",
        "dest": "pc.ex", "action": "failure", "reason": "The password is wrong",
        "Logon_Type": "3", "app": "win:remote", "src_user": None,
    }  # fmt: skip
    holds(apps, SECURITY, "winlogbeat_json", json.dumps(WINLOG), wanted)
    text = "| tstats count from datamodel=Authentication.Failed_Authentication"
    raw = json.dumps(WINLOG)
    assert searched(apps, SECURITY, "winlogbeat_json", raw, text) == [{"count": 1}]


def test_old_winlogbeat(apps: Apps) -> None:
    raw = json.dumps(
        {
            "computer_name": "pc.ex",
            "event_id": 1,
            "log_name": "Microsoft-Windows-Sysmon/Operational",
            "event_data": {"Image": "C:\\a\\b.exe", "CommandLine": "b 1", "User": "EX\\dora"},
        }
    )
    wanted = {"process_name": "b.exe", "process": "b 1", "user": "dora", "dest": "pc.ex"}
    holds(apps, SYSMON, "winlogbeat_json", raw, wanted)


@pytest.mark.parametrize("source", [SECURITY, "XmlWinEventLog:security"])
def test_nxlog(apps: Apps, source: str) -> None:
    raw = json.dumps(
        {
            "SourceName": "Microsoft-Windows-Security-Auditing",
            "Channel": "Security",
            "Hostname": "pc.ex",
            "EventID": 4756,
            "EventType": "AUDIT_SUCCESS",
            "Keywords": -9214364837600034816,
            "MemberName": "CN=Dora Kay,OU=x",
            "TargetUserName": "Admins",
            "SubjectUserName": "ann",
        }
    )
    wanted = {
        "user": "Dora Kay", "object": "Dora Kay", "object_attrs": "Admins", "action": "success",
        "status": "success", "src_user": "ann", "dest": "pc.ex",
    }  # fmt: skip
    holds(apps, source, "nxlog_json", raw, wanted)


def test_monitored_changes_of_active_directory(apps: Apps) -> None:
    raw = (
        "01/02/2024 10:11:12.000\ndcName=dc.ex\nadmonEventType=Update\nNames:\n"
        "\t\tobjectCategory=CN=Group-Policy-Container,CN=Schema\n\t\tcn={x}\n"
        "Object Details:\n\t\tobjectGUID=g\n"
    )
    wanted = {
        "dcName": "dc.ex", "admonEventType": "Update", "cn": "{x}", "guid_lookup": "g",
        "objectCategory": "CN=Group-Policy-Container,CN=Schema",
    }  # fmt: skip
    holds(apps, "ActiveDirectory", "ActiveDirectory", raw, wanted)


@pytest.mark.parametrize("name", ["harness_windows_security", "harness_windows_events"])
def test_the_tables_name_each_event_once(name: str) -> None:
    with (TABLES / f"{name}.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    keys = [(row.get("provider"), row["EventCode"]) for row in found]
    assert len(keys) == len(set(keys))
    assert all(row["signature"] for row in found)
    # CIM manual, Change, `action` and `change_type`; Endpoint and Authentication, `action`.
    assert {row["action"] for row in found} <= {
        "", "acl_modified", "allowed", "blocked", "cleared", "created", "deleted", "failure",
        "modified", "read", "stopped", "success",
    }  # fmt: skip

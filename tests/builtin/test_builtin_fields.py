"""What the built-in apps say about events, checked against real field lists and events."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import duckdb
import pytest
import regex
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.apps import Apps, SourceKnowledge, Transform, load_apps

ROOT = Path(__file__).resolve().parents[2]
DATA_SOURCES = ROOT.parent / "shared/corpus/security_content/data_sources"
TEXT = ("WinEventLog:Security", "WinEventLog")
XML = ("XmlWinEventLog:Security", "XmlWinEventLog")
SYSMON = ("XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", "XmlWinEventLog")
# Given by Splunk itself to every event, or worked out from event types.
SPLUNKS_OWN = re.compile(
    r"date_.*|time(start|end)pos|punct|linecount|splunk_server|index|host|source|sourcetype|_time"
    r"|eventtype|tag|tag::.*"
)

# Laid out as Microsoft's reference of event 4688 shows it; the names are ours.
PROCESS_CREATED = """02/28/2022 10:11:12 AM
LogName=Security
EventCode=4688
EventType=0
ComputerName=ws-7.example.test
SourceName=Microsoft Windows security auditing.
Type=Information
RecordNumber=4242
Keywords=Audit Success
TaskCategory=Process Creation
OpCode=Info
Message=A new process has been created.

Creator Subject:
\tSecurity ID:\t\tS-1-5-18
\tAccount Name:\t\tWS-7$
\tAccount Domain:\t\tEXAMPLE
\tLogon ID:\t\t0x3E7

Target Subject:
\tSecurity ID:\t\tS-1-5-21-1-2-3-1001
\tAccount Name:\t\tdora
\tAccount Domain:\t\tEXAMPLE
\tLogon ID:\t\t0x5A1F

Process Information:
\tNew Process ID:\t\t0x1f4c
\tNew Process Name:\tC:\\Windows\\Temp\\a:b.exe
\tToken Elevation Type:\t%%1936
\tMandatory Label:\t\tS-1-16-8192
\tCreator Process ID:\t0x2c8
\tCreator Process Name:\tC:\\Windows\\explorer.exe
\tProcess Command Line:\t"C:\\Windows\\Temp\\a:b.exe" -u EventCode=1 Message=x

Token Elevation Type indicates the type of token that was assigned to the new process.
"""


@pytest.fixture(scope="module")
def apps() -> Apps:
    return load_apps()


def applied(transform: Transform, fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """A transform's fields by the rules of transforms.conf.spec, with nothing of ours."""
    found: dict[str, list[str]] = {}
    for value in fields.get(transform.source_key, []):
        for match in regex.finditer(transform.regex, value):
            for name, text in transform.targets():
                for number, group in enumerate(match.groups(default=""), 1):
                    name = name.replace(f"${number}", group)  # noqa: PLW2901
                    text = text.replace(f"${number}", group)  # noqa: PLW2901
                if transform.clean_keys:
                    name = re.sub(r"[^A-Za-z0-9_]", "_", name)  # noqa: PLW2901
                if text and (transform.mv_add or name not in found):
                    found.setdefault(name, []).append(text)
    return found


def extracted(known: SourceKnowledge, raw: str) -> dict[str, list[str]]:
    fields = {"_raw": [raw]}
    for extract in known.extracts:
        match = regex.search(extract.regex, raw)
        fields |= {name: [text] for name, text in (match.groupdict() if match else {}).items()}
    for report in known.reports:
        fields = applied(report, fields) | fields
    return fields


def defined(known: SourceKnowledge) -> set[str]:
    """The fields that the knowledge names; those named by the data are not among them."""
    names = {one.target for one in known.aliases} | {one.field for one in known.calculated}
    names |= {name for report in known.reports for name, _ in report.targets() if "$" not in name}
    names |= {new for lookup in known.lookups for _, new in lookup.outputs}
    for extract in known.extracts:
        names |= set(regex.compile(extract.regex).groupindex)
    return names


def data_source(name: str, *, whole: bool = True) -> tuple[set[str], set[str]]:
    """The fields that a real add-on gives, and those that the example's XML itself names."""
    path = DATA_SOURCES / name
    if not path.exists():
        pytest.skip("the folder ../shared/corpus is not there")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    native: set[str] = set()
    for element in ET.fromstring(document["example_log"]).iter() if whole else ():
        native.add(element.tag.rpartition("}")[2])
        native |= set(element.attrib)
        if element.tag.endswith("}Data"):
            native.add(element.attrib["Name"])
    listed = {field for field in document["fields"] if not SPLUNKS_OWN.fullmatch(field)}
    return listed, native


@pytest.mark.parametrize("sourcetype", ["XmlWinEventLog", "xmlwineventlog"])
@pytest.mark.parametrize(
    ("source", "file"),
    [(XML[0], "windows_event_log_security_4688.yml"), (SYSMON[0], "sysmon_eventid_1.yml")],
)
def test_every_field_of_the_real_add_on_is_given_from_xml(
    apps: Apps, source: str, file: str, sourcetype: str
) -> None:
    listed, native = data_source(file)
    known = apps.props_for(source, sourcetype)
    assert known.kv_mode == "xml"
    assert len(listed) > 50
    assert listed - native - defined(known) == set()


def test_every_field_of_the_real_add_on_that_is_not_xmls_own_is_given_from_text(
    apps: Apps,
) -> None:
    listed, native = data_source("windows_event_log_security_4688.yml")
    known = apps.props_for(*TEXT)
    given = defined(known) | set(extracted(known, PROCESS_CREATED))
    assert listed - native - given == set()


@pytest.mark.parametrize("sourcetype", ["XmlWinEventLog", "xmlwineventlog"])
def test_every_field_of_script_block_logging_is_given(apps: Apps, sourcetype: str) -> None:
    listed, _ = data_source("powershell_script_block_logging_4104.yml", whole=False)
    known = apps.props_for("XmlWinEventLog:Microsoft-Windows-PowerShell/Operational", sourcetype)
    # The example is cut short; the names of the event's data are those of its manifest:
    # Microsoft-Windows-PowerShell, event 4104, and the elements of any event's System.
    native = {
        "MessageNumber", "MessageTotal", "ScriptBlockText", "ScriptBlockId", "Path",
        "Name", "Guid", "EventID", "Version", "Level", "Task", "Opcode", "Keywords",
        "SystemTime", "EventRecordID", "ActivityID", "ProcessID", "ThreadID", "Channel",
        "Computer", "UserID",
    }  # fmt: skip
    assert listed - native - defined(known) == set()


@pytest.mark.parametrize("sourcetype", ["XmlWinEventLog", "xmlwineventlog"])
def test_xml_from_a_source_that_is_called_like_text(apps: Apps, sourcetype: str) -> None:
    # security_content sends Defender's XML so, and its searches ask for EventCode.
    known = apps.props_for("WinEventLog:Microsoft-Windows-Windows Defender/Operational", sourcetype)
    assert known.kv_mode == "xml"
    last = {alias.target: alias.source for alias in known.aliases}
    assert last["EventCode"] == last["signature_id"] == "EventID"
    assert last["dest"] == last["dvc"] == "Computer"


@pytest.mark.parametrize("sourcetype", ["WinEventLog", "WinEventLog:Security"])
def test_text_has_no_automatic_fields(apps: Apps, sourcetype: str) -> None:
    # A command line such as `a.exe EventCode=1` must give no field.
    known = apps.props_for("WinEventLog:Security", sourcetype)
    assert known.kv_mode == "none"
    last = {alias.target: alias.source for alias in known.aliases}
    assert (last["signature_id"], last["dest"]) == ("EventCode", "ComputerName")


@pytest.mark.parametrize(
    "file",
    [f"sysmon_eventid_{number}.yml" for number in (3, 5, 11, 13, 22)],
)
def test_most_fields_of_other_sysmon_events_are_given(apps: Apps, file: str) -> None:
    listed, native = data_source(file)
    missing = listed - native - defined(apps.props_for(*SYSMON))
    assert missing == set()


def test_a_text_events_header_and_message(apps: Apps) -> None:
    fields = extracted(apps.props_for(*TEXT), PROCESS_CREATED)
    assert fields["EventCode"] == ["4688"]
    assert fields["ComputerName"] == ["ws-7.example.test"]
    assert fields["Keywords"] == ["Audit Success"]
    assert fields["Message"][0].startswith("A new process has been created.\n\nCreator")
    assert fields["Account_Name"] == ["WS-7$", "dora"]
    assert fields["Security_ID"] == ["S-1-5-18", "S-1-5-21-1-2-3-1001"]
    assert fields["New_Process_Name"] == [r"C:\Windows\Temp\a:b.exe"]
    assert fields["Process_Command_Line"] == [r'"C:\Windows\Temp\a:b.exe" -u EventCode=1 Message=x']
    assert "Process_Information" not in fields
    assert (fields["Subject_Account_Name"], fields["Target_Account_Name"]) == (["WS-7$"], ["dora"])


def test_an_event_without_a_target_has_none(apps: Apps) -> None:
    start, end = PROCESS_CREATED.index("Target Subject"), PROCESS_CREATED.index("Process Infor")
    raw = PROCESS_CREATED[:start] + PROCESS_CREATED[end:]
    fields = extracted(apps.props_for(*TEXT), raw.replace("Creator Subject", "Subject"))
    assert fields["Subject_Account_Name"] == ["WS-7$"]
    assert "Target_Account_Name" not in fields


def test_a_text_event_with_windows_line_ends_has_the_same_fields(apps: Apps) -> None:
    known = apps.props_for(*TEXT)
    windows = extracted(known, PROCESS_CREATED.replace("\n", "\r\n"))
    unix = extracted(known, PROCESS_CREATED)
    for whole in ("_raw", "_pre_msg", "Message"):
        assert windows.pop(whole)[0].replace("\r\n", "\n").rstrip() == unix.pop(whole)[0].rstrip()
    assert windows == unix


@pytest.mark.parametrize("transform", ["wel-eq-kv", "wel-col-kv"])
@given(text=st.text(alphabet="aB:=\n\r\t ", max_size=40))
def test_a_named_field_can_be_asked_for_alone(transform: str, text: str) -> None:
    found = load_apps(builtin=False).transform(transform)
    assert found is not None
    # The name group is the first one; a literal name in its place has to find the same values.
    group = re.search(r"\((?!\?)[^()]*\)", found.regex)
    assert group is not None
    by_name: dict[str, list[str]] = {}
    for match in regex.finditer(found.regex, text):
        by_name.setdefault(match[1], []).append(match[2])
    for name, values in by_name.items():
        start, end = group.span()
        alone = f"{found.regex[:start]}{regex.escape(name)}{found.regex[end:]}"
        assert regex.findall(alone, text) == values


def test_every_regex_runs_on_the_engine_itself(apps: Apps) -> None:
    patterns: set[str] = set()
    for source, sourcetype in (TEXT, XML, SYSMON, ("x", "syslog"), ("x", "_json")):
        known = apps.props_for(source, sourcetype)
        patterns |= {one.regex for one in known.extracts} | {one.regex for one in known.reports}
        for one in known.calculated:
            for written in re.findall(r'replace\(.*?, ("(?:[^"\\]|\\.)*")', one.expression):
                patterns.add(re.sub(r"\\(.)", r"\1", written[1:-1]))
    assert len(patterns) > 12
    with duckdb.connect() as connection:
        for pattern in patterns:
            named = pattern.replace("(?<", "(?P<")
            connection.execute("SELECT regexp_matches('', ?)", [named]).fetchall()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (r"C:\Windows\System32\cmd.exe", "cmd.exe"),
        (r"\\host\share\a.exe", "a.exe"),
        ("plain.exe", "plain.exe"),
        (r"C:\a b\c d.exe", "c d.exe"),
    ],
)
def test_the_last_part_of_a_path(apps: Apps, path: str, name: str) -> None:
    written = {
        pattern
        for known in (apps.props_for(*TEXT), apps.props_for(*XML), apps.props_for(*SYSMON))
        for one in known.calculated
        if one.field in {"process_name", "parent_process_name", "process_exec", "file_name"}
        for pattern in re.findall(r'"(\^[^"]*)", ""\)', one.expression)
    }
    # Inside an eval string `\\` is one backslash; names of files may have slashes, too.
    assert written == {r"^.*\\\\", r"^.*[\\\\/]"}
    assert regex.sub(r"^.*\\", "", path) == name

r"""The kinds of events that a recipe can ask for, each from the same fields of CIM.

Layouts: Microsoft's documentation of event 4688 (version 2) and of Sysmon's event 1, in the
shapes in which Splunk's forwarder writes them. Where a recipe names no account, domain or host,
the events say `STANDIN`, so that nobody takes them for real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
SECURITY = "Microsoft-Windows-Security-Auditing"
SECURITY_GUID = "{54849625-5478-4994-A5BA-3E3B0328C30D}"
SYSMON = "Microsoft-Windows-Sysmon"
SYSMON_GUID = "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"
FIRST_PROCESS = 4000
LONG_NAME = len("New Process Name")


@dataclass(frozen=True, slots=True)
class ProcessStart:
    """The start of a process, in the names of CIM's Endpoint.Processes."""

    time: float
    number: int
    host: str = "WIN-STANDIN.standin.example"
    user: str = "standin.user"
    domain: str = "STANDIN"
    process_path: str = r"C:\Windows\System32\cmd.exe"
    process: str = ""
    process_id: str = ""
    parent_process_path: str = r"C:\Windows\explorer.exe"
    parent_process: str = ""
    parent_process_id: str = "812"
    original_file_name: str = "-"
    process_integrity_level: str = "High"
    process_hash: str = "SHA256=" + "0" * 64

    @property
    def command(self) -> str:
        """The command line: the path where the recipe gives none."""
        return self.process or self.process_path

    @property
    def pid(self) -> int:
        """The process id: the recipe's own, else one for each event."""
        return _id(self.process_id) if self.process_id else FIRST_PROCESS + 4 * self.number

    @property
    def stamp(self) -> datetime:
        """The time in UTC."""
        return datetime.fromtimestamp(self.time, UTC)


@dataclass(frozen=True, slots=True)
class EventKind:
    """How a kind is rendered, and the metadata fields that Splunk gives its events."""

    source: str
    sourcetype: str
    render: Callable[[ProcessStart], str]


def _id(text: str) -> int:
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def security_text(event: ProcessStart) -> str:
    """Event 4688 as classic WinEventLog text."""
    blocks = {
        "Creator Subject": (
            ("Security ID", f"{event.domain}\\{event.user}"),
            ("Account Name", event.user),
            ("Account Domain", event.domain),
            ("Logon ID", "0x3E7"),
        ),
        "Target Subject": (
            ("Security ID", "NULL SID"),
            ("Account Name", "-"),
            ("Account Domain", "-"),
            ("Logon ID", "0x0"),
        ),
        "Process Information": (
            ("New Process ID", hex(event.pid)),
            ("New Process Name", event.process_path),
            ("Token Elevation Type", "%%1936"),
            (
                "Mandatory Label",
                f"Mandatory Label\\{event.process_integrity_level} Mandatory Level",
            ),
            ("Creator Process ID", hex(_id(event.parent_process_id))),
            ("Creator Process Name", event.parent_process_path),
            ("Process Command Line", event.command),
        ),
    }
    message = "A new process has been created.\n"
    for heading, entries in blocks.items():
        lines = "".join(f"\t{name}:{_tabs(name)}{value}\n" for name, value in entries)
        message += f"\n{heading}:\n{lines}"
    header = {
        "LogName": "Security",
        "SourceName": "Microsoft Windows security auditing.",
        "EventCode": "4688",
        "EventType": "0",
        "Type": "Information",
        "ComputerName": event.host,
        "TaskCategory": "Process Creation",
        "OpCode": "Info",
        "RecordNumber": str(event.number),
        "Keywords": "Audit Success",
    }
    fields = "".join(f"{name}={value}\n" for name, value in header.items())
    return f"{event.stamp:%m/%d/%Y %I:%M:%S %p}\n{fields}Message={message}"


def _tabs(name: str) -> str:
    """Windows puts one tab after its long names, two after the others."""
    return "\t" if len(name) >= LONG_NAME else "\t\t"


def security_xml(event: ProcessStart) -> str:
    """Event 4688 as XML, with the accounts rendered as names."""
    data = {
        "SubjectUserSid": f"{event.domain}\\{event.user}",
        "SubjectUserName": event.user,
        "SubjectDomainName": event.domain,
        "SubjectLogonId": "0x3e7",
        "NewProcessId": hex(event.pid),
        "NewProcessName": event.process_path,
        "TokenElevationType": "%%1936",
        "ProcessId": hex(_id(event.parent_process_id)),
        "CommandLine": event.command,
        "TargetUserSid": "NULL SID",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
        "ParentProcessName": event.parent_process_path,
        "MandatoryLabel": f"Mandatory Label\\{event.process_integrity_level} Mandatory Level",
    }
    return _xml(event, (SECURITY, SECURITY_GUID), "Security", (4688, 2, 0, 13312), data)


def sysmon_xml(event: ProcessStart) -> str:
    """Sysmon's event 1."""
    guid = f"{{57A1D100-0000-0000-0000-{event.number:012d}}}"
    data = {
        "RuleName": "-",
        "UtcTime": f"{event.stamp:%Y-%m-%d %H:%M:%S}.000",
        "ProcessGuid": guid,
        "ProcessId": str(event.pid),
        "Image": event.process_path,
        "FileVersion": "-",
        "Description": "Synthetic event of detection-harness",
        "Product": "-",
        "Company": "STANDIN",
        "OriginalFileName": event.original_file_name,
        "CommandLine": event.command,
        "CurrentDirectory": "C:\\Windows\\",
        "User": f"{event.domain}\\{event.user}",
        "LogonGuid": "{57A1D100-0000-0000-0000-000000000000}",
        "LogonId": "0x3e7",
        "TerminalSessionId": "1",
        "IntegrityLevel": event.process_integrity_level,
        "Hashes": event.process_hash,
        "ParentProcessGuid": "{57A1D100-0000-0000-0000-000000000001}",
        "ParentProcessId": str(_id(event.parent_process_id)),
        "ParentImage": event.parent_process_path,
        "ParentCommandLine": event.parent_process or event.parent_process_path,
    }
    return _xml(event, (SYSMON, SYSMON_GUID), f"{SYSMON}/Operational", (1, 5, 4, 1), data)


def _xml(
    event: ProcessStart,
    provider: tuple[str, str],
    channel: str,
    numbers: tuple[int, int, int, int],
    data: dict[str, str],
) -> str:
    code, version, level, task = numbers
    keywords = "0x8020000000000000" if channel == "Security" else "0x8000000000000000"
    system = (
        f"<Provider Name='{provider[0]}' Guid='{provider[1]}'/><EventID>{code}</EventID>"
        f"<Version>{version}</Version><Level>{level}</Level><Task>{task}</Task>"
        f"<Opcode>0</Opcode><Keywords>{keywords}</Keywords>"
        f"<TimeCreated SystemTime='{event.stamp:%Y-%m-%dT%H:%M:%S.%f}000Z'/>"
        f"<EventRecordID>{event.number}</EventRecordID><Correlation/>"
        f"<Execution ProcessID='4' ThreadID='164'/><Channel>{channel}</Channel>"
        f"<Computer>{escape(event.host)}</Computer><Security/>"
    )
    fields = "".join(f"<Data Name='{name}'>{escape(value)}</Data>" for name, value in data.items())
    return (
        f"<Event xmlns='{NAMESPACE}'><System>{system}</System>"
        f"<EventData>{fields}</EventData></Event>"
    )


KINDS = {
    "windows_security_4688_text": EventKind("WinEventLog:Security", "WinEventLog", security_text),
    "windows_security_4688_xml": EventKind(
        "XmlWinEventLog:Security", "XmlWinEventLog", security_xml
    ),
    "sysmon_1_xml": EventKind(f"XmlWinEventLog:{SYSMON}/Operational", "XmlWinEventLog", sysmon_xml),
}
FIELDS = tuple(name for name in ProcessStart.__dataclass_fields__ if name not in ("time", "number"))

"""The fields that real detections ask of Windows events: each is known, or there is a reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.apps import load_apps
from harness.content import read_detection
from harness.engines.base import SearchRequest
from harness.fields.defaults import DEFAULTS
from harness.fields.resolver import FieldResolver, Group
from harness.model import EventBatch, TimeRange
from harness.plan.expressions import Expr, demands
from harness.trials import Project, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.apps import Apps

ROOT = Path(__file__).resolve().parents[2]
CONTENT = ROOT.parent / "shared/corpus/security_content"
WINDOWS = re.compile(
    r"windows|sysmon eventid|powershell|ntlm|active directory admon", re.IGNORECASE
)
ADD_ONS = ("Microsoft Windows", "Sysmon")
CHANNELS = (
    "Security", "System", "Application", "Microsoft-Windows-Sysmon/Operational",
    "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-CAPI2/Operational",
    "Microsoft-Windows-NTLM/Operational", "Microsoft-Windows-AppLocker/EXE and DLL",
    "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
)  # fmt: skip
TEXT_CHANNELS = (
    "Security", "System", "Microsoft-Windows-PowerShell/Operational",
    "Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-PrintService/Admin",
    "Microsoft-Windows-TaskScheduler/Operational",
    "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
)  # fmt: skip
SOURCES = [
    *((f"XmlWinEventLog:{channel}", "XmlWinEventLog") for channel in CHANNELS),
    *((f"WinEventLog:{channel}", "wineventlog") for channel in TEXT_CHANNELS),
    ("x", "wineventlog:microsoft-windows-wmi-activity/operational"),
    ("ActiveDirectory", "ActiveDirectory"),
]
# Names of event data that no example has: Microsoft's manifests and event pages.
NATIVE = frozenset(
    [
        # XML: 4768, 7045, 808, Sysmon 10 and 19, NTLM 8004, IIS 2282, 4698, 5156, 1007.
        "CertThumbprint", "ImagePath", "ServiceType", "StartType", "ErrorCode", "SourceUser",
        "TargetUser", "Query", "SChannelName", "UserName", "ModuleDll", "TaskContent",
        "SourceAddress", "SubjectName",
        # Lines of the text: 4624, 4769.
        "Client_Address", "Logon_Process", "Service_Name", "Source_Network_Address",
        # Active Directory's group policy objects.
        "gPCFileSysPath", "versionNumber",
    ]
)  # fmt: skip
# What Splunk's add-ons do not give either, with the reason.
XMLKV = "the search's own xmlkv takes it from the message"
REX = "the search's own rex or eval makes it, over a field that the event may have"
ASSETS = "Enterprise Security's asset and identity lists give it"
LACKING = {
    **dict.fromkeys(["Arguments", "Author", "Command", "Enabled", "Hidden"], XMLKV),
    **dict.fromkeys(["ASR_ID", "New_Registry_Value", "Old_Registry_Value"], REX),
    **dict.fromkeys(["ImageFolderPath", "ImageLoadedFolderPath"], REX),
    **dict.fromkeys(["SidHistoryMatch", "TargetSidmatch"], REX),
    **dict.fromkeys(["dest_category", "src_user_category", "user_category"], ASSETS),
    "AccountName": "event 4624 has no such data; the detection excludes a value of it",
    "null": "the detections write `null` where `null()` is meant",
}

if not CONTENT.exists():
    pytest.skip("the folder ../shared/corpus is not there", allow_module_level=True)


def detections() -> Iterator[Path]:
    for path in sorted(CONTENT.glob("detections/**/*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        # What asks a data model asks for CIM's fields.
        if "datamodel" in document["search"]:
            continue
        if WINDOWS.search(" ".join(map(str, document.get("data_source") or ()))):
            yield path


def named_in_examples() -> set[str]:
    """The fields that the add-ons' data sources list: those of the events and the add-ons' own."""
    names: set[str] = set()
    for path in CONTENT.glob("data_sources/*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if any(part in str(document.get("supported_TA")) for part in ADD_ONS):
            names |= set(document.get("fields") or ())
    return names


def given(apps: Apps) -> set[str]:
    names = {"_raw", "_time", "host", "source", "sourcetype", "index", "eventtype", "tag"}
    names |= DEFAULTS
    for source, sourcetype in SOURCES:
        known = apps.props_for(source, sourcetype)
        names |= {one.target for one in known.aliases} | {one.field for one in known.calculated}
        names |= {new for one in known.lookups for _, new in one.outputs}
        for extract in known.extracts:
            names |= set(re.findall(r"\(\?<(\w+)>", extract.regex))
        for report in known.reports:
            names |= {name for name, _ in report.targets() if "$" not in name}
    return names


def asked_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Field by field, the detections that ask Windows events for it."""
    asked: dict[str, set[str]] = {}
    running = ""

    def branch(self: FieldResolver, group: Group, wanted: Any, predicate: Expr) -> None:
        if group in self.surviving(predicate):
            for name in {*wanted, *demands(predicate)}:
                if isinstance(name, str) and not name.startswith(("\0", "tag::")):
                    asked.setdefault(name, set()).add(running)

    monkeypatch.setattr(FieldResolver, "_branch", branch)
    project = Project(Settings(root=ROOT, content=CONTENT))
    engine = project.local_engine()
    engine.load(EventBatch("main", a, b, ["x"], [0.0], ["h"]) for a, b in SOURCES)
    for path in detections():
        running = path.stem
        detection = read_detection(path)
        try:
            engine.search(SearchRequest(detection.search, 2e9, TimeRange()))
        except Exception:  # noqa: BLE001 - what cannot be searched is other tests' matter
            continue
    engine.close()
    return asked


def test_every_field_that_detections_ask_for_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch)
    assert len(asked) > 200
    known = given(load_apps()) | named_in_examples() | NATIVE
    unknown = {name: sorted(found)[:3] for name, found in asked.items() if name not in known}
    assert {name: found for name, found in unknown.items() if name not in LACKING} == {}
    # The list has no line that is not needed.
    assert set(LACKING) <= set(unknown)

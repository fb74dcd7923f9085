r"""The kinds of events that a recipe can ask for, each from the same fields of CIM.

A kind is a file in `templates/`: its source and source type, an empty line, and the event with
`$names` for what a recipe says. Layouts: Microsoft's documentation of event 4688 (version 2) and
of Sysmon's event 1, in the shapes in which Splunk's forwarder writes them. Where a recipe names
no account, domain or host, the events say `STANDIN`, so that nobody takes them for real ones.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).resolve().parent / "templates"
FIRST_PROCESS = 4000


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
    parent_process_id: str = "0x32c"
    original_file_name: str = "-"
    process_integrity_level: str = "High"
    process_hash: str = "SHA256=" + "0" * 64

    def values(self) -> dict[str, str]:
        """What a template can name; ids in decimal and, as `…_hex`, in hexadecimal."""
        stamp = datetime.fromtimestamp(self.time, UTC)
        pid = _id(self.process_id) if self.process_id else FIRST_PROCESS + 4 * self.number
        parent = _id(self.parent_process_id)
        return {
            "host": self.host,
            "user": self.user,
            "domain": self.domain,
            "process_path": self.process_path,
            "command": self.process or self.process_path,
            "pid": str(pid),
            "pid_hex": hex(pid),
            "parent_process_path": self.parent_process_path,
            "parent_command": self.parent_process or self.parent_process_path,
            "parent_pid": str(parent),
            "parent_pid_hex": hex(parent),
            "original_file_name": self.original_file_name,
            "process_integrity_level": self.process_integrity_level,
            "process_hash": self.process_hash,
            "number": str(self.number),
            "number_12": f"{self.number:012d}",
            "time_us": f"{stamp:%m/%d/%Y %I:%M:%S %p}",
            "time_utc": f"{stamp:%Y-%m-%d %H:%M:%S}",
            "time_iso": f"{stamp:%Y-%m-%dT%H:%M:%S.%f}000Z",
        }


@dataclass(frozen=True, slots=True)
class EventKind:
    """How a kind is rendered, and the metadata fields that Splunk gives its events."""

    source: str
    sourcetype: str
    template: Template

    def render(self, event: ProcessStart) -> str:
        """The raw event; in XML, what a recipe says is escaped."""
        values = event.values()
        if self.template.template.startswith("<"):
            values = {name: html.escape(value, quote=False) for name, value in values.items()}
        return self.template.substitute(values)


def _id(text: str) -> int:
    return int(text, 16) if text.lower().startswith("0x") else int(text)


@lru_cache(maxsize=1)
def event_kinds() -> dict[str, EventKind]:
    """All kinds by name."""
    return {path.stem: _kind(path) for path in sorted(TEMPLATES.glob("*.txt"))}


def _kind(path: Path) -> EventKind:
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    told = dict(line.split(": ", 1) for line in head.splitlines())
    return EventKind(told["source"], told["sourcetype"], Template(body))


FIELDS = tuple(name for name in ProcessStart.__dataclass_fields__ if name not in ("time", "number"))

"""The design's rule: no Python file names a source type, an event code or a channel."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path

from harness.apps import load_apps

ROOT = Path(__file__).resolve().parents[2]
BUILTIN = ROOT / "harness/builtin"
PREFIXES = ("source::", "host::", "rule::", "delayedrule::")
CHANNEL = re.compile(r"(?:Xml)?WinEventLog:([^\"*\s)]+)")
FORMATS = ("csv", "tsv", "psv")
"""Splunk's source types for tables are called as INDEXED_EXTRACTIONS calls the formats."""
KIND = re.compile(r"^SOURCETYPE = (\S+)", re.MULTILINE)


def literals(path: Path) -> set[str]:
    """The string literals of a Python file; a docstring is one, and equals no name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def source_types() -> set[str]:
    """What the built-in apps know by its name."""
    stanzas = load_apps().layers.conf("props")
    named = {name for name in stanzas if not name.startswith(PREFIXES) and "(" not in name}
    kinds = (BUILTIN / "system/default/kinds.conf").read_text(encoding="utf-8")
    return (named | set(KIND.findall(kinds))) - {"default", "text", *FORMATS}


def codes_and_channels() -> set[str]:
    """The event codes and the channels in the tables of the built-in apps."""
    found: set[str] = set()
    for table in BUILTIN.glob("*/lookups/*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for column in ("EventCode", "EventID", "event_id", "Channel", "channel"):
                    found.add(row.get(column) or "")
    for conf in (*BUILTIN.glob("*/default/props.conf"), *BUILTIN.glob("*/default/eventtypes.conf")):
        found.update(CHANNEL.findall(conf.read_text(encoding="utf-8")))
    # A code of one or two digits is a number like any other.
    return {one for one in found if len(one) > 2}


def test_there_is_something_to_look_for() -> None:
    assert len(source_types()) > 80
    assert {"4688", "7045", "Security", "Microsoft-Windows-Sysmon/Operational"} <= (
        codes_and_channels()
    )


def test_no_python_file_names_one() -> None:
    names = source_types() | codes_and_channels()
    found = {
        f"{path.relative_to(ROOT)}: {literal!r}"
        for path in (ROOT / "harness").rglob("*.py")
        for literal in literals(path) & names
    }
    assert found == set()

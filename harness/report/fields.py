"""The fields of an event as a table for people, or as JSON."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import IO, TYPE_CHECKING

from harness.fields.provenance import as_document
from harness.report.escaping import cell, one_line, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from harness.fields.provenance import EventField, EventReport, FieldOrigin
    from harness.model import EventBatch

VALUES_MAX = 8
PARTS_OF_PATH = 3
MODES = {
    "auto": "automatic key=value",
    "auto_escaped": "automatic key=value",
    "none": "no automatic field",
    "multi": "KV_MODE = multi",
    "json": "KV_MODE = json",
    "xml": "KV_MODE = xml",
}


def write_fields(
    event: EventBatch, report: EventReport, warnings: Sequence[str], file: IO[str]
) -> None:
    """Write the report as one JSON object."""
    document = {
        "event": {
            "index": event.index,
            "source": event.source,
            "sourcetype": event.sourcetype,
            "host": event.host[0],
        },
        **as_document(report),
        "warnings": list(warnings),
    }
    json.dump(document, file, ensure_ascii=False, indent=2)
    file.write("\n")


def print_fields(
    event: EventBatch,
    report: EventReport,
    warnings: Sequence[str],
    console: Console,
    zone: tzinfo,
    *,
    silent: bool = False,
) -> None:
    """Print a line a field; with `silent` also the settings that gave nothing.

    `_time` is printed as a clock in the zone shows it.
    """
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    console.print(Text(f"sourcetype {shown(event.sourcetype)}", style="bold"))
    console.print(Text(f"source     {shown(event.source)}"))
    for number, name in enumerate(report.stanzas, start=1):
        console.print(Text(f"{'stanzas' if number == 1 else '':<9}{number:>2} [{shown(name)}]"))
    if not report.is_known:
        unknown = f"no stanza of any app is about `{shown(event.sourcetype)}`"
        what = MODES.get(report.mode, report.mode)
        console.print(Text(f"{unknown}: only {what} was applied", style="yellow"))
    console.print(_table([_row(one, report, console.width, zone) for one in report.fields]))
    if silent:
        console.print(Text("settings that gave nothing", style="bold"))
        for one in report.silent:
            line = Text(f"  {_origin(one.origin, report)}", style="dim")
            console.print(line.append(f": {one_line(one.reason)}", style="yellow"))
    for warning in warnings:
        console.print(Text(f"warning: {shown(warning)}", style="yellow"))


def _table(rows: Sequence[tuple[Text, Text, Text]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - only a person's report needs it

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, ratio in (("field", 2), ("value", 3), ("from", 4)):
        table.add_column(name, overflow="fold", ratio=ratio)
    for row in rows:
        table.add_row(*row)
    return table


def _row(one: EventField, report: EventReport, width: int, zone: tzinfo) -> tuple[Text, Text, Text]:
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    room = max(16, width // 3)
    values = one.value if isinstance(one.value, list) else [one.value]
    lines = [cell(one.name, value, zone, room) for value in values[:VALUES_MAX]]
    if isinstance(one.value, list):
        lines = [f"- {line}" for line in lines]
        if len(values) > VALUES_MAX:
            lines.append(f"and {len(values) - VALUES_MAX} more")
    return Text(one_line(one.name)), Text("\n".join(lines)), Text(_origin(one.origin, report))


def _origin(origin: FieldOrigin, report: EventReport) -> str:
    """A setting, the number of its stanza, the end of its file's path, and the line."""
    name = origin.name or origin.kind
    if origin.kind == "eventtype" and origin.name:
        name = f"eventtype [{origin.name}]"
    if origin.stanza in report.stanzas:
        name += f" in {report.stanzas.index(origin.stanza) + 1}"
    if not origin.file:
        return one_line(name)
    path = "/".join(PurePath(origin.file).parts[-PARTS_OF_PATH:])
    return one_line(f"{name} {path}" if origin.line is None else f"{name} {path}:{origin.line}")

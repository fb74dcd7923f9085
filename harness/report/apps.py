"""What the loaded apps hold: as JSON, or for people."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

from harness.report.escaping import one_line, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.apps import Inventory

WIDEST_VALUE = 60
BUILT_IN = "built-in"
COUNTED = ("lookups", "saved searches", "data models")
HEADINGS = ("lookups", "searches", "models")


def write_inventories(found: Sequence[Inventory], file: IO[str]) -> None:
    """Write apps as one JSON list."""
    json.dump([one.to_json() for one in found], file, ensure_ascii=False, indent=2)
    file.write("\n")


def write_inventory(found: Inventory, file: IO[str]) -> None:
    """Write one app as a JSON object."""
    json.dump(found.to_json(), file, ensure_ascii=False, indent=2)
    file.write("\n")


def print_inventories(found: Sequence[Inventory], console: Console) -> None:
    """Print a line for each app: what it is and how much it holds."""
    from rich import box  # noqa: PLC0415 - only a person's report needs it
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("app", "version", "origin"):
        table.add_column(heading, overflow="fold")
    for heading in ("stanzas", *HEADINGS):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        left_out = "left out" if one.origin == BUILT_IN else "disabled"
        origin = one.origin if one.enabled else f"{one.origin}, {left_out}"
        counts = [sum(one.stanzas.values()), *(len(one.holds.get(kind, ())) for kind in COUNTED)]
        table.add_row(
            Text(shown(one.name), "" if one.enabled else "dim"),
            Text(shown(one.version)),
            Text(origin, "dim" if one.origin != "given" else ""),
            *(str(count) if count else "" for count in counts),
        )
    console.print(table)


def _state(found: Inventory) -> str:
    """Where an app comes from, and why it does not count if it does not."""
    if found.enabled:
        return found.origin
    if found.origin == BUILT_IN:
        return f"{BUILT_IN}, left out, since an add-on is given that it stands in for"
    return f"{found.origin}, disabled by its app.conf"


def print_inventory(found: Inventory, console: Console) -> None:
    """Print one app: what it holds, who overrules whom, and what does not count and why."""
    from rich.text import Text  # noqa: PLC0415 - as above

    head = Text(shown(found.name), "bold")
    head.append(f" {shown(found.version)}" if found.version else "", "default")
    if found.label:
        head.append(f"  {one_line(found.label)}", "default")
    console.print(head)
    console.print(Text(f"{_state(found)}: {shown(found.path)}", "dim"))
    for file, count in found.stanzas.items():
        console.print(Text(f"{file:<20} {count:>5} stanza{'' if count == 1 else 's'}"))
    for kind, names in found.holds.items():
        _section(kind, console)
        for name in names:
            console.print(Text(f"  {one_line(name)}"))
    pairs = (
        ("cannot be used", found.unusable, "yellow"),
        ("has no effect here", found.ignored, "default"),
        ("warnings", found.warnings, "yellow"),
    )
    for title, entries, style in pairs[:1]:
        _reasons(title, entries, style, console)
    if found.overruled:
        _section("other values", console)
    for one in found.overruled:
        text = Text(f"  {one_line(one.setting)}\n")
        text.append(f"    counts: {one_line(one.counts, WIDEST_VALUE)} ({shown(one.place)})\n")
        for other in one.others:
            text.append(f"    not:    {one_line(other)}\n")
        text.append(f"    {one_line(one.reason)}", "dim")
        console.print(text)
    for title, entries, style in pairs[1:]:
        _reasons(title, entries, style, console)


def _section(title: str, console: Console) -> None:
    from rich.text import Text  # noqa: PLC0415 - as above

    console.print(Text(f"\n{title}", "bold"))


def _reasons(title: str, entries: Sequence[tuple[str, str]], style: str, console: Console) -> None:
    from rich.text import Text  # noqa: PLC0415 - as above

    if entries:
        _section(title, console)
    for what, why in entries:
        text = Text(f"  {one_line(what)}\n", style)
        text.append(f"    {one_line(why)}", "dim")
        console.print(text)

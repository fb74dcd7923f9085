"""Rows of a search as a table, JSON lines or CSV."""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING

from harness.report.escaping import cell

if TYPE_CHECKING:
    from datetime import tzinfo

    from rich.console import Console

    from harness.model import Rows

FORMATS = ("table", "jsonl", "csv")
CELL_WIDTH, ROW_WIDTH = 60, 400


def write_rows(rows: Rows, form: str, file: IO[str]) -> None:
    """Write rows in a format for programs: `jsonl` (multivalue as arrays) or `csv`."""
    if form == "jsonl":
        for row in rows.rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    writer = csv.writer(file)
    writer.writerow(rows.columns)
    for row in rows.rows:
        writer.writerow(
            "\n".join(value) if isinstance(value := row.get(name), list) else value
            for name in rows.columns
        )


def print_table(rows: Rows, console: Console, zone: tzinfo) -> None:
    """Print rows for a person: a table, or each row as lines where they are too wide.

    `_time` is printed as a clock in the zone shows it.
    """
    from rich import box  # noqa: PLC0415 - only a terminal's table needs it
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    if not rows.rows:
        console.print(Text("no rows", style="dim"))
        return
    columns = rows.columns
    if sum(len(name) + 3 for name in columns) > console.width:
        for number, row in enumerate(rows.rows, start=1):
            console.print(Text(f"row {number}", style="bold"))
            for name in columns:
                if name in row:
                    line = Text(f"  {name} = ", style="cyan")
                    shown = cell(name, row[name], zone, ROW_WIDTH)
                    console.print(line.append(shown, style="default"))
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in columns:
        table.add_column(Text(name), overflow="fold")
    for row in rows.rows:
        table.add_row(*(Text(cell(name, row.get(name), zone, CELL_WIDTH * 4)) for name in columns))
    console.print(table)

"""A search explained for people: each stage, its conditions, and where the rows went."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO, TYPE_CHECKING

from harness.report.escaping import cell, one_line, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from rich.console import Console
    from rich.text import Text

    from harness.engines.explanation import ConditionReport, Explanation, StageReport
    from harness.model import Rows

STAGE_WIDTH, CONDITION_WIDTH, CELL_WIDTH = 300, 400, 60
MOST_FIELDS = 8


def write_explanation(explanation: Explanation, file: IO[str]) -> None:
    """Write the explanation as one JSON object."""
    document = {
        "events": explanation.events,
        "stages": [{**asdict(stage), "sample": stage.sample.rows} for stage in explanation.stages],
        "plan": explanation.plan,
        "sql": explanation.sql,
        "warnings": list(explanation.warnings),
    }
    json.dump(document, file, ensure_ascii=False, indent=2)
    file.write("\n")


def print_explanation(
    explanation: Explanation,
    console: Console,
    zone: tzinfo,
    *,
    sql: bool = False,
    plan: bool = False,
) -> None:
    """Print every stage, times as in the zone; the plan and the SQL where they are asked for."""
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    console.print(Text(f"{explanation.events:,} events", style="bold"))
    lost = False
    for number, stage in enumerate(explanation.stages, start=1):
        _print_stage(number, stage, console, zone, first_loss=not lost and not stage.rows_out)
        lost = lost or not stage.rows_out
    for warning in explanation.warnings:
        console.print(Text(f"warning: {shown(warning)}", style="yellow"))
    for heading, text, wanted in (("plan", explanation.plan, plan), ("SQL", explanation.sql, sql)):
        if wanted:
            console.print(Text(f"\n{heading}", style="bold"))
            console.print(Text(shown(text)), soft_wrap=True)


def _print_stage(
    number: int, stage: StageReport, console: Console, zone: tzinfo, *, first_loss: bool
) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - only a person's report needs it
    from rich.text import Text  # noqa: PLC0415 - as above

    line = Text(f"\n{number:>2}  ", style="dim")
    line.append(one_line(stage.text, STAGE_WIDTH), style="bold")
    console.print(line)
    counts = Text(f"{_counted(stage.rows_in)} in, {_counted(stage.rows_out)} out")
    counts.stylize("bold red" if first_loss else "green" if stage.rows_out else "dim")
    if first_loss and stage.rows_in:
        counts.append("  nothing is left after this stage", style="red")
    console.print(Padding(counts, (0, 0, 0, 4), expand=False))
    for condition in stage.conditions:
        console.print(Padding(_condition(condition), (0, 0, 0, 4), expand=False))
    near = dict(stage.nearest)
    for name, count in stage.needed:
        text = f"drops {_counted(count)} without `{shown(name)}`{_meant(near.get(name, ()))}"
        console.print(Padding(Text(text, style="yellow"), (0, 0, 0, 4), expand=False))
    if stage.rows_out:
        for row in _sampled(stage.sample, zone):
            console.print(Padding(Text(row, style="dim"), (0, 0, 0, 6), expand=False))


def _condition(condition: ConditionReport) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as above

    style = "red" if condition.rows and not condition.met else "default"
    text = Text(f"{condition.met:>9,} of {condition.rows:,} meet  ", style=style)
    text.append(one_line(condition.text, CONDITION_WIDTH))
    near = dict(condition.nearest)
    for name, count in condition.empty:
        empty = "all" if count == condition.rows else f"{count:,}"
        meant = _meant(near.get(name, ()))
        text.append(f"\n{'':9} `{shown(name)}` is empty in {empty}{meant}", style="yellow")
    if condition.values:
        cells = [f"{one_line(value, CELL_WIDTH)} ({count:,})" for value, count in condition.values]
        more = condition.different - len(cells)
        others = f" and {more:,} other{'' if more == 1 else 's'}" if more > 0 else ""
        text.append(f"\n{'':9} the values there are: {', '.join(cells)}{others}", style="yellow")
    return text


def _meant(names: Sequence[str]) -> str:
    """The fields that were perhaps meant."""
    return f"; did you mean {' or '.join(f'`{shown(name)}`' for name in names)}?" if names else ""


def _sampled(rows: Rows, zone: tzinfo) -> list[str]:
    found = []
    for row in rows.rows:
        cells = [
            f"{shown(name)}={cell(name, row[name], zone, CELL_WIDTH)}"
            for name in rows.columns
            if name in row
        ]
        more = len(cells) - MOST_FIELDS
        found.append("  ".join(cells[:MOST_FIELDS]) + (f"  and {more} more" if more > 0 else ""))
    return found


def _counted(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"

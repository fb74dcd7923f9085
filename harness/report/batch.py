"""What fired in a batch: as JSON, or as a table for people."""

from __future__ import annotations

import json
from collections import Counter
from typing import IO, TYPE_CHECKING

from harness.report.escaping import one_line, shown

MOST_NAMED, MOST_WARNINGS = 3, 10

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.trials.batch import BatchResult


def write_batch(results: Sequence[BatchResult], events: int, file: IO[str]) -> None:
    """Write all results as one JSON object."""
    status = Counter(one.status for one in results)
    summary = {
        "events": events,
        "searches": len(results),
        "fired": sum(one.result_count > 0 for one in results),
        **{name: status[name] for name in ("ok", "unsupported", "error")},
    }
    document = {"results": [one.to_json() for one in results], "summary": summary}
    json.dump(document, file, ensure_ascii=False, indent=1)
    file.write("\n")


def _print_warnings(results: Sequence[BatchResult], console: Console) -> None:
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    warned = Counter(text for one in results for text in dict.fromkeys(one.warnings))
    for warning, count in warned.most_common(MOST_WARNINGS):
        searches = f" ({count} searches)" if count > 1 else ""
        console.print(Text(f"warning: {shown(warning)}{searches}", style="yellow"))
    more = len(warned) - MOST_WARNINGS
    if more > 0:
        console.print(Text(f"and {more} more warnings (--json lists all)", style="dim"))


def print_batch(results: Sequence[BatchResult], events: int, console: Console) -> None:
    """Print what fired, what could not run and why, and the counts."""
    from rich import box  # noqa: PLC0415 - only a person's report needs it
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    fired = [one for one in results if one.result_count]
    if fired:
        table = Table(box=box.SIMPLE, pad_edge=False)
        table.add_column("results", justify="right")
        table.add_column("what fired", overflow="fold")
        for one in sorted(fired, key=lambda one: (-one.result_count, one.name)):
            table.add_row(str(one.result_count), Text(one_line(one.name or one.id)))
        console.print(table)
    for status, style in (("error", "bold red"), ("unsupported", "bold yellow")):
        reasons: dict[str, list[BatchResult]] = {}
        for one in results:
            if one.status == status:
                reasons.setdefault(one.reason, []).append(one)
        for reason, which in reasons.items():
            text = Text(f"{status} ", style=style).append(shown(reason), style="default")
            for one in which[:MOST_NAMED]:
                place = f"  {one.place}" if one.place else ""
                text.append(f"\n  {one_line(one.name or one.id)}{shown(place)}", "dim")
            more = len(which) - MOST_NAMED
            text.append(f"\n  and {more} more" if more > 0 else "", "dim")
            for hint in dict.fromkeys(hint for one in which[:MOST_NAMED] for hint in one.hints):
                text.append(f"\n  hint: {shown(hint)}", "cyan")
            console.print(text)
    _print_warnings(results, console)
    counted = Counter(one.status for one in results)
    line = f"{len(fired)} of {len(results)} searches fired on {events:,} events"
    line += (
        f"; {counted['ok']} ran, {counted['unsupported']} unsupported, {counted['error']} errors"
    )
    console.print(Text(line, style="bold"))

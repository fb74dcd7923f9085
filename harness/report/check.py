"""What a check found: as JSON, or for people."""

from __future__ import annotations

import json
from collections import Counter
from typing import IO, TYPE_CHECKING

from harness.report.escaping import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.trials.checking import CheckReport, Finding

MOST_WARNINGS = 20


def write_report(report: CheckReport, file: IO[str]) -> None:
    """Write the report as one JSON object."""
    json.dump(report.to_json(), file, ensure_ascii=False, indent=2)
    file.write("\n")


def print_report(report: CheckReport, console: Console) -> None:
    """Print what was found, errors first, then the counts."""
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    _print_findings("error", "bold red", report.errors, console)
    _print_findings("unsupported", "bold yellow", report.unsupported, console)
    _print_findings("warning", "yellow", report.warnings[:MOST_WARNINGS], console)
    more = len(report.warnings) - MOST_WARNINGS
    if more > 0:
        console.print(Text(f"and {more} more warnings (--json lists all)", style="dim"))
    if report.unsupported:
        reasons = Counter(one.reason for one in report.unsupported)
        console.print(Text("unsupported, by reason", style="bold"))
        for reason, count in reasons.most_common():
            console.print(Text(f"{count:>6}  {shown(reason)}"))
    counts = [f"{report.checked} checked", f"{report.compiled} compiled"]
    counts += [f"{len(report.unsupported)} unsupported", f"{len(report.errors)} errors"]
    counts.append(f"{len(report.warnings)} warnings")
    console.print(Text(", ".join(counts), style="bold red" if report.errors else "bold green"))


def _print_findings(word: str, style: str, findings: Sequence[Finding], console: Console) -> None:
    from rich.text import Text  # noqa: PLC0415 - as above

    for one in findings:
        place = ":".join(str(part) for part in (one.file, one.line, one.column) if part is not None)
        text = Text(f"{word} ", style=style)
        text.append(f"{shown(place)}\n", style="dim")
        text.append(f"  {shown(one.reason)}", style="default")
        for hint in one.hints:
            text.append(f"\n  hint: {shown(hint)}", style="cyan")
        console.print(text)

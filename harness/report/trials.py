"""Verdicts for people: a line a trial, then what a failed one saw."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

from harness.report.escaping import one_line, shown
from harness.trials.verdict import TrialResult, Verdict, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.text import Text

STYLES = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold red",
    Verdict.UNSUPPORTED: "bold yellow",
    Verdict.SKIP: "yellow",
}
MOST_RISK = 3
STAGE_WIDTH = 68


def write_json(results: Sequence[TrialResult], file: IO[str]) -> None:
    """Write all trials as one JSON object."""
    document = {"trials": [one.to_json() for one in results], "summary": summary(results)}
    json.dump(document, file, ensure_ascii=False, indent=2, default=str)
    file.write("\n")


def print_results(results: Sequence[TrialResult], console: Console) -> None:
    """Print every trial with its verdict, details of those that did not pass, and a summary."""
    from rich.padding import Padding  # noqa: PLC0415 - only a person's report needs it
    from rich.text import Text  # noqa: PLC0415 - as above

    heading = ""
    for result in results:
        if result.detection != heading:
            heading = result.detection
            line = Text(shown(heading), style="bold")
            if result.techniques:
                line.append(f"  {', '.join(result.techniques)}", style="dim")
            console.print(line)
            for remark in result.remarks:
                text = Text(f"warning: {shown(remark)}", style="yellow")
                console.print(Padding(text, (0, 0, 0, 2), expand=False))
        _print_one(result, console)
    console.print(_summary_line(results))


def _print_one(result: TrialResult, console: Console) -> None:
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    line = Text("  ")
    line.append(f"{result.verdict!s:<11} ", style=STYLES[result.verdict])
    line.append(shown(result.trial))
    if result.synthetic:
        line.append("  synthetic", style="magenta")
    if result.verdict in (Verdict.PASS, Verdict.FAIL):
        line.append(
            f"  {_counted(len(result.rows), 'result')} of {_counted(result.events, 'event')}",
            style="dim",
        )
        line.append(f", {result.timings_ms.get('total', 0):.0f} ms", style="dim")
    console.print(line)
    for event in result.risk_events[:MOST_RISK]:
        text = Text(f"{event.risk_object_type} ", style="dim")
        text.append(one_line(event.risk_object, 60), style="cyan")
        text.append(f"  risk {event.risk_score}", style="bold")
        text.append(f"\n{one_line(event.risk_message, 200)}", style="dim")
        _print_below(text, console)
    more = len(result.risk_events) - MOST_RISK
    if more > 0:
        _print_below(Text(f"and {_counted(more, 'more risk event')}", style="dim"), console)
    if result.verdict is not Verdict.PASS and result.reason:
        detail = result.reason if result.verdict is Verdict.SKIP else result.details
        _print_below(Text(shown(detail or result.reason)), console)
    if lines := stage_lines(result):
        _print_below(Text("\n".join(lines)), console)
    for warning in result.warnings:
        _print_below(Text(f"warning: {shown(warning)}", style="yellow"), console)


def _print_below(text: Text, console: Console) -> None:
    """Print under the verdict's line, indented on every line that it takes."""
    from rich.padding import Padding  # noqa: PLC0415 - only a person's report needs it

    console.print(Padding(text, (0, 0, 0, 14), expand=False))


def stage_lines(result: TrialResult) -> list[str]:
    """The rows after each stage of a failed trial's search, as lines of text."""
    if not result.stages:
        local = result.engine == "local" or result.verdict is not Verdict.FAIL
        return [] if local else ["rows after each stage: --engine local shows them"]
    lines = ["rows after each stage:"]
    lines += [
        f"  {stage.count:>8}  | {one_line(stage.text, STAGE_WIDTH)}" for stage in result.stages
    ]
    last = next((stage for stage in reversed(result.stages) if stage.count), None)
    if last is not None:
        lines.append(f"first rows after `{one_line(last.text, 40)}`:")
        for row in last.sample.rows:
            cells = (f"{name}={one_line(value, 40)}" for name, value in row.items())
            lines.append(f"  {one_line(', '.join(cells), 200)}")
    return lines


def _summary_line(results: Sequence[TrialResult]) -> Text:
    from rich.text import Text  # noqa: PLC0415 - only a person's report needs it

    counts = summary(results)
    parts = [f"{count} {_past(name)}" for name, count in counts.items() if count]
    failed = counts["fail"] or counts["error"] or counts["unsupported"]
    style = "bold red" if failed else "bold green" if counts["pass"] else "bold yellow"
    text = Text(", ".join(parts) or "nothing ran", style=style)
    if any(result.synthetic for result in results):
        text.append(
            "\nWhat is marked synthetic ran on events made for the trial, not on recorded ones.",
            style="magenta",
        )
    return text


def _past(verdict: str) -> str:
    return {
        "pass": "passed",
        "fail": "failed",
        "error": "in error",
        "unsupported": "unsupported",
        "skip": "skipped",
    }[verdict]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

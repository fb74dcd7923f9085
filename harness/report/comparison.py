"""Two runs side by side: for people, as JSON, and as JUnit for a CI."""

from __future__ import annotations

import json
import re
from typing import IO, TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.report.escaping import one_line, shown
from harness.trials.comparison import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from harness.trials.comparison import Comparison, TrialComparison
    from harness.trials.row_differences import RowDifference, RowsCompared
    from harness.trials.saved_results import Run

STYLES = {
    Status.SAME: "bold green",
    Status.DIFFERS: "bold red",
    Status.ONLY_A: "bold yellow",
    Status.ONLY_B: "bold yellow",
    Status.NEITHER: "yellow",
}
MOST_ROWS = 3
VALUE_WIDTH = 100
INDENT = 11
MOST_LINES = 200
"""So many lines of differences go into a test case of JUnit."""
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_comparison(comparison: Comparison, file: IO[str]) -> None:
    """Write the comparison as one JSON object."""
    json.dump(comparison.to_json(), file, ensure_ascii=False, indent=1)
    file.write("\n")


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print what both sides are, each trial with what differs, and the counts."""
    from rich.padding import Padding  # noqa: PLC0415 - only a person's report needs it
    from rich.text import Text  # noqa: PLC0415 - as above

    for side, run in (("A", comparison.a), ("B", comparison.b)):
        console.print(Text(f"{side}  {_told(run)}", style="dim"))
    if names := comparison.apps_that_differ():
        console.print(Text(f"apps that are not the same: {shown(', '.join(names))}", "yellow"))
    heading = ""
    for one in comparison.trials:
        if one.either.detection != heading:
            heading = one.either.detection
            console.print(Text(shown(heading), style="bold"))
        line = Text("  ").append(f"{one.status!s:<8} ", style=STYLES[one.status])
        line.append(shown(one.either.trial) or "-")
        if one.either.synthetic:
            line.append("  synthetic", style="magenta")
        sides = Text(_sides(one), style="dim")
        fits = line.cell_len + sides.cell_len + 2 <= console.width
        console.print(line.append("  ").append(sides) if fits and sides else line)
        if sides and not fits:
            console.print(Padding(sides, (0, 0, 0, INDENT), expand=False))
        for text in lines_of(one):
            inner = text.lstrip(" ")
            left = INDENT + len(text) - len(inner)
            console.print(Padding(Text(inner), (0, 0, 0, left), expand=False))
    console.print(Text(_summary(comparison), style=_summary_style(comparison)))
    if comparison.left_out:
        console.print(Text(f"{comparison.left_out} trials are not in the saved run", style="dim"))


def _told(run: Run) -> str:
    return shown(f"{run.engine}, {run.created}, harness {run.harness}, {len(run.apps)} apps")


def _sides(one: TrialComparison) -> str:
    """The counts and times of both sides; nothing where neither ran."""
    ran = [record for record in (one.a, one.b) if record is not None and record.ran]
    if not ran:
        return ""
    rows = " and ".join(dict.fromkeys(f"{len(record.rows):,}" for record in ran))
    noun = "row" if rows == "1" else "rows"
    times = " and ".join(f"{record.timings_ms.get('total', 0):,.0f}" for record in ran)
    return f"{rows} {noun}, {times} ms"


def lines_of(one: TrialComparison) -> list[str]:
    """What there is to say of a trial, as lines of text with nothing that a terminal acts on."""
    lines = [f"{side} {shown(reason)}" for side, reason in one.reasons()]
    if one.search_changed:
        lines.append("the search itself is not the same in both runs")
    lines += [f"{it.field}: A {one_line(it.a)}, B {one_line(it.b)}" for it in one.outcome]
    lines += _lines_of_rows("result", one.results)
    lines += _lines_of_rows("risk event", one.risk)
    lines += [f"warning of A: {shown(text)}" for text in one.warnings_a]
    lines += [f"warning of B: {shown(text)}" for text in one.warnings_b]
    return lines


def _lines_of_rows(noun: str, rows: RowsCompared) -> Iterator[str]:
    if rows.out_of_order is not None:
        yield f"{noun}s come in another order, from {noun} {rows.out_of_order + 1} on"
    if not rows.differences:
        return
    counts = f"A has {rows.count_a:,}, B has {rows.count_b:,}"
    yield f"{noun}s differ: {counts}"
    for name, count in rows.by_field().most_common():
        yield f"  {one_line(name, 60)} differs in {count:,} {noun}{'' if count == 1 else 's'}"
    for kind in ("both", "A", "B"):
        chosen = [one for one in rows.differences if _kind(one) == kind]
        for one in chosen[:MOST_ROWS]:
            yield from _lines_of_row(noun, one)
        if len(chosen) > MOST_ROWS:
            where = "" if kind == "both" else f" that only {kind} has"
            yield f"  and {len(chosen) - MOST_ROWS:,} more{where} (--json lists them)"


def _kind(one: RowDifference) -> str:
    return "B" if one.row_a is None else "A" if one.row_b is None else "both"


def _lines_of_row(noun: str, one: RowDifference) -> Iterator[str]:
    where = ", ".join(
        f"{one_line(name, 40)}={_cut(_value(value), 40)}"
        for name, value in (one.where or {}).items()
    )
    where = one_line(where, 2 * VALUE_WIDTH)
    if one.row_b is None:
        yield f"  only A has {noun} {(one.row_a or 0) + 1}: {where}"
        return
    if one.row_a is None:
        yield f"  only B has {noun} {one.row_b + 1}: {where}"
        return
    yield f"  {noun} {one.row_a + 1} of A, {one.row_b + 1} of B{f': {where}' if where else ''}"
    for field in one.fields:
        a, b = _excerpts(field.a, field.b)
        yield f"    {one_line(field.field, 60)}"
        yield f"      A {a}"
        yield f"      B {b}"


def _excerpts(a: object, b: object) -> tuple[str, str]:
    """Both values on a line each, cut to where they begin to differ; lists show what is theirs."""
    if isinstance(a, list) and isinstance(b, list):
        only_a, only_b = [one for one in a if one not in b], [one for one in b if one not in a]
        if not only_a and not only_b:
            return f"{one_line(a, VALUE_WIDTH)} (order)", f"{one_line(b, VALUE_WIDTH)} (order)"
        return _only(len(a), only_a), _only(len(b), only_b)
    texts = [_value(a), _value(b)]
    start = next((n for n, (x, y) in enumerate(zip(*texts, strict=False)) if x != y), 0)
    if start > VALUE_WIDTH // 2:
        texts = [f"…{text[start - VALUE_WIDTH // 4 :]}" for text in texts]
    return _cut(texts[0], VALUE_WIDTH), _cut(texts[1], VALUE_WIDTH)


def _only(count: int, values: list[str]) -> str:
    told = one_line([str(one) for one in values], VALUE_WIDTH)
    return f"{count:,} values" + (f", only here: {told}" if values else "")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _value(value: object) -> str:
    if value is None:
        return "(no value)"
    if value == "":
        return "(empty text)"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return one_line(value if isinstance(value, list) else str(value))


def _summary(comparison: Comparison) -> str:
    words = {
        "same": "the same",
        "differs": "different",
        "only A": "that only A could run",
        "only B": "that only B could run",
        "neither": "that neither could run",
    }
    counts = comparison.counts()
    told = [f"{count} {words[name]}" for name, count in counts.items() if count]
    return f"{len(comparison.trials)} trials: {', '.join(told) or 'nothing was compared'}"


def _summary_style(comparison: Comparison) -> str:
    return {0: "bold green", 1: "bold red"}.get(comparison.exit_code, "bold yellow")


# JUnit


def junit(comparison: Comparison) -> str:
    """The comparison as JUnit XML: a test case a trial, a failure where it differs.

    What only one side could run is an error of the test case, what neither could because the data
    is out of reach is skipped.
    """
    title = f"{comparison.a.engine} against {comparison.b.engine}"
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", name=_xml(title))
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    whole = 0.0
    for one in comparison.trials:
        seconds = sum(r.timings_ms.get("total", 0.0) for r in (one.a, one.b) if r) / 1000
        whole += seconds
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_xml(one.either.detection),
            name=_xml(one.either.trial or one.either.detection),
            time=f"{seconds:.3f}",
        )
        totals["tests"] += 1
        _properties(case, one)
        lines = lines_of(one)
        tag, total = _outcome(one)
        if tag is not None:
            totals[total] += 1
            found = ET.SubElement(case, tag, message=_xml(_message(one, lines)))
            found.text = _xml("\n".join(lines[:MOST_LINES]))
        elif lines:
            ET.SubElement(case, "system-out").text = _xml("\n".join(lines[:MOST_LINES]))
    for name, count in totals.items():
        suite.set(name, str(count))
    suite.set("time", f"{whole:.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _outcome(one: TrialComparison) -> tuple[str | None, str]:
    if one.status is Status.SAME:
        return None, ""
    if one.status is Status.DIFFERS:
        return "failure", "failures"
    return ("error", "errors") if one.open_question else ("skipped", "skipped")


def _message(one: TrialComparison, lines: list[str]) -> str:
    return f"{one.status}: {lines[0]}" if lines else str(one.status)


def _properties(case: ET.Element, one: TrialComparison) -> None:
    properties = ET.SubElement(case, "properties")
    told = {"id": one.either.id, "dataset": one.either.dataset, "status": str(one.status)}
    for side, record in (("a", one.a), ("b", one.b)):
        if record is not None:
            told[f"{side}_verdict"] = str(record.verdict)
            told[f"{side}_results"] = str(len(record.rows))
            told[f"{side}_milliseconds"] = f"{record.timings_ms.get('total', 0):.0f}"
    for name, value in told.items():
        if value:
            ET.SubElement(properties, "property", name=name, value=_xml(value))


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold, which is written out."""
    return NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", shown(text))

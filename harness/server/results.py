"""Rows of a search as Splunk's REST interface writes them: XML, JSON, CSV and raw text.

Source: REST API Reference, "search/jobs/{search_id}/results" and "search/jobs/export".
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from harness.model.numbers import number_text
from harness.server.atom import HEAD, JSON, clean
from harness.server.faults import Refusal
from harness.server.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.model import Value

MODES = ("xml", "json", "json_rows", "json_cols", "csv", "raw", "atom")
PIECE_ROWS = 500
Row = dict[str, str | list[str]]
Message = tuple[str, str]


def shown_time(seconds: float) -> str:
    """A time as results show `_time`: ISO with milliseconds and an offset."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return number_text(seconds)
    return moment.isoformat(timespec="milliseconds")


def text_row(row: Mapping[str, Value], columns: Sequence[str]) -> Row:
    """A row whose every value is text, and several values a list of it."""
    found: Row = {}
    for name in columns:
        value = row.get(name)
        if value is None:
            continue
        if name == "_time" and isinstance(value, int | float):
            found[name] = shown_time(float(value))
        elif isinstance(value, list):
            found[name] = [_text(one) for one in value]
        else:
            found[name] = _text(value)
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(float(value)) if isinstance(value, int | float) else str(value)


def checked_mode(mode: str) -> str:
    """A form of results that there is."""
    if mode not in MODES:
        raise Refusal(400, f"Unrecognized output_mode: {mode}", "FATAL")
    return mode


def written(
    rows: Sequence[Row],
    columns: Sequence[str],
    mode: str,
    *,
    offset: int = 0,
    preview: bool = False,
    told: Sequence[Message] = (),
) -> Response:
    """A page of results in one of the forms."""
    if checked_mode(mode).startswith("json"):
        said: dict[str, Any] = {
            "preview": preview,
            "init_offset": offset,
            "messages": [{"type": kind, "text": text} for kind, text in told],
            "fields": [{"name": name} for name in columns],
        }
        if mode == "json":
            said["results"] = rows
            said["highlighted"] = {}
        elif mode == "json_rows":
            said["fields"] = list(columns)
            said["rows"] = [[row.get(name) for name in columns] for row in rows]
        else:
            said["fields"] = list(columns)
            said["columns"] = [[row.get(name) for row in rows] for name in columns]
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return Response(text.encode("utf-8", "replace"), kind=JSON)
    if mode == "csv":
        body = "".join(csv_pieces(rows, columns))
        return Response(body.encode("utf-8", "replace"), kind="text/csv; charset=UTF-8")
    if mode == "raw":
        body = "".join(f"{raw_of(row)}\n" for row in rows)
        return Response(body.encode("utf-8", "replace"), kind="text/plain; charset=UTF-8")
    text = HEAD + xml_results(rows, columns, offset=offset, preview=preview, told=told)
    return Response(text.encode("utf-8", "replace"))


def raw_of(row: Row) -> str:
    """The raw text of an event, or its values with commas."""
    if "_raw" in row:
        return str(row["_raw"])
    return ",".join(" ".join(v) if isinstance(v, list) else v for v in row.values())


def csv_pieces(rows: Sequence[Row], columns: Sequence[str]) -> Iterator[str]:
    """CSV, the header first; several values are lines of one cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow(
            "\n".join(value) if isinstance(value := row.get(name, ""), list) else value
            for name in columns
        )
        if number % PIECE_ROWS == 0:
            yield file.getvalue()
            file.seek(0)
            file.truncate()
    yield file.getvalue()


def xml_results(
    rows: Sequence[Row],
    columns: Sequence[str],
    *,
    offset: int,
    preview: bool,
    told: Sequence[Message],
) -> str:
    """The `<results>` element."""
    order = "".join(f"<field>{escape(clean(name))}</field>" for name in columns)
    said = "".join(f'<msg type="{kind}">{escape(clean(text))}</msg>' for kind, text in told)
    inner = "\n".join(xml_row(row, number) for number, row in enumerate(rows, start=offset))
    return (
        f"<results preview='{int(preview)}'>\n<meta>\n<fieldOrder>{order}</fieldOrder>\n</meta>\n"
        f"<messages>{said}</messages>\n{inner}\n</results>"
    )


def xml_row(row: Row, number: int) -> str:
    """One `<result>` element."""
    parts = []
    for name, value in row.items():
        if name == "_raw":
            text = escape(clean(str(value)))
            parts.append(f"<field k='_raw'><v xml:space='preserve' trunc='0'>{text}</v></field>")
            continue
        values = value if isinstance(value, list) else [value]
        inner = "".join(f"<value><text>{escape(clean(one))}</text></value>" for one in values)
        parts.append(f"<field k={quoteattr(clean(name))}>{inner}</field>")
    return f"<result offset='{number}'>{''.join(parts)}</result>"


def streamed(
    rows: Sequence[Row], columns: Sequence[str], mode: str, told: Sequence[Message]
) -> tuple[str, Iterator[str]]:
    """The content type and the pieces of an export."""
    if mode == "csv":
        return "text/csv; charset=UTF-8", csv_pieces(rows, columns)
    if mode == "raw":
        return "text/plain; charset=UTF-8", (f"{raw_of(row)}\n" for row in rows)
    if mode.startswith("json"):
        return JSON, _json_lines(rows, columns, mode, told)
    return "text/xml; charset=UTF-8", _xml_pieces(rows, columns, told)


def _json_lines(
    rows: Sequence[Row], columns: Sequence[str], mode: str, told: Sequence[Message]
) -> Iterator[str]:
    if mode != "json":
        yield written(rows, columns, mode, told=told).body.decode() + "\n"  # type: ignore[union-attr]
        return
    for kind, text in told:
        yield json.dumps({"messages": [{"type": kind, "text": text}]}) + "\n"
    if not rows:
        yield '{"preview":false,"lastrow":true}\n'
    for number, row in enumerate(rows):
        said: dict[str, Any] = {"preview": False, "offset": number}
        if number == len(rows) - 1:
            said["lastrow"] = True
        said["result"] = row
        yield json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def _xml_pieces(
    rows: Sequence[Row], columns: Sequence[str], told: Sequence[Message]
) -> Iterator[str]:
    order = "".join(f"<field>{escape(clean(name))}</field>" for name in columns)
    said = "".join(f'<msg type="{kind}">{escape(clean(text))}</msg>' for kind, text in told)
    yield f"{HEAD}<results preview='0'>\n<meta>\n<fieldOrder>{order}</fieldOrder>\n</meta>\n"
    yield f"<messages>{said}</messages>\n"
    for number, row in enumerate(rows):
        yield f"{xml_row(row, number)}\n"
    yield "</results>\n"

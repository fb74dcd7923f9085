"""What a job's events have in common: their values, and when they were.

Source: REST API Reference, "search/jobs/{search_id}/summary" and "…/timeline".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from harness.server.atom import HEAD, JSON, clean
from harness.server.http import Response
from harness.server.results import shown_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import Value

    Found = Sequence[dict[str, Value]]

MOST_BUCKETS = 1000
SPANS = (1, 60, 3600, 86_400, 30 * 86_400)


def summary_of(rows: Found, columns: Sequence[str], mode: str, most: int) -> Response:
    """How often which values of each field occur."""
    found = ((name, _field(rows, name, most)) for name in columns)
    fields = {name: said for name, said in found if said["count"]}
    if mode == "json":
        said = {"earliest_time": "", "latest_time": "", "fields": fields, "event_count": len(rows)}
        return Response(json.dumps(said).encode("utf-8", "replace"), kind=JSON)
    inner = "".join(_xml_field(name, said) for name, said in fields.items())
    text = (
        f"{HEAD}<results preview='0'><summary earliest_time='' latest_time='' c='{len(rows)}'>"
        f"{inner}</summary></results>"
    )
    return Response(text.encode("utf-8", "replace"))


def _field(rows: Found, name: str, most: int) -> dict[str, Any]:
    counts: dict[str, int] = {}
    present = 0
    for row in rows:
        value = row.get(name)
        if value is None:
            continue
        present += 1
        for one in value if isinstance(value, list) else [value]:
            counts[str(one)] = counts.get(str(one), 0) + 1
    modes = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return {
        "count": present,
        "distinct_count": len(counts),
        "is_exact": True,
        "modes": [{"value": value, "count": count, "is_exact": True} for value, count in modes],
    }


def _xml_field(name: str, said: dict[str, Any]) -> str:
    modes = "".join(
        f'<value c="{one["count"]}" exact="1"><text>{escape(clean(one["value"]))}</text></value>'
        for one in said["modes"]
    )
    return (
        f'<field k={quoteattr(clean(name))} c="{said["count"]}" exact="1"'
        f' dc="{said["distinct_count"]}"><modes>{modes}</modes></field>'
    )


def timeline_of(rows: Found, mode: str) -> Response:
    """How many events lie in which span of time."""
    times = sorted(
        float(moment) for row in rows if isinstance(moment := row.get("_time"), int | float)
    )
    buckets = _buckets(times)
    if mode == "json":
        said = {"event_count": len(times), "cursor_time": 0, "buckets": buckets}
        return Response(json.dumps(said).encode(), kind=JSON)
    inner = "".join(
        f'<bucket c="{one["total_count"]}" a="{one["available_count"]}"'
        f' t="{one["earliest_time"]:.3f}" d="{one["duration"]}" f="1" etz="0" ltz="0">'
        f"{shown_time(one['earliest_time'])}</bucket>"
        for one in buckets
    )
    return Response(f'<timeline c="{len(times)}" cursor="0">{inner}</timeline>'.encode())


def _buckets(times: list[float]) -> list[dict[str, Any]]:
    if not times:
        return []
    width = next((s for s in SPANS if (times[-1] - times[0]) / s <= MOST_BUCKETS), SPANS[-1])
    counts: dict[int, int] = {}
    for moment in times:
        counts[int(moment // width)] = counts.get(int(moment // width), 0) + 1
    return [
        {
            "earliest_time": number * width,
            "duration": width,
            "total_count": count,
            "available_count": count,
            "is_finalized": True,
        }
        for number, count in sorted(counts.items())
    ]

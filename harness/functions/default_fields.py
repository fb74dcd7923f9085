"""Splunk's default fields, worked out of the raw text; they have no name in SPL.

Source: Splunk Knowledge Manager Manual, "Use default fields".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.time_formats import TIME_KEYS
from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect, Sql

XML_TIME = "SystemTime="
JSON_TIME = rf'(?s)^.*?"(?:{"|".join(TIME_KEYS)})"\s*:\s*"?'
"""The beginning of an event up to where its time stands."""
MOMENT = r"[1-9]\d\d\d-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
ISO_TIME = (
    rf"^(?:({MOMENT}Z)(?:[^A-Za-z]|\z)|({MOMENT}[+-][01]\d:?[0-5]\d)|({MOMENT})(?:[^\d .,+\-Z]|\z))"
)
"""Behind a time there is nothing that could belong to it, or its zone says the end."""
ISO_LENGTH = 40
PARTS = "%-H %-d %-M %B %-S %A %Y"
ZONE = r"([+-])(\d\d):?(\d\d)\z"


@eval_function()
def linecount(d: Dialect, raw: Typed) -> Typed:
    """How many lines an event has."""
    text = as_text(d, raw).sql
    several = d.function("contains", text, d.literal("\n"))
    lines = [
        (several, d.function("spl_line_count", text)),
        (d.function("not", several), d.literal(1.0)),
    ]
    return Typed(d.case(lines), Kind.NUMBER)


@eval_function()
def punct(d: Dialect, raw: Typed) -> Typed:
    """The first 30 characters of the first line that are no letters and no digits.

    A space is written `_`, a tab `t`.
    """
    return Typed(d.function("spl_punct", as_text(d, raw).sql), Kind.TEXT)


@eval_function()
def time_start(d: Dialect, raw: Typed) -> Typed:
    """Where the time of an event stands, from 0, if it is written in the commonest way.

    As `harness.ingest.timestamps` looks for it: in XML behind a name, in JSON behind the first
    key that may have it, else at the beginning.
    """
    text = as_text(d, raw).sql
    named = [
        d.function("nullif", d.function("strpos", text, d.literal(one)), d.position(0))
        for one in (f"{XML_TIME}'", f'{XML_TIME}"')
    ]
    behind = d.function("add", d.function("least", *named), d.position(len(XML_TIME)))
    keyed = d.function("length", d.regex_filled(text, JSON_TIME, 0))
    found = [
        (d.function("starts_with", text, d.literal("<")), behind),
        (d.function("starts_with", text, d.literal("{")), keyed),
    ]
    return Typed(d.case(found, d.position(0)), Kind.NUMBER)


@eval_function()
def time_written(d: Dialect, raw: Typed, start: Typed) -> Typed:
    """A time of ISO's shape from a place on, with its zone, so far as that needs no second look."""
    begin = d.function("add", start.sql, d.position(1))
    beginning = d.function("substr", as_text(d, raw).sql, begin, d.position(ISO_LENGTH))
    parts = d.regex_parts(beginning, ISO_TIME, 3)
    cells = (d.function("regex_part", parts, d.position(number)) for number in (1, 2, 3))
    return Typed(d.function("no_blank", d.function("concat", *cells)), Kind.TEXT)


@eval_function("time_parts", literal=(2, 3, 4, 5))
def time_parts(
    d: Dialect,
    raw: Typed,
    time: Typed,
    prefix: Typed,
    form: Typed,
    lookahead: Typed,
    zone: Typed,
    *quick: Typed,
) -> Typed:
    """Where an event's time stands and what it says, as `harness.fields.defaults` lists them.

    `quick` are `time_start` and `time_written`, which most events are read by.
    """
    told = [d.literal(str(one.constant)) for one in (prefix, form, lookahead)]
    at = d.literal(str(zone.constant) or d.timezone)
    found = d.function("spl_time_parts", as_text(d, raw).sql, as_number(d, time).sql, *told, at)
    if quick:
        start, written = quick
        found = d.case(
            _quick_parts(d, as_text(d, raw).sql, time.sql, start.sql, written.sql), found
        )
    return Typed(found, Kind.ANY, multi=True)


def _quick_parts(
    d: Dialect, raw: Sql, time: Sql, start: Sql, written: Sql
) -> list[tuple[Sql, Sql]]:
    """When the parts are known without `spl_time_parts`, and what they are."""
    day, clock = (
        d.function("substr", written, d.position(first), d.position(length))
        for first, length in ((1, 10), (12, 8))
    )
    spelled = d.function("concat", day, d.literal(" "), clock)
    stamp = d.function("strptime", spelled, d.literal("%Y-%m-%d %H:%M:%S"))
    read = d.function("lower", d.function("strftime", stamp, d.literal(PARTS)))
    end = d.function("add", start, d.function("length", written))
    cells: list[Sql] = []
    for cell in (start, end, read, _zone_minutes(d, written)):
        cells += [cell, d.literal(" ")]
    parts = d.function("string_split", d.function("concat", *cells[:-1]), d.literal(" "))
    present = [d.function("is_not_null", one) for one in (stamp, time)]
    without_key = (
        d.function("starts_with", raw, d.literal("{")),
        d.function("is_null", start),
    )
    return [
        (d.function("and", *present), parts),
        (d.function("and", *without_key), d.function("null_list")),
    ]


def _zone_minutes(d: Dialect, written: Sql) -> Sql:
    """The minutes east of UTC that a time ends with, `local` where it says none."""
    sign, hours, minutes = (
        d.function("regex_part", d.regex_parts(written, ZONE, 3), d.position(number))
        for number in (1, 2, 3)
    )
    whole = d.function("multiply", d.function("integer", hours), d.position(60))
    east = d.function("add", whole, d.function("integer", minutes))
    signed = d.function(
        "multiply", east, d.function("integer", d.function("concat", sign, d.literal("1")))
    )
    return d.case(
        [
            (d.function("ends_with", written, d.literal("Z")), d.literal("0")),
            (d.regex_matches(written, ZONE), d.function("concat", signed, d.literal(""))),
        ],
        d.literal("local"),
    )

"""Splunk's default fields: what it adds to every event when it indexes it.

Here they are worked out of the raw text when a search asks for them. Source: Splunk Knowledge
Manager Manual, "Use default fields".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Const, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METADATA = ("_raw", "_time", "host")
KNOWN = ("index", "source", "sourcetype")
"""What all events of a group have in common."""
PLAIN = ("linecount", "punct")
TIME_PARTS = (
    "timestartpos", "timeendpos", "date_hour", "date_mday", "date_minute", "date_month",
    "date_second", "date_wday", "date_year", "date_zone",
)  # fmt: skip
"""In the order in which the engine's function gives them."""
SERVER = "splunk_server"
SERVER_NAME = "localhost"
INDEX_TIME = "_indextime"
"""Nothing is indexed here: an event counts as indexed in the second in which it happened."""
DEFAULTS = frozenset({*PLAIN, *TIME_PARTS, SERVER, INDEX_TIME})
LISTED = DEFAULTS - {INDEX_TIME}
"""Those that are found among the fields of an event; the others have to be named."""


def default_fields(
    names: Iterable[str], settings: Mapping[str, str], *, has_raw: bool
) -> tuple[tuple[tuple[str, Expr], ...], ...]:
    """The expressions of some of `DEFAULTS`, in layers: a later one reads those before it.

    Without a raw text only the server's name and the time of indexing are known.
    """
    given = tuple(names)
    absent = _left_out(settings)
    wanted = [name for name in given if name not in absent]
    layers: list[tuple[tuple[str, Expr], ...]] = []
    if has_raw and not set(TIME_PARTS).isdisjoint(wanted):
        layers += _times(settings)
    layers.append(
        tuple((name, _default(name, has_raw=has_raw and name not in absent)) for name in given)
    )
    return tuple(layers)


def _left_out(settings: Mapping[str, str]) -> frozenset[str]:
    """Those that an index does not have, as props.conf says.

    Source: props.conf.spec, ANNOTATE_PUNCT, ADD_EXTRA_TIME_FIELDS and DATETIME_CONFIG.
    """

    def text(key: str) -> str:
        return settings.get(key, "").strip().lower()

    absent: set[str] = set()
    if text("ANNOTATE_PUNCT") in NO:
        absent.add("punct")
    if text("ADD_EXTRA_TIME_FIELDS") in (*NO, "none", "subseconds"):
        absent |= set(TIME_PARTS)
    if text("DATETIME_CONFIG") in ("none", "current"):
        absent |= set(TIME_PARTS)
    return frozenset(absent)


def _times(settings: Mapping[str, str]) -> list[tuple[tuple[str, Expr], ...]]:
    """The parts of an event's time, by way of its text where nothing says how it is written."""
    raw = Field("_raw")
    told = [settings.get(key, "") for key in TIME_SETTINGS]
    parts: tuple[Expr, ...] = (raw, Field("_time"), *(Const(text) for text in told))
    if told[0] or told[1]:
        return [((TIME, Call("time_parts", parts)),)]
    start, written = Field(START), Field(WRITTEN)
    return [
        ((START, Call("time_start", (raw,))),),
        ((WRITTEN, Call("time_written", (raw, start))),),
        ((TIME, Call("time_parts", (*parts, start, written))),),
    ]


def _default(name: str, *, has_raw: bool) -> Expr:
    if name == SERVER:
        return Const(SERVER_NAME)
    if name == INDEX_TIME:
        return Call("floor", (Field("_time"),))
    if not has_raw:
        return Const(None)
    if name in PLAIN:
        return Call(name, (Field("_raw"),))
    return Call("mvindex", (Field(TIME), Const(float(TIME_PARTS.index(name)))))


NO = ("false", "f", "0", "no", "n")
TIME_SETTINGS = ("TIME_PREFIX", "TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD", "TZ")
START, WRITTEN, TIME = "\0time start", "\0time written", "\0time"

"""Splunk's default fields: what it adds to every event when it indexes it.

Here they are worked out of the raw text when a search asks for them. Source: Splunk Knowledge
Manager Manual, "Use default fields".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Const, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = ("linecount", "punct")
TIME_PARTS = (
    "timestartpos", "timeendpos", "date_hour", "date_mday", "date_minute", "date_month",
    "date_second", "date_wday", "date_year", "date_zone",
)  # fmt: skip
"""In the order in which the engine's function gives them."""
SERVER = "splunk_server"
SERVER_NAME = "localhost"
DEFAULTS = frozenset({*PLAIN, *TIME_PARTS, SERVER})


def default_field(name: str, settings: Mapping[str, str], *, has_raw: bool) -> Expr:
    """The expression of one of `DEFAULTS`; without a raw text only the server's name is known."""
    if name == SERVER:
        return Const(SERVER_NAME)
    if not has_raw:
        return Const(None)
    raw = Field("_raw")
    if name in PLAIN:
        return Call(name, (raw,))
    told = (settings.get(key, "") for key in TIME_SETTINGS)
    parts = Call("time_parts", (raw, Field("_time"), *(Const(text) for text in told)))
    return Call("mvindex", (parts, Const(float(TIME_PARTS.index(name)))))


TIME_SETTINGS = ("TIME_PREFIX", "TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD", "TZ")

"""Splunk's default fields, as `harness.functions.default_fields` asks for them."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from harness.ingest.timestamps import TimeRules, time_rules
from harness.model.time_formats import DAYS, MONTHS

if TYPE_CHECKING:
    from datetime import tzinfo

PUNCTUATION = re.compile(r"[^\w\r\n]|_")
PUNCT_CHARACTERS = 30
FIRST_LOOK = 200
"""As many characters hold that much punctuation as a rule; of ASCII they are read as bytes."""
WRITTEN = bytes.maketrans(b" \t", b"_t")
NO_PUNCTUATION = (string.ascii_letters + string.digits + "\r\n").encode()


def line_count(raw: str | None) -> float | None:
    """The lines of a text."""
    return None if raw is None else float(raw.rstrip("\n").count("\n") + 1)


def punct(raw: str | None) -> str | None:
    """The punctuation of the first line."""
    if raw is None:
        return None
    end = raw.find("\n")
    end = len(raw) if end < 0 else end
    beginning = raw[: min(end, FIRST_LOOK)]
    if beginning.isascii():
        found = beginning.encode().translate(WRITTEN, NO_PUNCTUATION)
        if len(found) >= PUNCT_CHARACTERS or end <= FIRST_LOOK:
            return found[:PUNCT_CHARACTERS].decode()
    signs = islice(PUNCTUATION.finditer(raw, 0, end), PUNCT_CHARACTERS)
    return "".join(one[0] for one in signs).replace(" ", "_").replace("\t", "t")


def time_parts(
    raw: str | None, time: float | None, prefix: str, form: str, lookahead: str, zone: str
) -> list[str] | None:
    """Start, end, hour, day, minute, month, second, weekday, year and zone of an event's time.

    The zone is minutes east of UTC, or `local` where the text names none.
    """
    if raw is None or time is None:
        return None
    rules, at = _rules(prefix, form, lookahead, zone)
    stamp = rules.find(raw, at, datetime.fromtimestamp(time, UTC))
    if stamp is None:
        return None
    moment = stamp.moment
    offset = moment.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    return [
        str(stamp.start),
        str(stamp.end),
        str(moment.hour),
        str(moment.day),
        str(moment.minute),
        MONTHS[moment.month - 1],
        str(moment.second),
        DAYS[moment.weekday()],
        str(moment.year),
        str(minutes) if stamp.has_zone else "local",
    ]


@lru_cache(maxsize=256)
def _rules(prefix: str, form: str, lookahead: str, zone: str) -> tuple[TimeRules, tzinfo]:
    rules = time_rules(prefix, form, lookahead)
    return replace(rules, form="") if rules.unread() else rules, ZoneInfo(zone)

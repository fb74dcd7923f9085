"""Time zones by their names."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from harness.errors import nearest
from harness.ingest.errors import BadTimezone

if TYPE_CHECKING:
    from datetime import tzinfo

    from harness.errors import Place


def time_zone(name: str, place: Place | None = None) -> tzinfo:
    """The zone of an IANA name; raises `BadTimezone`. UTC needs no database of zones."""
    if name.upper() in ("UTC", "ETC/UTC"):
        return UTC
    from zoneinfo import (  # noqa: PLC0415 - start-up is a feature: most data is in UTC
        ZoneInfo,
        available_timezones,
    )

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        hints = nearest(name, available_timezones()) or ("for example Europe/Berlin",)
        raise BadTimezone(f"`{name}` is no time zone", place=place, hints=hints) from error

"""Time zones by their names."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone
from typing import TYPE_CHECKING

from harness.errors import nearest
from harness.ingest.errors import BadTimezone

if TYPE_CHECKING:
    from datetime import tzinfo

    from harness.apps.conf import Setting
    from harness.errors import Place


OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)


def zone_aliases(setting: Setting | None) -> dict[str, tzinfo]:
    """What TZ_ALIAS means by the names of zones: `EST=GMT+10:00, …`, or a zone by its name."""
    found: dict[str, tzinfo] = {}
    for pair in setting.value.split(",") if setting is not None else ():
        name, sign, value = (part.strip() for part in pair.partition("="))
        if sign and name and setting is not None:
            found[name.lower()] = _offset(value) or time_zone(value, setting.place)
    return found


def _offset(text: str) -> tzinfo | None:
    """The zone of an offset like GMT+10:00, which is east of Greenwich."""
    found = OFFSET.fullmatch(text)
    if found is None:
        return None
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 23 or minutes > 59:
        return None
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(away if found[1] == "+" else -away)


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

"""Where an IP address is: read from a file in MaxMind's format that the user names."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = "code"
"""The language that stands for the two-letter codes of ISO."""


class BadLocations(HarnessError):
    """The database of locations cannot be read."""


@lru_cache(maxsize=4)
def open_locations(path: str) -> Any:
    """The open database; it stays open, since every search may ask it."""
    import maxminddb  # noqa: PLC0415 - only iplocation pays for it

    try:
        return maxminddb.open_database(path)
    except OSError as error:
        message = f"the database of locations cannot be read: {error.strerror}"
        raise BadLocations(message, place=Place(path)) from error
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        message = "the database of locations is no MaxMind file"
        raise BadLocations(message, place=Place(path)) from error


def location(address: str | None, database: str, part: str, languages: str) -> str | None:
    """A part of an address's location: empty where the database lacks it.

    NULL for what is no address, and for an address that the database does not know.
    """
    found = None if address is None else _found(database, address)
    return None if found is None else _part(found, part, languages.split(","))


@lru_cache(maxsize=65536)
def _found(database: str, address: str) -> Mapping[str, Any] | None:
    import maxminddb  # noqa: PLC0415 - only iplocation pays for it

    plain = address.strip().partition("/")[0]
    with suppress(ValueError, maxminddb.InvalidDatabaseError):
        found = open_locations(database).get(plain)
        return found if isinstance(found, dict) else None
    return None


def _part(record: Mapping[str, Any], part: str, languages: list[str]) -> str:
    where = _mapping(record.get("location"))
    if part in ("lat", "lon", "MetroCode", "Timezone"):
        names = {"lat": "latitude", "lon": "longitude", "MetroCode": "metro_code"}
        value = where.get(names.get(part, "time_zone"))
        return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
    if part == "Region":
        regions = record.get("subdivisions")
        return _name(regions[0] if isinstance(regions, list) and regions else None, languages)
    return _name(record.get(part.lower()), languages)


def _name(place: object, languages: list[str]) -> str:
    """The name in the first of the languages that has one."""
    known = _mapping(place)
    for language in languages:
        if language == CODES:
            name = known.get("iso_code") or known.get("code")
        else:
            name = _mapping(known.get("names")).get(language)
        if name is not None:
            return str(name)
    return ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

"""Functions that DuckDB lacks, in Python: created on a connection when a statement uses them.

Each is given NULLs and gives NULL for what has no answer. Patterns are bounded in time.
"""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from harness.errors import HarnessError
from harness.spl.time_modifiers import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

REGEX_SECONDS = 5.0
MAX_JSON_DEPTH = 50
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
VARIABLE = re.compile(r"%(\d?[A-Za-z%])")


class SlowPattern(HarnessError):
    """A regular expression that backtracks without end on some event."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import regex  # noqa: PLC0415 - only patterns beyond RE2 pay for it

    return regex.compile(pattern, regex.ASCII | regex.VERSION0)


def _bounded(pattern: str, call: Callable[[Any], Any]) -> Any:
    try:
        return call(_compiled(pattern))
    except TimeoutError as error:
        raise SlowPattern(
            f"the pattern {pattern!r} took more than {REGEX_SECONDS:g} s on one event",
            hints=["anchor it, or make its repeats exclude each other"],
        ) from error


def regex_matches(text: str | None, pattern: str) -> bool | None:
    """Whether a pattern occurs."""
    if text is None:
        return None
    found = _bounded(pattern, lambda p: p.search(text, timeout=REGEX_SECONDS))
    return found is not None


def regex_group(text: str | None, pattern: str, group: int) -> str | None:
    """A group of the first match; NULL if it took no part."""
    if text is None:
        return None
    found = _bounded(pattern, lambda p: p.search(text, timeout=REGEX_SECONDS))
    return found.group(group) if found else None


def regex_all(text: str | None, pattern: str, group: int) -> list[str] | None:
    """A group of every match."""
    if text is None:
        return None
    found = _bounded(pattern, lambda p: list(p.finditer(text, timeout=REGEX_SECONDS)))
    return [match.group(group) or "" for match in found] or None


def regex_replace(text: str | None, pattern: str, replacement: str, count: int) -> str | None:
    """Matches replaced, all of them with a count of 0; references are a backslash and digits."""
    if text is None:
        return None

    def expand(match: Any) -> str:
        return re.sub(
            r"\\(\d)",
            lambda m: match.group(int(m[1])) or "" if int(m[1]) <= len(match.groups()) else "",
            replacement,
        )

    return str(_bounded(pattern, lambda p: p.sub(expand, text, count, timeout=REGEX_SECONDS)))


@lru_cache(maxsize=4096)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def cidr_match(network: str | None, address: str | None) -> bool | None:
    """Whether an address lies in a network; what is neither does not."""
    if network is None or address is None:
        return None
    known = _network(network)
    try:
        return known is not None and ipaddress.ip_address(address.strip()) in known
    except ValueError:
        return False


def ip_number(text: str | None) -> float | None:
    """A number by which addresses sort."""
    if text is None:
        return None
    try:
        return float(int(ipaddress.ip_address(text.strip())))
    except ValueError:
        return None


def urldecode(text: str | None) -> str | None:
    """Percent escapes and plus signs decoded."""
    return None if text is None else unquote_plus(text)


def from_base(text: str | None, base: int) -> float | None:
    """The number that a text spells in a base."""
    try:
        return None if text is None else float(int(text.strip(), base))
    except ValueError:
        return None


def in_hex(number: float | None) -> str | None:
    """`0x` and the digits."""
    return None if number is None else hex(int(number))


def with_commas(number: float | None) -> str | None:
    """Thousands set apart; two decimals where there are any."""
    if number is None:
        return None
    return f"{int(number):,}" if number.is_integer() else f"{number:,.2f}"


def duration(number: float | None) -> str | None:
    """`HH:MM:SS`, with days before a plus sign."""
    if number is None:
        return None
    seconds = int(number)
    days, rest = divmod(abs(seconds), 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    sign = "-" if seconds < 0 else ""
    return f"{sign}{days}+{clock}" if days else f"{sign}{clock}"


def _rank(text: str) -> tuple[int, float, str]:
    if NUMBER.fullmatch(text):
        return (0, float(text), "")
    return (1, 0.0, text)


def greatest(values: list[str | None] | None) -> str | None:
    """The greatest value; text is greater than numbers."""
    return max((v for v in values or [] if v is not None), key=_rank, default=None)


def least(values: list[str | None] | None) -> str | None:
    """The least value."""
    return min((v for v in values or [] if v is not None), key=_rank, default=None)


def unique(values: list[str] | None) -> list[str] | None:
    """Each value once, in the order of first appearance."""
    return None if values is None else list(dict.fromkeys(values))


def strftime(epoch: float | None, form: str, zone: str) -> str | None:
    """A time by Splunk's variables."""
    if epoch is None:
        return None
    moment = datetime.fromtimestamp(epoch, ZoneInfo(zone))
    return VARIABLE.sub(lambda found: _printed(found[1], moment, epoch), form)


def _printed(variable: str, moment: datetime, epoch: float) -> str:
    kind, digits = variable[-1], variable[:-1]
    if kind in "NQ":
        return f"{moment.microsecond * 1000:09d}"[: int(digits or (9 if kind == "N" else 3))]
    special = {
        "s": str(int(epoch)),
        "z": moment.strftime("%z"),
        "Z": moment.tzname() or "",
        "e": f"{moment.day:2d}",
        "k": f"{moment.hour:2d}",
        "l": f"{(moment.hour - 1) % 12 + 1:2d}",
        "n": "\n",
        "t": "\t",
        "T": moment.strftime("%H:%M:%S"),
        "F": moment.strftime("%Y-%m-%d"),
        "h": moment.strftime("%b"),
    }
    return special.get(kind) or moment.strftime(f"%{kind}")


def strptime(text: str | None, form: str, zone: str) -> float | None:
    """The epoch seconds that a text spells by a format."""
    if text is None:
        return None
    if form == "%s":
        return float(text) if NUMBER.fullmatch(text) else None
    pattern = form.replace("%T", "%H:%M:%S").replace("%F", "%Y-%m-%d").replace("%e", "%d")
    pattern = re.sub(r"%\d?[NQ]", "%f", pattern).replace("%k", "%H").replace("%l", "%I")
    pattern = pattern.replace("%h", "%b").replace("%D", "%m/%d/%y").replace("%R", "%H:%M")
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text.strip()) if "%f" in pattern else text.strip()
    try:
        moment = datetime.strptime(trimmed, pattern)  # noqa: DTZ007 - the zone follows
    except ValueError:
        return None
    if moment.year == 1900 and "%Y" not in pattern and "%y" not in pattern:
        moment = moment.replace(year=datetime.now(UTC).year)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


def relative_time(epoch: float | None, modifier: str, zone: str) -> float | None:
    """A time moved and snapped."""
    try:
        return None if epoch is None else parse_time(modifier, epoch, zone)
    except ValueError:
        return None


def json_field(text: str | None, path: str) -> list[str] | None:
    """The values at a path of a JSON text."""
    document = _document(text)
    return None if document is None else (_leaves(document).get(path) or None)


def json_names(text: str | None) -> list[str] | None:
    """The paths of the leaves of a JSON text."""
    document = _document(text)
    return None if document is None else list(_leaves(document))


@lru_cache(maxsize=256)
def _document(text: str | None) -> Any:
    if text is None or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _leaves(document: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}

    def walk(value: Any, path: str, depth: int) -> None:
        if depth > MAX_JSON_DEPTH or value is None:
            return
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{path}.{key}" if path else key, depth + 1)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, f"{path}{{}}", depth + 1)
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            found.setdefault(path, []).append(text)

    walk(document, "", 0)
    return found


ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(lt|gt|quot|apos|amp));")
NAMED = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}
LAST_CHARACTER = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


def xml_text(text: str | None) -> str | None:
    """The five entities and numeric ones decoded, once; what names no character stays."""
    return None if text is None else ENTITY.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return NAMED[found[3]]
    code = int(found[1]) if found[1] else int(found[2], 16)
    valid = 0 < code <= LAST_CHARACTER and code not in SURROGATES
    return chr(code) if valid else found[0]


TEXT, LIST, NUMBER_TYPE, WHOLE, TRUTH = "VARCHAR", "VARCHAR[]", "DOUBLE", "INTEGER", "BOOLEAN"
FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "spl_regex_matches": (regex_matches, [TEXT, TEXT], TRUTH),
    "spl_regex_group": (regex_group, [TEXT, TEXT, WHOLE], TEXT),
    "spl_regex_all": (regex_all, [TEXT, TEXT, WHOLE], LIST),
    "spl_regex_replace": (regex_replace, [TEXT, TEXT, TEXT, WHOLE], TEXT),
    "spl_cidr_match": (cidr_match, [TEXT, TEXT], TRUTH),
    "spl_ip_number": (ip_number, [TEXT], NUMBER_TYPE),
    "spl_urldecode": (urldecode, [TEXT], TEXT),
    "spl_from_base": (from_base, [TEXT, WHOLE], NUMBER_TYPE),
    "spl_hex": (in_hex, [NUMBER_TYPE], TEXT),
    "spl_commas": (with_commas, [NUMBER_TYPE], TEXT),
    "spl_duration": (duration, [NUMBER_TYPE], TEXT),
    "spl_max": (greatest, [LIST], TEXT),
    "spl_min": (least, [LIST], TEXT),
    "spl_unique": (unique, [LIST], LIST),
    "spl_strftime": (strftime, [NUMBER_TYPE, TEXT, TEXT], TEXT),
    "spl_strptime": (strptime, [TEXT, TEXT, TEXT], NUMBER_TYPE),
    "spl_relative_time": (relative_time, [NUMBER_TYPE, TEXT, TEXT], NUMBER_TYPE),
    "spl_xml_text": (xml_text, [TEXT], TEXT),
    "spl_json_field": (json_field, [TEXT, TEXT], LIST),
    "spl_json_names": (json_names, [TEXT], LIST),
}


def create(connection: duckdb.DuckDBPyConnection, names: set[str], created: set[str]) -> None:
    """Create the functions that a statement uses and the connection does not have yet."""
    for name in sorted(names - created):
        function, parameters, result = FUNCTIONS[name]
        register: Any = connection.create_function
        register(name, function, parameters, result, null_handling="special")
        created.add(name)

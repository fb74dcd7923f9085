"""Functions that DuckDB lacks, in Python: created on a connection when a statement uses them.

Each is given NULLs and gives NULL for what has no answer. Patterns are bounded in time.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
from functools import lru_cache, wraps
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from harness.engines import paths, xml_documents
from harness.engines.default_fields import line_count, punct, time_parts
from harness.engines.delimiters import delimited, delimited_pairs
from harness.engines.documents import (
    auto_object,
    object_names,
    object_prefixed,
    object_value,
    pair_object,
    table_objects,
    xpath_values,
)
from harness.engines.json_functions import JSON_FUNCTIONS, LIST, NUMBER_TYPE, TEXT, TRUTH
from harness.engines.locations import location
from harness.engines.number_functions import NUMBER_FUNCTIONS
from harness.engines.printing import printf
from harness.engines.time_functions import bin_months, relative_time, strftime, strptime
from harness.errors import HarnessError
from harness.model.numbers import number_text
from harness.registry.patterns import MAX_PATTERN, BadPattern, python_pattern
from harness.spl.time_modifiers import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engines.connection import Connection

REGEX_SECONDS = 5.0
MAX_SHOWN = 200
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")


SPELLED = re.compile(r"[-+]?(?:0[xX])?[0-9A-Za-z]+")
MAX_VALUES = 100_000
BASES = range(2, 37)
SEARCH_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[|\[\]]', re.DOTALL)
UNIT = re.compile(r"\d*[A-Za-z]+")


class SlowPattern(HarnessError):
    """A regular expression that backtracks without end on some event."""


class TooManyValues(HarnessError):
    """A field would hold more values than anybody can mean."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import regex  # noqa: PLC0415 - only patterns beyond RE2 pay for it

    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"a computed pattern of more than {MAX_PATTERN:,} characters")
    try:
        return regex.compile(python_pattern(pattern), regex.ASCII | regex.VERSION1)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise BadPattern(
            f"the computed pattern {_shown(pattern)} does not compile: {error}"
        ) from error


def _shown(pattern: str) -> str:
    return repr(pattern if len(pattern) <= MAX_SHOWN else f"{pattern[:MAX_SHOWN]}…")


def _bounded(pattern: str, call: Callable[[Any], Any]) -> Any:
    try:
        return call(_compiled(pattern))
    except TimeoutError as error:
        raise SlowPattern(
            f"the pattern {_shown(pattern)} took more than {REGEX_SECONDS:g} s on one event",
            hints=["anchor it, or make its repeats exclude each other"],
        ) from error
    except MemoryError as error:
        raise SlowPattern(
            f"the pattern {_shown(pattern)} needs more memory than there is",
            hints=["a pattern that calls itself has to take a character before"],
        ) from error


def regex_matches(text: str | None, pattern: str | None) -> bool | None:
    """Whether a pattern occurs."""
    if text is None or pattern is None:
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


def regex_replace(
    text: str | None, pattern: str | None, replacement: str | None, count: int
) -> str | None:
    """Matches replaced, all of them with a count of 0; references are a backslash and digits."""
    if text is None or pattern is None or replacement is None:
        return None

    def expand(match: Any) -> str:
        return _expanded(match, replacement)

    return str(_bounded(pattern, lambda p: p.sub(expand, text, count, timeout=REGEX_SECONDS)))


def _expanded(match: Any, replacement: str) -> str:
    return re.sub(
        r"\\(\d)",
        lambda m: match.group(int(m[1])) or "" if int(m[1]) <= len(match.groups()) else "",
        replacement,
    )


def regex_replace_at(text: str | None, pattern: str, replacement: str, number: int) -> str | None:
    """One match replaced, by its number from 1; references are a backslash and digits."""
    if text is None:
        return None
    found = _bounded(
        pattern,
        lambda p: list(islice(p.finditer(text, timeout=REGEX_SECONDS), number)),
    )
    if len(found) < number:
        return text
    match = found[-1]
    return text[: match.start()] + _expanded(match, replacement) + text[match.end() :]


def regex_offsets(text: str | None, pattern: str, group: int) -> str | None:
    """Where a group of the first match begins and ends, positions from 0."""
    if text is None:
        return None
    found = _bounded(pattern, lambda p: p.search(text, timeout=REGEX_SECONDS))
    if found is None or found.group(group) is None:
        return None
    return f"{found.start(group)}-{max(found.start(group), found.end(group) - 1)}"


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


def from_base(text: str | None, base: int | None) -> float | None:
    """The number that a text spells in a base; hexadecimal digits may follow `0x`."""
    if text is None or base is None or base not in BASES:
        return None
    if not SPELLED.fullmatch(text):
        return None
    try:
        return float(int(text, base))
    except (ValueError, OverflowError):
        return None


def in_hex(number: float | None) -> str | None:
    """`0x` and the digits in upper case; NULL for a fraction."""
    if number is None or not float(number).is_integer():
        return None
    return f"{'-' if number < 0 else ''}0x{abs(int(number)):X}"


def in_binary(number: float | None) -> str | None:
    """The binary digits; NULL for a fraction."""
    return f"{int(number):b}" if number is not None and float(number).is_integer() else None


def with_commas(number: float | None) -> str | None:
    """Thousands set apart; two decimals where there are any."""
    if number is None or not math.isfinite(number):
        return None
    return f"{int(number):,}" if number.is_integer() else f"{number:,.2f}"


def duration(number: float | None) -> str | None:
    """`HH:MM:SS`, with days before a plus sign."""
    if number is None or not math.isfinite(number):
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


def sha512(text: str | None) -> str | None:
    """The SHA-512 digest in hexadecimal."""
    return None if text is None else hashlib.sha512(text.encode()).hexdigest()


def substr(text: str | None, start: int | None, count: int | None) -> str | None:
    """A part by SQLite's rules, which Splunk's are; a count of NULL reaches to the end."""
    if text is None or start is None:
        return None
    size = len(text) + abs(start) + 1 if count is None else abs(count)
    first = start
    if first < 0:
        first += len(text)
        if first < 0:
            size, first = max(0, size + first), 0
    elif first > 0:
        first -= 1
    elif size > 0:
        size -= 1
    if count is not None and count < 0:
        first -= size
        if first < 0:
            size, first = size + first, 0
    return text[first : first + max(0, size)]


def ip_mask(mask: str | None, address: str | None) -> str | None:
    """An IPv4 address with the bits of a mask."""
    try:
        bits = int(ipaddress.IPv4Address(mask or "")) & int(ipaddress.IPv4Address(address or ""))
    except ValueError:
        return None
    return str(ipaddress.IPv4Address(bits))


def zipped(
    left: list[str] | None, right: list[str] | None, between: str | None
) -> list[str] | None:
    """Values in pairs, as far as both lists reach."""
    if between is None:
        return None
    pairs = zip(left or [], right or [], strict=False)
    return [f"{one}{between}{other}" for one, other in pairs] or None


def joined(values: list[str] | None, between: str | None) -> str | None:
    """Values as one text."""
    return None if values is None or between is None else between.join(values)


def spread(start: float | None, end: float | None, step: str | None, zone: str) -> list[str] | None:
    """Numbers from a start up to an end; a step with a unit is a span of time."""
    if (
        start is None
        or end is None
        or step is None
        or not math.isfinite(start)
        or not math.isfinite(end)
    ):
        return None
    found: list[str] = []
    value = start
    while value < end:
        if len(found) == MAX_VALUES:
            raise TooManyValues(f"mvrange gives more than {MAX_VALUES:,} values")
        found.append(number_text(value))
        try:
            value = (
                parse_time(f"+{step}", value, zone) if UNIT.fullmatch(step) else value + float(step)
            )
        except ValueError:
            return None
        if value <= start:
            return None
    return found or None


def commands(text: str | None) -> list[str] | None:
    """The commands of a search, in order; those of its subsearches are not among them."""
    if text is None:
        return None
    parts, depth, begun = [], 0, 0
    for found in SEARCH_PART.finditer(text):
        character = found[0]
        depth += (character == "[") - (character == "]")
        if character == "|" and depth <= 0:
            parts.append(text[begun : found.start()])
            begun = found.end()
    parts.append(text[begun:])
    first = parts[0].strip()
    names = [part.split()[0].lower() for part in parts[1:] if part.strip()]
    return ["search", *names] if first else names or None


def xml_text(text: str | None) -> str | None:
    """The five entities and numeric ones decoded, once; what names no character stays."""
    return None if text is None else xml_documents.decoded(text)


def xmlkv(text: str | None, name: str) -> list[str] | None:
    """The texts of the elements of a name that hold nothing else."""
    return None if text is None else xml_documents.texts_by_name(text).get(name)


def xmlkv_names(text: str | None) -> list[str] | None:
    """The names of the elements that hold nothing but text."""
    return None if text is None else list(xml_documents.texts_by_name(text)) or None


WHOLE, LONG = "INTEGER", "BIGINT"
FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "spl_regex_matches": (regex_matches, [TEXT, TEXT], TRUTH),
    "spl_regex_group": (regex_group, [TEXT, TEXT, WHOLE], TEXT),
    "spl_regex_all": (regex_all, [TEXT, TEXT, WHOLE], LIST),
    "spl_regex_replace": (regex_replace, [TEXT, TEXT, TEXT, WHOLE], TEXT),
    "spl_regex_replace_at": (regex_replace_at, [TEXT, TEXT, TEXT, WHOLE], TEXT),
    "spl_regex_offsets": (regex_offsets, [TEXT, TEXT, WHOLE], TEXT),
    "spl_cidr_match": (cidr_match, [TEXT, TEXT], TRUTH),
    "spl_ip_number": (ip_number, [TEXT], NUMBER_TYPE),
    "spl_urldecode": (urldecode, [TEXT], TEXT),
    "spl_from_base": (from_base, [TEXT, LONG], NUMBER_TYPE),
    "spl_hex": (in_hex, [NUMBER_TYPE], TEXT),
    "spl_binary": (in_binary, [NUMBER_TYPE], TEXT),
    "spl_printf": (printf, [TEXT, LIST], TEXT),
    "spl_substr": (substr, [TEXT, LONG, LONG], TEXT),
    "spl_sha512": (sha512, [TEXT], TEXT),
    "spl_ip_mask": (ip_mask, [TEXT, TEXT], TEXT),
    "spl_commands": (commands, [TEXT], LIST),
    "spl_join": (joined, [LIST, TEXT], TEXT),
    "spl_zip": (zipped, [LIST, LIST, TEXT], LIST),
    "spl_range": (spread, [NUMBER_TYPE, NUMBER_TYPE, TEXT, TEXT], LIST),
    "spl_commas": (with_commas, [NUMBER_TYPE], TEXT),
    "spl_duration": (duration, [NUMBER_TYPE], TEXT),
    "spl_max": (greatest, [LIST], TEXT),
    "spl_min": (least, [LIST], TEXT),
    "spl_unique": (unique, [LIST], LIST),
    "spl_strftime": (strftime, [NUMBER_TYPE, TEXT, TEXT], TEXT),
    "spl_strptime": (strptime, [TEXT, TEXT, TEXT, NUMBER_TYPE], NUMBER_TYPE),
    "spl_relative_time": (relative_time, [NUMBER_TYPE, TEXT, TEXT], NUMBER_TYPE),
    "spl_bin_months": (bin_months, [NUMBER_TYPE, WHOLE, TEXT], NUMBER_TYPE),
    "spl_xml_text": (xml_text, [TEXT], TEXT),
    "spl_object_value": (object_value, [TEXT, TEXT], LIST),
    "spl_object_names": (object_names, [TEXT], LIST),
    "spl_table_objects": (table_objects, [TEXT], LIST),
    "spl_object_prefixed": (object_prefixed, [TEXT, TEXT], TEXT),
    "spl_auto_object": (auto_object, [TEXT, WHOLE, TRUTH, TRUTH], TEXT),
    "spl_pair_object": (pair_object, [TEXT, TEXT, TEXT, WHOLE, TRUTH, TRUTH], TEXT),
    "spl_xpath": (xpath_values, [TEXT, TEXT, TEXT], LIST),
    "spl_line_count": (line_count, [TEXT], NUMBER_TYPE),
    "spl_punct": (punct, [TEXT], TEXT),
    "spl_time_parts": (time_parts, [TEXT, NUMBER_TYPE, TEXT, TEXT, TEXT, TEXT], LIST),
    "spl_location": (location, [TEXT, TEXT, TEXT, TEXT], TEXT),
    "spl_json_field": (paths.json_field, [TEXT, TEXT], LIST),
    "spl_json_cells": (paths.json_cells, [TEXT], LIST),
    "spl_json_names": (paths.json_names, [TEXT], LIST),
    "spl_delimited": (delimited, [TEXT, TEXT], LIST),
    "spl_delimited_pairs": (delimited_pairs, [TEXT, TEXT, TEXT, WHOLE], LIST),
    **JSON_FUNCTIONS,
    **NUMBER_FUNCTIONS,
    "spl_spath": (paths.read_path, [TEXT, TEXT], LIST),
    "spl_spath_field": (paths.named_values, [TEXT, TEXT], LIST),
    "spl_spath_names": (paths.names, [TEXT], LIST),
    "spl_xmlkv": (xmlkv, [TEXT, TEXT], LIST),
    "spl_xmlkv_names": (xmlkv_names, [TEXT], LIST),
}


def create(connection: Connection, names: set[str]) -> None:
    """Create the functions that a statement uses and the connection does not have yet."""
    for name in sorted(names - connection.created):
        function, parameters, result = FUNCTIONS[name]
        register: Any = connection.duckdb.create_function
        kept = _noting(function, connection.failures)
        register(name, kept, parameters, result, null_handling="special")
        connection.created.add(name)


def _noting(function: Callable[..., Any], failures: list[HarnessError]) -> Callable[..., Any]:
    """A function whose errors are noted, for the engine does not pass them on."""

    @wraps(function)
    def noting(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except HarnessError as error:
            failures.append(error)
            raise

    return noting

"""The tables of lookups: CSV files, compressed ones, and seeds of KV store collections."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from typing import TYPE_CHECKING

from harness.errors import HarnessError, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.model import LookupDefinition

MAX_LOOKUP_BYTES = 200_000_000
KEY = "_key"
Cells = tuple[str | None, ...]


class BadLookup(HarnessError):
    """A lookup's table cannot be read."""


def read_table(path: Path) -> tuple[tuple[str, ...], list[Cells]]:
    """A lookup's CSV: its columns, and its rows with empty cells absent.

    A byte order mark is dropped, and space after a comma: tables of security_content that are
    written `a, b` work on Splunk by the names without it. A row with more or fewer cells than
    the header is an error. A file that ends with `.gz` is compressed.
    """
    place = Place(str(path))
    try:
        if path.name.endswith(".gz"):
            rows = list(csv.reader(_uncompressed(path), skipinitialspace=True))
        else:
            if path.stat().st_size > MAX_LOOKUP_BYTES:
                raise BadLookup("the lookup table is too large", place=place)
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file, skipinitialspace=True))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadLookup(f"the lookup table is no gzip file: {error}", place=place) from error
    except OSError as error:
        raise BadLookup(
            f"the lookup table cannot be read: {error.strerror}",
            place=place,
            hints=("check that the file is there, and its permissions",),
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadLookup(f"the lookup table is no CSV: {error}", place=place) from error
    if not rows:
        raise BadLookup(
            "the lookup table is empty", place=place, hints=("its first line names its columns",)
        )
    header = tuple(name.strip() for name in rows[0])
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(header):
            raise BadLookup(
                f"the row has {len(row)} cells and the header {len(header)}",
                place=Place(str(path), number, 1),
                hints=("quote cells that hold a comma",),
            )
    return header, [tuple(cell or None for cell in row) for row in rows[1:] if row]


def _uncompressed(path: Path) -> io.TextIOBase:
    with gzip.open(path, "rb") as file:
        content = file.read(MAX_LOOKUP_BYTES + 1)
    if len(content) > MAX_LOOKUP_BYTES:
        raise BadLookup("the lookup table is too large", place=Place(str(path)))
    return io.StringIO(content.decode("utf-8-sig"), newline="")


def table_of(definition: LookupDefinition) -> tuple[tuple[str, ...], list[Cells]]:
    """A lookup's columns and rows; a collection's are those that the lookup lists.

    Records of a seed without keys have their numbers as keys, as 24 hexadecimal digits: a KV
    store makes keys of that form itself.
    """
    if definition.table is None:
        return definition.fields, []
    columns, rows = read_table(definition.table)
    if definition.collection is None:
        return columns, rows
    wanted = definition.fields or columns
    checks = [_CHECKS.get(dict(definition.kinds).get(name, "string")) for name in columns]
    at = {name: number for number, name in enumerate(columns)}
    found: list[Cells] = []
    for number, row in enumerate(rows, start=1):
        kept = _checked(row, checks)
        if definition.enforced and kept != row:
            continue
        found.append(
            tuple(
                kept[at[name]] if name in at else (f"{number:024x}" if name == KEY else None)
                for name in wanted
            )
        )
    return tuple(wanted), found


def _checked(row: Cells, checks: Sequence[Callable[[str], object] | None]) -> Cells:
    """A record without the values that are not of their field's kind."""
    kept: list[str | None] = []
    for cell, check in zip(row, checks, strict=True):
        if cell is not None and check is not None:
            try:
                check(cell)
            except ValueError:
                kept.append(None)
                continue
        kept.append(cell)
    return tuple(kept)


def _boolean(text: str) -> None:
    if text.lower() not in ("true", "false", "t", "f", "1", "0"):
        raise ValueError(text)


def _network(text: str) -> None:
    from ipaddress import ip_network  # noqa: PLC0415 - few collections hold addresses

    ip_network(text, strict=False)


def _moment(text: str) -> None:
    from datetime import datetime  # noqa: PLC0415 - few collections hold times

    try:
        float(text)
    except ValueError:
        datetime.fromisoformat(text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "number": float,
    "bool": _boolean,
    "cidr": _network,
    "time": _moment,
}

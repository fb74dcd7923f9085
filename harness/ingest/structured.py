"""Files with a header: INDEXED_EXTRACTIONS of comma, tab or pipe separated values and W3C logs.

Each row is an event, and its cells are indexed fields under the header's names. Source:
props.conf.spec, "Structured Data Header Extraction and configuration".
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.apps.words import quoted_words
from harness.ingest.bounded import bounded
from harness.ingest.errors import Loss
from harness.ingest.lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.apps.conf import Setting
    from harness.ingest.bounded import BoundedPattern

DELIMITERS = {"csv": ",", "tsv": "\t", "psv": "|", "w3c": " "}
NAMED = {"space": " ", "tab": "\t", "fs": "\x1c", "gs": "\x1d", "rs": "\x1e", "us": "\x1f"}
W3C_FIELDS = "#Fields:"
UNCLEAN = re.compile(r"[^A-Za-z0-9_ ]")
WHITESPACE = "whitespace"
BLANKS = re.compile(r"[ \t]+")
MOST_QUOTED_LINES = 1000


@dataclass(frozen=True, slots=True)
class TableRules:
    """How the header and the rows of a source type are read."""

    kind: str
    delimiter: str
    quote: str = '"'
    header_delimiter: str = ","
    header_quote: str = '"'
    accepted: str = ""
    names: tuple[str, ...] = ()
    header_line: int = 0
    header: BoundedPattern | None = None
    preamble: BoundedPattern | None = None
    missing: BoundedPattern | None = None
    times: tuple[str, ...] = ()

    def rows(
        self, pieces: Iterator[str], name: str, losses: list[Loss]
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """The rows as they stand, each with its fields."""
        names, noted = self.names, False
        for number, raw in enumerate(self._whole(pieces, name, losses), start=1):
            text = raw
            if self.preamble is not None and self.preamble.search(text):
                continue
            if self.kind == "w3c" and text.startswith("#"):
                if text.startswith(W3C_FIELDS):
                    written = text.removeprefix(W3C_FIELDS).split()
                    names = tuple(_clean(one, self.accepted) for one in written)
                continue
            if not names:
                if self.header is not None:
                    found = self.header.search(text)
                    if found is None:
                        continue
                    text = found[1] if found.re.groups else text[found.end() :]
                elif number < self.header_line:
                    continue
                cells = self._cells(text, self.header_delimiter, self.header_quote)
                names = tuple(_clean(cell, self.accepted) for cell in cells)
                continue
            cells = self._cells(text.replace("\n", " "), self.delimiter, self.quote)
            if len(cells) > len(names) and not noted:
                noted = True
                message = f"the row has {len(cells)} cells and the header {len(names)}"
                losses.append(Loss(name, f"{message}: such rows lose those beyond it"))
            yield raw, self._fields(names, cells)

    def _whole(self, pieces: Iterator[str], name: str, losses: list[Loss]) -> Iterator[str]:
        """Lines, those put together of which a quoted cell goes on."""
        held: list[str] = []
        for _, line in lines(pieces, name, losses):
            held.append(line)
            text = "\n".join(held)
            if self.quote and text.count(self.quote) % 2 and len(held) < MOST_QUOTED_LINES:
                continue
            yield text
            held = []
        if held:
            yield "\n".join(held)

    def _cells(self, text: str, delimiter: str, quote: str) -> list[str]:
        if delimiter == WHITESPACE:
            text, delimiter = BLANKS.sub(" ", text.strip()), " "
        try:
            (cells,) = csv.reader(
                [text],
                delimiter=delimiter,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                skipinitialspace=self.kind == "w3c",
            )
        except (csv.Error, ValueError):
            return text.split(delimiter)
        return cells

    def _fields(self, names: tuple[str, ...], cells: list[str]) -> dict[str, str]:
        return {
            name: cell
            for name, cell in zip(names, cells, strict=False)
            if name and cell and not (self.missing is not None and self.missing.search(cell))
        }


def stamp_text(said: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The text of an event's time: its TIMESTAMP_FIELDS, a space between.

    A name with points may be a way into an object (JSON).
    """
    parts = [str(value) for name in names if (value := _inside(said, name)) is not None]
    return " ".join(parts) if parts else None


def _inside(said: Mapping[str, Any], name: str) -> Any:
    if name in said:
        return said[name]
    first, point, rest = name.partition(".")
    within = said.get(first)
    return _inside(within, rest) if point and isinstance(within, dict) else None


def stamp_fields(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """The names that TIMESTAMP_FIELDS has."""
    return (
        tuple(_names(settings["TIMESTAMP_FIELDS"].value)) if "TIMESTAMP_FIELDS" in settings else ()
    )


def table_rules(settings: Mapping[str, Setting]) -> TableRules | None:
    """The rules of a source type whose files have a header, or None."""
    given = settings.get("INDEXED_EXTRACTIONS")
    kind = given.value.strip().lower() if given is not None else ""
    if kind not in DELIMITERS:
        return None

    def text(key: str) -> str:
        return settings[key].value.strip() if key in settings else ""

    def pattern(key: str) -> BoundedPattern | None:
        return bounded(text(key), settings[key].place) if text(key) else None

    delimiter = _character(text("FIELD_DELIMITER")) or DELIMITERS[kind]
    quote = _quote(text("FIELD_QUOTE"), '"')
    line = text("HEADER_FIELD_LINE_NUMBER")
    return TableRules(
        kind,
        delimiter,
        quote,
        _character(text("HEADER_FIELD_DELIMITER")) or delimiter,
        _quote(text("HEADER_FIELD_QUOTE"), quote),
        text("HEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS"),
        tuple(_names(text("FIELD_NAMES"))),
        int(line) if line.isdecimal() else 0,
        pattern("FIELD_HEADER_REGEX"),
        pattern("PREAMBLE_REGEX"),
        pattern("MISSING_VALUE_REGEX"),
        stamp_fields(settings),
    )


def _names(text: str) -> list[str]:
    return [word for word in quoted_words(text) if word]


def _character(text: str) -> str:
    plain = text.strip("'\"") if len(text) > 1 else text
    if plain.lower() in ("whitespace", "ws"):
        return WHITESPACE
    if plain.lower() in NAMED:
        return NAMED[plain.lower()]
    return plain.encode().decode("unicode_escape")[:1] if plain.startswith("\\") else plain[:1]


def _quote(text: str, usual: str) -> str:
    """A setting's quote; `none` is no quote at all."""
    if not text:
        return usual
    return "" if text.lower() == "none" else _character(text)


def _clean(name: str, accepted: str) -> str:
    """A header's cell as a field's name: letters, digits, spaces, and what is accepted stay."""
    return UNCLEAN.sub(lambda one: one[0] if one[0] in accepted else "_", name.strip())

"""multikv: a row for each row of the tables in an event's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.errors import Unsupported
from harness.model import Rows
from harness.registry import command
from harness.registry.cells import text_of
from harness.registry.text_tables import TableOptions, cleaned, table_rows

if TYPE_CHECKING:
    from harness.model import Value
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = "conf copyattrs forceheader multitable noheader rmorig".split()
FORMER = "last_line max_header_line max_header_lookahead passthru start_line".split()
FLAGS = {"copyattrs": True, "multitable": True, "noheader": False, "rmorig": True}


@command("multikv")
@dataclass(frozen=True, slots=True)
class Multikv:
    """multikv [<option>…] [fields <field>…] [filter <text>…]: the tables in _raw as rows.

    Each line of a table below its header becomes a row with the line as `_raw`, the event's
    fields (unless copyattrs=false), and a field for each column. `fields` keeps only some
    columns, `filter` only the lines that hold one of the texts. The event itself goes, or with
    rmorig=false comes after its rows.

    The header is the line forceheader (empty lines not counted), or the first line of capitalised
    words, or else the first line of words. With noheader=true the columns are Column_1, Column_2,
    … as many as the first line has. With multitable=true (the default) a line of capitalised
    words, first or second after an empty line, begins another table.

    Cells stand between commas or single tabs where the header has those. Otherwise they are
    told apart by spaces if a line has as many words as columns, and if not by what heading they
    stand under or nearest to; neighbouring headings over one word are one heading.

    Differences: Splunk documents only the outline. Our choice are: the rules for cells above,
    that a second table needs an empty line before it and none is looked for under a forced header,
    that lines of nothing but rules (`---- ---`) are no rows, that a heading becomes a name as with
    CLEAN_KEYS (a repeated one with its number behind it), that an event without a table gives no
    row, and that surplus cells belong to the last column.

    Not supported: conf (multikv.conf) and the options that Splunk no longer documents.

    Source: Search Reference, multikv.
    """

    stage: Stage
    table: TableOptions
    copies: bool
    removes: bool
    fields: frozenset[str] | None
    texts: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and both lists, in any order."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        fields: list[str] | None = None
        texts: list[str] = []
        while not arguments.done:
            if arguments.at_option():
                options |= arguments.options((*OPTIONS, *FORMER))
            elif arguments.accept_word("fields"):
                fields = [*(fields or []), *cls._list(arguments, "a field")]
            elif arguments.accept_word("filter"):
                texts += cls._list(arguments, "a text to look for")
            else:
                arguments.finish()
        for name in ("conf", *FORMER):
            if name in options:
                stage.unsupported(f"multikv with {name}", options[name].span)
        flags = {
            name: arguments.boolean(options[name], name) if name in options else usual
            for name, usual in FLAGS.items()
        }
        header = None
        if "forceheader" in options:
            header = arguments.integer(options["forceheader"], "forceheader", minimum=1)
            if flags["noheader"]:
                stage.fail("forceheader contradicts noheader", options["forceheader"].span)
        return cls(
            stage,
            TableOptions(header, flags["noheader"], flags["multitable"]),
            flags["copyattrs"],
            flags["rmorig"],
            None if fields is None else frozenset(map(cleaned, fields)),
            tuple(texts),
        )

    @staticmethod
    def _list(arguments: Arguments, what: str) -> list[str]:
        found: list[str] = []
        while not (
            arguments.done or arguments.at_option() or arguments.at_word("fields", "filter")
        ):
            if arguments.accept(","):
                continue
            span = arguments.here()
            found.append(arguments.field(what))
            if what == "a field" and "*" in found[-1]:
                arguments.stage.unsupported("multikv with wildcards among its fields", span)
        if not found:
            arguments.fail(f"{what} is expected here")
        return found

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Read each event's tables."""
        if rows is None:
            self.stage.fail("`multikv` cannot begin a search")
        most = context.limits.fetched_rows
        return context.applied(rows, lambda found: self._read(found, most))

    def _read(self, rows: Rows, most: int) -> Rows:
        found: list[dict[str, Value]] = []
        names = dict.fromkeys(rows.columns if self.copies or not self.removes else ("_raw",))
        for row in rows.rows:
            for line, cells in table_rows(text_of(row.get("_raw")) or "", self.table):
                if self.texts and not any(text in line for text in self.texts):
                    continue
                found.append(self._row(row, line, cells))
                names |= dict.fromkeys(found[-1])
                if len(found) > most:
                    raise Unsupported(f"multikv into more than {most:,} rows")
            if not self.removes:
                found.append(row)
        return Rows(tuple(names), found)

    def _row(self, event: dict[str, Value], line: str, cells: dict[str, str]) -> dict[str, Value]:
        row: dict[str, Value] = dict(event) if self.copies else {}
        row["_raw"] = line
        if "linecount" in row:
            row["linecount"] = 1
        row |= {
            name: cell for name, cell in cells.items() if self.fields is None or name in self.fields
        }
        return row

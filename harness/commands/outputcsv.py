"""outputcsv: write the rows into a file that later parts of the search can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Project, Relation
from harness.registry import command
from harness.registry.csv_files import csv_table

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

FLAGS = ("append", "create_empty", "override_if_empty", "dispatch", "usexml", "singlefile")
UNSUPPORTED = ("dispatch", "usexml")


@command("outputcsv")
@dataclass(frozen=True, slots=True)
class Outputcsv:
    """outputcsv [append=<bool>] [override_if_empty=<bool>] … <file>: the rows pass unchanged.

    Nothing reaches the file system: `inputcsv` in the same search reads the file, and it dies
    with the search. append=true writes only the fields that the file has. Unsupported:
    dispatch=true, usexml=true, no file. Source: Search Reference, outputcsv.
    """

    stage: Stage
    file: str
    append: bool
    override: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the file's name."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        file: str | None = None
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(FLAGS))
            elif file is not None:
                arguments.finish()
            else:
                file = arguments.field("a file")
        if file is None:
            stage.unsupported("outputcsv without a file")
        flags = {name: arguments.boolean(options[name], name) for name in options}
        for name in UNSUPPORTED:
            if flags.get(name):
                stage.unsupported(f"outputcsv with {name}=true", options[name].span)
        append, override = flags.get("append", False), flags.get("override_if_empty", True)
        return cls(stage, file, append, override)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Work the rows out, write them, and give them on."""
        if rows is None:
            self.stage.fail("`outputcsv` cannot begin a search")
        names, table = rows.columns, csv_table(self.file)
        kept = context.kept(rows)
        written: Relation = kept
        if self.append and context.has_lookup(table):
            header = context.lookup(table, self.stage)[1].columns or ()
            written = Project(kept, tuple((name, name) for name in header))
        if self.override or self.append or context.fetched(kept).rows:
            context.save(table, written, self.stage, append=self.append)
        return kept if names is None else Project(kept, tuple((name, name) for name in names))

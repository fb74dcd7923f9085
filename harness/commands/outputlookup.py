"""outputlookup: write the rows into a lookup's table, for the rest of the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import (
    Combine,
    Extend,
    Filter,
    Limit,
    Project,
    Relation,
    Reverse,
    Union,
    Window,
)
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

FLAGS = ("append", "create_empty", "override_if_empty", "createinapp", "allow_updates")
KEY = "_key"
IGNORED = ("create_context", "output_format")


@command("outputlookup")
@dataclass(frozen=True, slots=True)
class Outputlookup:
    """outputlookup [append=<bool>] [override_if_empty=<bool>] [max=<n>] … <lookup>.

    The rows pass unchanged. What is written can be read by later parts of the same search and
    dies with it; nothing reaches the file system. A lookup with a list of fields takes only
    those, and append=true writes only the fields that the table has. Without rows the table
    becomes empty, unless override_if_empty=false. A name that is neither a lookup nor ends with
    .csv is an error. In a KV store each record has a `_key`, its own field or the one that
    key_field names: with append=true a record of the same key is replaced. Unsupported: key_field
    of a table in a file, or whose records have no `_key` yet; allow_updates=false.
    Source: Search Reference, outputlookup.
    """

    stage: Stage
    table: str
    append: bool
    override: bool
    most: int | None
    key: Token | None = None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the name, in any order."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        table: str | None = None
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options((*FLAGS, *IGNORED, "max", "key_field")))
            elif table is not None:
                arguments.finish()
            else:
                table = arguments.field("a lookup")
        if table is None:
            arguments.fail("`outputlookup` needs a lookup")
        flags = {n: arguments.boolean(options[n], n) for n in FLAGS if n in options}
        if not flags.get("allow_updates", True):
            stage.unsupported(
                "outputlookup with allow_updates=false", options["allow_updates"].span
            )
        most = arguments.integer(options["max"], "max", minimum=1) if "max" in options else None
        append, override = flags.get("append", False), flags.get("override_if_empty", True)
        return cls(stage, table, append, override, most, options.get("key_field"))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Work the rows out, write them, and give them on."""
        if rows is None:
            self.stage.fail("`outputlookup` cannot begin a search")
        names = rows.columns
        kept = context.kept(rows)
        written: Relation = kept if self.most is None else Limit(kept, self.most)
        allowed: tuple[str, ...] = ()
        if not self.table.endswith((".csv", ".csv.gz")) or self.append:
            allowed = self._allowed(context)
        own = KEY in (kept.columns or ()) and KEY in allowed
        keyed = self.key is not None or (own and self._is_store(context))
        if keyed:
            key = self.key.value if self.key else KEY
            named = Extend(written, ((KEY, Field(key)),))
            written = self._keyed(named, context, tuple(dict.fromkeys((*allowed, KEY))))
        elif allowed:
            written = Project(written, tuple((name, name) for name in allowed))
        if self.override or self.append or context.fetched(Limit(kept, 1)).rows:
            context.save(self.table, written, self.stage, append=self.append and not keyed)
        return kept if names is None else Project(kept, tuple((name, name) for name in names))

    def _keyed(self, rows: Relation, context: Context, names: tuple[str, ...]) -> Relation:
        """The records by their key, a later one in place of an earlier; those kept come first.

        Rows without a key are new records, unless key_field asks for one.
        """
        span = self.key.span if self.key else None
        definition, table = context.lookup(self.table, self.stage)
        if definition.collection is None:
            self.stage.unsupported("key_field of a table that is no KV store", span)
        number, flag = context.spare("number"), context.spare("flag")
        fields = tuple((name, name) for name in names)
        with_key = Filter(rows, Call("isnotnull", (Field(KEY),)))
        last = Window(Reverse(Project(with_key, fields)), number, (KEY,))
        found: list[Relation] = [
            Project(Reverse(Filter(last, Call("=", (Field(number), Const(1.0))))), fields)
        ]
        if self.key is None:
            found.append(Project(Filter(rows, Call("isnull", (Field(KEY),))), fields))
        rows = Union(tuple(found))
        if not self.append:
            return rows
        if KEY not in (table.columns or ()) and context.fetched(Limit(table, 1)).rows:
            self.stage.unsupported("key_field of records that have no `_key` yet", span)
        rows = context.kept(rows)
        new = Extend(Project(rows, ((KEY, KEY),)), ((flag, Const("1")),))
        before = Filter(Combine(table, new, (KEY,), outer=True), Call("isnull", (Field(flag),)))
        return Union((Project(before, tuple((name, name) for name in table.columns or ())), rows))

    def _is_store(self, context: Context) -> bool:
        return context.lookup(self.table, self.stage)[0].collection is not None

    def _allowed(self, context: Context) -> tuple[str, ...]:
        """The fields that the table takes; none named are all."""
        if self.table.endswith((".csv", ".csv.gz")) and not context.has_lookup(self.table):
            return ()
        definition, table = context.lookup(self.table, self.stage)
        return (table.columns or ()) if self.append else definition.fields

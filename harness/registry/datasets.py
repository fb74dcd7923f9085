"""Named data sets: what `from` and `union` read, and the names of a data model's fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan.nodes import Project, Relation

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

KINDS = ("datamodel", "inputlookup", "lookup", "savedsearch")


@dataclass(frozen=True, slots=True)
class DataSetName:
    """A kind of data set and the name of one; `span` is where the name stands."""

    kind: str
    name: str
    span: Span


def take_data_set(arguments: Arguments) -> DataSetName:
    """Take `<kind>:<name>`, where space may stand around or in place of the colon."""
    token = arguments.next("a data set")
    kind, _, name = token.value.partition(":")
    if kind.lower() not in KINDS:
        arguments.stage.fail(
            f"`{kind}` is no kind of data set", token.span, f"kinds: {', '.join(KINDS)}"
        )
    if not name:
        token = arguments.next("a data set's name")
        if token.value == ":":
            token = arguments.next("a data set's name")
        name = token.value.removeprefix(":")
    if token.kind not in ("word", "string", "quoted") or not name:
        arguments.stage.fail("a data set's name is expected here", token.span)
    return DataSetName(kind.lower(), name, token.span)


def data_set_rows(data_set: DataSetName, stage: Stage, context: Context) -> Relation:
    """The rows of a named data set."""
    if data_set.kind == "savedsearch":
        return context.saved_search(data_set.name, stage, str)
    if data_set.kind != "datamodel":
        return context.lookup(data_set.name, stage)[1]
    model, _, name = data_set.name.partition(".")
    return bare(context.data_set(model, name or None, stage))


def bare(rows: Relation) -> Relation:
    """A data set's rows with its fields under their names without the set's."""
    fields: dict[str, str] = {}
    for name in rows.columns or ():
        fields.setdefault(name.rpartition(".")[2], name)
    return Project(rows, tuple(fields.items()))

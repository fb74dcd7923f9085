"""Fields as an index holds them, without what a search takes out of the events.

Source: Search Reference, `tstats`: it asks for indexed fields alone; Getting Data In, "Extract
fields from files with structured data".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.fields.defaults import DEFAULTS, METADATA
from harness.fields.extractors import Indexed
from harness.plan.expressions import NULL, Call, Const, Expr, Field, every, some

if TYPE_CHECKING:
    from harness.fields.resolver import FieldResolver, Group


def indexed_field(name: str, resolver: FieldResolver) -> Expr | None:
    """A field's value from index time; None where no event can have one.

    Those of INDEXED_EXTRACTIONS = json are in the text, from which they are read.
    """
    if name in METADATA or name in DEFAULTS:
        return Field(name)
    found: list[Expr] = []
    if any(group.has_indexed for group in resolver.groups):
        found.append(Indexed().field(name))
    if texts := [group for group in resolver.groups if _is_json(group, resolver)]:
        among = some(_is_of(group, resolver) for group in texts)
        found.append(Call("if", (among, Field(name), NULL)))
    if not found:
        return None
    return found[0] if len(found) == 1 else Call("coalesce", tuple(found))


def _is_json(group: Group, resolver: FieldResolver) -> bool:
    settings = resolver.knowledge(group).settings
    return settings.get("INDEXED_EXTRACTIONS", "").strip().lower() == "json"


def _is_of(group: Group, resolver: FieldResolver) -> Expr:
    """Whether an event is one of a group."""
    constants = resolver.constants(group)
    names = ("index", "source", "sourcetype")
    return every(Call("=", (Field(name), Const(constants[name]))) for name in names)

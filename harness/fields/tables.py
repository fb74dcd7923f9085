"""KV_MODE = multi: each row of the tables in an event's text becomes an event of its own.

Extractions of the source type still read the whole text; what a row's cells say counts over
them, as it does with the command `multikv`. An event without a table stays as it is.
Source: props.conf.spec, KV_MODE (multi "to expand a tabular event into multiple events").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from harness.fields.extractors import Delimited, DelimitedPairs, Groups, Pairs, Single
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Field

if TYPE_CHECKING:
    from harness.apps import SourceKnowledge
    from harness.fields.extractors import Extractor
    from harness.plan.expressions import Expr

RAW = "_raw"
WHOLE = "\0whole"
ROW = "\0row"
CARRIED = (WHOLE, ROW)
"""What rows of tables have beside the fields of events: the text around them, and their cells."""


@dataclass(frozen=True, slots=True)
class Tabular(Single):
    """The cells of a row, by the headings of their columns."""

    mode: ClassVar[str] = "multi"
    source: str = ROW
    adds: bool = False
    encoded: bool = False

    def names(self) -> tuple[str, ...]:
        """None is known beforehand."""
        return ()

    def found_names(self) -> Expr:
        """The headings."""
        return Call("object_names", (Field(ROW),))

    def field(self, name: str) -> Expr:
        """The cell under a heading."""
        return Call("object_value", (Field(ROW), Const(name)))


def is_tabular(knowledge: SourceKnowledge) -> bool:
    """Whether events are taken apart into the rows of their tables."""
    return knowledge.automatic.mode == "multi" and not knowledge.automatic.table


def table_events(events: nodes.Relation) -> nodes.Relation:
    """A row for each row of the tables in the events' texts, its line as `_raw`."""
    whole = nodes.Extend(events, ((WHOLE, Field(RAW)), (ROW, Call("table_objects", (Field(RAW),)))))
    line = Call("mvindex", (Call("object_value", (Field(ROW), Const(""))), Const(0.0)))
    return nodes.Extend(nodes.Explode(whole, ROW), ((RAW, Call("coalesce", (line, Field(WHOLE)))),))


def over_whole(one: Extractor) -> Extractor:
    """The extraction over the whole text of an event instead of a row's line."""
    if isinstance(one, Groups | Pairs | Delimited | DelimitedPairs) and one.source == RAW:
        return replace(one, source=WHOLE)
    return one

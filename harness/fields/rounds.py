"""Extractions in the order of their reading, and one field out of those of a round."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.fields.defaults import KNOWN, METADATA
from harness.fields.extractors import Automatic
from harness.plan import nodes
from harness.plan.expressions import Call, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.fields.extractors import Extractor

LISTED = "\0listed "
SEPARATE = 16
"""As many fields at most are extracted each by itself; of more, the text is read into lists."""
SEPARATE_JSON = 1
"""The same of JSON, of which each field costs a call of a function of ours."""


def rounds_of(found: tuple[Extractor, ...]) -> list[list[Extractor]]:
    """The extractions in rounds: one ends before an extraction that reads what it gives."""
    rounds: list[list[Extractor]] = [[]]
    given: set[str] = set()
    for one in found:
        reads_new = one.source not in (*METADATA, *KNOWN) and (
            one.source in given or any(other.found_names() is not None for other in rounds[-1])
        )
        if reads_new or one.encoded:
            rounds.append([])
            given = set()
        rounds[-1].append(one)
        given |= set(one.names())
    return rounds


def listed_in(found: Iterable[Extractor], count: int) -> frozenset[int]:
    """The positions of those of a round's extractions that read their texts into lists."""
    return frozenset(
        position
        for position, one in enumerate(found)
        if count
        > (SEPARATE_JSON if isinstance(one, Automatic) and one.mode == "json" else SEPARATE)
    )


def with_lists(
    relation: nodes.Relation, found: Iterable[Extractor], number: int, listed: frozenset[int]
) -> nodes.Relation:
    """The rows with the lists of a round's extractions, which read their texts once."""
    fields = {
        _list_name(number, position, name): value
        for position, one in enumerate(found)
        if position in listed
        for name, value in one.lists().items()
    }
    return nodes.Extend(relation, tuple(fields.items())) if fields else relation


def _list_field(number: int, position: int, name: str) -> Field:
    return Field(_list_name(number, position, name))


def _list_name(number: int, position: int, name: str) -> str:
    return f"{LISTED}{number} {position} {name}"


def combined_field(
    name: str, found: Iterable[Extractor], number: int, listed: frozenset[int], *, known: bool
) -> Expr | None:
    """One field out of the extractions of a round; `known` if an earlier round gives it.

    `listed` are the positions of those that have been read into lists.
    """
    combined: Expr | None = Field(name) if known else None
    changed = False
    for position, one in enumerate(found):
        if position in listed:
            expression = one.listed(name, partial(_list_field, number, position))
        else:
            expression = one.field(name)
        if expression is None:
            continue
        changed = True
        if combined is None:
            combined = expression
        elif one.adds:
            combined = Call("append_values", (combined, expression))
        else:
            combined = Call("coalesce", (combined, expression))
    return combined if changed else None

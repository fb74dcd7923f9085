"""abstract: a few lines of an event instead of all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.model import Rows
from harness.registry import command
from harness.registry.cells import text_of
from harness.spl.pipeline import parse_pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.pipeline import Stage

MOST = {"maxlines": 500, "maxterms": 1000}
USUAL = {"maxlines": 10, "maxterms": 1000}
ELLIPSIS = "..."
WORD = re.compile(r"\w+")
CONNECTIVES = frozenset({"and", "or", "in"})
METADATA = frozenset({"earliest", "eventtype", "host", "index", "latest", "source", "sourcetype"})


@command("abstract")
@dataclass(frozen=True, slots=True)
class Abstract:
    """abstract [maxterms=<count>] [maxlines=<count>]: the most telling lines of _raw instead of it.

    A text of at most maxlines lines (10, up to 500) stays. Of a longer one the lines with the most
    terms are kept, in their order; a term on a neighbouring line counts a little. A line that
    follows a gap begins with `...`.

    Differences: Splunk documents the outline of its scores. Here the terms are those that the
    search begins with (words, and values of fields other than index, source and the like), the
    first maxterms (1,000) of them; without any, each word of a line is a term. A term counts two,
    on a neighbouring line one; of equal lines the earlier ones are kept.

    Source: Search Reference, abstract.
    """

    stage: Stage
    lines: int
    terms: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, and the terms of the search that the stage is part of."""
        arguments = stage.arguments
        options = arguments.options(tuple(USUAL))
        arguments.finish()
        numbers = dict(USUAL)
        for name, token in options.items():
            numbers[name] = arguments.integer(token, name, minimum=1)
            if numbers[name] > MOST[name]:
                stage.fail(f"{name} is at most {MOST[name]:,}", token.span)
        first = parse_pipeline(stage.text).stages[0]
        terms = _terms(first.arguments) if first.name.lower() == "search" else ()
        pieces = dict.fromkeys(
            tuple(piece for piece in term.casefold().split("*") if piece) for term in terms
        )
        found = [one for one in pieces if one]
        return cls(stage, numbers["maxlines"], tuple(found[: numbers["maxterms"]]))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Shorten each text."""
        if rows is None:
            self.stage.fail("`abstract` cannot begin a search")
        return context.applied(rows, self._shortened)

    def _shortened(self, rows: Rows) -> Rows:
        return Rows(
            rows.columns,
            [
                {**row, "_raw": self._abstract(text)}
                if (text := text_of(row.get("_raw"))) is not None
                else row
                for row in rows.rows
            ],
        )

    def _abstract(self, text: str) -> str:
        lines = text.split("\n")
        if len(lines) <= self.lines:
            return text
        counts = [0, *map(self._count, lines), 0]
        scores = [
            2 * counts[place] + counts[place - 1] + counts[place + 1]
            for place in range(1, len(lines) + 1)
        ]
        ranked = sorted(range(len(lines)), key=lambda place: (-scores[place], place))
        kept = sorted(ranked[: self.lines])
        found = [
            lines[place] if not number or kept[number - 1] == place - 1 else ELLIPSIS + lines[place]
            for number, place in enumerate(kept)
        ]
        return "\n".join(found)

    def _count(self, line: str) -> int:
        if not self.terms:
            return sum(1 for _ in WORD.finditer(line))
        folded = line.casefold()
        return sum(all(piece in folded for piece in term) for term in self.terms)


def _terms(arguments: Arguments) -> Iterator[str]:
    """The words that a search looks for, and the values of fields; what NOT excludes left out."""
    while not arguments.done:
        if arguments.accept_word("not"):
            _skip(arguments)
        elif arguments.at_option():
            named = arguments.peek()
            value = arguments.option_value()
            if named is not None and named.value.lower() not in METADATA:
                yield value.value
        else:
            token = arguments.next("a term")
            following = arguments.peek()
            if following is not None and following.kind == "operator":
                arguments.position += 2
            elif token.kind in ("word", "string") and token.value.lower() not in CONNECTIVES:
                yield token.value


def _skip(arguments: Arguments) -> None:
    """Pass over a term, a comparison, or what stands in brackets."""
    if not arguments.accept("("):
        following = arguments.peek(1)
        compares = following is not None and following.kind == "operator"
        arguments.position += 3 if compares else 1
        return
    depth = 1
    while depth and not arguments.done:
        kind = arguments.next("`)`").kind
        depth += (kind == "(") - (kind == ")")

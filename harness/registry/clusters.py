"""Texts in groups of similar ones, for cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable

MATCHES = ("ngramset", "termlist", "termset")
MOST_COMPARED_TERMS = 200_000_000
COMPARISON = 10
MOST_CHARACTERS = 10_240
MOST_TERMS = 1_000
USUAL_TERM = re.compile(r"[0-9A-Za-z_]+")
GRAM = 3


@dataclass(frozen=True, slots=True)
class Similarity:
    """When two texts are similar: at least `threshold` (0 to 1) of their terms are the same.

    Terms are the same at the same place (termlist) or anywhere (termset), or are all runs of three
    characters (ngramset).
    """

    threshold: float
    match: str
    delimiters: str | None

    def labelled(self, texts: Iterable[str | None]) -> list[int | None]:
        """The number of each text's cluster, from 1 in the order of their first texts."""
        terms = _Terms(self)
        known: dict[str, int] = {}
        first: list[frozenset[object]] = []
        found: list[int | None] = []
        compared = 0
        for text in texts:
            if text is not None and text not in known:
                own = terms.of(text)
                compared += len(first) * (len(own) + COMPARISON)
                if compared > MOST_COMPARED_TERMS:
                    raise Unsupported(
                        "cluster over so many different values",
                        hints=["narrow the search, or lower the threshold t"],
                    )
                known[text] = self._nearest(own, first)
                if known[text] > len(first):
                    first.append(own)
            found.append(None if text is None else known[text])
        return found

    def _nearest(self, own: frozenset[object], first: list[frozenset[object]]) -> int:
        """The cluster whose first text is the most similar, or the next number."""
        best, place = self.threshold, len(first) + 1
        size = len(own)
        for number, other in enumerate(first, 1):
            both = size + len(other)
            if 2 * min(size, len(other)) < best * both:
                continue
            share = 2 * len(own & other) / both if both else 1.0
            if share > best or (share == best and place > len(first)):
                best, place = share, number
        return place


class _Terms:
    def __init__(self, similarity: Similarity) -> None:
        self.match = similarity.match
        self.pattern = USUAL_TERM
        if similarity.delimiters:
            self.pattern = re.compile(f"[^{re.escape(similarity.delimiters)}]+")

    def of(self, text: str) -> frozenset[object]:
        """A text's terms; in a list each has its place, in a set it counts once."""
        text = text[:MOST_CHARACTERS]
        if self.match == "ngramset":
            return frozenset(text[at : at + GRAM] for at in range(max(len(text) - GRAM, 0) + 1))
        terms = self.pattern.findall(text)[:MOST_TERMS]
        return frozenset(enumerate(terms) if self.match == "termlist" else terms)

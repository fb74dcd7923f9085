"""A pattern learnt from examples of what it shall find in texts, for erex."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GROUP = "value"
MOST_CHARACTERS = 10_240
MOST_CONTEXT = 40
SPECIAL = re.compile(r"([\\.^$*+?{}\[\]|()])")
IN_CLASS = re.compile(r"([\\\]\[^-])")
LAST_WORD = re.compile(r"\w*\W*\Z", re.ASCII)
NUMBER = re.compile(r"\d+", re.ASCII)
WORD = re.compile(r"\w", re.ASCII)
CLASSES = {"number": r"\d+", "letters": "[A-Za-z]+", "space": r"\s+"}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where an example stands in a text: what is before and behind it."""

    before: str
    behind: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a pattern shall find, what it must not, and how many texts it is learnt from."""

    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    most: int

    def learnt(self, texts: Iterable[str]) -> tuple[str | None, bool]:
        """The pattern, whose group is `value`, if one fits; and whether any text has an example."""
        trainers: list[tuple[str, Occurrence]] = []
        traps: list[str] = []
        for whole in texts:
            text = whole[:MOST_CHARACTERS]
            if len(trainers) < self.most and (found := self._occurrence(text)) is not None:
                trainers.append((text, found))
            if len(traps) < self.most and any(one in text for one in self.counterexamples):
                traps.append(text)
            if len(trainers) >= self.most and len(traps) >= self.most:
                break
        if not trainers:
            return None, False
        for pattern in _candidates(self.examples, [one for _, one in trainers]):
            if self._fits(pattern, [text for text, _ in trainers], traps):
                return pattern, True
        return None, True

    def _occurrence(self, text: str) -> Occurrence | None:
        for example in self.examples:
            places = [one.start() for one in re.finditer(re.escape(example), text)]
            for place in places:
                found = Occurrence(text[:place], text[place + len(example) :])
                if _stands_alone(example, found):
                    return found
            if places:
                return Occurrence(text[: places[0]], text[places[0] + len(example) :])
        return None

    def _fits(self, pattern: str, trainers: list[str], traps: list[str]) -> bool:
        compiled = re.compile(pattern.replace("(?<", "(?P<"), re.ASCII)

        def caught(text: str) -> str | None:
            found = compiled.search(text)
            return None if found is None else found[GROUP]

        return all(caught(text) in self.examples for text in trainers) and not any(
            caught(text) in self.counterexamples for text in traps
        )


def _candidates(examples: tuple[str, ...], found: list[Occurrence]) -> Iterator[str]:
    """Patterns to try, the preferred ones first."""
    before = _before([one.before for one in found])
    edge_before, edge_behind = _edges(examples, found)
    behind = _behind([one.behind for one in found])
    shapes = [shape for shape in (_shape(examples), _charset(examples)) if shape is not None]
    for shape in shapes:
        for context in dict.fromkeys((before, "")):
            start = context if context and not context[-1].isalnum() else context + edge_before
            yield f"{start}(?<{GROUP}>{shape}){edge_behind}"
            if behind:
                yield f"{start}(?<{GROUP}>{shape}?){behind}"


def _shape(examples: tuple[str, ...]) -> str | None:
    """The examples' common run of numbers, letters, space and other characters."""
    runs = [[(kind, "".join(run)) for kind, run in groupby(one, _kind)] for one in examples]
    if len({tuple(kind for kind, _ in one) for one in runs}) != 1:
        return None
    found = []
    for column in zip(*runs, strict=True):
        kind, texts = column[0][0], {text for _, text in column}
        if len(texts) == 1 and (kind not in CLASSES or len(set(examples)) > 1):
            found.append(_escaped(texts.pop()))
        elif kind in CLASSES:
            found.append(CLASSES[kind])
        else:
            return None
    return "".join(found)


def _charset(examples: tuple[str, ...]) -> str:
    """A run of the kinds of characters that the examples have."""
    characters = sorted({one for example in examples for one in example})
    others = "".join(one for one in characters if not WORD.match(one) and not one.isspace())
    space = r"\s" if any(one.isspace() for one in characters) else ""
    word = r"\w" if any(WORD.match(one) for one in characters) else ""
    escaped = IN_CLASS.sub(r"\\\1", others)
    return f"[{word}{space}{escaped}]+"


def _kind(character: str) -> str:
    if character.isascii() and character.isdigit():
        return "number"
    if character.isascii() and character.isalpha():
        return "letters"
    return "space" if character.isspace() else character


def _before(texts: list[str]) -> str:
    """What all examples have before them, at most the last word and what follows it."""
    if not any(texts):
        return "^"
    common = _common([text[: -MOST_CONTEXT - 1 : -1] for text in texts])[::-1]
    last = LAST_WORD.search(common)
    word = last[0] if last is not None else ""
    return NUMBER.sub(lambda _: r"\d+", _escaped(word))


def _behind(texts: list[str]) -> str:
    """The character that all examples have behind them, if it ends words."""
    common = _common([text[:1] for text in texts])
    return _escaped(common) if common and not WORD.match(common) else ""


def _common(texts: list[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    length = next(
        (place for place, one in enumerate(first) if last[place : place + 1] != one), len(first)
    )
    return first[:length]


def _edges(examples: tuple[str, ...], found: list[Occurrence]) -> tuple[str, str]:
    """Whether the examples begin, and whether they end, where words do."""
    begins = all(WORD.match(one[0]) for one in examples) and not any(
        WORD.match(one.before[-1:]) for one in found
    )
    ends = all(WORD.match(one[-1]) for one in examples) and not any(
        WORD.match(one.behind) for one in found
    )
    return r"\b" if begins else "", r"\b" if ends else ""


def _stands_alone(example: str, found: Occurrence) -> bool:
    return not (
        (WORD.match(example[0]) and WORD.match(found.before[-1:]))
        or (WORD.match(example[-1]) and WORD.match(found.behind))
    )


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)

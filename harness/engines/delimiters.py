r"""Texts that delimiters cut apart (DELIMS of a transform), with values in double quotes.

In quotes a delimiter is text, and `\"` and `\\` are characters.
Source: transforms.conf.spec, DELIMS.
"""

from __future__ import annotations

import re

PARTS_MAX = 100_000
ESCAPED = re.compile(r'\\(["\\])')


def delimited(text: str | None, delimiters: str) -> list[str] | None:
    """The parts of a text; those between two delimiters may be empty.

    Blanks that follow another delimiter belong to it.
    """
    if text is None:
        return None
    signs = {one for one in delimiters if one not in " \t"}
    blanks = set(delimiters) - signs
    parts = [""]
    after_sign = False
    for piece, is_cut in _pieces(text, delimiters):
        if not is_cut:
            parts[-1] += piece
            after_sign = False
        elif not (after_sign and piece in blanks):
            after_sign = piece in signs
            parts.append("")
            if len(parts) > PARTS_MAX:
                break
    return parts


def delimited_pairs(text: str | None, pairs: str, inner: str, part: int) -> list[str] | None:
    """The names (part 0) or the values (part 1) of a text's pairs; delimiters in a row are one.

    Without inner delimiters names and values take turns. A part without one is no pair.
    """
    if text is None:
        return None
    if not inner:
        words = [word.strip() for word in delimited(text, pairs) or () if word.strip()]
        found = list(zip(words[::2], words[1::2], strict=False))
    else:
        found = list(_pairs(text, pairs, inner))
    return [pair[part] for pair in found] or None


def _pairs(text: str, outer: str, inner: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    name, value = "", None
    for piece, is_cut in [*_pieces(text, outer + inner), (outer[:1], True)]:
        if not is_cut:
            name, value = (name + piece, None) if value is None else (name, value + piece)
        elif piece in inner and (piece not in outer or name.strip()) and value is None:
            value = ""
        elif piece in inner and piece not in outer:
            value = (value or "") + piece
        else:
            if value is not None and name.strip():
                found.append((name.strip(), value.strip(" ")))
            name, value = "", None
        if len(found) >= PARTS_MAX:
            break
    return found


def _pieces(text: str, delimiters: str) -> list[tuple[str, bool]]:
    """The text as runs and single delimiters; what is quoted is a run without its quotes."""
    pieces: list[tuple[str, bool]] = []
    start = position = 0
    while position < len(text):
        character = text[position]
        at_start = position == start
        if character == '"' and at_start and (end := _closing(text, position)) is not None:
            pieces.append((ESCAPED.sub(r"\1", text[position + 1 : end]), False))
            position = start = end + 1
        elif character in delimiters:
            if start < position:
                pieces.append((text[start:position], False))
            pieces.append((character, True))
            position = start = position + 1
        else:
            position += 1
    if start < position:
        pieces.append((text[start:position], False))
    return pieces


def _closing(text: str, position: int) -> int | None:
    """Where the quotes that open here close."""
    position += 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == '"':
            return position
        position += 1
    return None

"""XML read as log texts have it: often cut, rarely valid, never trusted.

Nothing is fetched and no entity is expanded but the five of XML and numeric ones. One pass, in
time that grows with the text; what is not closed counts as far as it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.engines.json_documents import REMEMBERED, REMEMBERED_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 200
TAG = re.compile(
    r"""<(?P<close>/)?(?P<name>[^\W\d][\w:.-]*)
        (?P<attributes>(?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""",
    re.VERBOSE,
)
ATTRIBUTE = re.compile(
    r"""(?<![^\s=/<>"'])([^\s=/<>"']++)\s*+=\s*(?:"([^"<]*)"|'([^'<]*)'|([^\s<>"'=]+))""",
    re.VERBOSE,
)
SKIPPED = (("<!--", "-->"), ("<?", ">"), ("<!DOCTYPE", ">"))
CDATA = "<![CDATA["
ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(lt|gt|quot|apos|amp));")
NAMED = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}
LAST_CHARACTER = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


@dataclass(slots=True)
class Element:
    """An element, whose content lies from `start` to `end` in the text `source`."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    source: str = ""
    start: int = 0
    end: int | None = None
    closed: bool = False

    @property
    def inner(self) -> str:
        """Its content as it stands in the text."""
        return self.source[self.start : self.end].strip()

    @property
    def text(self) -> str:
        """The text directly within it, without the spaces around."""
        return "".join(self.texts).strip()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: kinds are open, close, empty (an element at once closed) and text."""

    kind: str
    value: str
    start: int
    end: int
    attributes: str = ""


def tokens(text: str) -> Iterator[Token]:
    """The tags and texts in order; comments, instructions and document types are passed over."""
    position = 0
    while position < len(text):
        opened = text.find("<", position)
        if opened != position:
            end = len(text) if opened < 0 else opened
            yield Token("text", decoded(text[position:end]), position, end)
            if opened < 0:
                return
        if text.startswith(CDATA, opened):
            end = text.find("]]>", opened)
            if end < 0:
                return
            yield Token("text", text[opened + len(CDATA) : end], opened, end + 3)
            position = end + 3
            continue
        skipped = next((end for start, end in SKIPPED if text.startswith(start, opened)), None)
        if skipped is not None:
            end = _skipped(text, opened, skipped)
            if end < 0:
                return
            position = end
            continue
        found = TAG.match(text, opened)
        if found is None:
            yield Token("text", "<", opened, opened + 1)
            position = opened + 1
            continue
        position = found.end()
        yield _tag(found)


def _skipped(text: str, start: int, end: str) -> int:
    """Where a comment, an instruction or a document type ends, or -1."""
    found = text.find(end, start)
    bracket = text.find("[", start, found) if text.startswith("<!DOCTYPE", start) else -1
    if bracket >= 0:
        found = text.find("]>", bracket)
        end = "]>"
    return found + len(end) if found >= 0 else -1


def _tag(found: re.Match[str]) -> Token:
    attributes = found["attributes"]
    if found["close"]:
        kind = "close"
    elif attributes.endswith("/"):
        kind = "empty"
    else:
        kind = "open"
    return Token(kind, found["name"], found.start(), found.end(), attributes)


def attributes_of(token: Token) -> dict[str, str]:
    """A tag's attributes, entities decoded."""
    found = ATTRIBUTE.finditer(token.attributes)
    return {one[1]: decoded(one[2] or one[3] or one[4] or "") for one in found}


def document(text: str) -> Element | None:
    """A nameless element around the outermost ones of a text, or None if it is no XML."""
    return _document(text) if len(text) > REMEMBERED_CHARACTERS else _remembered(text)


def _document(text: str) -> Element | None:
    if not text.lstrip().startswith("<"):
        return None
    top = Element("", closed=True)
    stack = [top]
    for token in tokens(text):
        if token.kind == "text":
            stack[-1].texts.append(token.value)
        elif token.kind == "close":
            _close(stack, token)
        else:
            element = Element(token.value, attributes_of(token), source=text, start=token.end)
            stack[-1].children.append(element)
            element.closed = token.kind == "empty"
            if token.kind == "open":
                stack.append(element)
            if len(stack) > MAX_DEPTH:
                return None
    return top if top.children else None


_remembered = lru_cache(maxsize=REMEMBERED)(_document)


def _close(stack: list[Element], token: Token) -> None:
    """Close the innermost element of that name, and those within it that were left open."""
    names = [element.name for element in stack[1:]]
    if token.value not in names:
        return
    while True:
        element = stack.pop()
        element.end, element.closed = token.start, True
        if element.name == token.value:
            return


def pairs(text: str) -> list[tuple[str, str]]:
    """Each element that holds nothing but text, with its text; the rest need not be XML."""
    found: list[tuple[str, str]] = []
    name, value = "", ""
    for token in tokens(text):
        if token.kind == "open":
            name, value = token.value, ""
        elif token.kind == "text":
            value += token.value
        else:
            if token.kind == "close" and token.value == name and value.strip():
                found.append((name, value.strip()))
            name = ""
    return found


def texts_by_name(text: str) -> dict[str, list[str]]:
    """What `pairs` gives, by name: it is asked for one name after the other."""
    short = len(text) <= REMEMBERED_CHARACTERS
    return _remembered_texts(text) if short else _texts_by_name(text)


def _texts_by_name(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs(text):
        found.setdefault(name, []).append(value)
    return found


_remembered_texts = lru_cache(maxsize=REMEMBERED)(_texts_by_name)


def decoded(text: str) -> str:
    """The five entities and numeric ones decoded, once; what names no character stays."""
    return ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return NAMED[found[3]]
    code = int(found[1]) if found[1] else int(found[2], 16)
    valid = 0 < code <= LAST_CHARACTER and code not in SURROGATES
    return chr(code) if valid else found[0]

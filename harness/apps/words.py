"""Words as conf files write them: lists, some of them quoted, and URL encoding."""

from __future__ import annotations


def quoted_words(text: str, *, separators: str = ", \t\n", keep_quotes: bool = False) -> list[str]:
    r"""Split at separators outside of double quotes; `\"` and `\\` in quotes are characters.

    Quotes around a whole word are taken off, unless they are to be kept. A quote that is
    never closed ends with the text.
    """
    words: list[str] = []
    current: list[str] = []
    quoted = whole = False
    position = 0
    while position < len(text):
        character = text[position]
        if quoted and character == "\\" and text[position + 1 : position + 2] == '"':
            current.append('\\"' if keep_quotes else '"')
            position += 2
            continue
        if character == '"':
            whole = whole or not current
            quoted = not quoted
            current.append(character)
        elif character in separators and not quoted:
            _close(words, current, whole=whole and not keep_quotes)
            whole = False
        else:
            current.append(character)
        position += 1
    _close(words, current, whole=whole and not keep_quotes)
    return words


def url_decoded(text: str) -> str:
    """The text of a stanza's name, in which `%20` and the like are characters (as UTF-8)."""
    if "%" not in text:
        return text
    from urllib.parse import unquote  # noqa: PLC0415 - 3 ms, and such names are rare

    return unquote(text)


def _close(words: list[str], current: list[str], *, whole: bool) -> None:
    word = "".join(current)
    current.clear()
    if whole and len(word) >= 2 and word[-1] == '"':
        words.append(word[1:-1])
    elif word:
        words.append(word)

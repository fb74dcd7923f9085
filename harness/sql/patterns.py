r"""PCRE, as Splunk reads it, to RE2, as DuckDB runs it, where both mean the same.

What RE2 cannot say (look-around, backreferences, atomic groups, possessive quantifiers) or says
differently is left to the `regex` module, with `regex.ASCII` so that `\w` stays PCRE's.
Rewritten: `(?<n>…)`, `\s` and `\h` (PCRE's include the vertical tab), and a final `$`, which in
PCRE also matches before a newline that ends the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from harness.registry.patterns import CLASS_NAME
from harness.sql.widths import repeats_nothing

SPACE = r"\t\n\x0b\f\r "
GROUP = re.compile(r"\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>")
SPECIAL_GROUP = re.compile(r"\(\?(?:P?<[A-Za-z_]|:|[imsU]+(?:-[imsU]+)?[:)]|-[imsU]+[:)])")
SIMPLE_ESCAPES = frozenset("dDwWnrtfabBxAz.^$*+?()[]{}|\\/\"'-:=<>!#&%@,;~` _")
MAX_REPEAT = 1000
FLAGS = re.compile(r"\(\?[a-zA-Z-]*[:)]")
WITHOUT = re.compile(r"\(\?[a-zA-Z]*-")
REPEATED_GROUP = re.compile(r"\)[*+{]")
REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern with the groups it names; `native` is its RE2 form, or None if it has none.

    `consumes_newline` marks a rewritten `$`, which takes the newline along: harmless for
    matching and for groups, wrong for replacement.
    """

    text: str
    native: str | None
    groups: tuple[str, ...]
    consumes_newline: bool = False


class _NotNative(Exception):
    pass


@lru_cache(maxsize=4096)
def translate(text: str) -> Pattern:
    """The pattern's RE2 form, if there is one that means the same."""
    groups = tuple(GROUP.findall(text))
    try:
        native, consumes = _rewrite(text)
    except _NotNative:
        return Pattern(text, None, groups)
    if REPEATED_GROUP.search(native) and repeats_nothing(text):
        return Pattern(text, None, groups)
    return Pattern(text, native, groups, consumes)


def _rewrite(text: str) -> tuple[str, bool]:
    rewriter = _Rewriter(text)
    while rewriter.position < len(text):
        rewriter.step()
    return "".join(rewriter.out), rewriter.consumes


class _Rewriter:
    """Walks a pattern once; `quantified` says that the last step was a quantifier."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.out: list[str] = []
        self.consumes = False
        self.quantified = False
        self.multiline = False
        self.dotall = False
        self.open: list[bool] = []

    def step(self) -> None:
        """Take one element of the pattern."""
        character, quantified = self.text[self.position], False
        if character == "\\":
            if self.text.startswith("\\Z", self.position):
                self._last()
            self.position = _escape(self.text, self.position, self.out, in_class=False)
        elif character == "[":
            self.position = _class(self.text, self.position, self.out)
        elif character == "(":
            self._open()
        elif character == ")":
            self._close()
        elif character in "*+?":
            if self.quantified and character == "+":
                raise _NotNative
            quantified = not self.quantified
            self._copy(character)
        elif character == "{":
            quantified = self._braces()
        elif character == "$":
            self._end()
        else:
            self._copy(character)
        self.quantified = quantified

    def _copy(self, text: str) -> None:
        self.out.append(text)
        self.position += len(text)

    def _open(self) -> None:
        text, position = self.text, self.position
        if text.startswith("(*", position):
            raise _NotNative
        if text.startswith("(?", position):
            if not SPECIAL_GROUP.match(text, position):
                raise _NotNative
            flags = FLAGS.match(text, position)
            if flags is not None and "m" in flags[0]:
                if position or flags[0].strip("(?ims)"):
                    raise _NotNative
                self.multiline = True
            if flags is not None and not position and "s" in flags[0].partition("-")[0]:
                self.dotall = flags[0].endswith(")") and not WITHOUT.search(text)
            if named := GROUP.match(text, position):
                self.open.append(True)
                self.out.append(f"(?P<{named[1]}>")
                self.position = named.end()
                return
            if flags is None or not flags[0].endswith(")"):
                self.open.append(False)
        else:
            self.open.append(True)
        self._copy("(")

    def _close(self) -> None:
        if self.open:
            self.open.pop()
        self._copy(")")

    def _braces(self) -> bool:
        matched = REPEAT.match(self.text, self.position)
        if matched is None:
            self.out.append(r"\{")
            self.position += 1
            return False
        if int(matched[2] or matched[1]) > MAX_REPEAT:
            raise _NotNative
        self._copy(matched[0])
        return True

    def _end(self) -> None:
        if self.multiline:
            self._copy("$")
            return
        consumes, rest = self.consumes, self.dotall and self.out[-2:] in ([".", "*"], [".", "+"])
        self._last()
        if rest:
            # All up to the end is taken already, a last newline too.
            self.consumes = consumes
        self.out.append(r"\z" if rest else r"(?:\n?\z)")
        self.position += 1

    def _last(self) -> None:
        """Nothing may follow an end that takes the newline along, and no group may hold it."""
        width = 1 if self.text[self.position] == "$" else 2
        rest = self.text[self.position + width :]
        if any(self.open) or not (rest.strip(")") == "" or (not self.open and rest[0] == "|")):
            raise _NotNative
        self.consumes = True


def _escape(text: str, position: int, out: list[str], *, in_class: bool) -> int:
    following = text[position + 1 : position + 2]
    if following == "s":
        out.append(SPACE if in_class else f"[{SPACE}]")
    elif following == "S" and not in_class:
        out.append(f"[^{SPACE}]")
    elif following == "h":
        out.append(r"\t " if in_class else r"[\t ]")
    elif following in ("R", "N") and not in_class:
        out.append(r"(?:\r\n|\n|\x0b|\f|\r)" if following == "R" else r"[^\n]")
    elif following == "x":
        matched = re.compile(r"\\x([0-9A-Fa-f]{1,2}|\{[0-9A-Fa-f]+\})").match(text, position)
        if not matched:
            raise _NotNative
        digits = matched[1] if matched[1].startswith("{") else f"{matched[1]:0>2}"
        out.append(rf"\x{digits}")
        return matched.end()
    elif following == "b" and in_class:
        out.append(r"\x08")
    elif following == "Z":
        out.append(r"\n?\z")
    elif following and following in SIMPLE_ESCAPES:
        meaningful = following.isalnum() or following in ".^$*+?()[]{}|\\-"
        out.append(f"\\{following}" if meaningful else following)
    else:
        raise _NotNative
    return position + 2


def _class(text: str, position: int, out: list[str]) -> int:
    out.append("[")
    position += 1
    if text.startswith("^", position):
        out.append("^")
        position += 1
    if text.startswith("]", position):
        out.append(r"\]")
        position += 1
    while position < len(text) and text[position] != "]":
        if text[position] == "\\":
            position = _escape(text, position, out, in_class=True)
        elif matched := CLASS_NAME.match(text, position):
            out.append(matched[0])
            position = matched.end()
        else:
            out.append(r"\[" if text[position] == "[" else text[position])
            position += 1
    if position >= len(text):
        raise _NotNative
    out.append("]")
    return position + 1

"""Patterns out of the data, which anybody may have written: an answer or an error, and soon."""

from __future__ import annotations

import time

import pytest

from harness.engines.functions import regex_matches, regex_replace
from harness.errors import HarnessError

TEXT = "a" * 3_000
SOON = 6.0
REFUSED = {
    "nested": "(" * 9_000 + ")" * 9_000,
    "too long": "a" * 30_000,
    "too many repeats": "a{999999999999}",
    "no such class": r"\p{Nope}",
    "no such list": r"\L<x>",
    "calls itself": "(?R)",
    "flags": "(?u)x",
    "open": "(",
}
READ = {
    "repeats of repeats": (r"((a{1,1000}){1,1000}){1,1000}", True),
    "alternatives": ("|".join(["abc"] * 4_000), False),
    "a large class": ("[" + "a-z" * 6_000 + "]", True),
    "braces that count nothing": ("(?:foo){e<=3}", False),
    "letter case": ("(?i)" + "ß" * 9_000, False),
}


@pytest.mark.parametrize("pattern", REFUSED.values(), ids=REFUSED)
def test_a_pattern_that_cannot_be_is_an_error_that_names_it(pattern: str) -> None:
    began = time.monotonic()
    with pytest.raises(HarnessError) as caught:
        regex_matches(TEXT, pattern)
    assert time.monotonic() - began < SOON
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("pattern", "found"), READ.values(), ids=READ)
def test_a_strange_pattern_is_read(pattern: str, found: bool) -> None:
    began = time.monotonic()
    assert regex_matches(TEXT, pattern) is found
    assert time.monotonic() - began < SOON


def test_what_is_absent_gives_nothing() -> None:
    assert regex_matches(None, "a") is None
    assert regex_matches("a", None) is None
    assert regex_replace("a", None, "b", 0) is None
    assert regex_replace("a", "a", None, 0) is None

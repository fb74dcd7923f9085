"""The two routes of a regular expression give the same: RE2 in the engine, `regex` in Python.

Truth is the `regex` module with `regex.ASCII`, asked here directly, never through the engine.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import duckdb
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.registry.patterns import python_pattern
from harness.sql.duckdb import DuckDBDialect, generate
from harness.sql.duckdb import text as literal
from harness.sql.patterns import translate

CHARACTERS = "abAB1_ é\n\x0b\r-/"
LITERALS = ["a", "b", "A", "1", "_", " ", "é", r"\.", r"\-", "/", r"\n", r"\x41", r"\t"]
CLASSES = [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", ".", r"\h", r"\N"]
SETS = [
    *("[ab]", "[^a]", "[a-c1]", r"[\w-]", r"[\s]", r"[^\s]", r"[^\d\s]", "[[:alpha:]_]"),
    *(r"[^\]a]", "[^[:space:]]", "[]a]", r"[é\n]", r"[\h1]", "[^é]"),
]
ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\Z", r"\z"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?", "+?", "??", "{1,}?", "{,2}", "*+"]
FLAGS = ["(?i)", "(?m)", "(?s)", "(?ms)"]


def groups(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.lists(inner, min_size=1, max_size=3).map("".join)
    opening = st.sampled_from(["(", "(?:", "(", "(?i:", "(?m:", "(?s:", "(?-i:"])
    group = st.builds(lambda o, a: f"{o}{a})", opening, joined)
    choice = st.builds(lambda o, a, b: f"{o}{a}|{b})", opening, joined, joined)
    repeated = st.builds(lambda a, q: a + q, st.one_of(group, choice), st.sampled_from(QUANTIFIERS))
    return st.one_of(joined, group, choice, repeated)


ATOMS = st.sampled_from([*LITERALS, *CLASSES, *SETS])
REPEATED = st.builds(lambda a, q: a + q, ATOMS, st.sampled_from(QUANTIFIERS))
LEAVES = st.one_of(ATOMS, ATOMS, REPEATED, st.sampled_from([*ANCHORS, "$", "(?i)", "(?m)"]))
BODIES = st.recursive(LEAVES, groups, max_leaves=6)
PATTERNS = st.builds(lambda f, b: f + b, st.sampled_from(["", "", *FLAGS]), BODIES)
TEXTS = st.text(alphabet=CHARACTERS, max_size=8)


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def compiled(pattern: str) -> Any:
    """What the pattern means, or None where it is no pattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return regex.compile(python_pattern(pattern), regex.ASCII | regex.VERSION1)
    except regex.error:
        return None


def native(build: str, subject: str, *arguments: Any, **options: Any) -> tuple[bool, Any]:
    """Whether the engine alone answers a dialect's call, and its answer."""
    dialect = DuckDBDialect()
    node = getattr(dialect, build)(literal(subject), *arguments, **options)
    if dialect.used:
        return False, None
    row = connection().execute(f"SELECT {generate(node)}").fetchone()
    assert row is not None
    return True, row[0]


@settings(max_examples=300, deadline=None)
@given(PATTERNS, TEXTS)
@example("a$", "a\n")
@example(r"a$\n", "a\n")
@example(r"\w", "é")
@example(r"\s", "\x0b")
@example("a.b", "a\nb")
@example("a(?i)b", "AB")
def test_matches(pattern: str, subject: str) -> None:
    truth = compiled(pattern)
    if truth is None or translate(pattern).native is None:
        return
    answered, found = native("regex_matches", subject, pattern)
    assert answered
    assert found is (truth.search(subject) is not None)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, TEXTS)
@example("($)", "\n")
@example(r"(\S*)*", "1")
@example("([[:alpha:]_]*)", "")
@example("(a)|(b)", "b")
def test_groups(pattern: str, subject: str) -> None:
    truth = compiled(pattern)
    if truth is None or translate(pattern).native is None:
        return
    match = truth.search(subject)
    for number in range(1, truth.groups + 1):
        answered, found = native("regex_group", subject, pattern, number)
        if answered:
            assert found == (match.group(number) if match else None), number
        answered, found = native("regex_filled", subject, pattern, number)
        assert answered
        assert found == ((match.group(number) if match else None) or None), number


@settings(max_examples=200, deadline=None)
@given(PATTERNS, TEXTS)
@example("(a)|b", "ba")
def test_every_catch(pattern: str, subject: str) -> None:
    truth = compiled(pattern)
    if truth is None or truth.groups == 0:
        return
    answered, found = native("regex_all", subject, pattern, 1)
    if answered:
        wanted = [match.group(1) or "" for match in truth.finditer(subject)]
        assert found == (wanted or None)


@settings(max_examples=200, deadline=None)
@given(PATTERNS, TEXTS, st.booleans())
@example(r"\D*", "A", True)
@example("(?s)a.*$", "ba\n\n", True)
@example("(?s)a(?-s:.+$)", "aa\n\n", True)
@example("(?s).+$", "a\n", False)
def test_replacement(pattern: str, subject: str, every: bool) -> None:
    truth = compiled(pattern)
    if truth is None:
        return
    answered, found = native("regex_replace", subject, pattern, "<!>", every=every)
    if answered:
        assert found == truth.sub("<!>", subject, count=0 if every else 1)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?<user>\w+)@(?<host>[\w.-]+)",
        r"\.exe$",
        r"(?s)^\s*(\S+).*$",
        r"(?i)(?:power|c)shell|cmd\.exe$",
        r"(?ms)^\s*Name:\s+(?<name>[^\r\n]*)$",
        r"(?<a>\d{1,3})(?:\.\d{1,3}){3}",
        r"[[:alnum:]_]+\h+\S+",
    ],
)
def test_common_patterns_stay_in_the_engine(pattern: str) -> None:
    assert translate(pattern).native is not None


@pytest.mark.parametrize(
    "pattern",
    [
        *("a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", r"(a)\1", r"(?<n>a)\k<n>", "(?P<n>a)(?P=n)"),
        *(
            "a++",
            "a*+",
            "a?+",
            "a{2}+",
            "(?>a)b",
            "(?|(a)|(b))",
            "(?#note)a",
            "(?R)",
            "(a)?(?(1)b)",
        ),
        *(
            "a{1001}",
            "a{1,1001}",
            "a{1001,}",
            r"a$\n",
            "(a$)",
            "(?:a$)b",
            r"a\Zb",
            "(a*)*",
            r"a\Kb",
        ),
        *(r"\Ga", r"\p{L}", r"\X", "(*UTF)a", "(?x) a b", "a(?m)^b", "a|b(?m)$"),
    ],
)
def test_what_re2_lacks_or_means_otherwise_leaves_it(pattern: str) -> None:
    assert translate(pattern).native is None


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"(?<n>a)(?P<m>b)", r"(?P<n>a)(?P<m>b)"),
        (r"\s", r"[\t\n\x0b\f\r ]"),
        (r"[^\sa]", r"[^\t\n\x0b\f\r a]"),
        (r"\S", r"[^\t\n\x0b\f\r ]"),
        (r"\h[\h]", r"[\t ][\t ]"),
        ("a$", r"a(?:\n?\z)"),
        ("(?m)a$", "(?m)a$"),
        (r"\$a", r"\$a"),
        ("[$a]", "[$a]"),
        ("a{,2}", r"a\{,2}"),
        ("a{1000}", "a{1000}"),
        (r"\x4", r"\x04"),
        (r"[]a[]", r"[\]a\[]"),
        (r"\/\-\\", r"/\-\\"),
    ],
)
def test_what_is_rewritten(pattern: str, wanted: str) -> None:
    # pcresyntax(3) beside RE2's syntax page: what the one writes in another way than the other.
    assert translate(pattern).native == wanted


@pytest.mark.parametrize(
    ("pattern", "subject", "wanted"),
    [
        (r"a\Z", "a\n", True),
        (r"a\z", "a\n", False),
        (r"a\z", "a", True),
        (r"a\hb", "a\tb", True),
        (r"a[\h]b", "a\nb", False),
        (r"a\Rb", "a\r\nb", True),
        (r"a\Nb", "a\nb", False),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        ("^a{,2}$", "a{,2}", True),
        ("^a{,2}$", "aa", False),
        ("a(?i)b", "aB", True),
        ("a(?i)b", "AB", False),
        ("^[[a]$", "[", True),
        ("^[a--]$", "-", True),
        ("^[a||b]$", "|", True),
    ],
)
def test_the_python_form_means_what_pcre_says(pattern: str, subject: str, wanted: bool) -> None:
    # pcrepattern(3): sections on simple assertions, generic character types, newline sequences,
    # repetition, internal option setting, and square brackets.
    assert (compiled(pattern).search(subject) is not None) is wanted

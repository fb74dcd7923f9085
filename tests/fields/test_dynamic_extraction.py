"""Names out of the data: one name's own pattern gives what looking through all pairs gives.

Truth is the `regex` module: every match in order, its key cleaned, its value kept if filled.
Source: transforms.conf.spec, FORMAT, CLEAN_KEYS, KEEP_EMPTY_VALS and MV_ADD.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.fields.extractors import Pairs, specialise
from harness.model import ALL_TIME
from harness.plan.expressions import Call
from harness.plan.nodes import Extend, Values
from harness.registry.patterns import python_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ["a", "a_b", "nd", "b_"]
SPECIALISED = [
    r";([^;:]+):([^;]*)",
    r";[ \t]*([^;:]+):([^;]*)",
    r";([^;:]+):[ \t]*([^;]*)",
    r"\n[ \t]*([^:\n]+):[ \t]*([^\n]*)",
    r"\n([^=\r\n]+)=([^\r\n]+)",
    r";([^;: ]+) *:([^;]*)",
    r"\n([^=\n\r]+)=([^\n\r]*)",  # Windows event logs: the header
    r"\n[ \t]*([^:\n\r]+):[ \t]+([^\n\r]*)",  # and the message
    r";([^;:]+)::([^;]+)",
    r";[ \t]([^;:]+):([^;]*)",
]
PARTS = [
    *(";", ";", "\n", ":", ":", "=", "::", " ", "\t", "a", "a", "b", "a_b", "a b", "a.b", "_a"),
    *("2nd", "nd_try", "b_", "b ", "A", "é", "a:1", ";a:", "\na:", "\r"),
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=10).map("".join)


def cleaned(key: str) -> str:
    return re.sub("^[0-9_]+", "", re.sub("[^A-Za-z0-9_]", "_", key))


def by_hand(pattern: str, text: str, name: str) -> list[str]:
    compiled = regex.compile(python_pattern(pattern), regex.ASCII | regex.VERSION1)
    return [
        match.group(2)
        for match in compiled.finditer(text)
        if cleaned(match.group(1)) == name and match.group(2)
    ]


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(Knowledge(load_apps(builtin=False)))
    yield made
    made.close()


def extracted(engine: DuckDBEngine, text: str, one: Pairs, name: str) -> list[str]:
    search = LocalSearch(engine, SearchRequest("| table x", 0.0, ALL_TIME), Values(("x",), ()))
    expression: Any = one.field(name)
    if expression is None:
        return []
    if not isinstance(expression, Call):
        raise TypeError(expression)
    row = Extend(Values(("_raw",), ((text,),)), (("x", expression),))
    statement, types = search.statement(row, ("x",))
    engine.prepare(set(re.findall(r"spl_\w+", statement)))
    [found] = engine.fetch(statement, ("x",), types).rows
    value = found.get("x", [])
    return value if isinstance(value, list) else [str(value)]


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(SPECIALISED), TEXTS, st.sampled_from(NAMES))
@example(SPECIALISED[0], ";a:1;2.a:2;_a:3;a b:4;a.b:5", "a")
@example(SPECIALISED[2], ";a_b: 1;a b:\t2;ab:3", "a_b")
@example(SPECIALISED[3], "\n \ta: 1\na :2\nA:3", "a")
def test_a_name_of_its_own_pattern_gives_the_same_values(
    engine: DuckDBEngine, pattern: str, text: str, name: str
) -> None:
    found = extracted(engine, text, Pairs(pattern, "_raw", 1, 2, adds=True), name)
    assert found == by_hand(pattern, text, name)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SPECIALISED), TEXTS, st.sampled_from(NAMES))
def test_without_mv_add_the_first_value_is_the_field(
    engine: DuckDBEngine, pattern: str, text: str, name: str
) -> None:
    found = extracted(engine, text, Pairs(pattern, "_raw", 1, 2, adds=False), name)
    assert found == by_hand(pattern, text, name)[:1]


def test_an_empty_value_is_passed_over(engine: DuckDBEngine) -> None:
    one = Pairs(SPECIALISED[0], "_raw", 1, 2, adds=False)
    assert extracted(engine, ";a:;a:1", one, "a") == ["1"]


@pytest.mark.parametrize(
    ("pattern", "text", "name"),
    [
        (r";([^;]+)=([^;]*)", ";a=b=c", "a"),  # the name is a=b
        (r";([^;:a]+):([^;]*)", ";a:1", "a"),  # a name holds no a
        (r";([^;:]+) *:([^;]*)", ";a :1", "a"),  # the name takes the space: a_
        (r"n([^\n:]+):([^\n]*)", "nbna:1", "a"),  # a name may hold the letter n, not the newline
        (r";([^;:]+):.*=([^;]*)", ";b:;a:=1", "a"),  # the first match reaches over the second
    ],
)
def test_a_name_that_ends_elsewhere(
    engine: DuckDBEngine, pattern: str, text: str, name: str
) -> None:
    found = extracted(engine, text, Pairs(pattern, "_raw", 1, 2, adds=True), name)
    assert found == by_hand(pattern, text, name)


@pytest.mark.parametrize("pattern", SPECIALISED[:5])
def test_common_forms_are_specialised(pattern: str) -> None:
    assert specialise(pattern, 1, 2, "a") is not None


@pytest.mark.parametrize(
    "pattern",
    [
        r"([^;:]+):([^;]*)",  # begins with the name: a match may begin inside another name
        r";([^:]+):([^;]*)",  # the name may hold what a match begins with
        r";([^;:]+):([^:]*)",  # so may the value
        r";([^;:]+);([^;]*)",  # so may what lies between
        r";(\w+):(.*)",
        r";([^;:]+):([^;]*)(x)?",
    ],
)
def test_a_pattern_whose_matches_could_overlap_is_not_specialised(pattern: str) -> None:
    assert specialise(pattern, 1, 2, "a") is None


def test_groups_in_another_order_are_not_specialised() -> None:
    assert specialise(r";([^;:]+):([^;]*)", 2, 1, "a") is None

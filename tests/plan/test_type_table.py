"""The table of decision 0003: how the kinds of values meet in operators and branches.

The operands: `n` the number 3, `t` a text that spells 3, `s` the text "x", `m` the values "3" and
"x", `z` an absent field. A row of the table is an expression and what it has to give.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.model import ALL_TIME
from harness.plan.nodes import Values

OPERANDS: dict[str, Any] = {"n": 3.0, "t": "3", "s": "x", "m": ["3", "x"]}
TRUTH = {True: "true", False: "false", None: "unknown"}


@cache
def apps() -> Apps:
    return load_apps()


def evaluated(spl: str) -> list[dict[str, Any]]:
    engine = DuckDBEngine(Knowledge(apps()))
    try:
        given = Values(tuple(OPERANDS), (tuple(OPERANDS.values()),))
        search = LocalSearch(engine, SearchRequest(spl, 0.0, ALL_TIME), given)
        return engine.run(search.relation(), search).rows
    finally:
        engine.close()


def result(expression: str) -> Any:
    (row,) = evaluated(f"| eval r={expression} | table r")
    value = row.get("r")
    return int(value) if isinstance(value, float) and value.is_integer() else value


PLUS = {
    "n+n": 6, "n+t": 6, "t+n": 6, "n+s": None, "s+n": None, "n+m": None, "n+z": None,
    "t+t": "6", "t+s": "3x", "s+t": "x3", "s+s": "xx", "t+m": None, "s+z": None, "z+z": None,
    '"3"+"4"': "34", '"3"+n': 6, '"3"+t': "6", '"a"+s': "ax",
}  # fmt: skip
DOT = {
    "n.n": "33", "n.t": "33", "n.s": "3x", "t.s": "3x", "s.s": "xx", "s.n": "x3", "n.z": None,
    "z.s": None, "m.s": None, "s.m": None, '"a".n': "a3", "(n/2).s": "1.5x",
}  # fmt: skip
ARITHMETIC = {
    "n-n": 0, "n-t": 0, "t-t": 0, "t*t": 9, "t/t": 1, "t%t": 0, "n-s": None, "s*s": None,
    "s/n": None, "m-n": None, "m*m": None, "n-z": None, "z%n": None, "n/0": None, "n%0": None,
    "-n": -3, "-t": -3, "-s": None, "-m": None, "-z": None,
}  # fmt: skip
COMPARISONS = {
    "n=n": True, "n=t": True, "t=n": True, "t=t": True, "n=s": False, "s=s": True, "t=s": False,
    "n=m": True, "m=n": True, "s=m": True, 'm="y"': False, "m=m": True, "m!=s": True,
    "n=z": None, "z=z": None, "z!=n": None, "m=z": None,
    "n<10": True, "t<10": True, 't<"10"': True, 's<"10"': False, "s>n": True, "n<s": True,
    't="3.0"': True, 't="03"': True, '"x"="X"': False, '"10">9': True, '"abc">9': True,
    "n>=t": True, "n<=t": True, "n!=t": False, "m>5": True, "m<4": True, "m<2": False,
}  # fmt: skip
LOGIC = {
    "NOT z=1": None, "z=1 OR n=3": True, "z=1 AND n=3": None, "z=1 AND n=4": False,
    "z=1 OR n=4": None, "z=1 XOR n=3": None, "n=3 XOR t=4": True, "NOT n=4": True,
    's IN ("x", 1)': True, "t IN (3)": True, 'n IN ("3")': True, 'z IN ("x")': None,
    'm IN ("x", "q")': True, 'NOT m IN ("q")': True,
    's LIKE "x%"': True, 'm LIKE "x"': True, 'z LIKE "%"': None, 'n LIKE "3"': True,
}  # fmt: skip
BRANCHES = {
    "if(true(), n, n)": 3, "if(true(), n, 4)": 3, "if(true(), n, z)": 3, "if(false(), n, z)": None,
    "if(true(), n, s)": "3", "if(true(), n, t)": "3", "if(true(), s, n)": "x",
    "if(true(), n, m)": "3", "if(false(), n, m)": ["3", "x"], "if(true(), m, z)": ["3", "x"],
    "if(z=1, n, s)": "x", 'if(true(), n, "a")+1': 4, "if(true(), s, n)+1": None,
    "case(n=3, n, true(), s)": "3", "case(n=4, n, true(), 5)": 5, "case(n=4, n)": None,
    "case(z=1, n, true(), s)": "x", "case(false(), m, true(), n)": "3",
    "coalesce(z, n)": 3, "coalesce(z, n, s)": "3", "coalesce(z, s, n)": "x", "coalesce(z, z)": None,
    "coalesce(z, m)": ["3", "x"], "coalesce(n, m)": "3", "coalesce(t, n)": "3",
    "nullif(n, t)": None, "nullif(n, s)": 3, "nullif(s, z)": "x", "nullif(z, s)": None,
    "validate(n=4, s, true(), n)": "x", "validate(n=3, s, n=4, n)": "3",
    "max(n, 4)": 4, "max(n, s)": "x", "min(n, s)": "3", "max(m, 2)": "x", "min(m, t)": "3",
}  # fmt: skip
PRINTED = {
    'n.""': "3", '(n/2).""': "1.5", '(1/3).""': "0.3333333333333333", '(0-n).""': "-3",
    '(n*1000000).""': "3000000", '(0.1+0.2).""': "0.30000000000000004",
    '123456789012."!"': "123456789012!", 'sqrt(0-n).""': "nan", 'exp(1000).""': "inf",
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param(expression, expected, id=expression)
        for table in (PLUS, DOT, ARITHMETIC, BRANCHES, PRINTED)
        for expression, expected in table.items()
    ],
)
def test_value(expression: str, expected: Any) -> None:
    value = result(expression)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [pytest.param(c, e, id=c) for table in (COMPARISONS, LOGIC) for c, e in table.items()],
)
def test_condition(condition: str, expected: bool | None) -> None:
    spelled = f'case({condition}, "true", NOT ({condition}), "false", true(), "unknown")'
    assert result(spelled) == TRUTH[expected]


@pytest.mark.parametrize(("condition", "expected"), COMPARISONS.items())
def test_where_keeps_what_is_true(condition: str, expected: bool | None) -> None:
    assert len(evaluated(f"| where {condition}")) == (1 if expected else 0)


@pytest.mark.parametrize(
    ("expression", "kind"),
    {
        "n": "Number", "t": "Number", "s": "String", "z": "Invalid", "n+t": "Number",
        "s+s": "String", "n.s": "String", "if(true(), n, s)": "Number", "n=t": "Boolean",
        '"3"': "String", "lower(s)": "String", 'split(s, "y")': "String",
        'split("a,b", ",")': "Multivalue",
    }.items(),
)  # fmt: skip
def test_typeof(expression: str, kind: str) -> None:
    assert result(f"typeof({expression})") == kind

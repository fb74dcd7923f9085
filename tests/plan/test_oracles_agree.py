"""The engine and a plain interpreter of its plans, over generated rows and generated searches.

The profile is fixed, so that the suite says the same twice. To look further, set
`ORACLE_EXAMPLES` (and `ORACLE_SEED`) in the environment.
"""

from __future__ import annotations

import math
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from interpreter import Interpreter, Table

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.errors import Unsupported
from harness.model import ALL_TIME
from harness.plan import nodes
from harness.spl.printing import string_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from interpreted_values import Cell

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "0"))
SEED = int(os.environ.get("ORACLE_SEED", "0"))
FIXED = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

# Rows

TEXTS = st.sampled_from(
    ["", "a", "A", "b", "ab", "a b", "aB_%", "é", "日本", "z\ny", "10", "9", "9.0", "09", "-3",
     " 7 ", "1e3", ".5", "5.", "+2", "0x10", "1_000", "inf", "nan", "true", "a,b", "1.5", "x'y",
     'q"r', "\\"]
)  # fmt: skip
NUMBERS = st.sampled_from(
    [0.0, 1.0, 2.0, 3.0, 10.0, -1.0, -2.5, 0.5, 1.25, 100.0, 1e6, 123456789012.0, 1 / 3]
)
LISTS = st.lists(TEXTS, min_size=2, max_size=3)
CELLS = {
    "n": st.none() | NUMBERS,
    "t": st.none() | TEXTS,
    "u": st.none() | st.sampled_from(["a", "b", "A", "10", "9"]),
    "m": st.none() | TEXTS | LISTS,
    "x": st.none() | TEXTS | NUMBERS,
}
NAMES = tuple(CELLS)


@st.composite
def values_node(draw: st.DrawFn) -> nodes.Values:
    """Up to six rows of numbers, texts, several values and mixtures."""
    count = draw(st.integers(0, 6))
    rows = [tuple(draw(CELLS[name]) for name in NAMES) for _ in range(count)]
    return nodes.Values(NAMES, tuple(rows))


# Expressions, as text

LITERALS = (
    st.sampled_from(["0", "1", "2", "3", "10", "0.5", "-1", "9"])
    | st.sampled_from(["a", "b", "", "10", "9", "é", "1.5", " 7 "]).map(string_text)
    | st.just("null()")
)
FIELD_NAMES = st.sampled_from([*NAMES, "missing"])
PATTERNS = st.sampled_from(["a", "^a", "b$", "[0-9]+", "(a)(b)?", "."]).map(string_text)
FORMS = st.sampled_from(["a%", "%", "_", "%b", "1_", ""]).map(string_text)


def call(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*arguments).map(lambda parts: f"{name}({', '.join(parts)})")


def infix(operators: str, *operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(operands[0], st.sampled_from(operators.split()), operands[1]).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    )


LEAVES = LITERALS | FIELD_NAMES


def conditions_over(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    simple = st.one_of(
        infix("= != < <= > >=", value, value),
        st.tuples(value, st.lists(LITERALS, min_size=1, max_size=2)).map(
            lambda parts: f"{parts[0]} IN ({', '.join(parts[1])})"
        ),
        infix("LIKE", value, FORMS),
        call("match", value, PATTERNS),
        *(call(name, value) for name in ("isnull", "isnotnull", "isnum", "isint", "isstr")),
    )
    return st.one_of(
        simple,
        infix("AND OR XOR", simple, simple),
        simple.map(lambda one: f"(NOT {one})"),
    )


def deeper(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    small = st.sampled_from(["1", "2", "-1", "-2", "0", "5"])
    position = st.sampled_from(["1", "2", "3", "-1", "-2", "-9", "9"])
    condition = conditions_over(value)
    return st.one_of(
        infix("+ - * / % .", value, value),
        value.map(lambda one: f"(-{one})"),
        call("if", condition, value, value),
        call("case", condition, value, condition, value),
        call("validate", condition, value, condition, value),
        call("coalesce", value, value),
        call("nullif", value, value),
        *(call(name, value) for name in "lower upper len trim ltrim rtrim tostring".split()),
        *(call(name, value) for name in "abs ceil floor exact mvcount mvdedup mvsort".split()),
        call("round", value, st.sampled_from(["0", "1", "2"])),
        call("max", value, value),
        call("min", value, value),
        call("substr", value, position),
        call("substr", value, position, st.sampled_from(["0", "1", "2", "9"])),
        call("replace", value, PATTERNS, st.sampled_from(['"<>"', r'"<\0\0>"', '""'])),
        call("split", value, st.sampled_from(['","', '" "', '"a"'])),
        call("trim", value, st.just('"ab"')),
        call("tonumber", FIELD_NAMES),
        call("mvindex", value, small),
        call("mvindex", value, small, small),
        call("mvjoin", value, st.sampled_from(['","', '""', '"ab"'])),
        call("mvappend", value, value),
        call("mvzip", value, value),
        call("mvfind", value, PATTERNS),
        call("typeof", value),
        FIELD_NAMES.map(lambda name: f'mvmap({name}, {name}."!")'),
        FIELD_NAMES.map(lambda name: f'mvfilter({name}>"9")'),
    )


VALUES = st.recursive(LEAVES, deeper, max_leaves=4)
CONDITIONS = conditions_over(VALUES)

# Commands, as text

TARGETS = st.sampled_from([*NAMES, "y", "z"])
SEARCH_VALUES = st.sampled_from(["a", "A", "a*", "*", "10", "9.0", "ab", "*b*", "é", ""]).map(
    string_text
)
SEARCH_TERMS = st.one_of(
    st.tuples(FIELD_NAMES, st.sampled_from(["=", "!=", "<", ">=", "<=", ">"]), SEARCH_VALUES)
    .map("".join)
    .filter(lambda one: not (("<" in one or ">" in one) and ("*" in one or '""' in one))),
    st.tuples(FIELD_NAMES, SEARCH_VALUES, SEARCH_VALUES).map(
        lambda parts: f"{parts[0]} IN ({parts[1]}, {parts[2]})"
    ),
)


def predicates(terms: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    """Terms of the search language, joined, alternated and negated."""
    return st.recursive(
        terms,
        lambda inner: st.one_of(
            inner.map(lambda one: f"NOT ({one})"),
            st.tuples(inner, st.sampled_from([" OR ", " "]), inner).map(
                lambda parts: f"({''.join(parts)})"
            ),
        ),
        max_leaves=most,
    )


PREDICATES = predicates(SEARCH_TERMS, 3)
STATISTICS = st.one_of(
    st.just("count"),
    st.tuples(
        st.sampled_from(
            """
            count dc sum avg min max range values list first last median stdev stdevp var varp
            sumsq perc50 p25 perc90 exactperc75
            """.split()
        ),
        st.sampled_from([*NAMES, "y"]),
    ).map(lambda parts: f"{parts[0]}({parts[1]})"),
    CONDITIONS.map(lambda one: f"count(eval({one})) AS c"),
    VALUES.filter(lambda one: "null" not in one).map(lambda one: f"max(eval({one})) AS g"),
)
SORT_KEYS = st.tuples(
    st.sampled_from(["", "-", "+"]), st.sampled_from(["{}", "str({})", "num({})"]), TARGETS
).map(lambda parts: parts[0] + parts[1].format(parts[2]))


def several(one: st.SearchStrategy[str], between: str = " ", most: int = 2) -> Any:
    return st.lists(one, min_size=1, max_size=most, unique=True).map(between.join)


STAGES = st.one_of(
    CONDITIONS.map(lambda one: f"where {one}"),
    st.tuples(TARGETS, VALUES).map(lambda parts: f"eval {parts[0]}={parts[1]}"),
    st.tuples(TARGETS, VALUES).map(lambda parts: f"eval {parts[0]}={parts[1]}"),
    PREDICATES.map(lambda one: f"search {one}"),
    st.tuples(several(STATISTICS, most=3), st.just("") | several(TARGETS).map(" BY {}".format)).map(
        lambda parts: f"stats {''.join(parts)}"
    ),
    st.tuples(several(SORT_KEYS), st.sampled_from(["", " desc"])).map(
        lambda parts: f"sort 0 {''.join(parts)}"
    ),
    st.tuples(
        st.sampled_from(["", "2 "]),
        several(TARGETS),
        st.sampled_from(["", " keepempty=true", " consecutive=true"]),
    ).map(lambda parts: f"dedup {''.join(parts)}"),
    st.integers(0, 4).map(lambda count: f"head {count}"),
    st.tuples(st.sampled_from(["", "value=none ", "value=7 "]), several(TARGETS)).map(
        lambda parts: f"fillnull {''.join(parts)}"
    ),
    st.tuples(TARGETS, TARGETS).filter(lambda pair: pair[0] != pair[1]).map(
        lambda pair: f"rename {pair[0]} AS {pair[1]}"
    ),
    several(TARGETS, most=4).map(lambda names: f"table {names}"),
    st.tuples(
        st.sampled_from(
            ["eventstats", "streamstats", "streamstats window=2", "streamstats current=false"]
        ),
        STATISTICS.filter(lambda one: "eval" not in one),
        st.just("") | several(TARGETS).map(" BY {}".format),
    ).map(lambda parts: f"{parts[0]} {parts[1]} AS w{parts[2]}"),
    st.sampled_from(["reverse", "tail 2", "uniq", "mvexpand m", "mvexpand t limit=1"]),
    st.tuples(st.sampled_from(["2", "10", "0.5"]), TARGETS).map(
        lambda parts: f"bin span={parts[0]} {parts[1]}"
    ),
    st.tuples(
        FIELD_NAMES, st.sampled_from(["(?<y>[a-z]+)", "(?<y>.)(?<z>.)?", "^(?<t>\\\\d+)"])
    ).map(lambda parts: f'rex field={parts[0]} "{parts[1]}"'),
    st.tuples(st.just("num"), TARGETS).map(lambda parts: f"convert {parts[0]}({parts[1]})"),
)  # fmt: skip
SEARCHES = st.lists(STAGES, min_size=1, max_size=4).map(
    lambda stages: "".join(f"| {stage} " for stage in stages)
)


# The two oracles


@cache
def apps() -> Apps:
    return load_apps()


@pytest.fixture(scope="module")
def engine() -> Any:
    made = DuckDBEngine(Knowledge(apps()))
    yield made
    made.close()


def interpreted(engine: DuckDBEngine, relation: nodes.Relation) -> Table:
    tables = {}
    for name, columns in engine.stored.items():
        kinds: Any = {c.name: "list" if c.multi else c.kind.value for c in columns}
        labels = ", ".join(f"c{number}" for number in range(len(columns))) or "1"
        found = engine.execute(f"SELECT {labels} FROM {engine.schema}.{name} ORDER BY row")
        rows = [dict(zip(kinds, row, strict=False)) for row in found.fetchall()]
        tables[name] = Table(kinds, rows)
    return Interpreter(tables).table(relation)


def close(one: Any, other: Any) -> bool:
    """Whether two cells print alike; numbers may differ in their last digits."""
    if isinstance(one, list) or isinstance(other, list):
        both = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
        return both and all(close(a, b) for a, b in zip(one, other, strict=True))
    if one is None or other is None:
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    one, other = str(one), str(other)
    if one == other:
        return True
    try:
        return min(len(one), len(other)) > 12 and math.isclose(float(one), float(other))
    except ValueError:
        return False


def check(
    engine: DuckDBEngine,
    search: LocalSearch,
    relation: nodes.Relation,
    run: Callable[[nodes.Relation, LocalSearch], Any] | None = None,
) -> None:
    columns = search.columns(relation)
    found = (run or engine.run)(relation, search).rows
    expected = interpreted(engine, relation)
    note(f"columns {columns}")
    got: list[list[Cell]] = [[row.get(name) for name in columns] for row in found]
    want: list[list[Cell]] = [[row.get(name) for name in columns] for row in expected.rows]
    note(f"engine      {got}")
    note(f"interpreter {want}")
    assert len(got) == len(want), "different numbers of rows"
    for one, other in zip(got, want, strict=True):
        assert all(close(a, b) for a, b in zip(one, other, strict=True)), f"{one} and {other}"


def agreed(engine: DuckDBEngine, given_rows: nodes.Values, spl: str) -> None:
    note(f"rows {[dict(zip(given_rows.names, row, strict=True)) for row in given_rows.rows]}")
    note(f"spl {spl}")
    search = LocalSearch(engine, SearchRequest(spl, 0.0, ALL_TIME), given_rows)
    with engine.own_tables():
        try:
            relation = search.relation()
        except Unsupported:
            return
        check(engine, search, relation)


@seed(SEED)
@FIXED
@given(values_node(), VALUES)
def test_an_expression(engine: DuckDBEngine, rows: nodes.Values, expression: str) -> None:
    agreed(engine, rows, f"| eval r={expression}")


@seed(SEED)
@FIXED
@given(values_node(), CONDITIONS)
def test_a_condition(engine: DuckDBEngine, rows: nodes.Values, condition: str) -> None:
    truth = f'if({condition}, "true", if(NOT ({condition}), "false", "unknown"))'
    agreed(engine, rows, f"| eval r={truth}")


@seed(SEED)
@FIXED
@given(values_node(), SEARCHES)
def test_a_search(engine: DuckDBEngine, rows: nodes.Values, spl: str) -> None:
    agreed(engine, rows, spl)

"""A plan before and after each rewrite gives equal rows.

The rewrites are: filters merged with one another and moved to the events, predicates folded over
what is known of a group of events, dynamic extractions narrowed to the names asked for, and
SELECTs merged with those below them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, seed
from hypothesis import strategies as st
from interpreted_functions import evaluate
from test_oracles_agree import (
    CONDITIONS,
    FIXED,
    NAMES,
    PREDICATES,
    SEARCHES,
    SEED,
    apps,
    close,
    predicates,
    values_node,
)

from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.errors import Unsupported
from harness.fields.folding import fold
from harness.model import ALL_TIME, EventBatch
from harness.plan import nodes
from harness.registry.evaluation import Evaluation
from harness.registry.predicates import Searching
from harness.spl.expressions import parse_expression
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText
from harness.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interpreted_values import Kind

    from harness.plan.expressions import Expr
    from harness.plan.nodes import Relation

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(Knowledge(apps()))
    yield made
    made.close()


def equal(one: Rows, other: Rows) -> None:
    note(f"one   {one}")
    note(f"other {other}")
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left.keys() == right.keys()
        assert all(close(left[name], right[name]) for name in left)


def parted(relation: Relation) -> Relation:
    """The plan with a node that does nothing below every filter, so that no filter moves."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(relation):
        value = getattr(relation, field.name)
        if dataclasses.is_dataclass(value) and hasattr(value, "columns"):
            changes[field.name] = parted(value)  # type: ignore[arg-type]
        elif field.name == "inputs":
            changes[field.name] = tuple(parted(one) for one in value)
    changed = dataclasses.replace(relation, **changes)
    if isinstance(changed, nodes.Filter):
        return dataclasses.replace(changed, input=nodes.Extend(changed.input, ()))
    return changed


def both(
    engine: DuckDBEngine,
    rows: nodes.Values,
    spl: str,
    check: Callable[[LocalSearch, Relation, Rows], None],
) -> None:
    note(f"rows {rows.rows}")
    note(f"spl {spl}")
    search = LocalSearch(engine, SearchRequest(spl, 0.0, ALL_TIME), rows)
    with engine.own_tables():
        try:
            relation = search.relation()
        except Unsupported:
            return
        check(search, relation, engine.run(relation, search).rows)


@seed(SEED)
@FIXED
@given(values_node(), SEARCHES)
def test_filters_apart(engine: DuckDBEngine, rows: nodes.Values, spl: str) -> None:
    both(
        engine,
        rows,
        spl,
        lambda search, relation, found: equal(found, engine.run(parted(relation), search).rows),
    )


@seed(SEED)
@FIXED
@given(values_node(), SEARCHES)
def test_selects_never_merged(engine: DuckDBEngine, rows: nodes.Values, spl: str) -> None:
    def check(search: LocalSearch, relation: Relation, found: Rows) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Query, "merges", lambda _self, _names: False)
            equal(found, engine.run(relation, search).rows)

    both(engine, rows, spl, check)


CONSTANTS = {"t": "ab", "u": "10"}


def lowered(written: str, *, of_search: bool) -> Expr:
    text = SplText.of(Source(written))
    if of_search:
        return Searching(text, None, events=False).lower(parse_predicate(text))
    return Evaluation(text).condition(parse_expression(text))


@seed(SEED)
@FIXED
@given(values_node(), st.tuples(PREDICATES, st.just(True)) | st.tuples(CONDITIONS, st.just(False)))
def test_folded(rows: nodes.Values, one: tuple[str, bool]) -> None:
    written, of_search = one
    note(written)
    predicate = lowered(written, of_search=of_search)
    folded = fold(predicate, CONSTANTS, lambda belongs: belongs)
    note(folded)
    kinds: dict[str, Kind] = {"n": "number", "t": "any", "u": "any", "m": "list", "x": "any"}
    for cells in rows.rows:
        row: dict[str, Any] = {**dict(zip(NAMES, cells, strict=True)), **CONSTANTS}
        before = evaluate(predicate, row, kinds) is True
        assert (evaluate(folded, row, kinds) is True) == before


# Events

XML = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>{id}</EventID>"
    "<Channel>Security</Channel><Computer>{computer}</Computer></System><EventData>"
    "<Data Name='SubjectUserName'>{user}</Data><Data Name='NewProcessName'>C:\\a b\\{user}.exe"
    "</Data></EventData></Event>"
)
BATCHES = [
    EventBatch(
        "main",
        "XmlWinEventLog:Security",
        "XmlWinEventLog",
        [
            XML.format(id="4688", computer="ws1", user="bob"),
            XML.format(id="4624", computer="WS2", user="Eve"),
            XML.format(id="4688", computer="ws1", user=""),
        ],
        [30.0, 20.0, 10.0],
        ["ws1", "ws2", "ws1"],
    ),
    EventBatch(
        "other",
        "api",
        "_json",
        [
            '{"user": "bob", "n": 7, "list": ["p", "q"], "in": {"x": "Y"}}',
            '{"user": "Eve", "n": "10", "EventCode": "4688"}',
            '{"n": null, "user": ""}',
        ],
        [25.0, 15.0, 5.0],
        ["api", "api", "WS1"],
    ),
    EventBatch(
        "main",
        "app",
        "text",
        ["user=bob action=login n=7", "user=eve action=logout x", "nothing here"],
        [22.0, 12.0, 2.0],
        ["ws1", "h", "h"],
    ),
]
EVENT_FIELDS = """
    EventCode Computer user src_user n action list{} in.x SubjectUserName process_name host source
    sourcetype index eventtype tag missing
""".split()
EVENT_VALUES = """
    4688 4624 bob Eve EVE eve ws1 WS1 b* *e* * 7 10 p Y login XmlWinEventLog xmlwineventlog _json
    main other process authentication ""
""".split()
EVENT_TERMS = st.one_of(
    st.tuples(
        st.sampled_from(EVENT_FIELDS), st.sampled_from(["=", "!="]), st.sampled_from(EVENT_VALUES)
    ).map("".join),
    st.tuples(st.sampled_from(["n", "EventCode"]), st.sampled_from(["<", ">="])).map(
        lambda parts: f"{parts[0]}{parts[1]}10"
    ),
    st.sampled_from(["bob", '"user=bob"', "4688", "log*", "TERM(x)", "CASE(Eve)"]),
)
EVENT_PREDICATES = predicates(EVENT_TERMS, 4)
EVENT_CONDITIONS = st.tuples(
    st.sampled_from(EVENT_FIELDS),
    st.sampled_from(["=", "!=", "<"]),
    st.sampled_from(["bob", "7", "ws1", "process"]),
).map(lambda parts: f"'{parts[0]}'{parts[1]}\"{parts[2]}\"") | st.sampled_from(EVENT_FIELDS).map(
    lambda name: f"NOT isnull('{name}')"
) | st.sampled_from(
    ['isnull(mvmap(source, source."!"))', 'mvmap(index, upper(index))="MAIN"',
     'isnotnull(mvfilter(sourcetype!="text"))', 'match(sourcetype, "(?i)xml")']
)  # fmt: skip
SHOWN = "_time host sourcetype EventCode user n action list{} SubjectUserName eventtype tag".split()


@pytest.fixture(scope="module")
def loaded() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(Knowledge(apps()))
    made.load(BATCHES)
    yield made
    made.close()


@seed(SEED)
@FIXED
@given(
    EVENT_PREDICATES,
    st.lists(EVENT_CONDITIONS, max_size=2),
    st.lists(st.sampled_from(SHOWN), min_size=1, max_size=4, unique=True),
)
def test_filters_at_the_events(
    loaded: DuckDBEngine, predicate: str, conditions: list[str], shown: list[str]
) -> None:
    stages = [predicate, *(f"where {one}" for one in conditions), f"table {' '.join(shown)}"]
    note(" | ".join(stages))
    search = LocalSearch(loaded, SearchRequest(" | ".join(stages), 0.0, ALL_TIME))
    with loaded.own_tables():
        relation = search.relation()
        moved = loaded.run(relation, search).rows
        equal(moved, loaded.run(parted(relation), search).rows)

"""Conditions that a search's filter decides: the rows are the same, and less is worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from app_writer import app_writer

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.search import LocalSearch
from harness.fields import resolver
from harness.fields.narrowing import Known, decided, values_of
from harness.model import ALL_TIME, EventBatch
from harness.plan.expressions import FALSE, NULL, TRUE, Call, Const, Expr, Field
from harness.registry.evaluation import Evaluation
from harness.registry.predicates import Searching
from harness.spl.expressions import parse_expression
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model import Value

EVALS = """
EVAL-a = case(code=1, "one", code IN (2, 3), "two or three", code>=4 AND code<6, low, isnotnull(code), "other")
EVAL-b = if(code!=1, coalesce(low, "none"), null())
EVAL-c = case(number=2, "alias of two", NOT number=2, "another alias")
EVAL-d = if(code="x" OR code=="2" OR 3<=code, "d", "e")
EVAL-e = case(1=code, "first", like(code, "2%"), "second")
EVAL-changed = if(changed=1, 2, changed)
EVAL-f = case(changed=1, "was one", changed=2, "was two")
EVAL-g = case(found=7, "seven", isnull(found), "not there")
"""  # noqa: E501
APP = {
    "default/props.conf": (
        f"[one]\nKV_MODE = none\nREPORT-x = first\nFIELDALIAS-x = code AS number\n"
        f"LOOKUP-x = codes code OUTPUT found{EVALS}"
        f"[several]\nKV_MODE = none\nREPORT-x = pairs\nFIELDALIAS-x = code AS number{EVALS}"
        f"[other]\nFIELDALIAS-x = id ASNEW code low AS number{EVALS}"
    ),
    "default/transforms.conf": (
        "[codes]\nfilename = codes.csv\n"
        "[first]\nREGEX = (\\w+)=(\\S+)\nFORMAT = $1::$2\n"
        "[pairs]\nREGEX = (\\w+)=(\\S+)\nFORMAT = $1::$2\nMV_ADD = true\n"
    ),
    "default/eventtypes.conf": "[firsts]\nsearch = code=1\n[many]\nsearch = code>1\n",
    "default/tags.conf": "[eventtype=firsts]\nfirst = enabled\n",
    "lookups/codes.csv": "code,found\n1,7\n2,8\n",
}
EVENTS = [
    "code=1 low=p changed=1", "code=2 low=q changed=2", "code=3", "code=4 low=r", "code=5 low=2",
    "code=02 low=s", "code=1.0", "low=t", "code=9 code=1", "code=2 code=4 low=u", "code=x",
    "id=1 low=2", "id=2 code=1", 'code=" 3 "',
]  # fmt: skip
FILTERS = [
    "code=1", "code=2", "code=1 OR code=2", "code IN (2, 4, 5)", "code=3 code!=4", "NOT code=1",
    "code=1 low=p", "(code=1 OR code=2) (code=2 OR code=4)", "code=1 code=9", "code=2*", "code=02",
    "number=2", "changed=2", "changed=1", "found=7", "tag=first", "eventtype=firsts code=1",
    "code>3", "code=x", "code=1 OR low=q",
]  # fmt: skip


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Apps:
    folder: Path = tmp_path_factory.mktemp("apps")
    return load_apps([app_writer()(folder, "app", APP)], builtin=False)


@pytest.fixture
def engine(apps: Apps) -> DuckDBEngine:
    """An engine with the same events as three source types."""
    made = DuckDBEngine(Knowledge(apps))
    for sourcetype in ("one", "several", "other"):
        times: list[float | None] = [float(number) for number in range(len(EVENTS))]
        hosts = ["host"] * len(EVENTS)
        made.load([EventBatch("main", "src", sourcetype, list(EVENTS), times, hosts)])
    return made


def rows(engine: DuckDBEngine, spl: str) -> list[dict[str, Value]]:
    engine.knowledge.compiled.clear()
    return engine.search(SearchRequest(spl, 0.0, ALL_TIME)).rows.rows


@pytest.mark.parametrize("asked", FILTERS)
def test_the_rows_are_those_without_it(
    engine: DuckDBEngine, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spl = f"search index=main {asked} | table _raw sourcetype a b c d e f g eventtype tag"
    narrowed = rows(engine, spl)
    monkeypatch.setattr(resolver, "values_of", lambda _: {})
    assert narrowed == rows(engine, spl)
    engine.close()


@pytest.mark.parametrize(
    ("sourcetype", "others", "low"),
    [("one", False, False), ("several", False, True), ("other", True, True)],
)
def test_fields_of_other_branches_are_not_extracted(
    engine: DuckDBEngine, sourcetype: str, *, others: bool, low: bool
) -> None:
    request = SearchRequest(f"search sourcetype={sourcetype} code=1 | table a b", 0.0, ALL_TIME)
    statement = LocalSearch(engine, request).compiled().statement
    assert ("two or three" in statement) is others
    assert ("low" in statement) is low
    engine.close()


def expression(text: str) -> Expr:
    spl = SplText.of(Source(text))
    return Evaluation(spl).lower(parse_expression(spl))


@pytest.mark.parametrize(
    ("text", "alone", "several"),
    [
        ("x=1 OR x=2", TRUE, Call("or", (expression("x=1"), expression("x=2")))),
        ("x IN (1, 2, 3)", TRUE, TRUE),
        ("x IN (1, 3)", expression("x IN (1, 3)"), expression("x IN (1, 3)")),
        ("x=3", FALSE, expression("x=3")),
        ("x=1", expression("x=1"), expression("x=1")),
        ("x!=3", TRUE, expression("x!=3")),
        ('x="no number"', FALSE, expression('x="no number"')),
        ("x<3", TRUE, expression("x<3")),
        ("3>x", TRUE, expression("3>x")),
        ("x<2", expression("x<2"), expression("x<2")),
        ("isnotnull(x)", TRUE, TRUE),
        ("isnull(x)", FALSE, FALSE),
        ("if(x>5, y, z)", Field("z"), expression("if(x>5, y, z)")),
        ("case(x=3, y, x IN (1, 2), z, y=1, w)", Field("z"), None),
        ("case(x=3, y)", NULL, None),
        ("case(y=1, w, x IN (1, 2), z, x=1, v)", None, None),
        ("NOT x=3", TRUE, None),
    ],
)  # fmt: skip
def test_what_is_decided(text: str, alone: Expr | None, several: Expr | None) -> None:
    values = frozenset((1.0, 2.0))
    if alone is not None:
        expected = alone
        if text == "x=1 OR x=2":
            expected = Call("or", (expression("x=1"), expression("x=2")))
        assert decided(expression(text), {"x": Known(values)}) == expected
    if several is not None:
        assert decided(expression(text), {"x": Known(values, alone=False)}) == several


def test_a_case_ends_with_the_branch_that_is_always_taken() -> None:
    found = decided(
        expression("case(y=1, w, x IN (1, 2), z, x=1, v)"), {"x": Known(frozenset((1.0, 2.0)))}
    )
    assert found == Call("case", (expression("y=1"), Field("w"), TRUE, Field("z")))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x=1", {"x": [{1}]}),
        ("x=1 OR x=2", {"x": [{1, 2}]}),
        ("x=1 OR y=2", {}),
        ("(x=1 OR x=2) (x=2 OR x=3)", {"x": [{1, 2}, {2, 3}]}),
        ("x=1 y=2 z=*", {"x": [{1}], "y": [{2}]}),
        ("x=01 y=a w=1.5 v>3 u!=4 NOT t=5", {}),
    ],
)
def test_what_a_predicate_tells(text: str, values: dict[str, list[set[int]]]) -> None:
    spl = SplText.of(Source(text))
    found = values_of(Searching(spl, None).lower(parse_predicate(spl)))
    assert {name: [set(one) for one in sets] for name, sets in found.items()} == values


def test_constants_alone_are_left() -> None:
    assert decided(Const("a"), {}) == Const("a")

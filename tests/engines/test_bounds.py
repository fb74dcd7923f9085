"""What is told of a relation's rows without running it."""

from __future__ import annotations

import pytest

from harness.engines.bounds import is_empty
from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import (
    Aggregate,
    Aggregation,
    Combine,
    Extend,
    Filter,
    Limit,
    Relation,
    Scan,
    Stored,
    Union,
    Values,
)

WANTED = Call("search_equals", (Field("sourcetype"), Const("there")))
OTHER = Call("search_equals", (Field("sourcetype"), Const("elsewhere")))
COUNT = (Aggregation("count", "count"),)
NOTHING, ROW = Values(("a",), ()), Values(("a",), (("x",),))


def meets(predicate: Expr) -> bool:
    return "elsewhere" not in str(predicate)


@pytest.mark.parametrize(
    "relation",
    [
        Filter(Scan(), OTHER),
        Filter(Filter(Scan(), WANTED), OTHER),
        Extend(Filter(Scan(), OTHER), (("b", Const(1.0)),)),
        Aggregate(NOTHING, ("a",), COUNT),
        Limit(Stored("empty", ("a",)), 5),
        Union((NOTHING, Filter(Scan(), OTHER))),
        Combine(NOTHING, ROW, ("a",), outer=True),
    ],
)
def test_what_cannot_have_a_row(relation: Relation) -> None:
    assert is_empty(relation, meets, {"empty": 0}.__getitem__)


@pytest.mark.parametrize(
    "relation",
    [
        Filter(Scan(), WANTED),
        Filter(Extend(Scan(), (("a", Const(1.0)),)), OTHER),
        Aggregate(NOTHING, (), COUNT),
        Stored("full", ("a",)),
        Union((NOTHING, ROW)),
        Combine(ROW, NOTHING, ("a",), outer=True),
    ],
)
def test_what_may_have_a_row(relation: Relation) -> None:
    assert not is_empty(relation, meets, {"full": 1}.__getitem__)

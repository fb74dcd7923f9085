"""Searches that share worked-out fields give the rows that each of them gives by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from app_writer import app_writer

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError
from harness.model import ALL_TIME, EventBatch

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model import Value

APP = {
    "default/props.conf": (
        "[one]\nFIELDALIAS-who = user AS who\nEVAL-user = upper(user)\nEVAL-twice = user.user\n"
        'EVAL-many = split(list, "-")\nLOOKUP-x = owners user AS who OUTPUT owner\n'
        "REPORT-more = values\n"
        "[two]\nKV_MODE = json\nEVAL-user = 'a.user'\n"
        "[bad]\nEXTRACT-x = (?<broken>[a\n"
    ),
    "default/transforms.conf": (
        "[owners]\nfilename = owners.csv\n"
        "[values]\nREGEX = ([0-9]+);\nFORMAT = number::$1\nMV_ADD = true\n"
    ),
    "default/eventtypes.conf": "[logon]\nsearch = sourcetype=one number=*\n",
    "default/tags.conf": "[eventtype=logon]\nauthentication = enabled\n",
    "default/fields.conf": "[tokens]\nTOKENIZER = ([a-z])\n",
    "lookups/owners.csv": "user,owner\nann,Anna\nbob,Bob\n",
}  # fmt: skip
EVENTS = {
    "one": [
        "user=ann list=a-b-c 1;2;",
        "user=bob list=z tokens=xyz",
        "user=cid",
        "list=q 7;",
    ],
    "two": ['{"a": {"user": "ann", "n": [1, 2]}}', '{"a": {"user": "dan"}, "b c": "x"}'],
    "bad": ["user=ann 1"],
}
SEARCHES = [
    "search sourcetype=one | table user who twice many owner number",
    "search user=* | table sourcetype user",
    "search user=ANN OR user=ann | table who owner a.user",
    "search number=2 | table number",
    "search tag=authentication | table _raw tag eventtype",
    "search sourcetype=one many=b | mvexpand many | table many who",
    'search sourcetype=two | table a.n{} "b c" user',
    "search sourcetype=one OR sourcetype=two | head 3 | table _raw",
    "search sourcetype=one | table tokens nothing linecount",
    "search sourcetype=one earliest=3 | stats list(user) as users last(user) as last",
    "search sourcetype=bad | table broken",
    "search sourcetype=bad | table user",
    "search sourcetype=one | eval x=coalesce(owner, user) | stats count by x",
]  # fmt: skip
MADE = "search sourcetype=one | table `named(list)`"


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Apps:
    folder: Path = tmp_path_factory.mktemp("apps")
    macros = {"default/macros.conf": "[named(1)]\ndefinition = $x$\nargs = x\n"}
    return load_apps([app_writer()(folder, "app", {**APP, **macros})], builtin=False)


def engine(apps: Apps, shares: str | None = None) -> DuckDBEngine:
    """An engine with the events of three source types, at the same times in each."""
    made = DuckDBEngine(Knowledge(apps), shares=shares)
    for sourcetype, raw in EVENTS.items():
        times: list[float | None] = [float(number // 2) * 3 for number in range(len(raw))]
        made.load([EventBatch("main", "src", sourcetype, raw, times, ["host"] * len(raw))])
    return made


def answer(one: DuckDBEngine, spl: str) -> list[dict[str, Value]] | str:
    """The rows of a search, or its error."""
    try:
        return one.search(SearchRequest(spl, 0.0, ALL_TIME)).rows.rows
    except HarnessError as error:
        return str(error)


def test_rows_errors_and_order_are_those_of_each_search_alone(apps: Apps) -> None:
    sharing, alone = engine(apps, "\n".join(SEARCHES)), engine(apps)
    for _ in range(4):
        for spl in SEARCHES:
            assert answer(sharing, spl) == answer(alone, spl), spl
            assert sharing.count(SearchRequest("search index=main", 0.0, ALL_TIME))[0] == 7
    assert sharing.shares is not None
    assert len(sharing.shares.stored) == 2
    for one in (sharing, alone):
        one.close()


def test_a_field_that_stands_in_no_text_comes_from_the_events(apps: Apps) -> None:
    text = "search sourcetype=one | table user"
    sharing, alone = engine(apps, text), engine(apps)
    for _ in range(4):
        assert answer(sharing, text) == answer(alone, text)
    assert sharing.shares is not None
    assert not sharing.shares.writes("list")
    assert answer(sharing, MADE) == answer(alone, MADE)
    for one in (sharing, alone):
        one.close()


def test_a_field_s_name_in_the_texts() -> None:
    made = engine(load_apps(builtin=False), "stats count by Processes.user, 'b c' a.n{}").shares
    assert made is not None
    for name in ("user", "Processes.user", "b c", "a.n{}", "b", "n"):
        assert made.writes(name), name
    assert not made.writes("Process")
    assert not made.writes("c d")

"""Settings that cannot be used: what they cost, and what is said of them.

The decision: docs/decisions/0013-broken-settings.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Bench:
    """Searches over one event, read with one small app."""

    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    loaded: Apps | None = None

    @property
    def apps(self) -> Apps:
        if self.loaded is None:
            self.loaded = load_apps([app_writer()(self.folder, "app", self.files)], builtin=False)
        return self.loaded

    def search(self, spl: str, raw: str) -> list[dict[str, Value]]:
        engine = DuckDBEngine(Knowledge(self.apps))
        try:
            engine.load([EventBatch("main", "src", "st", [raw], [0.0], ["host"])])
            return engine.search(SearchRequest(f"search index=main {spl}", 0.0, ALL_TIME)).rows.rows
        finally:
            engine.close()

    def error(self, spl: str, raw: str = "a=1") -> str:
        with pytest.raises(HarnessError) as raised:
            self.search(spl, raw)
        return str(raised.value).replace(str(self.folder), "")

    def warnings(self) -> list[str]:
        return [str(one).replace(str(self.folder), "") for one in self.apps.warnings]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def props(bench: Bench, text: str, transforms: str = "") -> None:
    bench.files["default/props.conf"] = f"[st]\n{text}\n"
    if transforms:
        bench.files["default/transforms.conf"] = transforms


@pytest.mark.parametrize(
    ("settings", "transforms", "message"),
    [
        ("EXTRACT-x = (?<bad>[a", "",
         ("/app/default/props.conf:2: `EXTRACT-x`: the regex does not compile: "
         "unterminated character set")),
        ("EXTRACT-x = (a)=", "",
         "/app/default/props.conf:2: `EXTRACT-x`: the regex of an EXTRACT needs a named group"),
        ("REPORT-x = t", "[t]\nREGEX = (a)=\nFORMAT = bad::$2\n",
         ("/app/default/transforms.conf:1: the transform [t]: FORMAT names $2, and the regex has "
         "1 group (Splunk gives no events to searches that use such a transform)")),
        ("REPORT-x = t", "[t]\nREGEX = (a)=(1)\nFORMAT = bad::$1-$2\n",
         ("/app/default/transforms.conf:1: the transform [t]: `$1-$2` in FORMAT = bad::$1-$2: "
         "Splunk joins texts and groups at index time only (an EVAL- joins fields)")),
        ("REPORT-x = t", "[t]\nREGEX = (a)\nFORMAT = $1\n",
         "/app/default/transforms.conf:1: the transform [t]: FORMAT = $1 has no `name::value`"),
        ("REPORT-x = t", "[t]\nREGEX = (a)\n",
         ("/app/default/transforms.conf:1: the transform [t]: the regex has no named group, and "
         "there is no FORMAT")),
        ("REPORT-x = t", "[t]\nREGEX = (?<_KEY_1>a)=(?<bad>1)\n",
         ("/app/default/transforms.conf:1: the transform [t]: the group `_KEY_1` has no `_VAL_` "
         "of the same end")),
        ("REPORT-x = t", "[t]\nREGEX = (?<bad>[[u]])\n[u]\nREGEX = [[t]]\n",
         ("/app/default/transforms.conf:1: the transform [t]: its modular regexes contain each "
         "other")),
        ("EVAL-bad = if(", "",
         "/app/default/props.conf:2:3: `EVAL-bad`: the expression ends too early"),
        ("EVAL-bad = nosuch(a)", "",
         "/app/default/props.conf:2:1: `EVAL-bad`: unknown function `nosuch`"),
        ("LOOKUP-x = nosuch a OUTPUT bad", "",
         "/app/default/props.conf:2: `LOOKUP-x`: unknown lookup `nosuch`"),
        ("LOOKUP-x = t a OUTPUT bad", "[t]\nfilename = t.csv\n",
         "`LOOKUP-x`: the lookup `t`: the app `app` has no file lookups/t.csv"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_costs_only_its_own_fields(
    bench: Bench, settings: str, transforms: str, message: str
) -> None:
    props(bench, settings, transforms)
    assert bench.search("| table a", "a=1") == [{"a": "1"}]
    assert bench.search("| fields a host | table *", "a=1")[0]["a"] == "1"
    [row] = bench.search("| table *", "a=1")
    assert row["a"] == "1"
    told = [one for one in bench.warnings() if message.partition(" (")[0] in one]
    assert len(told) == 1
    names = ("bad",) if "bad" in settings + transforms else ()
    for name in names:
        assert message in bench.error(f"| table {name}")


def test_a_ragged_table_costs_only_its_own_fields(bench: Bench) -> None:
    props(bench, "LOOKUP-x = t a OUTPUT bad", "[t]\nfilename = t.csv\n")
    bench.files["lookups/t.csv"] = "a,bad\n1,2\n1,2,3\n"
    assert bench.search("| table a", "a=1") == [{"a": "1"}]
    message = "/app/lookups/t.csv:3:1: `LOOKUP-x`: the row has 3 cells and the header 2"
    assert bench.error("| table bad").startswith(message)
    assert bench.search("| table *", "a=1")[0]["a"] == "1"
    assert message in bench.warnings()


def test_a_table_without_the_column(bench: Bench) -> None:
    props(bench, "LOOKUP-x = t a OUTPUT bad worse", "[t]\nfilename = t.csv\n")
    bench.files["lookups/t.csv"] = "a,good\n1,2\n"
    assert "the lookup `t` has no column `bad`" in bench.error("| table bad")
    assert bench.search("| table a", "a=1") == [{"a": "1"}]


def test_a_field_in_a_condition_is_needed_even_where_all_fields_are_asked_for(
    bench: Bench,
) -> None:
    props(bench, "EXTRACT-x = (?<bad>[a")
    assert "does not compile" in bench.error("bad=1 | table *")


def test_event_types_in_a_circle(bench: Bench) -> None:
    props(bench, "KV_MODE = auto")
    bench.files["default/eventtypes.conf"] = (
        "[one]\nsearch = eventtype=two\n[two]\nsearch = eventtype=one OR a=1\n"
        "[good]\nsearch = a=1\n"
    )
    bench.files["default/tags.conf"] = "[eventtype=two]\nround = enabled\n"
    assert bench.search("| table eventtype", "a=1") == [{"eventtype": "good"}]
    message = "the event type `one` uses itself: one → two → one"
    assert any(message in one for one in bench.warnings())
    assert message in bench.error("eventtype=one | table a")
    assert "`two` uses itself: two → one → two" in bench.error("tag=round | table a")


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("a=1 [search b=1]", "the event type `bad`: a subsearch in a definition"),
        ("a=(", "the event type `bad`: "),
        ("`nosuch`", "the event type `bad`: unknown macro"),
    ],
)
def test_an_event_type_that_cannot_be_used(bench: Bench, search: str, message: str) -> None:
    props(bench, "KV_MODE = auto")
    bench.files["default/eventtypes.conf"] = f"[bad]\nsearch = {search}\n[good]\nsearch = a=1\n"
    assert bench.search("| table eventtype", "a=1") == [{"eventtype": "good"}]
    assert any(message in one for one in bench.warnings())
    assert message in bench.error("eventtype=bad | table a")
    assert bench.search("eventtype=good | table a", "a=1") == [{"a": "1"}]


def test_rules_for_choosing_source_types_are_ignored_with_the_reason(bench: Bench) -> None:
    bench.files["default/props.conf"] = "[rule::x]\nsourcetype = y\nMORE_THAN_80 = -\n"
    found = [one for one in bench.apps.ignored if "rule::x" in one.path]
    assert [one.reason for one in found] == [
        "a source type is told by the dataset, not by the text of a file"
    ]


def test_aliases_have_no_wildcards(bench: Bench) -> None:
    props(bench, "FIELDALIAS-x = a* AS b* a AS c")
    assert bench.search("| table c", "a=1") == [{"c": "1"}]
    assert any("`a* AS b*`: an alias has no wildcards" in one for one in bench.warnings())


def test_tables_that_multikv_conf_describes_are_not_read(bench: Bench) -> None:
    props(bench, "KV_MODE = multi:ps\nEXTRACT-x = (?<pid>\\d+)")
    assert bench.search("| table *", "12 ps")[0]["pid"] == "12"
    assert any("KV_MODE = multi" in one for one in bench.warnings())

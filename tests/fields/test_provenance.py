"""Where the fields of an event come from: `harness fields`, over the app TA_features.

Source: the origins follow Splunk Knowledge Manager Manual, "The sequence of search-time
operations": the last operation that gives a field is where it comes from.
"""

from __future__ import annotations

import io
import json
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventBatch
from harness.report.fields import print_fields, write_fields

if TYPE_CHECKING:
    from harness.fields.provenance import EventReport

HERE = Path(__file__).parent
PROPS = HERE / "TA_features" / "default" / "props.conf"


@cache
def feature_apps() -> Apps:
    return load_apps([HERE / "TA_features"], builtin=False)


def event(sourcetype: str, raw: str) -> EventBatch:
    return EventBatch("main", "src", sourcetype, [raw], [0.0], ["h"])


def report(sourcetype: str, raw: str) -> EventReport:
    engine = DuckDBEngine(Knowledge(feature_apps()))
    try:
        engine.load([event(sourcetype, raw)])
        return engine.report(SearchRequest("", 0.0, ALL_TIME))
    finally:
        engine.close()


def origin(found: EventReport, field: str) -> tuple[str, str]:
    (one,) = (one for one in found.fields if one.name == field)
    return one.origin.kind, one.origin.name


@pytest.mark.parametrize(
    ("sourcetype", "raw", "field", "kind", "name"),
    [
        ("extract:simple", "user=ann from x", "user", "EXTRACT", "EXTRACT-login"),
        ("extract:order", "one=1 two=2", "x", "EXTRACT", "EXTRACT-B"),
        ("report:list", "blue sky", "color", "REPORT", "REPORT-colors → [blue]"),
        ("report:pairs", "a=b", "a", "REPORT", "REPORT-all → [pairs_format]"),
        ("kv:json", '{"a": 1}', "a", "KV_MODE", "KV_MODE=json"),
        ("kv:auto", "a=1", "a", "KV_MODE", "KV_MODE=auto"),
        ("alias:as", "uid=1 user=old", "user", "FIELDALIAS", "FIELDALIAS-one"),
        ("alias:asnew", "uid=1 user=old", "user", "KV_MODE", "KV_MODE=auto"),
        ("eval:over", "user=ANN", "user", "EVAL", "EVAL-user"),
        ("lookup:output", "user=alice department=x", "department", "LOOKUP", "LOOKUP-users"),
        ("lookup:output", "department=x", "department", "KV_MODE", "KV_MODE=auto"),
        ("lookup:outputnew", "user=alice department=x", "department", "KV_MODE", "KV_MODE=auto"),
        ("lookup:chain", "user=alice", "boss", "LOOKUP", "LOOKUP-2boss"),
        ("types", "result=failed", "eventtype", "eventtype", "feature_by_tag"),
        ("types", "result=failed", "tag", "tags", ""),
        ("types", "result=failed", "sourcetype", "metadata", ""),
        ("types", "result=failed", "linecount", "default", ""),
    ],
)
def test_each_field_knows_its_setting(
    sourcetype: str, raw: str, field: str, kind: str, name: str
) -> None:
    assert origin(report(sourcetype, raw), field) == (kind, name)


def test_an_origin_has_its_stanza_file_and_line() -> None:
    found = report("extract:simple", "user=ann from x")
    (user,) = (one.origin for one in found.fields if one.name == "user")
    lines = PROPS.read_text(encoding="utf-8").splitlines()
    assert user.stanza == "extract:simple"
    assert Path(user.file) == PROPS
    assert lines[(user.line or 0) - 1].startswith("EXTRACT-login")


def test_settings_that_gave_nothing_say_why() -> None:
    found = report("extract:order", "one=1 two=2")
    reasons = {one.origin.name: one.reason for one in found.silent}
    assert reasons["EXTRACT-a"] == "an earlier setting gives its fields"
    assert reasons["EXTRACT-c"] == "nothing for this event"
    assert "EXTRACT-B" not in reasons


@pytest.mark.parametrize(
    ("sourcetype", "raw", "name", "reason"),
    [
        ("alias:as", "user=old", "FIELDALIAS-one", "no field `uid`"),
        ("alias:asnew", "uid=1 user=old", "FIELDALIAS-one", "`user` exists"),
        ("eval:over", "user=x", "EVAL-unknown", "no result"),
        ("lookup:output", "user=nobody", "LOOKUP-users", "no match, or its fields exist"),
        ("lookup:output", "a=1", "LOOKUP-users", "no field `user`"),
        ("lookup:time", "user=alice", "LOOKUP-x", "no match, or its fields exist"),
        ("lookup:script", "user=alice", "LOOKUP-x",
         "the lookup `feature_script`: a lookup by script: scripts of an app are never run"),
        ("report:index_time", "12", "REPORT-all → [for_index_time]",
         "the transform [for_index_time]: DEST_KEY is for index time"),
    ],
)  # fmt: skip
def test_every_kind_of_setting_can_give_nothing(
    sourcetype: str, raw: str, name: str, reason: str
) -> None:
    reasons = {one.origin.name: one.reason for one in report(sourcetype, raw).silent}
    assert reasons[name] == reason


def test_a_source_type_nobody_knows() -> None:
    assert not report("nobody:knows", "a=1").is_known
    assert report("kv:auto", "a=1").is_known


def test_the_table_fits_eighty_columns_and_shows_no_escapes() -> None:
    file = io.StringIO()
    raw = 'a="' + "x" * 200 + '" b="\x1b[31mred" '
    found = report("kv:auto", raw)
    print_fields(event("kv:auto", raw), found, (), Console(file=file, width=80), UTC, silent=True)
    lines = file.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in file.getvalue()
    assert any(line.startswith("a ") and "…" in line for line in lines)
    assert "\\x1b[31mred" in file.getvalue()


def test_several_values_are_lines_of_their_own() -> None:
    file = io.StringIO()
    found = report("report:multi", "a1 b2 b3")
    print_fields(event("report:multi", "a1 b2 b3"), found, (), Console(file=file, width=100), UTC)
    values = [line[line.index("- ") :].split()[1] for line in file.getvalue().splitlines()
              if "- " in line]  # fmt: skip
    assert values == ["1", "2", "3"]


def test_json_has_an_origin_for_each_field() -> None:
    file = io.StringIO()
    write_fields(event("kv:json", '{"a": 1}'), report("kv:json", '{"a": 1}'), ["w"], file)
    document = json.loads(file.getvalue())
    (a,) = (one for one in document["fields"] if one["name"] == "a")
    assert a["value"] == "1"
    assert a["origin"]["kind"] == "KV_MODE"
    assert a["origin"]["stanza"] == "kv:json"
    assert document["warnings"] == ["w"]
    assert document["event"]["sourcetype"] == "kv:json"

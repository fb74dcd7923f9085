"""transforms.conf at index time, as its specification words it: keys, clones, INGEST_EVAL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.index_time import IndexTimeSearches
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError
from harness.ingest import Arriving, index_events, ingest_text
from harness.model import ALL_TIME, EventBatch, Origin

if TYPE_CHECKING:
    from pathlib import Path

PROPS = "[acme]\nKV_MODE = none\nTRANSFORMS-a = change\n"


def app(folder: Path, props: str, transforms: str, **files: str) -> Apps:
    root = folder / "TA_test"
    texts = {
        "metadata/default.meta": "[]\nexport = system\n",
        "default/props.conf": props,
        "default/transforms.conf": transforms,
        **files,
    }
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_apps([root], builtin=False)


def changed(
    folder: Path, transform: str, text: str = "a b c", *, props: str = PROPS, **files: str
) -> list[EventBatch]:
    """The events of a text whose source type has one transform."""
    apps = app(folder, props, f"[change]\n{transform}\n", **files)
    origin = Origin(sourcetype="acme", source="acme.log", host="web1")
    return list(ingest_text(text, origin, "acme.log", apps, evaluate=IndexTimeSearches(apps)))


def fields(
    folder: Path, transform: str, text: str = "a b c", *, props: str = PROPS, **files: str
) -> dict[str, Any]:
    """The indexed fields of the one event of a text."""
    apps = app(folder, props, f"[change]\n{transform}\n", **files)
    origin = Origin(sourcetype="acme", source="acme.log", host="web1")
    read = ingest_text(text, origin, "acme.log", apps, evaluate=IndexTimeSearches(apps))
    engine = DuckDBEngine(Knowledge(apps))
    try:
        engine.load(read)
        spl = "search index=* | fields - date_* punct linecount timestamp* time*pos splunk_server"
        (row,) = engine.search(SearchRequest(f"{spl} | table *", 2e9, ALL_TIME)).rows.rows
    finally:
        engine.close()
    known = {"host", "index", "source", "sourcetype", "linecount", "punct", "eventtype", "tag"}
    return {n: v for n, v in row.items() if n not in known and not n.startswith("_")}


# What a transform may write: the keys that transforms.conf.spec lists at its end


@pytest.mark.parametrize(
    ("key", "form", "read"),
    [
        ("MetaData:Host", "host::$1", lambda one: one.host[0]),
        ("MetaData:Source", "source::$1", lambda one: one.source),
        ("MetaData:Sourcetype", "sourcetype::$1", lambda one: one.sourcetype),
        ("_MetaData:Index", "$1", lambda one: one.index),
        ("_raw", "$1", lambda one: one.raw[0]),
        ("_time", "$2", lambda one: one.time[0]),
    ],
)
def test_each_key_can_be_written(tmp_path: Path, key: str, form: str, read: Any) -> None:
    transform = f"REGEX = ^(\\w+) (\\d+)\nFORMAT = {form}\nDEST_KEY = {key}"
    (batch,) = changed(tmp_path, transform, "new 1646042400")
    assert read(batch) == (1646042400 if key == "_time" else "new")


def test_a_queue_that_discards(tmp_path: Path) -> None:
    transform = "REGEX = debug\nFORMAT = nullQueue\nDEST_KEY = queue"
    (batch,) = changed(tmp_path, transform, "debug 1\nerror 2")
    assert batch.raw == ["error 2"]


def test_all_are_discarded_except_what_a_later_transform_keeps(tmp_path: Path) -> None:
    props = "[acme]\nTRANSFORMS-a = change, keep\n"
    transform = (
        "REGEX = .\nFORMAT = nullQueue\nDEST_KEY = queue\n"
        "[keep]\nREGEX = error\nFORMAT = indexQueue\nDEST_KEY = queue"
    )
    (batch,) = changed(tmp_path, transform, "debug 1\nerror 2", props=props)
    assert batch.raw == ["error 2"]


def test_what_the_key_held_is_dollar_zero(tmp_path: Path) -> None:
    transform = "REGEX = ^(\\w+)\nFORMAT = source::$0-$1\nDEST_KEY = MetaData:Source"
    (batch,) = changed(tmp_path, transform, "a b")
    assert batch.source == "source::acme.log-a"


def test_a_group_that_there_is_not_is_text(tmp_path: Path) -> None:
    transform = "REGEX = (bar)\nFORMAT = foo$1 foo$bar foo$1234\nDEST_KEY = _raw"
    (batch,) = changed(tmp_path, transform, "bar")
    assert batch.raw == ["foobar foo$bar foo$1234"]


def test_without_a_format_the_field_is_called_like_the_stanza(tmp_path: Path) -> None:
    assert fields(tmp_path, "REGEX = (\\w+) b\nWRITE_META = true") == {"change": "a"}


def test_groups_are_joined(tmp_path: Path) -> None:
    transform = "REGEX = (\\d+)-(\\d+)\nFORMAT = ip::$1.$2\nWRITE_META = true"
    assert fields(tmp_path, transform, "10-1") == {"ip": "10.1"}


def test_meta_as_a_key_replaces_what_is_there(tmp_path: Path) -> None:
    props = "[acme]\nKV_MODE = none\nTRANSFORMS-a = first, change\n"
    first = "\n[first]\nREGEX = (a)\nFORMAT = one::$1\nWRITE_META = true"
    gone = f"REGEX = (b)\nFORMAT = two::$1\nDEST_KEY = _meta{first}"
    kept = f"REGEX = (b)\nFORMAT = $0 two::$1\nDEST_KEY = _meta{first}"
    assert fields(tmp_path / "1", gone, props=props) == {"two": "b"}
    assert fields(tmp_path / "2", kept, props=props) == {"one": "a", "two": "b"}


def test_a_default_where_nothing_matches(tmp_path: Path) -> None:
    transform = "REGEX = zzz(.)\nFORMAT = $1\nDEFAULT_VALUE = other\nDEST_KEY = _MetaData:Index"
    (batch,) = changed(tmp_path, transform)
    assert batch.index == "other"


def test_only_the_beginning_is_looked_at(tmp_path: Path) -> None:
    transform = "REGEX = (c)\nFORMAT = x::$1\nWRITE_META = true\nLOOKAHEAD = 3"
    assert fields(tmp_path, transform) == {}


def test_matches_are_repeated_except_into_the_text(tmp_path: Path) -> None:
    transform = "REGEX = (\\w)\nFORMAT = x::$1\nWRITE_META = true\nREPEAT_MATCH = true"
    assert fields(tmp_path / "1", transform) == {"x": ["a", "b", "c"]}
    (batch,) = changed(
        tmp_path / "2", "REGEX = (\\w)\nFORMAT = $1$1\nDEST_KEY = _raw\nREPEAT_MATCH = true"
    )
    assert batch.raw == ["aa"]


def test_a_source_key_of_several_indexed_fields(tmp_path: Path) -> None:
    props = "[acme]\nKV_MODE = none\nTRANSFORMS-a = first, change\n"
    transform = (
        "SOURCE_KEY = fields:one,two\nREGEX = ^(a b)$\nFORMAT = both::$1\nWRITE_META = true\n"
        "[first]\nREGEX = (a) (b)\nFORMAT = one::$1 two::$2\nWRITE_META = true"
    )
    found = fields(tmp_path, transform, props=props)
    assert found == {"one": "a", "two": "b", "both": "a b"}


def test_a_rule_set_comes_after_the_transforms(tmp_path: Path) -> None:
    """Splunk's pages on ingest actions: RULESET is like TRANSFORMS, and comes after it."""
    props = "[acme]\nRULESET-a = change\nTRANSFORMS-b = first\n"
    transform = (
        "REGEX = ^(.*)$\nFORMAT = <$1>\nDEST_KEY = _raw\n"
        "[first]\nREGEX = ^(.*)$\nFORMAT = ($1)\nDEST_KEY = _raw"
    )
    (batch,) = changed(tmp_path, transform, "x", props=props)
    assert batch.raw == ["<(x)>"]


# Clones: what transforms.conf.spec says of CLONE_SOURCETYPE


def test_a_copy_is_changed_and_the_event_is_not(tmp_path: Path) -> None:
    props = "[acme]\nTRANSFORMS-a = change\n[acme:masked]\nSEDCMD-x = s/b/B/\n"
    transform = (
        "REGEX = ^(\\w+) secret\nFORMAT = $1 ### b\nDEST_KEY = _raw\nCLONE_SOURCETYPE = acme:masked"
    )
    first, second = changed(tmp_path, transform, "ann secret", props=props)
    assert (first.sourcetype, first.raw) == ("acme", ["ann secret"])
    assert (second.sourcetype, second.raw) == ("acme:masked", ["ann ### B"])


def test_a_clone_may_stay_as_it_is(tmp_path: Path) -> None:
    """As in Splunk's examples of ingest-time eval, which clone by way of a key there is not."""
    transform = (
        "SOURCE_KEY = Meta:Host\nDEST_KEY = Meta:Host\nREGEX = (.)\nFORMAT = %0\n"
        "CLONE_SOURCETYPE = copy"
    )
    first, second = changed(tmp_path, transform, "a")
    assert (first.sourcetype, first.raw) == ("acme", ["a"])
    assert (second.sourcetype, second.raw) == ("copy", ["a"])


def test_a_clone_of_its_own_source_type_is_none(tmp_path: Path) -> None:
    transform = "REGEX = ^(\\w+)\nFORMAT = $1\nDEST_KEY = _raw\nCLONE_SOURCETYPE = acme"
    (batch,) = changed(tmp_path, transform)
    assert batch.raw == ["a"]


def test_clones_of_clones_end(tmp_path: Path) -> None:
    props = "[acme]\nTRANSFORMS-a = change\n[other]\nTRANSFORMS-a = back\n"
    transform = (
        "REGEX = (.+)\nFORMAT = $1\nDEST_KEY = _raw\nCLONE_SOURCETYPE = other\n"
        "[back]\nREGEX = (.+)\nFORMAT = $1\nDEST_KEY = _raw\nCLONE_SOURCETYPE = acme"
    )
    found = changed(tmp_path, transform, "x", props=props)
    assert 2 <= sum(len(batch.raw) for batch in found) < 20


# Eval expressions: what transforms.conf.spec says of INGEST_EVAL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('len=length(_raw), kind=if(_raw LIKE "a %", "first", "other")',
         {"len": "5", "kind": "first"}),
        ("a=5, a=a+2", {"a": ["5", "7"]}),
        ("a=5, a:=a+2", {"a": "7"}),
        ("a=5, b=1, a:=null()", {"b": "1"}),
        ('x=mvappend("a","b","c")', {"x": ["a", "b", "c"]}),
        ('v=mvappend("a","b"), first=mvjoin(v,","), all=mvjoin($mv:v$,",")',
         {"v": ["a", "b"], "first": "a", "all": "a,b"}),
        ('$field:event_category$=if($pd:_raw$ LIKE "WARN %", "warning", "normal")',
         {"event_category": "normal"}),
        ("n[int]=length(source)/3, t[string]=7", {"n": "2", "t": "7"}),
        ('says="$mv:v$, text", when=_time>0', None),
        ('lines=linecount, from=source.":".host', {"lines": "1", "from": "acme.log:web1"}),
        ('parts=mvcount(split(_raw, " ")), none=null()', {"parts": "3"}),
    ],
)  # fmt: skip
def test_expressions_give_indexed_fields(
    tmp_path: Path, text: str, expected: dict[str, Any] | None
) -> None:
    if expected is None:
        with pytest.raises(HarnessError, match="a truth value cannot be assigned"):
            fields(tmp_path, f"INGEST_EVAL = {text}")
        return
    assert fields(tmp_path, f"INGEST_EVAL = {text}") == expected


def test_expressions_set_what_an_event_has(tmp_path: Path) -> None:
    text = (
        'queue=if(match(_raw,"^debug"),"nullQueue",queue), _raw=replace(_raw,"\\d","#"), '
        '_time=1646042400.5, host:=upper(host), sourcetype="acme:new", source=null(), '
        'index=if(_raw LIKE "%error%","errors",index)'
    )
    first, second = changed(tmp_path, f"INGEST_EVAL = {text}", "debug 1\nerror 2\nerror 3\nok 4")
    assert (first.index, first.raw, first.host) == (
        "errors", ["error #", "error #"], ["WEB1", "WEB1"],
    )  # fmt: skip
    assert (second.index, second.raw, second.sourcetype) == ("main", ["ok #"], "acme:new")
    assert (second.time, second.source) == ([1646042400.5], "acme.log")


@pytest.mark.parametrize(
    ("condition", "raw"),
    [
        ('_raw LIKE "a%"', ["a", "B"]),
        ('if(_raw="a", "yes", null())', ["a", "B"]),
        ("0", ["A", "B"]),
        ("null()", ["A", "B"]),
        ("len(_raw)", ["a", "b"]),
    ],
)
def test_no_transform_comes_after_a_stop(tmp_path: Path, condition: str, raw: list[str]) -> None:
    """What transforms.conf.spec says of STOP_PROCESSING_IF: what counts as true."""
    props = "[acme]\nTRANSFORMS-a = change, later\n"
    transform = f"STOP_PROCESSING_IF = {condition}\n[later]\nINGEST_EVAL = _raw=upper(_raw)"
    (batch,) = changed(tmp_path, transform, "a\nb", props=props)
    assert batch.raw == raw


def test_a_stop_comes_after_the_expressions_of_its_stanza(tmp_path: Path) -> None:
    transform = "INGEST_EVAL = x=1\nSTOP_PROCESSING_IF = x==1\n[later]\nINGEST_EVAL = y=2"
    props = "[acme]\nKV_MODE = none\nTRANSFORMS-a = change, later\n"
    assert fields(tmp_path, transform, props=props) == {"x": "1"}


def test_an_expression_may_look_up(tmp_path: Path) -> None:
    """Getting Data In, "Process events with ingest-time eval": lookups by the function lookup."""
    look = 'json_extract(lookup("codes", json_object("code", _raw), json_array("text")), "text")'
    files = {"lookups/codes.csv": "code,text\n7,seven\n"}
    transform = f"INGEST_EVAL = text={look}\n[codes]\nfilename = codes.csv"
    assert fields(tmp_path, transform, "7", **files) == {"text": "seven"}


def test_events_sent_one_by_one_are_evaluated_too(tmp_path: Path) -> None:
    apps = app(tmp_path, PROPS, "[change]\nINGEST_EVAL = _raw=upper(_raw)\n")
    sent = [Arriving("a", 1.0, "main", "s", "acme", "h"), Arriving("b", 2.0, "main", "s", "x", "h")]
    found = list(index_events(sent, apps, evaluate=IndexTimeSearches(apps)))
    assert sorted(raw for one in found for raw in one.raw) == ["A", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "INGEST_EVAL is `<name> = <expression>"),
        ("a[long]=1", "INGEST_EVAL is `<name> = <expression>"),
        ("a=1 +", "INGEST_EVAL: "),
        ("a=nosuch(1)", "INGEST_EVAL: unknown function"),
        ('_meta="x::y"', "INGEST_EVAL sets the key `_meta`"),
        ("a=1 | outputlookup x", "INGEST_EVAL: "),
        ('a="x" [search index=*]', "INGEST_EVAL: "),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        changed(tmp_path, f"INGEST_EVAL = {text}")
    assert caught.value.message.startswith(message)
    assert "transforms.conf:2" in str(caught.value.place)

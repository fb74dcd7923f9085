"""Fields of events by an app's own settings, asked for through searches.

Source: Splunk Knowledge Manager Manual, "The sequence of search-time operations" and the pages
on each of them; props.conf.spec, transforms.conf.spec, eventtypes.conf.spec, tags.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from app_writer import app_writer

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventBatch

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model import Value


PAIRS = r"EXTRACT-user = user=(?<user>\w+)"


@dataclass(slots=True)
class Bench:
    """Searches over events of the source type `st`, read with one small app."""

    folder: Path
    files: dict[str, str] = field(default_factory=dict)

    def props(self, text: str) -> None:
        self.files["default/props.conf"] = f"[st]\n{text}\n"

    def add(self, path: str, text: str) -> None:
        self.files[path] = text

    def search(self, spl: str, *raw: str, source: str = "src") -> list[dict[str, Value]]:
        apps = load_apps([app_writer()(self.folder, "app", self.files)], builtin=False)
        engine = DuckDBEngine(Knowledge(apps))
        times: list[float | None] = [float(-number) for number in range(len(raw))]
        batch = EventBatch("main", source, "st", list(raw), times, ["host"] * len(raw))
        try:
            engine.load([batch])
            return engine.search(SearchRequest(spl, 0.0, ALL_TIME)).rows.rows
        finally:
            engine.close()

    def fields(self, names: str, *raw: str) -> list[dict[str, Value]]:
        return self.search(f"search index=main | table {names}", *raw)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# Extractions


def test_the_first_extraction_of_a_field_wins(bench: Bench) -> None:
    bench.props("KV_MODE = none\nEXTRACT-b = one=(?<x>\\d)\nEXTRACT-a = two=(?<x>\\d)")
    assert bench.fields("x", "one=1 two=2", "one=1", "none") == [{"x": "2"}, {"x": "1"}, {}]


def test_inline_extractions_go_before_transforms_and_both_before_key_value(bench: Bench) -> None:
    bench.props("REPORT-a = t\nEXTRACT-z = <(?<x>\\w+)>")
    bench.add("default/transforms.conf", "[t]\nREGEX = \\[(\\w+)\\]\nFORMAT = x::$1\n")
    raw = ["x=kv [report] <inline>", "x=kv [report]", "x=kv"]
    assert bench.fields("x", *raw) == [{"x": "inline"}, {"x": "report"}, {"x": "kv"}]


def test_a_group_that_took_no_part_leaves_its_field_absent(bench: Bench) -> None:
    bench.props("KV_MODE = none\nEXTRACT-a = ^(?:(?<x>a)|(?<y>b))")
    rows = bench.search("search index=main | where isnull(x) | table x y", "a", "b", "c")
    assert rows == [{"y": "b"}, {}]


def test_an_extraction_reads_a_field_that_an_earlier_one_gave(bench: Bench) -> None:
    bench.props(
        "KV_MODE = none\nEXTRACT-a = path=(?<path>\\S+)\nEXTRACT-b = (?<file>[^/]+)$ in path"
    )
    assert bench.fields("file", "path=/tmp/x.sh") == [{"file": "x.sh"}]


def test_an_extraction_reads_a_field_of_the_event_itself(bench: Bench) -> None:
    bench.props("KV_MODE = none\nEXTRACT-a = (?<part>[^/]+)$ in source")
    spl = "search index=main | table part"
    assert bench.search(spl, "raw", source="/var/log/auth") == [{"part": "auth"}]


def test_dots_and_ends_of_lines_in_inline_extractions(bench: Bench) -> None:
    # props.conf.spec: EXTRACT sets (?ms) before its pattern.
    bench.props("KV_MODE = none\nEXTRACT-a = ^b(?<line>\\d)$\nEXTRACT-b = a(?<all>.*)c")
    assert bench.fields("line all", "a\nb1\nc") == [{"line": "1", "all": "\nb1\n"}]


def test_transforms_take_the_first_match_or_add_all(bench: Bench) -> None:
    bench.props("KV_MODE = none\nREPORT-a = one, all")
    bench.add(
        "default/transforms.conf",
        "[one]\nREGEX = n(\\d)\nFORMAT = first::$1\n"
        "[all]\nREGEX = n(\\d)\nFORMAT = every::$1\nMV_ADD = true\n",
    )
    assert bench.fields("first every", "n1 n2 n1") == [{"first": "1", "every": ["1", "2", "1"]}]


def test_mv_add_appends_to_a_field_that_exists(bench: Bench) -> None:
    bench.props("KV_MODE = none\nEXTRACT-a = a(?<x>\\d)\nREPORT-a = add, discarded")
    bench.add(
        "default/transforms.conf",
        "[add]\nREGEX = b(\\d)\nFORMAT = x::$1\nMV_ADD = true\n"
        "[discarded]\nREGEX = c(\\d)\nFORMAT = x::$1\n",
    )
    rows = bench.fields("x", "a1 b2 b3 c4", "b2", "c4")
    assert rows == [{"x": ["1", "2", "3"]}, {"x": "2"}, {"x": "4"}]


def test_names_out_of_the_data_are_cleaned(bench: Bench) -> None:
    bench.props("KV_MODE = none\nREPORT-a = t")
    bench.add(
        "default/transforms.conf", "[t]\nREGEX = ;([^;:]+):([^;]*)\nFORMAT = $1::$2\nMV_ADD = 1\n"
    )
    raw = ";Account Name:a;2nd-try:b;Account.Name:c;empty:"
    spl = "search index=main | table Account_Name nd_try empty"
    assert bench.search(spl, raw) == [{"Account_Name": ["a", "c"], "nd_try": "b"}]


def test_names_out_of_the_data_as_they_are(bench: Bench) -> None:
    bench.props("KV_MODE = none\nREPORT-a = t")
    bench.add(
        "default/transforms.conf",
        "[t]\nREGEX = ;([^;:]+):([^;]*)\nFORMAT = $1::$2\nCLEAN_KEYS = false\n",
    )
    rows = bench.search("search index=main | eval x='Account Name' | table x", ";Account Name:a")
    assert rows == [{"x": "a"}]


def test_delimited_fields_by_position(bench: Bench) -> None:
    bench.props("KV_MODE = none\nREPORT-a = t")
    bench.add("default/transforms.conf", '[t]\nDELIMS = ","\nFIELDS = a, b, c\n')
    assert bench.fields("a b c", "1,2,3", "1,,3", "1") == [
        {"a": "1", "b": "2", "c": "3"},
        {"a": "1", "c": "3"},
        {"a": "1"},
    ]


# Aliases, calculated fields


def test_an_alias_takes_the_place_of_what_was_there(bench: Bench) -> None:
    # "Field alias behavior change": with AS, an alias whose field is absent goes too.
    bench.props(f"{PAIRS}\nFIELDALIAS-a = user AS owner")
    rows = bench.fields("user owner", "user=bob owner=eve", "user=bob", "owner=eve")
    assert rows == [{"user": "bob", "owner": "bob"}, {"user": "bob", "owner": "bob"}, {}]


def test_asnew_keeps_what_was_there(bench: Bench) -> None:
    bench.props(f"{PAIRS}\nFIELDALIAS-a = user ASNEW owner")
    rows = bench.fields("owner", "user=bob owner=eve", "user=bob", "owner=eve")
    assert rows == [{"owner": "eve"}, {"owner": "bob"}, {"owner": "eve"}]


def test_several_aliases_of_one_field(bench: Bench) -> None:
    bench.props(f'{PAIRS}\nFIELDALIAS-a = user AS one user AS "two words"')
    rows = bench.search("search index=main | eval b='two words' | table one b", "user=bob")
    assert rows == [{"one": "bob", "b": "bob"}]


def test_calculated_fields_see_aliases_but_not_each_other(bench: Bench) -> None:
    bench.props(
        f"{PAIRS}\nFIELDALIAS-a = user AS who\n"
        'EVAL-a = upper(who)\nEVAL-b = coalesce(a, "none")\nEVAL-user = user."!"\n'
        'EVAL-was = user\nEVAL-gone = if(user=="eve", null(), a)'
    )
    assert bench.fields("a b user was gone", "user=bob a=raw") == [
        {"a": "BOB", "b": "raw", "user": "bob!", "was": "bob", "gone": "raw"}
    ]


def test_a_calculated_field_that_is_null_removes_what_was_extracted(bench: Bench) -> None:
    # "About calculated fields": the result takes the place of the extracted field.
    bench.props('EVAL-user = if(user=="eve", null(), user)')
    assert bench.fields("user", "user=eve", "user=bob") == [{}, {"user": "bob"}]


def test_a_search_by_a_calculated_field(bench: Bench) -> None:
    bench.props(f"{PAIRS}\nEVAL-user = upper(user)")
    spl = 'search index=main user=BOB | eval same=if(user=="BOB", 1, 0) | table user same'
    assert bench.search(spl, "user=bob", "user=eve") == [{"user": "BOB", "same": 1}]


# Automatic lookups


ASSETS = "host_name,owner,site\nh1,ann,north\nh2,,south\n"
ASSETS_DEFINITION = "[assets]\nfilename = assets.csv\n"


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("OUTPUT", [{"owner": "ann"}, {}, {}]),
        ("OUTPUTNEW", [{"owner": "ann"}, {"owner": "raw"}, {"owner": "raw"}]),
    ],
)
def test_output_clears_and_outputnew_keeps(
    bench: Bench, how: str, wanted: list[dict[str, Value]]
) -> None:
    bench.props(f"LOOKUP-a = assets host_name AS dest {how} owner")
    bench.add("default/transforms.conf", ASSETS_DEFINITION)
    bench.add("lookups/assets.csv", ASSETS)
    assert bench.fields("owner", "dest=h1", "dest=h2 owner=raw", "dest=h9 owner=raw") == wanted


def test_outputnew_leaves_a_row_that_has_the_field_alone(bench: Bench) -> None:
    bench.props("LOOKUP-a = assets host_name AS dest OUTPUTNEW owner")
    bench.add("default/transforms.conf", ASSETS_DEFINITION)
    bench.add("lookups/assets.csv", ASSETS)
    assert bench.fields("owner", "dest=h1 owner=raw") == [{"owner": "raw"}]


def test_a_lookup_sees_calculated_fields_and_they_do_not_see_it(bench: Bench) -> None:
    bench.props(
        'EVAL-dest = lower(name)\nEVAL-early = coalesce(site, "no site")\n'
        "LOOKUP-a = assets host_name AS dest OUTPUT site"
    )
    bench.add("default/transforms.conf", ASSETS_DEFINITION)
    bench.add("lookups/assets.csv", ASSETS)
    assert bench.fields("dest site early", "name=H1") == [
        {"dest": "h1", "site": "north", "early": "no site"}
    ]


def test_lookups_run_by_class_name_and_see_each_other(bench: Bench) -> None:
    bench.props(
        "LOOKUP-b = zones site OUTPUT zone\nLOOKUP-a = assets host_name AS dest OUTPUT site"
    )
    bench.add("default/transforms.conf", f"{ASSETS_DEFINITION}[zones]\nfilename = zones.csv\n")
    bench.add("lookups/assets.csv", ASSETS)
    bench.add("lookups/zones.csv", "site,zone\nnorth,cold\n")
    assert bench.fields("zone", "dest=h1") == [{"zone": "cold"}]


def test_a_lookup_that_finds_several_rows_gives_several_values(bench: Bench) -> None:
    bench.props("LOOKUP-a = assets host_name AS dest OUTPUT owner AS owners")
    bench.add("default/transforms.conf", ASSETS_DEFINITION)
    bench.add("lookups/assets.csv", "host_name,owner\nh1,ann\nh1,bob\n")
    assert bench.fields("owners", "dest=h1") == [{"owners": ["ann", "bob"]}]


def test_a_lookup_without_output_gives_every_other_column(bench: Bench) -> None:
    """transforms.conf and props.conf: without OUTPUT all of the table's fields are added."""
    bench.props("LOOKUP-a = assets host_name AS dest")
    bench.add("default/transforms.conf", ASSETS_DEFINITION)
    bench.add("lookups/assets.csv", "host_name,owner,site\nh1,ann,north\n")
    assert bench.fields("owner site", "dest=h1") == [{"owner": "ann", "site": "north"}]


# Event types and tags


EVENT_TYPES = """
[logon]
search = action=logon
[late_logon]
search = eventtype=logon hour>21
[other]
search = action=other
"""
TAGS = """
[eventtype=logon]
authentication = enabled
[eventtype=late_logon]
suspicious = enabled
[eventtype=other]
authentication = disabled
[user=root]
privileged = enabled
[dest=h%201]
server = enabled
"""


@pytest.fixture
def tagged(bench: Bench) -> Bench:
    bench.add("default/eventtypes.conf", EVENT_TYPES)
    bench.add("default/tags.conf", TAGS)
    return bench


EVENTS = [
    "n=1 action=logon hour=22 user=root",
    "n=2 action=logon hour=9 user=bob",
    'n=3 action=other user=ROOT dest="h 1"',
    "n=4 user=rooted",
]


@pytest.mark.parametrize(
    ("predicate", "wanted"),
    [
        ("eventtype=logon", "12"),
        ("eventtype=late_logon", "1"),
        ("eventtype=l*", "12"),
        ("NOT eventtype=logon", "34"),
        ("tag=authentication", "12"),
        ("tag=suspicious", "1"),
        ("tag=privileged", "13"),
        ("tag::user=privileged", "13"),
        ("tag::eventtype=authentication", "12"),
        ("tag::user=authentication", ""),
        ("tag::dest=server", "3"),
        ("tag=authentication tag=privileged", "1"),
        ("tag=auth* OR tag::dest=server", "123"),
        ("NOT tag=privileged", "24"),
    ],
)
def test_searches_by_event_type_and_tag(tagged: Bench, predicate: str, wanted: str) -> None:
    rows = tagged.search(f"search index=main {predicate} | table n", *EVENTS)
    assert [row["n"] for row in rows] == list(wanted)


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        ("search eventtype!=logon", "3"),
        ("search tag!=suspicious", "23"),
        ("search eventtype=*", "123"),
        ('where eventtype="logon"', "12"),
        ('where eventtype!="logon"', "13"),
        ("where isnotnull(tag)", "123"),
        ("where NOT isnotnull(eventtype)", "4"),
        ("where 'tag::user'=\"privileged\"", "13"),
        ('where mvcount(tag)>1 AND user="root"', "1"),
    ],
)
def test_filters_that_read_event_types_and_tags_as_fields(
    tagged: Bench, stages: str, wanted: str
) -> None:
    rows = tagged.search(f"search index=main | {stages} | table n", *EVENTS)
    assert [row["n"] for row in rows] == list(wanted)


def test_event_types_and_tags_as_fields(tagged: Bench) -> None:
    rows = tagged.fields("eventtype tag tag::user tag::eventtype", *EVENTS)
    assert rows == [
        {
            "eventtype": ["late_logon", "logon"],
            "tag": ["authentication", "privileged", "suspicious"],
            "tag::user": "privileged",
            "tag::eventtype": ["authentication", "suspicious"],
        },
        {"eventtype": "logon", "tag": "authentication", "tag::eventtype": "authentication"},
        {"eventtype": "other", "tag": ["privileged", "server"], "tag::user": "privileged"},
        {},
    ]


def test_an_event_type_may_ask_for_fields_of_every_layer(bench: Bench) -> None:
    bench.props(
        "FIELDALIAS-a = who AS user\nEVAL-name = upper(user)\n"
        "LOOKUP-a = assets host_name AS dest OUTPUT site"
    )
    bench.add("default/transforms.conf", ASSETS_DEFINITION)
    bench.add("lookups/assets.csv", ASSETS)
    bench.add(
        "default/eventtypes.conf",
        "[deep]\nsearch = user=bob site=north\n[deeper]\nsearch = name=BOB site=north\n",
    )
    bench.add("default/tags.conf", "[eventtype=deeper]\nfound = enabled\n")
    rows = bench.search("search index=main tag=found | table name site", "who=bob dest=h1", "who=x")
    assert rows == [{"name": "BOB", "site": "north"}]


# Entities


def xml(value: str) -> str:
    return f"<Event><EventData><Data Name='x'>{value}</Data></EventData></Event>"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a&lt;b&gt;c", "a<b>c"),
        ("&quot;a&quot; &apos;b&apos;", "\"a\" 'b'"),
        ("a&amp;b", "a&b"),
        ("a&amp;lt;b", "a&lt;b"),
        ("&#65;&#x42;&#x63;", "ABc"),
        ("&amp;#65;", "&#65;"),
        ("&#38;lt;", "&lt;"),
        ("&#x1F600;", "\U0001f600"),
        ("&mine;", "&mine;"),
        ("&mine;&lt;&#33;", "&mine;<!"),
        ("&#0;&#x110000;&#xD800;", "&#0;&#x110000;&#xD800;"),
        ("a & b &", "a & b &"),
    ],
)
def test_entities_are_decoded_once_and_undefined_ones_stay(
    bench: Bench, value: str, wanted: str
) -> None:
    # XML 1.0, sections 4.1 and 4.6.
    bench.props("KV_MODE = xml")
    assert bench.fields("x", xml(value)) == [{"x": wanted}]


def test_calculated_fields_and_searches_see_decoded_values(bench: Bench) -> None:
    bench.props("KV_MODE = xml\nEVAL-size = len(x)\nFIELDALIAS-a = x AS y")
    spl = 'search index=main x="a<b" | table x y size'
    assert bench.search(spl, xml("a&lt;b"), xml("a&gt;b")) == [{"x": "a<b", "y": "a<b", "size": 3}]


def test_an_inline_extraction_is_not_decoded_and_wins_over_xml(bench: Bench) -> None:
    bench.props("KV_MODE = xml\nEXTRACT-x = Name='x'>(?<x>[^<]+)\nFIELDALIAS-y = x AS y")
    assert bench.fields("x y", xml("a&amp;b")) == [{"x": "a&amp;b", "y": "a&amp;b"}]

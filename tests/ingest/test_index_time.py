"""What apps say of events on their way into the index, each case with the page that says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.index_time import IndexTimeSearches
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError
from harness.ingest import Loss, ingest_text, read_file
from harness.model import ALL_TIME, Origin

if TYPE_CHECKING:
    from pathlib import Path

    from harness.apps import Apps
    from harness.model import EventBatch

TEN = 1646042400.0  # 2022-02-28T10:00:00Z
NOW = 1.7e9


def app(folder: Path, **files: str) -> Apps:
    """An app of conf files, loaded over Splunk's defaults."""
    root = folder / "TA_test"
    for name, text in {"metadata": "", **files}.items():
        path = root / ("metadata/default.meta" if name == "metadata" else f"default/{name}.conf")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[]\nexport = system\n" if name == "metadata" else text, encoding="utf-8")
    return load_apps([root], builtin=False)


def batches(apps: Apps, text: str, **told: Any) -> list[EventBatch]:
    origin = Origin(**{"sourcetype": "acme", "source": "acme.log", **told})
    return list(ingest_text(text, origin, "acme.log", apps, evaluate=IndexTimeSearches(apps)))


def raws(apps: Apps, text: str, **told: Any) -> list[str]:
    return [raw for batch in batches(apps, text, **told) for raw in batch.raw]


def times(apps: Apps, text: str, **told: Any) -> list[float]:
    return [time or 0 for batch in batches(apps, text, **told) for time in batch.time]


def search(apps: Apps, text: str, spl: str, **told: Any) -> list[dict[str, Any]]:
    engine = DuckDBEngine(Knowledge(apps))
    try:
        engine.load(batches(apps, text, **told))
        rows = engine.search(SearchRequest(spl, 2e9, ALL_TIME)).rows.rows
        return [dict(row) for row in rows]
    finally:
        engine.close()


# Line breaking (props.conf.spec)


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        # The first group is the break; what follows it in the match begins the next event.
        (r"LINE_BREAKER = ([\r\n]+)BEGIN", "BEGIN a\nb\nBEGIN c\n", ["BEGIN a\nb", "BEGIN c\n"]),
        (r"LINE_BREAKER = (\|\|)", "a||b||c", ["a", "b", "c"]),
        ("SHOULD_LINEMERGE = true\nBREAK_ONLY_BEFORE = ^#", "#a\nb\n#c\nd", ["#a\nb", "#c\nd"]),
        (
            "SHOULD_LINEMERGE = true",
            "2022-02-28 10:00:00 a\n  at b\n2022-02-28 10:00:01 c",
            ["2022-02-28 10:00:00 a\n  at b", "2022-02-28 10:00:01 c"],
        ),
        (
            "SHOULD_LINEMERGE = true\nBREAK_ONLY_BEFORE_DATE = false\nMUST_BREAK_AFTER = ;$",
            "a\nb;\nc\nd;",
            ["a\nb;", "c\nd;"],
        ),
        (
            "SHOULD_LINEMERGE = true\nMUST_NOT_BREAK_BEFORE = ^2022.*again",
            "2022-02-28 10:00:00 a\n2022-02-28 10:00:00 again",
            ["2022-02-28 10:00:00 a\n2022-02-28 10:00:00 again"],
        ),
        (
            "SHOULD_LINEMERGE = true\nMUST_NOT_BREAK_AFTER = more$",
            "2022-02-28 10:00:00 more\n2022-02-28 10:00:00 b",
            ["2022-02-28 10:00:00 more\n2022-02-28 10:00:00 b"],
        ),
        (
            "SHOULD_LINEMERGE = true\nBREAK_ONLY_BEFORE = ^#\nMAX_EVENTS = 2",
            "#a\nb\nc",
            ["#a\nb", "c"],
        ),
        ("SHOULD_LINEMERGE = false", "a\nb", ["a", "b"]),
        ("TRUNCATE = 4", "abcdef\nxy", ["abcd", "xy"]),
        ("TRUNCATE = 0", "abcdef", ["abcdef"]),
        # It is in bytes, and no character is cut in two.
        ("TRUNCATE = 4", "aé€", ["aé"]),
        # Lines are cut before they are merged.
        (
            "SHOULD_LINEMERGE = true\nBREAK_ONLY_BEFORE = ^#\nTRUNCATE = 3",
            "#abc\ndefg\n#x",
            ["#ab\ndef", "#x"],
        ),
        # A branch without the first group: the leftmost that takes part is the break.
        (
            r"LINE_BREAKER = end(\n)begin|end2(\n)begin2|begin3",
            "a end\nbegin b end2\nbegin2 c begin3 d",
            ["a end", "begin b end2", "begin2 c ", "begin3 d"],
        ),
        # As in the add-on for Unix and Linux: at empty lines, and never.
        (r"LINE_BREAKER = (^$|[\r\n]+[\r\n]+)", "A B\n1 2\n\nA B\n3 4", ["A B\n1 2", "A B\n3 4"]),
        (r"LINE_BREAKER = ^((?!))$", "A B\n1 2\n\n3 4", ["A B\n1 2\n\n3 4"]),
        # No line begins an event until one has met MUST_BREAK_AFTER.
        (
            "SHOULD_LINEMERGE = true\nMUST_NOT_BREAK_AFTER = open$\nMUST_BREAK_AFTER = close$",
            "2022-02-28 10:00:00 open\n2022-02-28 10:00:01 b\n2022-02-28 10:00:02 close\nc",
            ["2022-02-28 10:00:00 open\n2022-02-28 10:00:01 b\n2022-02-28 10:00:02 close", "c"],
        ),
        # Where no time is looked for, none begins an event.
        (
            "SHOULD_LINEMERGE = true\nDATETIME_CONFIG = CURRENT",
            "2022-02-28 10:00:00 a\n2022-02-28 10:00:01 b",
            ["2022-02-28 10:00:00 a\n2022-02-28 10:00:01 b"],
        ),
    ],
)
def test_lines_break_and_merge(
    tmp_path: Path, settings: str, text: str, expected: list[str]
) -> None:
    assert raws(app(tmp_path, props=f"[acme]\n{settings}\n"), text) == expected


# Times: the specification of props.conf on timestamp extraction


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        ("TIME_PREFIX = at=", "2020-01-01 00:00:00 at=2022-02-28 10:00:00", TEN),
        ("TIME_PREFIX = at=\nTIME_FORMAT = %s", "x at=1646042400 y", TEN),
        ("TIME_FORMAT = %s%3N", "1646042400250 x", TEN + 0.25),
        ("TIME_FORMAT = %d.%m.%Y %H:%M:%S", "28.02.2022 10:00:00 x", TEN),
        ("TIME_FORMAT = %d/%b/%y %I:%M:%S %p", "28/Feb/22 10:00:00 AM x", TEN),
        ("TIME_FORMAT = %Y-%m-%dT%H:%M:%S.%3N%z", "2022-02-28T11:00:00.000+0100 x", TEN),
        ("TZ = Europe/Berlin", "2022-02-28 11:00:00 x", TEN),
        ("TIME_FORMAT = %Y-%m-%d %H:%M:%S\nTZ = Europe/Berlin", "2022-02-28 11:00:00 x", TEN),
        # A zone's name may be meant otherwise than usual.
        (
            "TIME_FORMAT = %Y-%m-%d %H:%M:%S %Z\nTZ_ALIAS = EST=GMT+10:00,CST=Asia/Shanghai",
            "2022-02-28 20:00:00 EST x",
            TEN,
        ),
        (
            "TIME_FORMAT = %Y-%m-%d %H:%M:%S %Z\nTZ_ALIAS = EST=GMT+10:00,CST=Asia/Shanghai",
            "2022-02-28 18:00:00 CST x",
            TEN,
        ),
        ("TIME_FORMAT = %Y-%m-%d %H:%M:%S %Z", "2022-02-28 05:00:00 EST x", TEN),
        # Behind the prefix only so many characters are looked at.
        (
            "TIME_PREFIX = ^\nTIME_FORMAT = %s\nMAX_TIMESTAMP_LOOKAHEAD = 5",
            "at last 1646042400",
            None,
        ),
    ],
)
def test_times_are_where_the_app_says(
    tmp_path: Path, settings: str, text: str, expected: float | None
) -> None:
    (found,) = times(app(tmp_path, props=f"[acme]\n{settings}\n"), text)
    assert found == expected if expected is not None else found > NOW


@pytest.mark.parametrize("config", ["CURRENT", "NONE"])
def test_the_current_time_is_when_the_file_was_written(tmp_path: Path, config: str) -> None:
    apps = app(tmp_path, props=f"[acme]\nDATETIME_CONFIG = {config}\n")
    (found,) = times(apps, "2001-01-01 00:00:00 x")
    assert found > NOW


def test_an_event_without_a_time_has_that_of_the_one_before_it(tmp_path: Path) -> None:
    text = "no time\n2022-02-28 10:00:00 a\n  at b\n"
    first, *others = times(app(tmp_path, props="[acme]\n"), text)
    assert first > NOW
    assert others == [TEN, TEN]


# props.conf.spec, SEDCMD


@pytest.mark.parametrize(
    ("command", "raw", "expected"),
    [
        ("s/secret=\\S+/secret=#/", "secret=a secret=b", "secret=# secret=b"),
        ("s/secret=\\S+/secret=#/g", "secret=a secret=b", "secret=# secret=#"),
        ("s/a/X/2", "a a a", "a X a"),
        (r"s/(\w+)-(\w+)/\2-\1/", "one-two", "two-one"),
        ("s/b/[&]/", "abc", "a[b]c"),
        ("s#/tmp#/var#g", "/tmp /tmp", "/var /var"),
        ("y/abc/xyz/", "aabbcc", "xxyyzz"),
    ],
)
def test_sedcmd_rewrites_the_raw_text(
    tmp_path: Path, command: str, raw: str, expected: str
) -> None:
    assert raws(app(tmp_path, props=f"[acme]\nSEDCMD-a = {command}\n"), raw) == [expected]


# transforms.conf.spec, DEST_KEY and KEYS; props.conf.spec, TRANSFORMS-<class>


def test_transforms_set_host_source_sourcetype_and_index(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nTRANSFORMS-a = host, source, type, index\n",
        transforms=(
            "[host]\nREGEX = from=(\\S+)\nFORMAT = host::$1\nDEST_KEY = MetaData:Host\n"
            "[source]\nREGEX = file=(\\S+)\nFORMAT = source::$1\nDEST_KEY = MetaData:Source\n"
            "[type]\nREGEX = ,THREAT,\nFORMAT = sourcetype::acme:threat\n"
            "DEST_KEY = MetaData:Sourcetype\n"
            "[index]\nREGEX = ,THREAT,\nFORMAT = security\nDEST_KEY = _MetaData:Index\n"
        ),
    )
    found = batches(apps, "from=h1 file=/a ,THREAT,\nfrom=h2 file=/a ,TRAFFIC,")
    assert [(one.index, one.source, one.sourcetype, one.host) for one in found] == [
        ("security", "/a", "acme:threat", ["h1"]),
        ("main", "/a", "acme", ["h2"]),
    ]


def test_the_null_queue_discards_and_the_last_word_counts(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nTRANSFORMS-a = drop, keep\n",
        transforms=(
            "[drop]\nREGEX = .\nFORMAT = nullQueue\nDEST_KEY = queue\n"
            "[keep]\nREGEX = keep\nFORMAT = indexQueue\nDEST_KEY = queue\n"
        ),
    )
    assert raws(apps, "drop me\nkeep me") == ["keep me"]


def test_raw_is_rewritten(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nTRANSFORMS-a = short\n",
        transforms="[short]\nREGEX = ^(\\w+) \\w+ (.*)\nFORMAT = $1 $2\nDEST_KEY = _raw\n",
    )
    assert raws(apps, "a b c d") == ["a c d"]


def test_indexed_fields_are_searchable(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nKV_MODE = none\nTRANSFORMS-a = code, each\n",
        transforms=(
            "[code]\nREGEX = code (\\d+)\nFORMAT = code::$1 kind::error\nWRITE_META = true\n"
            "[each]\nREGEX = (\\w)!\nFORMAT = letter::$1\nWRITE_META = true\nREPEAT_MATCH = true\n"
        ),
    )
    text = "code 7 a! b!\nnothing here"
    rows = search(apps, text, "search index=main code=7 | table code kind letter")
    assert rows == [{"code": "7", "kind": "error", "letter": ["a", "b"]}]
    (row,) = search(apps, text, "search index=main kind=error | table *")
    assert row["letter"] == ["a", "b"]
    assert search(apps, text, "search index=main NOT code=* | stats count") == [{"count": 1}]


def test_what_is_not_done_is_warned_of_with_its_place(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nTRANSFORMS-a = gone, route\n",
        transforms="[route]\nREGEX = .\nFORMAT = x\nDEST_KEY = _TCP_ROUTING\n",
    )
    assert raws(apps, "x") == ["x"]
    told = [str(one) for one in apps.warnings]
    assert any("props.conf:2" in one and "no transform `gone`" in one for one in told), told
    assert any("props.conf:2" in one and "where a forwarder sends" in one for one in told), told


# Headers: the specification of props.conf on structured data


def test_a_csv_file_has_its_header_s_fields(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nINDEXED_EXTRACTIONS = csv\nTIMESTAMP_FIELDS = when\nKV_MODE = none\n"
        'EVAL-both = user."@".place\n',
    )
    text = 'when,user,place\n2022-02-28 10:00:00,dora,"Ulm, here"\n2022-02-28 10:00:01,,Bonn\n'
    rows = search(apps, text, "search index=main | table _time user place both")
    assert rows == [
        {"_time": TEN + 1, "place": "Bonn"},
        {"_time": TEN, "user": "dora", "place": "Ulm, here", "both": "dora@Ulm, here"},
    ]


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        ("INDEXED_EXTRACTIONS = tsv", "a\tb\n1\t2 3\n", {"a": "1", "b": "2 3"}),
        ("INDEXED_EXTRACTIONS = psv", "a|b\n1|2\n", {"a": "1", "b": "2"}),
        # Any number of spaces and tabs is one.
        (
            "INDEXED_EXTRACTIONS = csv\nFIELD_DELIMITER = whitespace",
            "CPU   pctIdle\nall \t 98.5\n",
            {"CPU": "all", "pctIdle": "98.5"},
        ),
        (
            r"INDEXED_EXTRACTIONS = csv" + "\nFIELD_DELIMITER = \\x3b",
            "a;b\n1;2\n",
            {"a": "1", "b": "2"},
        ),
        ("INDEXED_EXTRACTIONS = csv\nFIELD_DELIMITER = tab", "a\tb\n1\t2\n", {"a": "1", "b": "2"}),
        ("INDEXED_EXTRACTIONS = csv\nFIELD_QUOTE = '", "a,b\n'1,1',2\n", {"a": "1,1", "b": "2"}),
        ("INDEXED_EXTRACTIONS = csv\nFIELD_QUOTE = none", 'a,b\n"1,2\n', {"a": '"1', "b": "2"}),
        # A header may be written otherwise than its rows.
        (
            "INDEXED_EXTRACTIONS = csv\nHEADER_FIELD_DELIMITER = |\nHEADER_FIELD_QUOTE = '",
            "'a'|'b'\n1,2\n",
            {"a": "1", "b": "2"},
        ),
        ("INDEXED_EXTRACTIONS = csv\nFIELD_NAMES = a,b", "1,2\n", {"a": "1", "b": "2"}),
        (
            "INDEXED_EXTRACTIONS = csv\nHEADER_FIELD_LINE_NUMBER = 2",
            "made by hand\na,b\n1,2\n",
            {"a": "1", "b": "2"},
        ),
        (
            "INDEXED_EXTRACTIONS = csv\nPREAMBLE_REGEX = ^#",
            "# made by hand\na,b\n1,2\n",
            {"a": "1", "b": "2"},
        ),
        (
            "INDEXED_EXTRACTIONS = csv\nFIELD_HEADER_REGEX = ^Head:\\s*(.*)",
            "x\nHead: a,b\n1,2\n",
            {"a": "1", "b": "2"},
        ),
        # Letters, digits and spaces stay in names, and what is accepted.
        ("INDEXED_EXTRACTIONS = csv", "user name,a.b\n1,2\n", {"user name": "1", "a_b": "2"}),
        (
            "INDEXED_EXTRACTIONS = csv\nHEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS = .",
            "a.b,c-d\n1,2\n",
            {"a.b": "1", "c_d": "2"},
        ),
    ],
)
def test_headers_and_rows_are_written_as_the_settings_say(
    tmp_path: Path, settings: str, text: str, expected: dict[str, str]
) -> None:
    apps = app(tmp_path, props=f"[acme]\nKV_MODE = none\n{settings}\n")
    names = " ".join(f'"{name}"' for name in expected)
    assert search(apps, text, f"search index=main | table {names}") == [expected]


def test_a_json_file_has_its_fields_without_kv_mode(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nINDEXED_EXTRACTIONS = json\nKV_MODE = none\nAUTO_KV_JSON = false\n"
        'TIMESTAMP_FIELDS = meta.at\nTIME_FORMAT = %d.%m.%Y %H:%M:%S\nEVAL-both = user."!"\n',
    )
    text = '{"user": "ann", "meta": {"at": "28.02.2022 10:00:00"}, "tags": ["a", "b"]}\n'
    rows = search(apps, text, 'search user=ann | table _time both "meta.at" "tags{}"')
    assert rows == [
        {"_time": TEN, "both": "ann!", "meta.at": "28.02.2022 10:00:00", "tags{}": ["a", "b"]}
    ]
    (row,) = search(apps, text, "search index=main | table *")
    assert row["user"] == "ann"


def test_fields_of_the_time_are_read_by_its_format(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nINDEXED_EXTRACTIONS = csv\nTIMESTAMP_FIELDS = day, hour\n"
        "TIME_FORMAT = %d.%m.%Y %H:%M\n",
    )
    assert times(apps, "user,hour,day\nann,10:00,28.02.2022\n") == [TEN]


def test_a_file_is_read_in_its_encoding(tmp_path: Path) -> None:
    apps = app(tmp_path, props="[acme]\nCHARSET = ISO-8859-1\n")
    path = tmp_path / "events.log"
    path.write_bytes("Zürich\n".encode("latin-1"))
    (batch,) = read_file(path, Origin(sourcetype="acme"), apps)
    assert batch.raw == ["Zürich"]
    bad = app(tmp_path / "bad", props="[acme]\nCHARSET = nothing-like-it\n")
    with pytest.raises(HarnessError, match="no encoding is called so"):
        list(read_file(path, Origin(sourcetype="acme"), bad))


def test_files_of_time_patterns_are_warned_of(tmp_path: Path) -> None:
    apps = app(tmp_path, props="[acme]\nDATETIME_CONFIG = /etc/apps/TA_test/times.xml\n")
    raws(apps, "x")
    assert any("a file of time patterns is not read" in str(one) for one in apps.warnings)


def test_a_row_longer_than_its_header_is_noted(tmp_path: Path) -> None:
    apps = app(tmp_path, props="[acme]\nINDEXED_EXTRACTIONS = csv\nKV_MODE = none\n")
    losses: list[Loss] = []
    origin = Origin(sourcetype="acme", source="acme.log")
    list(ingest_text("a,b\n1,2,3\n4,5,6\n7,8\n", origin, "acme.log", apps, losses=losses))
    assert [str(one) for one in losses] == [
        "acme.log: the row has 3 cells and the header 2: such rows lose those beyond it"
    ]


def test_a_w3c_file_has_the_fields_of_its_directive(tmp_path: Path) -> None:
    apps = app(
        tmp_path,
        props="[acme]\nINDEXED_EXTRACTIONS = w3c\nTIMESTAMP_FIELDS = date, time\nKV_MODE = none\n"
        "MISSING_VALUE_REGEX = ^-$\n",
    )
    text = (
        "#Software: a server\n#Fields: date time cs-method cs(User-Agent) sc-status\n"
        "2022-02-28 10:00:00 GET - 200\n"
    )
    rows = search(apps, text, "search index=main | table _time cs_method cs_User_Agent_ sc_status")
    assert rows == [{"_time": TEN, "cs_method": "GET", "sc_status": "200"}]


# Shapes of files, which kinds.conf of the system app describes


@pytest.mark.parametrize(
    ("document", "called"),
    [
        (
            {"SourceName": "S", "Channel": "Security", "Hostname": "h", "EventID": 1},
            ("XmlWinEventLog:Security", "nxlog_json", "h"),
        ),
        (
            {"winlog": {"channel": "Security", "event_id": 1, "computer_name": "h"}},
            ("XmlWinEventLog:Security", "winlogbeat_json", "h"),
        ),
        (
            {"eventVersion": 1, "eventSource": 1, "eventName": 1, "awsRegion": 1},
            ("aws_cloudtrail", "aws:cloudtrail", "localhost"),
        ),
        ({"a": 1}, ("acme.log", "_json", "localhost")),
    ],
)
def test_an_object_is_called_by_what_it_holds(
    tmp_path: Path, document: dict[str, Any], called: tuple[str, str, str]
) -> None:
    apps = load_apps()
    (batch,) = batches(apps, json.dumps(document), sourcetype=None, source=None)
    assert (batch.source, batch.sourcetype, *batch.host) == called
    wrapped = json.dumps({"_index": "i", "_source": document})
    (batch,) = batches(apps, wrapped, sourcetype=None, source=None)
    assert (batch.source, batch.sourcetype, *batch.host) == called
    assert json.loads(batch.raw[0]) == document


def test_a_cloudtrail_file_is_its_records(tmp_path: Path) -> None:
    text = '{"Records": [{"eventName": "A", "n": 12345678901234567890},\n {"eventName": "B"}]}'
    assert raws(load_apps(), text) == [
        '{"eventName": "A", "n": 12345678901234567890}',
        '{"eventName": "B"}',
    ]


def test_an_app_names_the_source_type_of_a_source(tmp_path: Path) -> None:
    apps = app(tmp_path, props="[source::....acme]\nsourcetype = acme:log\n")
    (batch,) = ingest_text("x", Origin(), "logs/today.acme", apps)
    assert batch.sourcetype == "acme:log"


# What KV_MODE=xml makes of a Windows event (Microsoft's Event schema; Splunk's `xmlkv`)


def test_data_without_names_are_the_values_of_one_field() -> None:
    event = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\n  <System>\n"
        "    <Provider Name='Application Error'>\n    </Provider>\n    <EventID>1000</EventID>\n"
        "    <Channel>Application</Channel>\n  </System>\n  <EventData>\n"
        "    <Data Name='Named'>n</Data>\n    <Data></Data>\n    <Data>a &amp; b</Data>\n"
        "    <Data>c</Data>\n  </EventData>\n</Event>"
    )
    apps = load_apps()
    rows = search(apps, event, "search * | table Data Named", sourcetype=None, source=None)
    assert rows == [{"Data": ["a & b", "c"], "Named": "n"}]
    (row,) = search(apps, event, "search * | table *", sourcetype=None, source=None)
    assert row["Data"] == ["a & b", "c"]
    assert not {"Provider", "System", "EventData"} & row.keys()


# Bad input


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ("LINE_BREAKER = (", "the regex does not compile"),
        (r"LINE_BREAKER = \n", "LINE_BREAKER has no group"),
        ("TIME_PREFIX = [", "the regex does not compile"),
        ("TIME_FORMAT = %Y %v", "TIME_FORMAT has the variable `%v`"),
        ("TIME_FORMAT = %s\nTZ = Mars/Base", "`Mars/Base` is no time zone"),
        ("SEDCMD-a = q/a/b/", "SEDCMD is `s/<regex>/<replacement>/[g]`"),
        ("SHOULD_LINEMERGE = true\nMAX_EVENTS = many", "MAX_EVENTS is a whole number"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_an_error_with_its_place(
    tmp_path: Path, props: str, message: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        raws(app(tmp_path, props=f"[acme]\n{props}\n"), "2022-02-28 x")
    assert message in caught.value.message
    assert caught.value.place is not None
    assert "props.conf:" in str(caught.value.place)


def test_a_regex_that_backtracks_without_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.ingest.bounded.SECONDS", 0.05)
    apps = app(tmp_path, props="[acme]\nSEDCMD-a = s/^(a|aa)+$/x/\n")
    with pytest.raises(HarnessError, match="took more than"):
        raws(apps, "a" * 60 + "b")

"""Source: props.conf.spec; Admin Manual, "Attribute precedence within a single props.conf file"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from app_writing import write_app

from harness.apps import Apps, BadPattern, load_apps
from harness.apps.conf import parse_conf
from harness.apps.stanzas import StanzaIndex, translated

if TYPE_CHECKING:
    from pathlib import Path


def matching(props: str, source: str = "", sourcetype: str = "", host: str = "") -> list[str]:
    """Names of the stanzas that match, the one that counts most first."""
    index = StanzaIndex(parse_conf(props, path="props.conf", app="a").stanzas)
    return [one.name for one in reversed(index.matching(source, sourcetype, host))]


def load(tmp_path: Path, props: str) -> Apps:
    return load_apps([write_app(tmp_path, "a", {"default/props.conf": props})], builtin=False)


def test_ascii_order_decides_between_patterns() -> None:
    # The manual's first example: `*` comes before `b`.
    props = "[source::.../bar/baz]\n[source::.../bar/*]\n"
    assert matching(props, source="/x/bar/baz") == ["source::.../bar/*", "source::.../bar/baz"]
    # Its second example: both patterns match `az`, and `a` comes before `z`.
    props = "[source::...a...]\n[source::...z...]\n"
    assert matching(props, source="az")[0] == "source::...a..."


def test_priority_overrides_ascii_order() -> None:
    props = "[source::...a...]\npriority = 5\n[source::...z...]\npriority = 10\n"
    assert matching(props, source="az")[0] == "source::...z..."


def test_a_literal_name_counts_over_patterns() -> None:
    props = "[source::/var/...]\n[source::/var/log/x]\n"
    assert matching(props, source="/var/log/x")[0] == "source::/var/log/x"
    assert matching(props + "[source::/var/log/*]\npriority = 101\n", source="/var/log/x")[0] == (
        "source::/var/log/*"
    )


def test_source_counts_over_host_over_sourcetype_whatever_the_priority() -> None:
    props = (
        "[default]\n[st]\npriority = 500\n[host::h]\npriority = 200\n[source::...]\npriority = 1\n"
    )
    assert matching(props, "src", "st", "h") == ["source::...", "host::h", "st", "default"]


def test_attributes_of_all_matching_stanzas_are_merged(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        "[default]\na = default\nb = default\nc = default\nd = default\n"
        "[st]\na = st\nb = st\nc = st\n[host::h]\na = host\nb = host\n[source::s]\na = source\n",
    )
    settings = apps.props_for("s", "st", "h").settings
    assert [settings[key] for key in "abcd"] == ["source", "host", "st", "default"]


@pytest.mark.parametrize(
    ("pattern", "source", "matches"),
    [
        ("WinEventLog...", "WinEventLog:Security", True),
        ("WinEventLog...", "XmlWinEventLog:Security", False),
        ("WinEventLog:*", "WinEventLog:Security", True),
        ("WinEventLog:*", "WinEventLog:Microsoft-Windows-Sysmon/Operational", False),
        ("WinEventLog:...", "WinEventLog:Microsoft-Windows-Sysmon/Operational", True),
        ("(WinEventLog|XmlWinEventLog):Security", "XmlWinEventLog:Security", True),
        ("(WinEventLog|XmlWinEventLog):Security", "XmlWinEventLog:System", False),
        (".../log/*.log", "/var/log/a.log", True),
        (".../log/*.log", "/var/log/b/a.log", False),
        (".../log/*.log", "/var/log/axlog", False),
        ("/a/*/c", "/a/b/c", True),
        ("/a/*/c", "/a/b/b/c", False),
        ("/a/.../c", "/a/b/b/c", True),
        (r"C:\\logs\\x...", r"C:\logs\x.log", True),
        ("x(?::){0}y", "xy", True),
        ("WinEventLog:Security", "wineventlog:security", False),
        ("WinEventLog...", "wineventlog:security", False),
        ("(WinEventLog):Security", "wineventlog:security", False),
        # props.conf.spec: "(?i)" makes a source match in any letter case.
        ("(?i)winEventLog:Security", "WINEVENTLOG:security", True),
        ("(?i)....zip", "/x/A.ZIP", True),
        ("(?i)....zip", "/x/A.ZAP", False),
    ],
)
def test_source_patterns(pattern: str, source: str, *, matches: bool) -> None:
    assert bool(matching(f"[source::{pattern}]\n", source=source)) is matches


def test_splunk_itself_puts_the_letter_case_before_the_prefix() -> None:
    """Splunk's own props.conf: stanzas `(?i)source::…`."""
    assert matching("[(?i)source::....zip(.\\d+)?]\n", source="/x/A.ZIP.1")
    assert not matching("[(?i)source::....zip]\n", source="/x/a.gz")


@pytest.mark.parametrize("pattern", ["Web-01", "web-*", "(web|db)-01", "WEB-..."])
def test_hosts_match_in_any_letter_case(pattern: str) -> None:
    assert matching(f"[host::{pattern}]\n", host="wEb-01")
    assert not matching(f"[host::{pattern}]\n", host="mail")


@pytest.mark.parametrize(
    ("stanza", "sourcetype", "matches"),
    [
        ("XmlWinEventLog", "XmlWinEventLog", True),
        ("XmlWinEventLog", "xmlwineventlog", False),
        ("Xml*", "XmlWinEventLog", False),
        ("(?::){0}Xml*", "XmlWinEventLog", True),
        ("(?::){0}(Xml|Txt)*Log", "TxtWinEventLog", True),
        ("(?::){0}Xml*", "WinEventLog", False),
        (r"(::){0}Txt:*\S+", "Txt:mail", True),
        (r"(::){0}Txt:*\S+", "Txt:", False),
        (r"(::){0}Txt:*\S+", "OtherTxt:mail", False),
    ],
)
def test_a_source_type_is_a_pattern_only_with_the_mark(
    stanza: str, sourcetype: str, *, matches: bool
) -> None:
    assert bool(matching(f"[{stanza}]\n", sourcetype=sourcetype)) is matches


def test_rules_for_recognising_source_types_are_no_source_types() -> None:
    assert matching("[rule::x]\n[delayedrule::x]\n", sourcetype="rule::x") == []


def test_a_renamed_source_type_has_only_the_targets_settings(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        "[old]\nrename = new\nEVAL-old = 1\n[new]\nEVAL-new = 1\n[source::s]\nEVAL-source = 1\n",
    )
    known = apps.props_for("s", "old")
    assert known.sourcetype == "new"
    assert [one.field for one in known.calculated] == ["new", "source"]


def test_a_pattern_that_is_none_says_where(tmp_path: Path) -> None:
    apps = load(tmp_path, "\n[source::(a]\nx = 1\n")
    with pytest.raises(BadPattern, match=r"props\.conf:2: `\[source::\(a\]` is no pattern"):
        apps.props_for("a", "st")


def test_a_pattern_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    apps = load(tmp_path, "[source::(a|a|aa)+(a|a|aa)+[b]]\nx = 1\n")
    with pytest.raises(BadPattern, match="takes too long"):
        apps.props_for("a" * 3000 + "c", "st")


def test_translation() -> None:
    assert translated(r"a.b/*/...\\c\*") == r"a\.b/[^/]*/.*\\c\*"


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("(bro|zeek):*:json", "zeek:conn:json", True),
        ("(bro|zeek):*:json", "zeek:conn", False),
        ("one|two", "one", True),
        ("one|two", "two", True),
        ("ab?c", "ac", True),
        ("ab{0}c", "ac", True),
        ("a[bc]+", "abcb", True),
        ("a.b", "axb", False),
        ("...end", "the end", True),
        (r"a\(b", "a(b", True),
    ],
)
def test_plain_ends_of_a_pattern_decide_nothing_wrongly(
    pattern: str, value: str, *, expected: bool
) -> None:
    assert bool(matching(f"[(?::){{0}}{pattern}]\n", sourcetype=value)) is expected

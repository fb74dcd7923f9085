"""Source: eventtypes.conf.spec, tags.conf.spec, macros.conf.spec, transforms.conf.spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from app_writing import write_app

from harness.apps import Apps, load_apps

if TYPE_CHECKING:
    from pathlib import Path


def load(tmp_path: Path, **confs: str) -> Apps:
    files = {f"default/{name}.conf": text for name, text in confs.items()}
    return load_apps([write_app(tmp_path, "a", files)], builtin=False)


def test_event_types_and_their_tags(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        eventtypes="[logon]\nsearch = EventCode=4624\npriority = 3\ntags = old\n"
        "[off]\nsearch = x\ndisabled = 1\n",
        tags="[eventtype=logon]\nauthentication = enabled\ngone = disabled\n"
        "[eventtype=off]\nauthentication = enabled\n",
    )
    logon = apps.eventtypes["logon"]
    assert (logon.search, logon.priority, logon.disabled) == ("EventCode=4624", 3, False)
    assert apps.tags_of_eventtype("logon") == {"authentication", "old"}
    assert apps.tags_of_eventtype("off") == frozenset()
    assert apps.tags_of_eventtype("missing") == frozenset()
    assert [one.name for one in apps.eventtypes_with_tag("authentication")] == ["logon"]
    assert apps.eventtypes_with_tag("gone") == ()


def test_tags_of_field_values(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        tags="[host=web%2D01]\nprod = enabled\n[path=C%3A%5CTemp%3Dx]\ntemp = enabled\n"
        "[action=success=1]\nodd = enabled\n[eventtype=e]\nprod = enabled\n",
    )
    assert apps.tags == {
        ("host", "web-01"): {"prod"},
        ("path", r"C:\Temp=x"): {"temp"},
        ("action", "success=1"): {"odd"},
        ("eventtype", "e"): {"prod"},
    }
    assert apps.field_values_with_tag("prod") == (("host", "web-01"),)


def test_a_higher_layer_takes_a_tag_away(tmp_path: Path) -> None:
    lower = write_app(tmp_path, "a", {"default/tags.conf": "[f=v]\nx = enabled\ny = enabled\n"})
    upper = write_app(tmp_path, "b", {"default/tags.conf": "[f=v]\nx = disabled\n"})
    assert load_apps([lower, upper], builtin=False).tags == {("f", "v"): {"y"}}


def test_unusable_event_types_and_tags_are_reported(tmp_path: Path) -> None:
    apps = load(tmp_path, eventtypes="[no_search]\ncolor = red\n", tags="[z]\nq=1\n")
    assert apps.eventtypes == {}
    assert sorted(str(one.place.line) for one in apps.warnings) == ["1", "1"]


def test_macros_are_told_apart_by_their_arguments(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        macros="[m]\ndefinition = none\n[m(1)]\nargs = a\ndefinition = one $a$\n"
        "[m(2)]\nargs = a, b\ndefinition = $a$ $b$\niseval = 1\n"
        'validation = isnum(a)\nerrormsg = "a number, please"\n',
    )
    assert {key: one.definition for key, one in apps.macros.items()} == {
        ("m", 0): "none",
        ("m", 1): "one $a$",
        ("m", 2): "$a$ $b$",
    }
    two = apps.macros["m", 2]
    assert (two.name, two.arguments, two.is_eval) == ("m", ("a", "b"), True)
    assert (two.validation, two.refusal) == ("isnum(a)", '"a number, please"')


def test_macros_that_contradict_themselves_are_reported(tmp_path: Path) -> None:
    apps = load(tmp_path, macros="[m(2)]\nargs = a\ndefinition = x\n[n]\niseval = 1\n")
    assert apps.macros == {}
    assert [one.place.line for one in apps.warnings] == [1, 4]


LOOKUPS = """
[exact]
filename = t.csv
[full]
filename = t.csv
match_type = WILDCARD(process), CIDR(ip)
case_sensitive_match = false
min_matches = 1
max_matches = 2
default_match = none
fields_list = process, ip
[script]
external_cmd = run.py
fields_list = a
[store]
external_type = kvstore
collection = c
[shapes]
external_type = geo
filename = shapes.kmz
[timed]
filename = t.csv
time_field = when
[unread]
filename = t.csv
time_field = when
time_format = %Y %v
[missing]
filename = other.csv
[escaping]
filename = ../default/transforms.csv
[field_transform]
REGEX = x
"""


def lookups(tmp_path: Path) -> Apps:
    files = {
        "default/transforms.conf": LOOKUPS,
        "lookups/t.csv": "process,ip\n",
        "default/transforms.csv": "secret\n",
    }
    return load_apps([write_app(tmp_path, "a", files)], builtin=False)


def test_lookups(tmp_path: Path) -> None:
    found = lookups(tmp_path).lookups
    exact, full = found["exact"], found["full"]
    assert exact.table == tmp_path.resolve() / "a/lookups/t.csv"
    assert (exact.match_types, exact.case_sensitive, exact.min_matches, exact.max_matches) == (
        (),
        True,
        0,
        100,
    )
    assert (exact.default_match, exact.unsupported) == (None, None)
    assert full.match_types == (("wildcard", "process"), ("cidr", "ip"))
    assert (full.case_sensitive, full.min_matches, full.max_matches) == (False, 1, 2)
    assert (full.default_match, full.fields) == ("none", ("process", "ip"))
    assert "field_transform" not in found


def test_a_lookup_by_time_has_one_match_where_it_does_not_say_more(tmp_path: Path) -> None:
    timed = lookups(tmp_path).lookups["timed"]
    assert (timed.unsupported, timed.time_field, timed.time_format) == (None, "when", "")
    assert (timed.max_matches, timed.offsets) == (1, (0, 2_000_000_000))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("script", "never run"),
        ("store", "no app has the collection `c` in collections.conf"),
        ("shapes", "a lookup of the type `geo`"),
        ("missing", "no file lookups/other.csv"),
        ("unread", "time_format has the variable `%v`"),
        ("escaping", "no file lookups/../default/transforms.csv"),
    ],
)
def test_lookups_that_cannot_be_used_say_why(tmp_path: Path, name: str, reason: str) -> None:
    found = lookups(tmp_path).lookups[name]
    assert found.table is None
    assert reason in (found.unsupported or "")


def test_a_table_is_a_lookup_by_its_file_name(tmp_path: Path) -> None:
    found = lookups(tmp_path).lookups["t.csv"]
    assert found.table == tmp_path.resolve() / "a/lookups/t.csv"


def test_a_lookups_file_is_in_the_app_that_names_it(tmp_path: Path) -> None:
    first = write_app(
        tmp_path,
        "a",
        {"default/transforms.conf": "[l]\nfilename = t.csv\n", "lookups/t.csv": "a\n"},
    )
    second = write_app(tmp_path, "b", {"lookups/t.csv": "b\n"})
    found = load_apps([first, second], builtin=False).lookups
    assert found["l"].table == tmp_path.resolve() / "a/lookups/t.csv"
    assert found["t.csv"].table == tmp_path.resolve() / "b/lookups/t.csv"


def test_numbers_and_match_types_that_are_none_are_reported(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        transforms="[l]\nfilename = t.csv\nmax_matches = many\nmatch_type = REGEX(x), CIDR ip\n",
    )
    assert apps.lookups["l"].max_matches == 100
    # `CIDR ip` is two words, and so two reports.
    assert [one.place.line for one in apps.warnings] == [4, 4, 4, 3]

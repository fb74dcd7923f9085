"""Source: props.conf.spec and transforms.conf.spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from app_writing import write_app

from harness.apps import Alias, Apps, AutoLookup, SourceKnowledge, Transform, load_apps
from harness.apps.words import quoted_words

if TYPE_CHECKING:
    from pathlib import Path


def load(tmp_path: Path, props: str, transforms: str = "") -> Apps:
    files = {"default/props.conf": f"[st]\n{props}", "default/transforms.conf": transforms}
    return load_apps([write_app(tmp_path, "a", files)], builtin=False)


def knowledge(tmp_path: Path, props: str, transforms: str = "") -> SourceKnowledge:
    return load(tmp_path, props, transforms).props_for("", "st")


def transform(tmp_path: Path, settings: str) -> Transform:
    [found] = knowledge(tmp_path, "REPORT-x = t\n", f"[t]\n{settings}").reports
    return found


def plain(alias: Alias) -> tuple[str, str, bool]:
    return alias.source, alias.target, alias.as_new


def parts(lookup: AutoLookup) -> tuple[object, ...]:
    return lookup.lookup, lookup.inputs, lookup.outputs, lookup.overwrite


def test_inline_extractions_run_by_class_name_in_ascii_order(tmp_path: Path) -> None:
    known = knowledge(tmp_path, "EXTRACT-b = (?<b>1)\nEXTRACT-a = (?<a>1)\nEXTRACT-B = (?<c>1)\n")
    assert [one.name for one in known.extracts] == ["B", "a", "b"]


@pytest.mark.parametrize(
    ("value", "regex", "source_field"),
    [
        (r"user=(?<user>\w+)", r"user=(?<user>\w+)", "_raw"),
        (r"(?<dir>.+)\\ in path", r"(?<dir>.+)\\", "path"),
        (r"logged in (?<how>\w+)", r"logged in (?<how>\w+)", "_raw"),
        (r"(?<a>x) in b in c", r"(?<a>x) in b", "c"),
        (r"(?<a>x) [i]n string", r"(?<a>x) [i]n string", "_raw"),
    ],
)
def test_an_extraction_may_name_its_field(
    tmp_path: Path, value: str, regex: str, source_field: str
) -> None:
    [extract] = knowledge(tmp_path, f"EXTRACT-x = {value}\n").extracts
    assert (extract.regex, extract.source_field) == (regex, source_field)


def test_a_higher_layer_turns_a_class_off_by_emptying_it(tmp_path: Path) -> None:
    lower = write_app(tmp_path, "a", {"default/props.conf": "[st]\nEVAL-x = 1\nEVAL-y = 2\n"})
    upper = write_app(tmp_path, "b", {"default/props.conf": "[st]\nEVAL-x =\n"})
    known = load_apps([lower, upper], builtin=False).props_for("", "st")
    assert [one.field for one in known.calculated] == ["y"]


def test_the_automatic_modes(tmp_path: Path) -> None:
    assert knowledge(tmp_path / "1", "x = 1\n").kv_mode == "auto"
    assert knowledge(tmp_path / "2", "KV_MODE = XML\n").kv_mode == "xml"
    assert knowledge(tmp_path / "3", "x = 1\n").auto_kv_json is True
    assert knowledge(tmp_path / "4", "AUTO_KV_JSON = false\n").auto_kv_json is False
    apps = load(tmp_path / "5", "KV_MODE = guess\n")
    assert apps.props_for("", "st").kv_mode == "auto"
    assert [one.place.line for one in apps.warnings] == [2]


def test_field_aliases(tmp_path: Path) -> None:
    known = knowledge(
        tmp_path,
        'FIELDALIAS-b = c AS d\nFIELDALIAS-a = x AS y, "Account Name" asnew user x AS z\n',
    )
    assert [plain(one) for one in known.aliases] == [
        ("x", "y", False),
        ("Account Name", "user", True),
        ("x", "z", False),
        ("c", "d", False),
    ]


def test_a_malformed_alias_is_reported(tmp_path: Path) -> None:
    apps = load(tmp_path, "FIELDALIAS-a = x y\nFIELDALIAS-b = x AS y\n")
    assert [plain(one) for one in apps.props_for("", "st").aliases] == [("x", "y", False)]
    assert [one.place.line for one in apps.warnings] == [2]


def test_automatic_lookups(tmp_path: Path) -> None:
    known = knowledge(
        tmp_path,
        "LOOKUP-a = t host AS dest, port OUTPUT owner AS dest_owner site\n"
        "LOOKUP-b = t host OUTPUTNEW owner\n"
        "LOOKUP-c = t host as src\n",
    )
    assert [parts(one) for one in known.lookups] == [
        (
            "t",
            (("host", "dest"), ("port", "port")),
            (("owner", "dest_owner"), ("site", "site")),
            True,
        ),
        ("t", (("host", "host"),), (("owner", "owner"),), False),
        ("t", (("host", "src"),), (), True),
    ]


@pytest.mark.parametrize("value", ["t", "t OUTPUT x", "t host OUTPUT", "t host AS", "t AS x"])
def test_a_malformed_lookup_is_reported(tmp_path: Path, value: str) -> None:
    apps = load(tmp_path, f"LOOKUP-a = {value}\n")
    assert apps.props_for("", "st").lookups == ()
    told = [one.message for one in apps.warnings if "an automatic lookup is" in one.message]
    assert len(told) == 1


def test_reports_run_by_class_name_and_then_as_listed(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        "REPORT-b = one\nREPORT-a = three, missing, two\n",
        "[one]\nREGEX = 1\n[two]\nREGEX = 2\n[three]\nREGEX = 3\n",
    )
    assert [one.name for one in apps.props_for("", "st").reports] == ["three", "two", "one"]
    assert [(one.place.line, "missing" in one.message) for one in apps.warnings] == [(3, True)]


def test_index_time_settings_stay_to_be_read(tmp_path: Path) -> None:
    known = knowledge(tmp_path, "TIME_FORMAT = %Y\nTRANSFORMS-x = y\n")
    assert known.settings["TIME_FORMAT"] == "%Y"
    assert known.settings["TRANSFORMS-x"] == "y"


def test_what_is_known_can_be_a_key(tmp_path: Path) -> None:
    first = load(tmp_path / "1", "EVAL-x = 1\n").props_for("", "other")
    same = load(tmp_path / "2", "EVAL-x = 1\n").props_for("", "other")
    assert {first: 1} == {same: 1}
    assert first != load(tmp_path / "3", "EVAL-x = 1\n").props_for("", "st")


def test_what_is_known_is_worked_out_once(tmp_path: Path) -> None:
    apps = load(tmp_path, "EVAL-x = 1\n")
    assert apps.props_for("", "st") is apps.props_for("", "st")


def test_a_transform_by_regex(tmp_path: Path) -> None:
    found = transform(tmp_path, "REGEX = (a)=(b)\nFORMAT = $1::$2\nMV_ADD = 1\nSOURCE_KEY = f\n")
    assert (found.regex, found.format, found.source_key) == ("(a)=(b)", "$1::$2", "f")
    assert (found.mv_add, found.clean_keys, found.keep_empty_vals) == (True, True, False)
    assert found.unsupported is None


@pytest.mark.parametrize(
    ("written", "targets"),
    [
        ("", ()),
        ("user::$1", (("user", "$1"),)),
        ("$1::$2", (("$1", "$2"),)),
        ('a::$1 "b c"::"$2 x"', (("a", "$1"), ("b c", "$2 x"))),
    ],
)
def test_the_targets_of_a_format(
    tmp_path: Path, written: str, targets: tuple[tuple[str, str], ...]
) -> None:
    assert transform(tmp_path, f"REGEX = (x)(y)\nFORMAT = {written}\n").targets() == targets


def test_a_transform_by_delimiters(tmp_path: Path) -> None:
    found = transform(tmp_path, 'DELIMS = "|;", "=:"\nREGEX = unused\n')
    assert (found.delims, found.regex) == (("|;", "=:"), "")
    found = transform(tmp_path / "1", 'DELIMS = ","\nFIELDS = "first name", b, c\n')
    assert (found.delims, found.fields) == ((",",), ("first name", "b", "c"))
    found = transform(tmp_path / "2", 'DELIMS = "\\n\\t", "\\\\"\n')
    assert found.delims == ("\n\t", "\\")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("REGEX = x\nDEST_KEY = queue\nFORMAT = nullQueue\n", "index time"),
        ("INGEST_EVAL = x=1\n", "index time"),
        ("REGEX = x\nWRITE_META = true\n", "index time"),
        ("REGEX = x\nSOURCE_KEY = MetaData:Host\n", "index time"),
        ("filename = x.csv\n", "lookup"),
        ("FORMAT = a::$1\n", "neither"),
    ],
)
def test_transforms_that_do_not_apply_to_a_search_say_why(
    tmp_path: Path, settings: str, reason: str
) -> None:
    assert reason in (transform(tmp_path, settings).unsupported or "")


def test_the_default_stanza_of_transforms_counts_for_each(tmp_path: Path) -> None:
    apps = load(
        tmp_path,
        "REPORT-x = t\n",
        "[default]\nMV_ADD = true\nCLEAN_KEYS = false\n[t]\nREGEX = x\nCLEAN_KEYS = true\n",
    )
    [found] = apps.props_for("", "st").reports
    assert (found.mv_add, found.clean_keys) == (True, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a, b  c", ["a", "b", "c"]),
        ('"a, b", c', ["a, b", "c"]),
        (r'"say \"hi\"" x', ['say "hi"', "x"]),
        ('"never closed', ['"never closed']),
        ('""', [""]),
        ('a"b c"d', ['a"b c"d']),
    ],
)
def test_quoted_words(text: str, words: list[str]) -> None:
    assert quoted_words(text) == words

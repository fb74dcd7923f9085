"""Location paths into JSON and XML, cut and hostile texts included."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engines import json_documents, paths, xml_documents

JSON = (
    '{"a": {"b": [{"c": 1.50, "d": "x"}, {"c": 2}], "e.f": "dot"}, "t": true, "n": null, "s": ""}'
)
XML = """<?xml version="1.0"?><!-- <a>no</a> --><!DOCTYPE shop [<!ENTITY x "y"><!ELEMENT a (b)>]>
<shop open='yes'><item id="1" kind=tool>Saw &amp; axe</item><item id='2'><![CDATA[a < b]]></item>
<box><item>&#65;&x;</item><empty/></box></shop>"""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a.b{}.c", ["1.50", "2"]),
        ("a.b{1}.c", ["2"]),
        ("a.b{2}.c", None),
        ("a.b{0}", ['{"c":1.50,"d":"x"}']),
        ("a.b", ['[{"c":1.50,"d":"x"},{"c":2}]']),
        ("a.b.c", None),
        ("a{}.b{0}.d", ["x"]),
        ("t{}", None),
        ("t", ["true"]),
        ("n", ["null"]),
        ("s", [""]),
        ("a.e.f", None),
        ("a{@c}", None),
        ("", None),
        ("a..b", None),
        ("a{x}", None),
        (".a", None),
        ("a.", None),
    ],
)
def test_paths_of_json(path: str, wanted: list[str] | None) -> None:
    assert paths.read_path(JSON, path) == wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("shop.item", ["Saw & axe", "a < b"]),
        ("shop.item{}", ["Saw & axe", "a < b"]),
        ("shop.item{2}", ["a < b"]),
        ("shop.item{0}", None),
        ("shop.item{@id}", ["1", "2"]),
        ("shop.item{1}{@kind}", ["tool"]),
        ("shop{@open}", ["yes"]),
        ("shop.box", ["<item>&#65;&x;</item><empty/>"]),
        ("shop.box.item", ["A&x;"]),
        ("shop.box.empty", None),
        ("item", None),
        ("shop{@open}.item", None),
    ],
)
def test_paths_of_xml(path: str, wanted: list[str] | None) -> None:
    assert paths.read_path(XML, path) == wanted


def test_positions_in_xml_count_within_each_parent() -> None:
    text = "<r><g><x>1</x><x>2</x></g><g><x>3</x><x>4</x></g></r>"
    assert paths.read_path(text, "r.g.x{2}") == ["2", "4"]


def test_names_of_json() -> None:
    assert paths.all_paths(JSON) == {
        "a.b{}.c": ["1.50", "2"],
        "a.b{}.d": ["x"],
        "a.e.f": ["dot"],
        "t": ["true"],
        "n": ["null"],
        "s": [""],
    }
    assert paths.all_paths('[[1, 2], {"a": [[3]]}]') == {"{}{}": ["1", "2"], "{}.a{}{}": ["3"]}


def test_names_of_xml() -> None:
    assert paths.all_paths(XML) == {
        "shop{@open}": ["yes"],
        "shop.item{@id}": ["1", "2"],
        "shop.item{@kind}": ["tool"],
        "shop.item": ["Saw & axe", "a < b"],
        "shop.box.item": ["A&x;"],
    }


@pytest.mark.parametrize(
    "text", ["", "plain", "12", '"a"', '{"a": }', "{'a': 1}", "<", "< a>", None]
)
def test_what_is_neither_has_no_values(text: str | None) -> None:
    assert paths.read_path(text, "a") is None
    assert paths.names(text) is None
    assert paths.named_values(text, "a") is None


def test_every_cut_of_a_text_gives_a_part_of_its_fields() -> None:
    whole = paths.all_paths(JSON)
    seen: dict[str, list[str]] = {}
    for cutoff in range(1, len(JSON)):
        found = paths.all_paths(JSON, cutoff)
        for name, values in found.items():
            assert whole[name][: len(values)] == values, (cutoff, name)
        assert all(len(found[name]) >= len(values) for name, values in seen.items())
        seen = found
    assert set(seen) == set(whole)


def test_a_cut_xml_text_gives_what_was_closed() -> None:
    assert paths.all_paths("<a><b>one</b><c>two</c></a>", 18) == {"a.b": ["one"]}
    assert paths.all_paths("<a><b>one</b><c>two</c></a>", 23) == {"a.b": ["one"], "a.c": ["two"]}


def test_open_elements_count_as_far_as_they_go() -> None:
    assert paths.read_path("<a><b>one</b><c>two", "a.c") == ["two"]
    assert paths.read_path("<a><b>one</a><c>two</c>", "c") == ["two"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 5_000 + "]" * 5_000,
        "<a>" * 100_000,
        "<a " * 100_000,
        "<a b" + "b" * 500_000 + ">",
        "<a " + "b " * 200_000 + ">",
        "<!--" * 200_000,
        "<![CDATA[" * 100_000,
        "<!DOCTYPE [" * 100_000,
        "<a b='" * 100_000,
        "&" * 500_000,
        "<a>&amp;" * 50_000,
        '{"a":"' + '\\"' * 100_000,
        '{"a":"\\ud800"}',
    ],
)
def test_hostile_texts_overflow_no_stack(text: str) -> None:
    paths.read_path(text, "a")
    assert isinstance(paths.all_paths(text), dict)
    xml_documents.pairs(text)


def test_halves_of_characters_are_replaced() -> None:
    assert paths.read_path('{"a":"\\ud800x", "b": "\\ud83d\\ude00"}', "a") == ["\ufffdx"]
    assert paths.read_path('{"a":"\\ud800x", "b": "\\ud83d\\ude00"}', "b") == ["\U0001f600"]


def test_depth_is_bounded() -> None:
    deepest = json_documents.MAX_DEPTH
    text: Any = "[" * deepest + "]" * deepest
    assert json_documents.write(json_documents.parse(text)) == text
    with pytest.raises(json_documents.TooDeep):
        json_documents.parse(f"[{text}]")


def test_pairs_of_a_text_that_is_no_document() -> None:
    text = "noise <a>1</a> <b x='y'>two <c>3</c></b> <d></d><e/> <a>&lt;4&gt;</a> <f>5 <g>6</h>"
    assert xml_documents.pairs(text) == [("a", "1"), ("c", "3"), ("a", "<4>")]

"""Texts that mean harm: XML that would expand, JSON without a bottom, pairs without an end."""

from __future__ import annotations

from harness.engines import documents

BOMB = '<!DOCTYPE a [<!ENTITY x "yyyyyyyyyy"><!ENTITY z "&x;&x;&x;">]><a>&z;</a>'


def test_entities_are_never_declared() -> None:
    assert documents.xpath_values(BOMB, ".//a", None) is None
    assert documents.xpath_values(f"<!-- --> {BOMB}", ".//a", None) is None


def test_an_external_entity_is_never_read() -> None:
    text = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
    assert documents.xpath_values(text, ".//a", None) is None


def test_deep_xml_is_read_without_recursion() -> None:
    depth = 50_000
    text = "<a>" * depth + "<b>1</b>" + "</a>" * depth
    assert documents.xpath_values(text, ".//b", None) == ["1"]


def test_long_texts_hold_nothing() -> None:
    text = "<a>1</a>" * documents.MAX_TEXT
    assert documents.xpath_values(text, ".//a", None) is None
    assert documents.object_names('{"a": "' + "x" * documents.MAX_TEXT + '"}') is None


def test_deep_json_is_no_object() -> None:
    text = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert documents.object_names(text) is None
    assert documents.object_value(text, "a") is None


def test_pairs_stop_at_the_limit() -> None:
    text = ";".join(f"k{number}=v" for number in range(10_000))
    found = documents.pair_object(text, ";", "=", 3, clean=True, adds=False)
    assert found == '{"k0":["v"],"k1":["v"],"k2":["v"]}'

"""The JSON functions of eval on texts that are not what they should be."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from harness.engines import json_documents, json_functions
from harness.engines.json_functions import JSON_FUNCTIONS, TooLong

HOSTILE = (
    None, "", " ", "null", "nul", "{", "[", "{}", "[]", '"', '"a"', "1e999", "-", "NaN", "[1,]",
    '{"a":1,"a":2}', '{"a":{"b":[1,{"c":null}]}}', "\ufeff{}", '["\\ud800"]', '{"\\u0000":1}',
    "[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 300 + "1" + "}" * 300, "\x00", "{'a':1}",
)  # fmt: skip
PATHS = ("a", "a.b", "a.b{1}.c", "{}", "{0}", "a{", "", "..", "a{@x}", "a." * 300 + "b", None)
GIVEN: dict[str, tuple[Any, ...]] = {
    "VARCHAR": (*HOSTILE, *PATHS),
    "VARCHAR[]": (None, [], [None], ["a"], ["a", "a.b"], ["{"], ["a{}.b", None]),
    "BOOLEAN": (True, False),
}


def arguments(name: str) -> list[tuple[Any, ...]]:
    kinds = JSON_FUNCTIONS[name][1]
    if name == "spl_json_changed":
        changes = ("set", "append", "extend")
        return [
            (text, [path], [value], kind)
            for text in HOSTILE
            for path in PATHS
            for value in ("1", '{"k":[1]}', "[1,2]", "null")
            for kind in changes
        ]
    if name == "spl_json_set_exact":
        return [(text, path, "[1]") for text in HOSTILE for path in PATHS]
    if name == "spl_json_object":
        return [([path], ["1"]) for path in PATHS]
    if name == "spl_json_array":
        return [([],), (["1", "null"],)]
    found: list[tuple[Any, ...]] = [()]
    for kind in kinds:
        found = [(*before, value) for before in found for value in GIVEN[kind]]
    return found


@pytest.mark.parametrize("name", JSON_FUNCTIONS)
def test_no_text_makes_a_function_fail(name: str) -> None:
    function, _, result = JSON_FUNCTIONS[name]
    begun = time.monotonic()
    for given in arguments(name):
        found = function(*given)
        if found is None or result == "BOOLEAN":
            continue
        for text in found if isinstance(found, list) else [found]:
            text.encode()
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("text", [text for text in HOSTILE if text is not None])
def test_what_is_json_agrees_with_another_reader(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda word: json.loads(word + "!"))
        known = "[" * 201 not in text and '{"a":' * 201 not in text
    except (ValueError, RecursionError):
        known = False
    assert json_functions.is_json(text) == known


def test_json_that_is_written_is_read_again() -> None:
    text = '{"a":[1,2.5,"x\\"y\\\\",null,true,{"b":{}}],"ä":"\\n"}'
    assert json_functions.json_text(text) == text
    assert json_documents.write(json.loads(text)) == text


def test_how_long_a_text_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_functions, "MAX_TEXT", 100)
    with pytest.raises(TooLong):
        json_functions.make_array(['"x"'] * 100)

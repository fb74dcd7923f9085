"""The fast ways of reading events give what the plain ones give, over made-up events."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from harness.apps import load_apps
from harness.engines import json_documents
from harness.engines.base import SearchRequest
from harness.engines.default_fields import PUNCT_CHARACTERS, line_count, punct, time_parts
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.paths import json_cells, json_field, json_names
from harness.engines.search import LocalSearch
from harness.fields import rounds
from harness.fields.defaults import TIME_PARTS
from harness.fields.extractors import Automatic
from harness.model import ALL_TIME, EventBatch
from harness.plan import nodes
from harness.plan.expressions import Call, Const, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = range(40)
XML = {"source": "XmlWinEventLog:Security", "sourcetype": "XmlWinEventLog"}


@pytest.mark.parametrize("seed", SEEDS)
def test_punctuation_is_what_is_no_letter_and_no_digit(seed: int) -> None:
    chance = random.Random(seed)
    signs = "aZ09_ \t.,;:-=<>/'\"" + chance.choice(["", "\r", "é", "ü\u2026", "\x7f\x00"])
    size = chance.choice([5, 40, 200, 201, 900])
    rare = chance.choice(["a" * 30, ""])
    text = "".join(chance.choice(signs) + rare * (chance.random() < 0.5) for _ in range(size))
    text += chance.choice(["", "\n", "\nnext: line"])
    line = text.split("\n", maxsplit=1)[0]
    expected = re.sub(r"[^\W_]|[\r\n]", "", line)[:PUNCT_CHARACTERS]
    assert punct(text) == expected.replace(" ", "_").replace("\t", "t")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a document by their paths, one by one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = json_documents.clean(key)
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path + "{}")
    else:
        yield path, json_documents.field_text(value)


def document(chance: random.Random, depth: int = 0) -> str:
    """The text of a made-up document, numbers spelled in many ways, keys doubled and dotted."""
    kind = chance.randrange(8 if depth < 5 else 5)
    if depth and kind < 5:
        numbers = "0 -0 1.10 1e5 1E+2 12345678901234567890123 0.1e-7".split()
        words = ["true", "false", "null", '""', '"a b"', '"\\ud800x"', '"\\u00e9"', '"é{}"']
        return chance.choice([*numbers, *words])
    parts = [document(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind % 2:
        return "[" + ", ".join(parts) + "]"
    keys = ["a", "b", "a.b", "", "c{}", "\\udc00", "\\u0041"]
    return "{" + ", ".join(f'"{chance.choice(keys)}" : {part}' for part in parts) + "}"


@pytest.mark.parametrize("seed", SEEDS)
def test_json_fields_are_the_leaves_of_the_document(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        text = document(chance)
        expected: dict[str, list[str]] = {}
        for name, value in leaves(json_documents.parse(text)):
            expected.setdefault(name, []).append(value)
        assert json_names(text) == (list(expected) or None)
        assert {name: json_field(text, name) for name in expected} == expected


def test_how_deep_a_document_may_be_is_bounded() -> None:
    for depth in (json_documents.MAX_DEPTH - 1, json_documents.MAX_DEPTH):
        text = '{"a":' * depth + "1" + "}" * depth
        if depth < json_documents.MAX_DEPTH:
            assert json_documents.parse(text)
            continue
        with pytest.raises(json_documents.TooDeep):
            json_documents.parse(text)


def event(chance: random.Random) -> str:
    """A made-up Windows event: names and values of all kinds, tags broken, cut at the end."""
    quote = chance.choice("'\"")
    names = ["SubjectUserName", "CommandLine", "Computer", "a b", "x>y", "EventID", "ProcessID", ""]
    values = ["v", "", "-", "a>b", "it's", 'say "no"', "two\nlines", "é", "<Data Name=", "&amp;"]
    data = "".join(
        f"<Data Name={quote}{chance.choice(names)}{chance.choice([quote, quote, chr(39), ''])}"
        f"{chance.choice(['>', '>', '>', ' Type=x>', '/>'])}{chance.choice(values)}"
        f"{chance.choice(['</Data>', '</Data>', '', '<'])}"
        for _ in range(chance.randrange(9))
    )
    begin = chance.choice(["<EventData>", "<EventData Name='x'>", "<EventData", ""])
    end = chance.choice(["</EventData>", "</EventData>", ""])
    text = (
        f"<Event xmlns={quote}urn:x{quote}><System><Provider Name={quote}P{quote}/>"
        f"<EventID>{chance.randrange(9)}</EventID><Computer>c</Computer>"
        f"<Execution ProcessID={quote}4{quote} ThreadID={quote}8{quote}/></System>"
        f"{begin}{data}{end}</Event>"
    )
    return text[: chance.choice([len(text), len(text), chance.randrange(1, len(text))])]


@pytest.mark.parametrize("seed", range(8))
def test_fields_of_xml_out_of_lists_are_those_taken_one_by_one(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    raw = [event(chance) for _ in range(60)]
    times: list[float | None] = [float(n) for n in range(60)]
    batch = EventBatch("main", XML["source"], XML["sourcetype"], raw, times, ["h"] * 60)
    found: list[list[dict[str, Any]]] = []
    for separate in (0, 1_000, 0):
        monkeypatch.setattr(rounds, "SEPARATE", separate)
        if len(found) == 2:
            monkeypatch.setattr(Automatic, "_may", lambda *_: True)
        engine = DuckDBEngine(Knowledge(load_apps()))
        engine.load([batch])
        request = SearchRequest("search index=main | table *", 0.0, ALL_TIME)
        found.append(engine.search(request).rows.rows)
        engine.close()
    assert found[0] == found[1]
    assert found[0] == found[2]
    assert any("CommandLine" in row for row in found[0])


@pytest.mark.parametrize("seed", range(8))
def test_fields_of_json_out_of_lists_are_those_taken_one_by_one(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    rare = ['{"a": "\\u001f\\u001e", "b": ["x", "y\\u001e"]}', '{"a": "cut', "no JSON", "{}"]
    raw = [chance.choice([document(chance), document(chance), *rare]) for _ in range(60)]
    times: list[float | None] = [float(n) for n in range(60)]
    found: list[list[dict[str, Any]]] = []
    for separate in (0, 1_000):
        monkeypatch.setattr(rounds, "SEPARATE_JSON", separate)
        engine = DuckDBEngine(Knowledge(load_apps()))
        engine.load([EventBatch("main", "s", "_json", raw, times, ["h"] * 60)])
        request = SearchRequest("search index=main | table *", 0.0, ALL_TIME)
        found.append(engine.search(request).rows.rows)
        engine.close()
    assert found[0] == found[1]
    assert any(len(row) > len(found[0][0]) for row in found[0])


def test_a_text_with_the_usual_signs_is_cut_at_others() -> None:
    assert json_cells('{"a": "\\u001f", "b": ["x", " !"]}') == ['"', "#", 'a"b{}', '\x1f"x# !']
    assert json_cells('{"a": 1}') == ["\x1f", "\x1e", "a", "1"]
    assert json_cells("{}") is None


def written_time(chance: random.Random) -> str:
    """A time of ISO's shape, or nearly."""
    days = "2022-01-01 2022-02-30 2024-02-29 0000-01-01 0999-03-04 9999-12-31".split()
    clocks = "00:00:00 23:59:59 24:00:00 12:60:00 01:02:03 1:02:03".split()
    fractions = ["", "", ".1", ".123456", ".123456789", ".1234567891", ".", ",5"]
    zones = [
        "",
        "",
        "Z",
        "Z",
        "+05:30",
        "-0530",
        "-00:15",
        "+99:00",
        " +01:00",
        " UTC",
        "Zulu",
        "+5",
    ]
    between = chance.choice("TTT ")
    return (
        f"{chance.choice(days)}{between}{chance.choice(clocks)}"
        f"{chance.choice(fractions)}{chance.choice(zones)}"
    )


def timed_event(chance: random.Random) -> str:
    """An event as XML, JSON or text, whose time stands where it is looked for, or elsewhere."""
    time, quote = written_time(chance), chance.choice("'\"")
    after = chance.choice(["", quote, quote, " x", "\n", ",1", ".", "é", "Z", "5", "a"])
    key = chance.choice(["time", "_time", "UtcTime", "x", "ts"])
    colon, mark = chance.choice([":", " : "]), chance.choice(['"', '"', ""])
    shapes = [
        f"<E><T SystemTime={chance.choice([quote, quote, ''])}{time}{after}/></E>",
        f"<E>{time}",
        f'{{"é": 1, "{key}"{colon}{mark}{time}{mark}, "time":"2021-05-05T05:05:05Z"}}',
        f"{chance.choice(['', '', ' ', 'é'])}{time}{after} message\n{time}",
        chance.choice(["Jan  5 2022 10:11:12 x", "1650000000 x", "none", "{}", "<a/>", "1:2 a"]),
    ]
    return chance.choice(shapes)


@pytest.mark.parametrize("seed", range(8))
def test_times_are_taken_apart_as_the_function_does(seed: int) -> None:
    chance = random.Random(seed)
    raw = [timed_event(chance) for _ in range(500)]
    times = [chance.choice([None, float(n), 1.65e9 + n]) for n in range(500)]
    engine = DuckDBEngine(Knowledge(load_apps()))
    engine.load([EventBatch("main", "s", "t", raw, times, ["h"] * 500)])
    names = " ".join((*TIME_PARTS, "linecount"))
    request = SearchRequest(f"search index=main | table _raw _time {names}", 0.0, ALL_TIME)
    rows = engine.search(request).rows.rows
    engine.close()
    seen = 0
    for row in rows:
        text, moment = str(row["_raw"]), row.get("_time")
        expected = time_parts(text, moment, "", "", "", "UTC")  # type: ignore[arg-type]
        assert [row.get(name) for name in TIME_PARTS] == list(expected or 10 * (None,)), row
        assert row["linecount"] == line_count(text)
        seen += expected is not None
    assert seen


@pytest.mark.parametrize("seed", SEEDS)
def test_what_stands_between_texts_is_what_the_pattern_says(seed: int) -> None:
    chance = random.Random(seed)
    pieces = ["<a", ">", "</a>", "x", "\n", "é", "<a>", "", "<b>", "</b>"]
    raw = ["".join(chance.choice(pieces) for _ in range(chance.randrange(12))) for _ in range(40)]
    patterns = [r"(?ms)<a[^>]*>(.*?)</a>", r"(?ms)<b>(.*?)</b>"]
    engine = DuckDBEngine(Knowledge(load_apps()))
    engine.load([EventBatch("main", "s", "t", raw=raw, time=[float(n) for n in range(40)],
                            host=["h"] * 40)])  # fmt: skip
    for pattern in patterns:
        search = LocalSearch(engine, SearchRequest("search index=main", 0.0, ALL_TIME))
        value = Call("extract_filled", (Field("_raw"), Const(pattern), Const(1.0)))
        rows = nodes.Extend(search.relation(), (("found", value),))
        kept = nodes.Project(rows, (("_raw", "_raw"), ("found", "found")))
        for row in engine.run(kept, search).rows:
            match = re.search(pattern, str(row.get("_raw", "")))
            assert row.get("found") == ((match[1] or None) if match else None), row
    engine.close()

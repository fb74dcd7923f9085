"""No search, however wrong, raises anything but an error that is meant to be read.

The searches of the cases are mutated: characters and words left out, said twice, exchanged, or
put in from what means something to SPL. Nor may one be rejected by the database below.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.placing import EngineLimit, SearchFailed
from harness.errors import HarnessError, Unsupported
from harness.model import ALL_TIME, EventBatch, Macro
from harness.model.documents import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parent.parent
MUTATIONS = 300
WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
MARKS = "|[](){}\"'`\\*=<>!,.$%&;:?#@~^-+/\0\n\t\ud8000é"
WORDS = "OR|NOT|AND|by|as|```|<<FIELD>>|count(|==|1e999|9999999999999999|(?<|{2,|span=|if(|mvmap("
PIECES = [*MARKS, *(f" {word} " for word in WORDS.split("|"))]
EVENTS = [
    'user=bob n=3 ip=10.0.0.1 cmd="a b"',
    '{"a": {"b": [1, 2]}, "user": "eve"}',
    "<Event><System><EventID>1</EventID></System></Event>",
]
MACROS = {
    "wide3": Macro("wide3", "`wide2` OR `wide2`", ()),
    "wide2": Macro("wide2", "user=* OR `wide3`", ()),
    "name": Macro("name", "user", ()),
}


def searches() -> list[str]:
    paths = sorted([*CASES.glob("commands/*.yml"), *CASES.glob("functions/*.yml")])
    written = [case["spl"] for path in paths for case in read_document(path).data]
    events = re.compile(r"\|\s*(search|where|eval|stats|rex|sort)\b")
    return [f"index=* {text}" if events.match(text) else text for text in written]


def mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice([1, 1, 2, 4])):
        words = WORD.findall(text) if chance.random() < 0.5 else list(text)
        place = chance.randrange(len(words)) if words else 0
        way = chance.randrange(4)
        if way == 0:
            del words[place : place + chance.choice([1, 1, 3, 10])]
        elif way == 1:
            words[place:place] = words[place : place + chance.choice([1, 2, 10])]
        elif way == 2:
            words.insert(place, chance.choice(PIECES))
        elif words:
            other = chance.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        text = "".join(words)
    return text


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    macros = {(name, 0): macro for name, macro in MACROS.items()}
    made = DuckDBEngine(Knowledge(load_apps(), macros), timezone="UTC")
    made.load(
        EventBatch("main", "source", sourcetype, [raw], [1.0], ["host"])
        for raw, sourcetype in zip(EVENTS, ("text", "_json", "XmlWinEventLog"), strict=True)
    )
    yield made
    made.close()


def test_mutated_searches(engine: DuckDBEngine) -> None:
    chance = random.Random(20)
    written = searches()
    for _ in range(MUTATIONS):
        run(engine, mutated(chance.choice(written), chance))


def run(engine: DuckDBEngine, text: str) -> HarnessError | None:
    try:
        engine.search(SearchRequest(text, 1e9, ALL_TIME))
    except SearchFailed as error:
        pytest.fail(f"{error.message}\n{text!r}")
    except HarnessError as error:
        return error if error.render() else None
    except Exception as error:  # noqa: BLE001 - that is what is tested
        pytest.fail(f"{type(error).__name__}: {error}\n{text!r}")
    return None


def wide(levels: int) -> dict[tuple[str, int], Macro]:
    found = {(f"m{n}", 0): Macro(f"m{n}", f"`m{n + 1}` OR `m{n + 1}`", ()) for n in range(levels)}
    return found | {(f"m{levels}", 0): Macro(f"m{levels}", "x=1", ())}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("`m0`", "more than 10,000 macro calls in one search"),
        ("index=main \ud800", "half a character, which is no text"),
        ("index=main earliest=-99999999999d", "`-99999999999d` lies beyond the calendar"),
        ("index=main earliest=-9999y", "`-9999y` lies beyond the calendar"),
        ("index=main earliest=nan", "`nan` is no time modifier"),
        ("index=main | head 99999999999999999999", "the count has at most 15 digits"),
        ("index=main | head 1_0", "`1_0` is not expected here"),
        ("index=main | dedup limit=1_0 user", "`dedup` has no option `limit`"),
        (
            "index=main | eval a=mvrange(0, 90000), b=a | mvexpand a | mvexpand b",
            "mvexpand into 8,100,000,000 rows",
        ),
        (
            "[search " * 9 + "index=main" + "]" * 9,
            "subsearches nested more than 8 deep",
        ),
        ("NOT " * 3000 + "a=1", "the search is too long or too deeply nested"),
        ("index=main" + "| eval n=1" * 3000, "the search is too long or too deeply nested"),
        (
            "index=main | where " + "x=1 OR " * 3000 + "x=1",
            "the search is too long or too deeply nested",
        ),
        ("(" * 300 + "a=1" + ")" * 300, "the search is nested too deeply"),
    ],
)
def test_a_search_without_end_is_an_error(text: str, message: str) -> None:
    engine = DuckDBEngine(Knowledge(load_apps(), wide(25)), timezone="UTC")
    try:
        engine.load([EventBatch("main", "source", "text", ["user=bob"], [1.0], ["host"])])
        error = run(engine, text)
    finally:
        engine.close()
    assert error is not None
    assert error.message == message
    assert error.place is not None


@pytest.mark.parametrize("position", ["99999999999999999999", "-99999999999999999999"])
def test_a_position_that_no_list_reaches(engine: DuckDBEngine, position: str) -> None:
    search = f'index=main user=bob | eval x=mvindex(split("a b", " "), {position}) | table x'
    found = engine.search(SearchRequest(search, 1e9, ALL_TIME))
    assert found.rows.rows == [{}]


class Broken:
    """A cursor of a database that is no more."""

    def execute(self, statement: str) -> None:
        raise duckdb.FatalException(f"FATAL Error: {statement[:6]}")

    def interrupt(self) -> None:
        """It is never asked for."""

    def close(self) -> None:
        """There is nothing to close."""


def test_a_broken_engine_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engines.connection._shared", [])
    request = SearchRequest("index=main | table user", 1e9, ALL_TIME)
    broken, whole = (DuckDBEngine(Knowledge(load_apps()), timezone="UTC") for _ in range(2))
    broken.cursor = Broken()  # type: ignore[assignment]
    with pytest.raises(EngineLimit, match="broke the engine") as caught:
        broken.search(request)
    assert caught.value.place is not None
    broken.close()
    following = DuckDBEngine(Knowledge(load_apps()), timezone="UTC")
    assert following.connection is not whole.connection
    assert following.search(request).rows.rows == []
    following.close()
    whole.close()


def test_a_command_that_an_app_brings_is_known_and_not_run(tmp_path: Path) -> None:
    """commands.conf.spec: a stanza is a command, `filename` its script."""
    default = tmp_path / "own" / "default"
    default.mkdir(parents=True)
    (default / "commands.conf").write_text("[whoknows]\nfilename = whoknows.py\n", encoding="utf-8")
    engine = DuckDBEngine(Knowledge(load_apps([tmp_path / "own"])))
    try:
        with pytest.raises(Unsupported) as caught:
            engine.search(SearchRequest("| makeresults | whoknows a=1", 1.0, ALL_TIME))
    finally:
        engine.close()
    assert caught.value.message == (
        "the command `whoknows` of the app `own`: scripts of an app are never run"
    )
    assert caught.value.place is not None
    assert caught.value.place.column == 17

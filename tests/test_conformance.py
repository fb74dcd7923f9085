"""Runs the cases beside each command's and function's name, and those of error messages.

A case: `name`, `spl`, `source` (the public documentation that states or implies the result), and
`output` (rows in order; absent fields left out, several values as a list) or `error` (the exact
message), with `caret` (the exact caret block). Optional: `input` (rows for the first command) or
`events`, `lookups` (`csv` and `definition`), `macros`,
`locations` (records of a database of IP locations by network), `now`, `timezone`, `columns`,
`note`.
Expected rows are worked out from the documentation, never copied from output.

`errors/good.yml` holds wrong searches with the whole of the error that they give: `rendered`.
`errors/poor.yml` holds what no error may look like: each error of the cases is held against it.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mmdb import write_database

from harness.apps import Apps, load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.engines.placing import placing
from harness.engines.search import LocalSearch
from harness.errors import HarnessError
from harness.model import ALL_TIME, EventBatch, LookupDefinition, Macro, Rows, Value
from harness.model.documents import read_document
from harness.plan.expressions import Call
from harness.plan.nodes import Relation, Values
from harness.registry import (
    command_names,
    eval_function_names,
    find_command,
    stats_function_names,
)
from harness.registry.aggregations import Statistic
from harness.spl.macros import expand
from harness.spl.pipeline import Stage, parse_pipeline
from harness.spl.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
KEYS = frozenset(
    """
    app caret columns error events input locations lookups macros name note now output source spl
    timezone warnings
    """.split()
)
ERROR_KEYS = frozenset("events input lookups macros name note rendered spl".split())
POOR_KEYS = frozenset("name pattern poor why".split())
EVENT_KEYS = frozenset("host index raw source sourcetype time".split())
OPERATORS = "and or xor not like in + - * / % . = != < <= > >= negate mvmap mvfilter".split()
GOOD = HERE / "errors" / "good.yml"
NAMED = re.compile(r"\n- name: ")
NOW = 1_600_000_000
FEWEST = 3
PAGES = re.compile(
    r"""(Search\ Reference|SPL2\ Search\ Reference|Search\ Manual|Knowledge\ Manager\ Manual
    |Common\ Information\ Model|Enterprise\ Security|Securing\ the\ Splunk\ Platform
    |Getting\ Data\ In|Python\ Standard\ Library|PCRE),\ \S
    |(props|transforms|limits|segmenters|eventtypes|tags|macros|datamodels)\.conf(\.spec)?,\ \S
    |(savedsearches|collections)\.conf\.spec,\ \S
    |Splunk\ Community\ \d+|(RFC|FIPS|XML)\ \d|shipped\ content|decision\ \d{4}|PCRE:""",
    re.VERBOSE,
)
"""What a case's source begins with: a manual and a page of it, a specification, or the number of a
decision of ours."""


@cache
def read(path: Path, keys: frozenset[str] = KEYS) -> list[dict[str, Any]]:
    document = read_document(path)
    found: list[dict[str, Any]] = document.data
    names = Counter(case.get("name") for case in found)
    for number, case in enumerate(found):
        document.reject_unknown(keys, number)
        for position in range(len(case.get("events", ()))):
            document.reject_unknown(EVENT_KEYS, number, "events", position)
        assert names[case["name"]] == 1, f"{path.name}: two cases are called {case['name']!r}"
    return found


def case_paths() -> list[Path]:
    return sorted([*HERE.glob("commands/*.yml"), *HERE.glob("functions/*.yml")])


@dataclasses.dataclass(frozen=True)
class Case:
    """A case by its file and its number there: files are only parsed by tests that run.

    Thousands of cases are collected for every run, also for `-k` of a single detection.
    """

    path: Path
    number: int
    keys: frozenset[str] = KEYS

    def read(self) -> dict[str, Any]:
        return read(self.path, self.keys)[self.number]


def listed(
    path: Path, before: str, *, keys: frozenset[str] = KEYS, only: str | None = None
) -> list[Any]:
    """The cases of a file by the lines that begin them; `only` those with a key."""
    _, *texts = NAMED.split("\n" + path.read_text(encoding="utf-8"))
    names = [text.partition("\n")[0].strip().strip("'\"") for text in texts]
    return [
        pytest.param(Case(path, number, keys), id=f"{before}{name}")
        for number, (name, text) in enumerate(zip(names, texts, strict=True))
        if only is None or f"\n  {only}:" in text
    ]


def cases() -> list[Any]:
    return [one for path in case_paths() for one in listed(path, f"{path.stem}: ")]


def error_cases() -> list[Any]:
    return listed(GOOD, "", keys=ERROR_KEYS)


@pytest.mark.parametrize("path", [*case_paths(), GOOD], ids=lambda path: path.stem)
def test_every_case_is_listed(path: Path) -> None:
    keys = ERROR_KEYS if path == GOOD else KEYS
    assert len(listed(path, "", keys=keys)) == len(read(path, keys))
    with_error = [case for case in read(path, keys) if "error" in case]
    assert len(listed(path, "", keys=keys, only="error")) == len(with_error)


@cache
def apps() -> Apps:
    return load_apps()


def rows_of(given: list[dict[str, Value]]) -> Relation:
    names = tuple(dict.fromkeys(name for row in given for name in row))
    return Values(names, tuple(tuple(row.get(name) for name in names) for row in given))


def tables(case: dict[str, Any], folder: Path) -> dict[str, LookupDefinition]:
    found = {}
    for name, table in case.get("lookups", {}).items():
        path = folder / f"{name}.csv"
        path.write_text(table["csv"], encoding="utf-8")
        options = dict(table.get("definition", {}))
        kinds = tuple(tuple(pair) for pair in options.pop("match_types", ()))
        found[name] = LookupDefinition(name, path, match_types=kinds, **options)
    return found


def write_app(folder: Path, name: str, files: dict[str, str]) -> Path:
    """An app that exports all, of these files by their paths inside it."""
    root = folder / name
    for relative, text in {"metadata/default.meta": "[]\nexport = system\n", **files}.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def knowledge_of(case: dict[str, Any], folder: Path | None) -> Knowledge:
    macros = {
        (name, len(one.get("arguments", ()))): Macro(
            name,
            one["definition"],
            tuple(one.get("arguments", ())),
            is_eval=one.get("is_eval", False),
        )
        for name, one in case.get("macros", {}).items()
    }
    if folder is None:
        return Knowledge(apps(), macros)
    known = apps()
    if "app" in case:
        known = load_apps([write_app(folder, "given", case["app"])])
    places = case.get("locations")
    database = write_database(folder / "places.mmdb", places) if places else None
    return Knowledge(known, macros, tables(case, folder), locations=database)


def batch_of(event: dict[str, Any]) -> EventBatch:
    return EventBatch(
        event.get("index", "main"),
        event.get("source", "source"),
        event.get("sourcetype", "text"),
        [event["raw"]],
        [event.get("time")],
        [event.get("host", "host")],
    )


def run(case: dict[str, Any], folder: Path) -> Rows:
    engine = DuckDBEngine(knowledge_of(case, folder), timezone=case.get("timezone", "UTC"))
    try:
        engine.load(batch_of(event) for event in case.get("events", ()))
        request = SearchRequest(case["spl"], float(case.get("now", NOW)), ALL_TIME)
        given = rows_of(case["input"]) if "input" in case else None
        search = LocalSearch(engine, request, given)
        with placing(engine, request, given):
            rows = engine.run(search.relation(), search)
        if "warnings" in case:
            assert search.warnings == case["warnings"]
        return rows
    finally:
        engine.close()


@pytest.mark.parametrize("case", cases())
def test_case(case: Case, tmp_path: Path) -> None:
    check_case(case.read(), tmp_path)


def check_case(case: dict[str, Any], tmp_path: Path) -> None:
    assert PAGES.match(case.get("source", "")), "a case needs its source, a page that can be found"
    assert ("output" in case) != ("error" in case), "a case has an output or an error"
    if "error" in case:
        with pytest.raises(HarnessError) as caught:
            run(case, tmp_path)
        assert caught.value.message == case["error"]
        if "caret" in case:
            assert caught.value.place is not None
            assert caught.value.place.caret() == case["caret"].rstrip("\n")
        return
    rows = run(case, tmp_path)
    assert rows.rows == case["output"]
    if "columns" in case:
        assert list(rows.columns) == case["columns"]


@pytest.mark.parametrize("case", error_cases())
def test_error_as_it_is_shown(case: Case, tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        run(case.read(), tmp_path)
    rendered = caught.value.render().replace(f"{tmp_path}/", "")
    assert rendered == case.read()["rendered"].rstrip("\n")


def every_error() -> list[Any]:
    """All cases that end in an error: of the catalogue, and beside commands and functions."""
    found = [listed(path, f"{path.stem}: ", only="error") for path in case_paths()]
    return [*error_cases(), *(one for some in found for one in some)]


@cache
def poor() -> list[tuple[dict[str, Any], re.Pattern[str]]]:
    found = read(HERE / "errors" / "poor.yml", POOR_KEYS)
    return [(entry, re.compile(entry["pattern"])) for entry in found]


def test_poor_examples_are_caught() -> None:
    for entry, pattern in poor():
        assert pattern.search(entry["poor"]), entry["name"]
        assert entry["why"]


@pytest.mark.parametrize("case", every_error())
def test_no_error_is_poor(case: Case, tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        run(case.read(), tmp_path)
    place, rendered = caught.value.place, caught.value.render()
    for entry, pattern in poor():
        assert not pattern.search(rendered), f"{entry['name']}: {entry['why']}"
    assert place is not None, "an error says where"
    nothing_written = not case.read()["spl"].strip()
    assert place.path or place.caret().strip() or nothing_written, "a place is a file or a caret"


def stages_of(case: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each stage that can be parsed, as the name of its command and the parsed command."""
    try:
        stages = parse_pipeline(expand(Source(case["spl"]), knowledge_of(case, None))).stages
    except HarnessError:
        return
    for stage in stages:
        try:
            yield stage.name.lower(), find_command(stage).parse(stage)
        except HarnessError:
            continue


def functions_in(part: Any) -> Iterator[str]:
    """The names of the functions and statistics anywhere within a parsed command."""
    if isinstance(part, Call):
        yield part.name
    elif isinstance(part, Statistic):
        yield f"stats {part.function}"
    if isinstance(part, tuple | list):
        for inner in part:
            yield from functions_in(inner)
    elif dataclasses.is_dataclass(part) and not isinstance(part, Stage):
        for field in dataclasses.fields(part):
            yield from functions_in(getattr(part, field.name))


@cache
def uses() -> Counter[str]:
    """How often the cases use each command (`| name`), function, and statistic (`stats name`)."""
    found: Counter[str] = Counter()
    for path in case_paths():
        for case in read(path):
            for name, command in stages_of(case):
                found.update([f"| {name}", *functions_in(command)])
    return found


def test_every_command_has_cases() -> None:
    for name in command_names():
        check_command(name)


def check_command(name: str) -> None:
    stage = parse_pipeline(expand(Source(f"| {name} x"), Knowledge(apps()))).stages[0]
    command = find_command(stage)
    own = HERE / "commands" / f"{command.__name__.lower()}.yml"
    assert len(read(own)) >= FEWEST, name
    assert uses()[f"| {name}"], f"no case uses the name `{name}`"


def test_every_function_has_cases() -> None:
    statistics = (f"stats {name}" for name in stats_function_names())
    names = [*eval_function_names(), *OPERATORS, *statistics]
    assert [name for name in names if uses()[name] < FEWEST] == []

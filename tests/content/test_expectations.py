"""Sidecars: what they say, how strictly they are read, and what is accepted beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.content import (
    Bound,
    Expectation,
    Expectations,
    ExpectedRisk,
    MalformedExpectation,
    NamedInRaw,
    accepted_beside,
    read_accepted,
    read_expectations,
    sidecar_of,
    write_accepted,
)
from harness.content.expectations import expectations_from
from harness.model.documents import MalformedYaml, UnknownKey, read_text_document

ROOT = Path(__file__).parents[2]
WINTEMP = ROOT / "detections/endpoint/excessive_distinct_processes_from_windows_temp.yml"

SAMPLE = r"""
alias: temp
trials:
- dataset: official
  now: 2022-02-28T12:00:00Z
  earliest: -24h@h
  latest: 1646049600
  risk_from: Another detection
  expect:
    results: {at_least: 2, at_most: 5}
    every_row:
      dest: {matches: 'WIN-\d+'}
      count: 40
      process: [a, b]
    some_row:
    - {user: bob, note: {absent: true}}
    - {user: {contains: [x]}}
    every_risk: {object: {named_in_raw: '^Host=(\S+)'}, score: 80}
- name: none
  events: {raw: 'x'}
  expect: {fires: false}
"""


def read(text: str) -> Expectations:
    return expectations_from(read_text_document(text, "s.yaml"), Path("s.yaml"))


def test_a_sidecar() -> None:
    expectations = read(SAMPLE)
    assert expectations.alias == "temp"
    official, none = expectations.trials
    assert (official.name, official.dataset, official.events) == ("official", "official", None)
    clock = official.clock
    assert (clock.now, clock.earliest, clock.latest) == (
        "2022-02-28T12:00:00Z", "-24h@h", "1646049600",
    )  # fmt: skip
    assert official.risk_from == ("Another detection",)
    assert official.expect.results == Bound(2, 5)
    dest, count, process = official.expect.every_row
    assert dest.matches is not None
    assert dest.matches.pattern == r"WIN-\d+"
    assert count.equals == ("40",)
    assert process.equals == ("a", "b")
    assert [[rule.name for rule in row] for row in official.expect.some_row] == [
        ["user", "note"], ["user"],
    ]  # fmt: skip
    assert official.expect.some_row[0][1].absent
    every = official.expect.every_risk
    assert every is not None
    assert isinstance(every.object, NamedInRaw)
    assert (every.score, every.type) == (80.0, None)
    assert not none.expect.fires
    assert none.expect.results == Bound(0, 0)
    assert none.events == {"raw": "x"}
    assert str(none.data_place) == "s.yaml:20:3"


def test_firing_is_at_least_one_result() -> None:
    trial = "trials:\n- dataset: d\n  expect: "
    assert read(trial + "{fires: true}").trials[0].expect.results == Bound(1, None)
    assert read(trial + "{some_row: {a: b}}").trials[0].expect.results == Bound(1, None)
    assert read(trial + "{results: 0}").trials[0].expect.results == Bound(0, 0)
    assert read(trial + "{results: {at_most: 3}}").trials[0].expect.results == Bound(0, 3)


RISK = "{object: a, type: system, score: 1, message: m}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alias: a b\ntrials: []", "s.yaml:1:1: an alias is one word"),
        ("alias: a\n", "a sidecar needs `trials`"),
        ("trials:\n- expect: {fires: true}", "s.yaml:2:3: a trial has either"),
        ("trials:\n- {dataset: d, events: {}, expect: {results: 1}}", "a trial has either"),
        ("trials:\n- {events: {}, expect: {results: 1}}", "a trial with `events` needs `name`"),
        ("trials:\n- {name: n, events: text, expect: {results: 1}}", "write raw text as"),
        ("trials:\n- {dataset: d}", "a trial needs `expect`"),
        ("trials:\n- {dataset: d, expect: {}}", "`expect` is empty"),
        ("trials:\n- {dataset: d, expect: {fires: no, results: 0}}", "`fires: false` stands alone"),
        ("trials:\n- {dataset: d, expect: {fires: yes, results: 0}}", "needs at least one result"),
        ("trials:\n- {dataset: d, expect: {fires: maybe}}", "`fires` must be true or false"),
        ("trials:\n- {dataset: d, expect: {results: -1}}", "a whole number, 0 or more"),
        ("trials:\n- {dataset: d, expect: {results: 1.5}}", "a whole number, 0 or more"),
        ("trials:\n- {dataset: d, expect: {results: {}}}", "`results` is empty"),
        ("trials:\n- {dataset: d, expect: {results: {at_least: 3, at_most: 2}}}", "cannot both"),
        ("trials:\n- {dataset: d, expect: {every_row: {a: }}}", "`a` has no value"),
        ("trials:\n- {dataset: d, expect: {every_row: {a: {}}}}", "`a` has no value"),
        ("trials:\n- {dataset: d, expect: {every_row: {a: {matches: '('}}}}", "regular expression"),
        ("trials:\n- {dataset: d, expect: {risk: [{object: a}]}}", "needs `message`"),
        (f"trials:\n- {{dataset: d, expect: {{risk: [{RISK}], every_risk: {RISK}}}}}", "either"),
        (
            f"trials:\n- {{dataset: d, expect: {{risk: [{RISK.replace('system', 'host')}]}}}}",
            "unknown risk object type `host`",
        ),
        (
            "trials:\n- {dataset: d, expect: {results: 1}}\n- {dataset: d, expect: {results: 2}}",
            "s.yaml:3:3: a second trial `d`",
        ),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedExpectation) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aliass: x\ntrials: []", "s.yaml:1:1: unknown key `aliass` (did you mean `alias`?)"),
        ("trials:\n- {datset: d}", "s.yaml:2:4: unknown key `datset` (did you mean `dataset`"),
        ("trials:\n- {dataset: d, expect: {fire: true}}", "did you mean `fires`?"),
        ("trials:\n- {dataset: d, expect: {every_row: {a: {match: x}}}}", "`matches`"),
        ("trials:\n- {dataset: d, expect: {every_risk: {objects: x}}}", "did you mean `object`?"),
    ],
)
def test_unknown_keys(text: str, message: str) -> None:
    with pytest.raises(UnknownKey) as caught:
        read(text)
    assert message in str(caught.value)


def test_a_missing_sidecar(tmp_path: Path) -> None:
    with pytest.raises(MalformedYaml, match="no such file"):
        read_expectations(tmp_path / "d.expected.yaml")


def test_our_own_sidecar_has_every_trial() -> None:
    expectations = read_expectations(sidecar_of(WINTEMP))
    assert expectations.alias == "wintemp"
    by_name = {trial.name: trial for trial in expectations.trials}
    datasets = {trial.dataset for trial in expectations.trials if trial.dataset}
    assert datasets == {
        "windows_temp_official_text", "windows_temp_official_xml", "standin_windows_temp_text",
        "standin_windows_temp_xml", "standin_windows_temp_sysmon",
    }  # fmt: skip
    firing = {name for name, trial in by_name.items() if trial.expect.fires and not trial.dataset}
    assert firing == {"38 distinct commands", "letter case"}
    assert len(by_name) == 14
    assert sidecar_of(WINTEMP).suffix == ".yaml"  # other tools take each .yml for a detection


RISKS = (
    ExpectedRisk("WIN-1", "system", 80.0, "Something ran on WIN-1."),
    ExpectedRisk("bob", "user", 31.5, "no: 'quotes' # here\nsecond line"),
)


def plain(risk: tuple[ExpectedRisk, ...] | None) -> list[tuple[object, ...]]:
    return [(item.object, item.type, item.score, item.message) for item in risk or ()]


def test_accepting_keeps_the_pins_of_other_trials(tmp_path: Path) -> None:
    sidecar = tmp_path / "d.expected.yaml"
    sidecar.write_text(SAMPLE, encoding="utf-8")
    write_accepted(sidecar, "none", dataset=None, results=0, risk=())
    written = write_accepted(sidecar, "official", dataset="official", results=2, risk=RISKS)
    write_accepted(sidecar, "gone", dataset="gone", results=2, risk=())
    assert written == tmp_path / "d.accepted.yaml" == accepted_beside(tmp_path / "d.yml")
    assert sidecar.read_text(encoding="utf-8") == SAMPLE
    expectations = read_expectations(sidecar)
    official, none = (trial.accepted for trial in expectations.trials)
    assert official is not None
    assert official.results == Bound(2, 2)
    assert plain(official.risk) == plain(RISKS)
    assert none is not None
    assert none.risk == ()
    assert expectations.stale_pins == ("gone",)
    write_accepted(sidecar, "official", dataset="another", results=2, risk=RISKS)
    expectations = read_expectations(sidecar)
    assert expectations.trials[0].accepted is None
    assert expectations.stale_pins == ("gone", "official")


def test_pins_are_read_strictly(tmp_path: Path) -> None:
    (tmp_path / "d.accepted.yaml").write_text("trials:\n  a: {results: 1, rsk: []}\n")
    with pytest.raises(UnknownKey, match="did you mean `risk`"):
        read_accepted(tmp_path / "d.yml")
    (tmp_path / "d.accepted.yaml").write_text("trials:\n  a: {dataset: d}\n")
    with pytest.raises(MalformedExpectation, match=r":2:3: an accepted trial needs `results`"):
        read_accepted(tmp_path / "d.yml")


def test_processes_that_accept_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from harness.content import write_accepted\n"
        "for n in range(5):\n"
        "    write_accepted(Path(sys.argv[1]), f'{sys.argv[2]}-{n}', dataset=None, results=n,"
        " risk=())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "d.yml")]
    started = [subprocess.Popen([*command, str(worker)]) for worker in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert len(read_accepted(tmp_path / "d.yml")) == 15


texts = st.text(st.characters(codec="utf-8"), min_size=1)


@given(texts.filter(lambda text: text.strip() != ""), texts, st.integers(0, 400))
def test_what_is_accepted_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, message: str, quarters: int
) -> None:
    path = tmp_path_factory.mktemp("pins") / "d.yml"
    risk = (ExpectedRisk(name, "other", quarters / 4, message),)
    write_accepted(path, name, dataset=name, results=1, risk=risk)
    dataset, pinned = read_accepted(path)[name]
    assert dataset == name
    assert isinstance(pinned, Expectation)
    assert plain(pinned.risk) == plain(risk)


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ("{risk: , results: 1}", "`risk` has no value"),
        ("{every_row: {}}", "`every_row` asks for nothing"),
        ("{some_row: []}", "`some_row` asks for nothing"),
        ("{results: 0, every_row: {a: 1}}", "`every_row` cannot hold where there are no results"),
        ("{every_row: {a: {absent: true, matches: x}}}", "`absent` stands alone"),
        (
            "{every_row: {a: {at_least: 3, at_most: 2}}}",
            "at least 3 and at most 2 cannot both hold",
        ),
        ("{every_row: {a: {matches: }}}", "`matches` has no value"),
        ("{every_risk: {object: }}", "`object` has no value"),
    ],
)
def test_an_expectation_that_asks_for_nothing_or_contradicts_itself(
    expect: str, message: str
) -> None:
    with pytest.raises(MalformedExpectation) as caught:
        read(f"trials:\n- {{dataset: d, expect: {expect}}}\n")
    assert message in str(caught.value)


def test_a_clock_without_a_value_is_no_default() -> None:
    with pytest.raises(MalformedExpectation, match="`now` has no value"):
        read("trials:\n- dataset: d\n  now:\n  expect: {fires: true}\n")


def test_numbers_wanted_as_text_are_taken_as_they_are_written() -> None:
    """YAML 1.1 reads these as 999, 1.1, 45000 and 8; a log holds the spelling."""
    found = read(
        "trials:\n- dataset: d\n  expect:\n    every_row: "
        "{a: 0x3e7, b: 1.10, c: 12:30:00, d: 010, e: [0x1, x]}\n"
    )
    (trial,) = found.trials
    assert {rule.name: rule.equals for rule in trial.expect.every_row} == {
        "a": ("0x3e7",),
        "b": ("1.10",),
        "c": ("12:30:00",),
        "d": ("010",),
        "e": ("0x1", "x"),
    }

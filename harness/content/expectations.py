r"""What must hold when a detection runs: the sidecar `<detection>.expected.yaml`.

    alias: wintemp
    timezone: UTC                          # of bare times and printed ones; default TZ
    trials:
    - name: the official file            # needed where the data is written inline
      description: why this trial is here
      dataset: windows_temp_official_text   # a manifest's name, or instead:
      events: {kind: …, start: …, events: […]}   # harness.datasets.synthetic, or {raw: |- …}
      now: 2022-02-28T12:00:00Z          # the clock: default just after the newest event
      earliest: -24h                     # and `latest`; default all time
      risk_from: [Another detection]     # its risk events become index=risk
      expect:
        fires: false                     # alone; or what must hold of the results:
        results: 1                       # or {at_least: 1, at_most: 3}; default at least 1
        every_row: {dest: WIN-1}         # holds in each result row
        some_row: [{user: bob}]          # each holds in at least one row
        risk:                            # exactly these, in any order
        - {object: WIN-1, type: system, score: 80, message: …}
        every_risk:                      # or: at least one, and each of this kind
          object: {named_in_raw: '^ComputerName=(\S+)'}
          message: '… on $object$.'      # `$object$` is the risk object itself

A field's value in `every_row` and `some_row`: text or a number (the field has that one value), a
list (those values, in that order), `{contains: …}` (one value or a list, among the field's),
`{matches: REGEX}` (the whole of each value), `{at_least: …, at_most: …}` (a number), or
`{absent: true}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.content.accepted import read_accepted
from harness.content.entries import Entry
from harness.content.errors import MalformedExpectation
from harness.content.expected import (
    Bound,
    Expectation,
    ExpectedRisk,
    FieldRule,
    NamedInRaw,
)
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.model.documents import Document

SUFFIX = ".expected.yaml"
_TOP_KEYS = ("alias", "description", "timezone", "trials")
_TRIAL_KEYS = (
    "dataset", "description", "earliest", "events", "expect", "latest", "name", "now", "risk_from",
)  # fmt: skip
_EXPECT_KEYS = ("every_risk", "every_row", "fires", "results", "risk", "some_row")
_RISK_KEYS = ("message", "object", "score", "type")
_RULE_KEYS = ("absent", "at_least", "at_most", "contains", "matches")


@dataclass(frozen=True, slots=True)
class Clock:
    """When the search runs and what it looks at, as written: ISO times, epochs, or modifiers."""

    now: str | None = None
    earliest: str | None = None
    latest: str | None = None


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """One trial of a detection: its data, its clock, and what must hold.

    Exactly one of `dataset` (a manifest's name) and `events` (plain data for the synthetic
    renderer) is given, standing at `data_place`. `accepted` is what was seen and pinned.
    """

    name: str
    expect: Expectation
    dataset: str | None = None
    events: Any = None
    data_place: Place | None = None
    description: str = ""
    clock: Clock = field(default_factory=Clock)
    risk_from: tuple[str, ...] = ()
    accepted: Expectation | None = None
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Expectations:
    """A sidecar: the detection's alias, and its trials in the order of the file.

    `stale_pins` names accepted trials that no longer exist or have another dataset.
    """

    path: Path
    alias: str | None = None
    timezone: str | None = None
    trials: tuple[TrialSpec, ...] = ()
    stale_pins: tuple[str, ...] = ()


def sidecar_of(detection: Path) -> Path:
    """Where the sidecar of the detection at this path is, whether it exists or not."""
    return detection.with_name(detection.stem + SUFFIX)


def read_expectations(path: Path) -> Expectations:
    """Read the sidecar at `path`, and the accepted results beside it.

    Raises `MalformedYaml`, `UnknownKey` and `MalformedExpectation`, with line and column.
    """
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    pins = read_accepted(path)
    return expectations_from(read_document(path), path, pins)


def expectations_from(
    document: Document, path: Path, pins: dict[str, tuple[str | None, Expectation]] | None = None
) -> Expectations:
    """The expectations in a document that is already read, with the pins given."""
    top = Entry(document, MalformedExpectation)
    top.only(_TOP_KEYS)
    top.filled()
    alias = top.text("alias")
    if alias is not None and not re.fullmatch(r"[\w.-]+", alias):
        raise top.fault("an alias is one word of letters, digits, `_`, `-` and `.`", "alias")
    pins = pins or {}
    trials: list[TrialSpec] = []
    used: set[str] = set()
    for entry in top.entries("trials"):
        trial = _trial(entry, pins)
        if trial.name in {other.name for other in trials}:
            hints = ("give the trial a `name:` of its own",)
            raise entry.fault(f"a second trial `{trial.name}`", hints=hints)
        if trial.accepted:
            used.add(trial.name)
        trials.append(trial)
    if not trials:
        raise top.fault("a sidecar needs `trials`", hints=("add `trials:` with one entry or more",))
    stale = tuple(sorted(pins.keys() - used))
    return Expectations(path, alias, _zone(top), tuple(trials), stale)


def _zone(top: Entry) -> str | None:
    zone = top.text("timezone")
    if zone is None:
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only where a zone is named

    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        hints = ("for example Europe/Berlin",)
        raise top.fault(f"`{zone}` is no time zone", "timezone", hints=hints) from None
    return zone


def _trial(entry: Entry, pins: dict[str, tuple[str | None, Expectation]]) -> TrialSpec:
    entry.only(_TRIAL_KEYS)
    entry.filled()
    dataset = entry.text("dataset")
    events = entry.data.get("events")
    if (dataset is None) == (events is None):
        raise entry.fault("a trial has either `dataset` or `events`")
    name = entry.text("name") or dataset
    if name is None:
        raise entry.fault("a trial with `events` needs `name`", hints=("add `name:`",))
    if events is not None and not isinstance(events, dict | list):
        hints = ("write raw text as `events: {raw: …}`",)
        raise entry.fault("`events` must be a mapping or a list", "events", hints=hints)
    if not entry.has("expect"):
        raise entry.fault("a trial needs `expect`", hints=("add `expect: {fires: true}`",))
    pinned_dataset, pinned = pins.get(name, (None, None))
    return TrialSpec(
        name=name,
        expect=_expectation(entry.at("expect")),
        dataset=dataset,
        events=events,
        data_place=entry.place("dataset" if events is None else "events"),
        description=entry.text("description") or "",
        clock=Clock(entry.text("now"), entry.text("earliest"), entry.text("latest")),
        risk_from=entry.texts("risk_from"),
        accepted=pinned if pinned and pinned_dataset == dataset else None,
        place=entry.place(),
    )


def _only_expectations(entry: Entry) -> None:
    """Refuse what is unknown, and what would hold whatever the results are."""
    entry.only(_EXPECT_KEYS)
    if not entry.data:
        raise entry.fault("`expect` is empty", hints=("write `{fires: true}` or more",))
    entry.filled()
    for key in ("every_row", "some_row"):
        if key in entry.data and not entry.data[key]:
            raise entry.fault(f"`{key}` asks for nothing", key, hints=("name a field",))


def _expectation(entry: Entry) -> Expectation:
    _only_expectations(entry)
    fires = entry.flag("fires")
    others = [key for key in _EXPECT_KEYS if key != "fires" and entry.has(key)]
    if fires is False and others:
        raise entry.fault(f"`fires: false` stands alone, without `{others[0]}`", others[0])
    if entry.has("risk") and entry.has("every_risk"):
        raise entry.fault("either `risk` or `every_risk`", "every_risk")
    results = Bound(0, 0) if fires is False else Bound(1, None)
    if entry.has("results"):
        results = _bound_of_results(entry)
    if fires and not results.at_least:
        raise entry.fault("`fires: true` needs at least one result", "results")
    if results.at_most == 0:
        asked = [key for key in ("every_row", "some_row", "every_risk") if entry.has(key)]
        if asked:
            raise entry.fault(f"`{asked[0]}` cannot hold where there are no results", asked[0])
    risk = None
    if entry.has("risk"):
        risk = tuple(_expected_risk(item, exact=True) for item in entry.entries("risk"))
    return Expectation(
        results=results,
        every_row=_field_rules(entry, "every_row"),
        some_row=_some_row(entry),
        risk=risk,
        every_risk=_expected_risk(entry.at("every_risk"), exact=False)
        if entry.has("every_risk")
        else None,
        place=entry.place(),
    )


def _bound_of_results(entry: Entry) -> Bound:
    if not isinstance(entry.data["results"], dict):
        exact = entry.count("results")
        return Bound(exact, exact)
    bound = entry.at("results")
    bound.only(("at_least", "at_most"))
    least, most = bound.count("at_least"), bound.count("at_most")
    if least is None and most is None:
        raise bound.fault("`results` is empty", hints=("write a number, `at_least` or `at_most`",))
    if least is not None and most is not None and least > most:
        raise bound.fault(f"at least {least} and at most {most} cannot both hold")
    return Bound(least or 0, most)


def _expected_risk(entry: Entry, *, exact: bool) -> ExpectedRisk:
    entry.only(_RISK_KEYS)
    entry.filled()
    if exact:
        for key in _RISK_KEYS:
            if not entry.has(key):
                raise entry.fault(f"an exact risk object needs `{key}`", hints=(f"add `{key}:`",))
    risk_object: str | NamedInRaw | None
    if isinstance(entry.data.get("object"), dict):
        named = entry.at("object")
        named.only(("named_in_raw",))
        risk_object = NamedInRaw(_pattern(named, "named_in_raw"))
    else:
        risk_object = entry.text("object")
    if entry.has("type") and entry.text("type") not in ("system", "user", "other"):
        hints = ("known types: other, system, user",)
        raise entry.fault(f"unknown risk object type `{entry.text('type')}`", "type", hints=hints)
    return ExpectedRisk(
        object=risk_object,
        type=entry.text("type"),
        score=entry.number("score"),
        message=entry.text("message"),
        place=entry.place(),
    )


def _some_row(entry: Entry) -> tuple[tuple[FieldRule, ...], ...]:
    if isinstance(entry.data.get("some_row"), list):
        count = len(entry.entries("some_row"))
        return tuple(_rules(entry.at("some_row", number)) for number in range(count))
    rules = _field_rules(entry, "some_row")
    return (rules,) if rules else ()


def _field_rules(entry: Entry, key: str) -> tuple[FieldRule, ...]:
    return _rules(entry.at(key)) if entry.has(key) else ()


def _rules(entry: Entry) -> tuple[FieldRule, ...]:
    return tuple(_field_rule(entry, name) for name in entry.data)


def _field_rule(entry: Entry, name: str) -> FieldRule:
    value = entry.data[name]
    place = entry.place(name)
    if not isinstance(value, dict):
        if value is None:
            hints = ("write `{absent: true}` for a field that is not there",)
            raise entry.fault(f"`{name}` has no value", name, hints=hints)
        return FieldRule(name, equals=entry.texts(name), place=place)
    rule = entry.at(name)
    rule.only(_RULE_KEYS)
    if not value:
        raise rule.fault(f"`{name}` has no value")
    if rule.flag("absent") is False:
        raise rule.fault("`absent` can only be true", "absent")
    rule.filled()
    if rule.flag("absent") and len(value) > 1:
        raise rule.fault("`absent` stands alone", "absent")
    low, high = rule.number("at_least"), rule.number("at_most")
    if low is not None and high is not None and low > high:
        raise rule.fault(f"at least {low:g} and at most {high:g} cannot both hold")
    return FieldRule(
        name,
        contains=rule.texts("contains"),
        matches=_pattern(rule, "matches") if rule.has("matches") else None,
        at_least=low,
        at_most=high,
        absent=bool(rule.flag("absent")),
        place=place,
    )


def _pattern(entry: Entry, key: str) -> re.Pattern[str]:
    try:
        return re.compile(entry.needed_text(key), re.MULTILINE)
    except re.error as error:
        raise entry.fault(f"`{key}` is not a regular expression: {error}", key) from None


def aliases(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """The aliases of these sidecars, without reading their trials: alias to paths."""
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    found: dict[str, list[Path]] = {}
    for path in paths:
        data = read_document(path).data
        alias = data.get("alias") if isinstance(data, dict) else None
        if isinstance(alias, str):
            found.setdefault(alias, []).append(path)
    return found

"""Detection YAML of every generation, read into one shape.

| generation | told by |
|---|---|
| `2021` (2021 to 2022) | nothing of the below; risk under `tags`, tests in files of their own |
| `v4` (2023 to 2024) | `status`, `tests`, `data_source`; risk under `tags` |
| `v5` (late 2024 on) | `rba`, or `tags` without `confidence`, `impact` and `observable` |
| `escu6` (2026) | what was in `tags` stands at the top; `finding`, `intermediate_findings` |

A saved search of an app is the generation `savedsearch`; the trials make it one.

The files are other people's: a key that no generation knows is warned of, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from harness.content.alerting import ALWAYS, Alerting
from harness.content.entries import Entry
from harness.content.errors import MalformedDetection
from harness.content.risk_rule import (
    RiskRule,
    half_tokens,
    risk_from_findings,
    risk_from_observables,
    risk_from_rba,
)
from harness.errors import Place, nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.model.documents import Document

    Unknown = Callable[[str, Place, tuple[str, ...]], None]

Generation = Literal["2021", "v4", "v5", "escu6", "savedsearch"]

TYPES = ("TTP", "Anomaly", "Hunting", "Correlation", "Baseline", "Investigation")

_TOP_KEYS = frozenset({
    "author", "check_references", "data_source", "data_sources", "datamodel", "date",
    "deployment", "description", "drilldown_searches", "file_path", "how_to_implement", "id",
    "known_false_positives", "name", "rba", "references", "search", "status", "suppression",
    "tags", "test", "tests", "type", "version",
})  # fmt: skip
_TAG_KEYS = frozenset({
    "CVE", "analytic_story", "asset_type", "atomic_guid", "automated_detection_testing",
    "cim_version", "cis20", "confidence", "confidence_id", "context", "cve", "dataset",
    "drilldown_search", "event_schema", "evidence_str", "group", "impact", "impact_id",
    "kill_chain_phases", "manual_test", "mappings", "message", "mitre_attack_id", "nist",
    "observable", "product", "required_fields", "research_site_url", "risk_score",
    "risk_severity", "security_domain", "supported_tas", "throttling",
})  # fmt: skip
_ESCU6_KEYS = frozenset({
    "category", "creation_date", "finding", "intermediate_findings", "modification_date",
    "threat_objects",
})  # fmt: skip
_TEST_KEYS = frozenset({
    "attack_data", "baselines", "description", "earliest_time", "file", "latest_time", "name",
    "pass_condition", "test_type", "type",
})  # fmt: skip
_ATTACK_DATA_KEYS = frozenset({
    "custom_index", "data", "file_name", "host", "index", "source", "sourcetype",
    "update_timestamp",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class AttackData:
    """A file that a detection's own test replays; `index` is `custom_index` in older files."""

    data: str
    source: str | None = None
    sourcetype: str | None = None
    index: str | None = None
    host: str | None = None
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class DetectionTest:
    """A test as the detection's file states it: data that must make it fire."""

    name: str
    attack_data: tuple[AttackData, ...]
    test_type: str = "unit"


@dataclass(frozen=True, slots=True)
class Drilldown:
    """A search that an analyst follows from a finding."""

    name: str
    search: str
    earliest: str | None = None
    latest: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd in a file that can be read all the same; `wrong` is what authors must mend."""

    message: str
    place: Place
    wrong: bool = False
    hints: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line: `file:line:column: message hint`."""
        return " ".join((f"{self.place}: {self.message}", *self.hints))


@dataclass(frozen=True, slots=True)
class Detection:
    """A detection: a search, what it is about, and what its results become.

    `datasets` are the addresses that the oldest generation lists under `tags`. `warnings` say
    what is odd in the file without making it unreadable, each with its place.

    Saved searches say more: the `app` that they run in, their notables' `title`, `earliest` and
    `latest` of their time range, when they act (`alerting`), and `annotations` by other frameworks.
    """

    name: str
    id: str | None
    path: Path
    generation: Generation
    type: str
    search: str
    risk: RiskRule
    version: str | None = None
    date: str | None = None
    status: str | None = None
    authors: tuple[str, ...] = ()
    description: str = ""
    data_sources: tuple[str, ...] = ()
    datamodels: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    kill_chain_phases: tuple[str, ...] = ()
    security_domain: str | None = None
    products: tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()
    tests: tuple[DetectionTest, ...] = ()
    datasets: tuple[str, ...] = ()
    drilldowns: tuple[Drilldown, ...] = ()
    search_place: Place = field(default_factory=Place)
    warnings: tuple[Remark, ...] = ()
    title: str = ""
    app: str | None = None
    earliest: str | None = None
    latest: str | None = None
    alerting: Alerting = ALWAYS
    annotations: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def search_name(self) -> str:
        """The name of the saved search, and so of its risk events: as ES Content Update's are."""
        if self.generation == "savedsearch":
            return self.name
        return f"ESCU - {self.name} - Rule"

    @property
    def filter_macro(self) -> str:
        """The macro by which its users filter the results: the name in snake case."""
        folded = "".join("_" if c in " -./" else c for c in self.name.lower())
        return f"{folded}_filter"


def read_detection(path: Path) -> Detection:
    """Read the detection at `path`, of whichever generation it is.

    Raises `MalformedYaml` and `MalformedDetection`, with line and column.
    """
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    return detection_from(read_document(path), path)


def detection_from(document: Document, path: Path) -> Detection:
    """The detection in a document that is already read; `path` is where it came from."""
    top = Entry(document, MalformedDetection)
    warnings: list[Remark] = []

    def warn(message: str, place: Place) -> None:
        warnings.append(Remark(message, place))

    def unknown(message: str, place: Place, hints: tuple[str, ...]) -> None:
        warnings.append(Remark(message, place, wrong=True, hints=hints))

    generation = _generation(top)
    tags = top if generation == "escu6" and not top.has("tags") else _tags(top)
    kind = _type(top, unknown)
    if generation == "escu6":
        risk = risk_from_findings(top, kind)
    elif generation == "v5":
        risk = risk_from_rba(top, kind)
    else:
        risk = risk_from_observables(tags, kind, warn)
    for message in dict.fromkeys([risk.message, *(rule.message for rule in risk.objects)]):
        for token in half_tokens(message):
            warn(
                f"the message has `{token}` with one `$`, which is replaced only between two",
                _message_place(top),
            )
    at_top = _TOP_KEYS | _ESCU6_KEYS
    _warn_of_unknown(top, at_top | _TAG_KEYS if tags is top else at_top, unknown)
    if tags is not top:
        _warn_of_unknown(tags, _TAG_KEYS, unknown)
    authors = (top.text("author") or "").split(",")
    return Detection(
        name=top.needed_text("name").strip(),
        id=top.text("id"),
        path=path,
        generation=generation,
        type=kind,
        search=top.needed_text("search"),
        risk=risk,
        version=top.text("version"),
        date=top.text("modification_date") or top.text("date") or top.text("creation_date"),
        status=top.text("status"),
        authors=tuple(author.strip() for author in authors if author.strip()),
        description=top.text("description") or "",
        data_sources=top.texts("data_source") or top.texts("data_sources"),
        datamodels=top.texts("datamodel"),
        stories=tags.texts("analytic_story"),
        techniques=tags.texts("mitre_attack_id"),
        kill_chain_phases=tags.texts("kill_chain_phases"),
        security_domain=tags.text("security_domain"),
        products=tags.texts("product"),
        required_fields=tags.texts("required_fields"),
        tests=read_tests(top, unknown),
        datasets=tags.texts("dataset"),
        drilldowns=_drilldowns(top),
        title=risk.message if generation == "escu6" else "",
        search_place=top.place("search"),
        warnings=tuple(warnings),
    )


def _tags(top: Entry) -> Entry:
    if not top.has("tags"):
        raise top.fault("a detection needs `tags`", hints=("is this a detection file?",))
    return top.at("tags")


def _message_place(top: Entry) -> Place:
    for block, key in (("rba", "message"), ("finding", "title"), ("tags", "message")):
        if isinstance(top.data.get(block), dict) and key in top.data[block]:
            return top.place(block, key)
    return top.place()


def _generation(top: Entry) -> Generation:
    data = top.data
    if _ESCU6_KEYS & data.keys() or ("security_domain" in data and "tags" not in data):
        return "escu6"
    tags = data.get("tags")
    older_risk = isinstance(tags, dict) and {"confidence", "impact", "observable"} & tags.keys()
    if "rba" in data or ("status" in data and not older_risk):
        return "v5"
    return "v4" if {"status", "tests", "data_source"} & data.keys() else "2021"


def _type(top: Entry, unknown: Unknown) -> str:
    kind = top.needed_text("type")
    known = {known.casefold(): known for known in TYPES}.get(kind.casefold())
    if known is None:
        hints = nearest(kind, TYPES)
        unknown(f"unknown type `{kind}`: no risk, no notable", top.place("type"), hints)
    return known or kind


def _warn_of_unknown(entry: Entry, known: frozenset[str], unknown: Unknown) -> None:
    for key in sorted(entry.data.keys() - known):
        unknown(f"unknown key `{key}`", entry.place(key), nearest(key, known))


def read_tests(top: Entry, unknown: Unknown) -> tuple[DetectionTest, ...]:
    """The tests below `tests`, in a detection or in a test file of the oldest generation."""
    tests: list[DetectionTest] = []
    for number, test in enumerate(top.entries("tests"), start=1):
        _warn_of_unknown(test, _TEST_KEYS, unknown)
        data = tuple(_attack_data(item, unknown) for item in test.entries("attack_data"))
        name = test.text("name") or f"test {number}"
        tests.append(DetectionTest(name, data, test.text("test_type") or "unit"))
    return tuple(tests)


def _attack_data(item: Entry, unknown: Unknown) -> AttackData:
    _warn_of_unknown(item, _ATTACK_DATA_KEYS, unknown)
    return AttackData(
        data=item.needed_text("data"),
        source=item.text("source"),
        sourcetype=item.text("sourcetype"),
        index=item.text("custom_index") or item.text("index"),
        host=item.text("host"),
        place=item.place("data"),
    )


def _drilldowns(top: Entry) -> tuple[Drilldown, ...]:
    return tuple(
        Drilldown(
            name=item.needed_text("name"),
            search=item.needed_text("search"),
            earliest=item.text("earliest_offset"),
            latest=item.text("latest_offset"),
        )
        for item in top.entries("drilldown_searches")
    )

"""The static rules of detection files: what their authors' tools refuse, or should.

Each finding has the place of what it is about. The rules are those of contentctl's validation
(`detection_abstract.py`, `detection_tags.py`, `observable.py`, `rba.py` of
github.com/splunk/contentctl): what it refuses is wrong, the rest is only told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from harness.content.detection import Remark
from harness.content.expectations import sidecar_of
from harness.content.risk_rule import tokens_of
from harness.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.content.detection import Detection
    from harness.content.folder import ContentFolder
    from harness.errors import Place
    from harness.model.documents import Document

STATUSES = ("production", "experimental", "deprecated", "validation", "removed")
RETIRED = ("deprecated", "removed")
DOMAINS = ("access", "audit", "endpoint", "identity", "network", "threat")
PRODUCTS = (
    "Splunk Behavioral Analytics", "Splunk Cloud", "Splunk Enterprise",
    "Splunk Enterprise Security", "Splunk Phantom", "Splunk Security Analytics for AWS",
)  # fmt: skip
ROLES = (
    "Actor", "Attacker", "Child Process", "Data Loss", "Known Bad", "Observer", "Other",
    "Parent Process", "Target", "Unknown", "Victim",
)  # fmt: skip
TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?")
VULNERABILITY = re.compile(r"CVE-[12]\d{3}-\d{4,}")
RISKY = ("TTP", "Anomaly")
UNTESTED = ("Correlation", "Baseline", "Investigation")
NEEDED = ("author", "date", "version")
MOST_SCORE = 100


@dataclass(frozen=True, slots=True)
class RiskField:
    """A field that a detection's results must have, what wants it, and where that stands."""

    name: str
    what: str
    place: Place


def remarks_on(
    document: Document, detection: Detection, content: ContentFolder
) -> Iterator[Remark]:
    """What is wrong or odd in a detection's file, without a look at its search."""
    rules = _Rules(document, detection, content)
    yield from detection.warnings
    yield from rules.identity()
    yield from rules.words()
    yield from rules.date()
    yield from rules.references()
    yield from rules.scores()
    yield from rules.risk()
    yield from rules.tests()


class _Rules:
    """The rules for one file."""

    def __init__(self, document: Document, detection: Detection, content: ContentFolder) -> None:
        self.document = document
        self.detection = detection
        self.content = content
        self.data: dict[str, Any] = document.data
        self.at_tags: tuple[str, ...] = ("tags",) if "tags" in self.data else ()
        self.tags: dict[str, Any] = self.data.get("tags") or self.data

    def wrong(self, message: str, *keys: str | int, hints: tuple[str, ...] = ()) -> Remark:
        return Remark(message, self.document.place(*keys), wrong=True, hints=hints)

    def odd(self, message: str, *keys: str | int, hints: tuple[str, ...] = ()) -> Remark:
        return Remark(message, self.document.place(*keys), hints=hints)

    def identity(self) -> Iterator[Remark]:
        """Name, id, file name, filter macro, version."""
        detection = self.detection
        if detection.id is None:
            yield self.wrong("a detection needs `id`", hints=("a UUID, as `uuidgen` makes",))
        elif not _is_uuid(detection.id):
            yield self.wrong(f"`{detection.id}` is no UUID", "id", hints=("as `uuidgen` makes",))
        macro = detection.filter_macro
        if f"`{macro}`" not in detection.search:
            hints = (f"end it with | `{macro}`",)
            yield self.wrong(f"the search lacks its filter macro `{macro}`", "search", hints=hints)
        expected = f"{macro.removesuffix('_filter')}{detection.path.suffix}"
        if detection.path.name != expected:
            text = f"the file is called {detection.path.name}, and its detection {detection.name}"
            yield self.wrong(text, "name", hints=(f"call the file {expected}",))
        if detection.version is not None and not detection.version.isdecimal():
            yield self.wrong(f"the version `{detection.version}` is no whole number", "version")
        for key in NEEDED:
            if key not in self.data and not (key == "date" and detection.date):
                yield self.odd(f"a detection needs `{key}`", hints=(f"add `{key}:`",))

    def words(self) -> Iterator[Remark]:
        """Words of fixed lists, and ids of fixed shapes."""
        detection, at = self.detection, self.at_tags
        yield from self._listed("status", detection.status, STATUSES, "status")
        yield from self._listed(
            "security domain", detection.security_domain, DOMAINS, *at, "security_domain"
        )
        for number, product in enumerate(detection.products):
            yield from self._listed("product", product, PRODUCTS, *at, "product", number)
        for number, technique in enumerate(detection.techniques):
            if not TECHNIQUE.fullmatch(technique):
                hints = ("for example T1059 or T1059.001",)
                text = f"`{technique}` is no ATT&CK technique"
                yield self.wrong(text, *at, "mitre_attack_id", number, hints=hints)
        for number, one in enumerate(_list(self.tags.get("cve"))):
            if not VULNERABILITY.fullmatch(str(one)):
                hints = ("for example CVE-2021-44228",)
                yield self.wrong(f"`{one}` is no CVE", *at, "cve", number, hints=hints)
        for number, one in enumerate(_mappings(self.tags.get("observable"))):
            for role in _list(one.get("role")):
                yield from self._listed("role", str(role), ROLES, *at, "observable", number, "role")

    def _listed(
        self, what: str, value: str | None, known: Iterable[str], *keys: str | int
    ) -> Iterator[Remark]:
        if value is not None and value.casefold() not in {one.casefold() for one in known}:
            hints = nearest(value, known) or (f"known are {', '.join(known)}",)
            yield self.wrong(f"unknown {what} `{value}`", *keys, hints=hints)

    def date(self) -> Iterator[Remark]:
        """Dates are dates, and not in the future anywhere on Earth."""
        for key in ("date", "creation_date", "modification_date"):
            text = self.data.get(key)
            if text is None:
                continue
            try:
                when = date.fromisoformat(str(text))
            except ValueError:
                yield self.wrong(f"`{text}` is no date", key, hints=("write YYYY-MM-DD",))
                continue
            if when > (datetime.now(UTC) + timedelta(hours=14)).date():
                yield self.wrong(f"the {key.replace('_', ' ')} {text} is in the future", key)

    def references(self) -> Iterator[Remark]:
        """Stories and data sources are those of the content folder."""
        sources = self.content.data_sources
        key = "data_source" if "data_source" in self.data else "data_sources"
        for number, written in enumerate(self.detection.data_sources):
            for name in sources_in(written):
                if sources and name not in sources:
                    hints = nearest(name, sources)
                    yield self.odd(f"unknown data source `{name}`", key, number, hints=hints)
        stories = self.content.stories
        for number, name in enumerate(self.detection.stories):
            if stories and name not in stories:
                tell = self.odd if self.detection.status in RETIRED else self.wrong
                text, hints = f"unknown story `{name}`", nearest(name, stories)
                yield tell(text, *self.at_tags, "analytic_story", number, hints=hints)

    def scores(self) -> Iterator[Remark]:
        """Confidence, impact and scores are between 0 and 100."""
        for key in ("confidence", "impact"):
            value = self.tags.get(key)
            if value is not None and not _is_share(value):
                yield self.wrong(f"`{key}` is {value}, not 0 to 100", *self.at_tags, key)
        for path, one in _risk_entries(self.data):
            if "score" in one and not _is_share(one["score"]):
                yield self.wrong(f"the score is {one['score']}, not 0 to 100", *path, "score")

    def risk(self) -> Iterator[Remark]:
        """A detection's type and its risk block fit each other."""
        detection, objects = self.detection, self.detection.risk.objects
        if detection.type in RISKY and not objects:
            tell = self.wrong if detection.status == "production" else self.odd
            yield tell(f"a {detection.type} without a risk object creates no risk", "type")
        elif detection.type == "Hunting" and "rba" in self.data:
            yield self.wrong("a Hunting detection creates no risk", "rba", hints=("remove `rba`",))
        if objects and detection.type in RISKY and not detection.risk.message.strip():
            yield self.wrong("the risk has no message", *_message_path(self.data))

    def tests(self) -> Iterator[Remark]:
        """What is in production is tested: by its file, a sidecar, or a file of tests."""
        detection = self.detection
        tested = detection.tests or self.tags.get("manual_test")
        if detection.status != "production" or detection.type in UNTESTED or tested:
            return
        if not sidecar_of(detection.path).exists():
            hints = ("add `tests:`, or write a sidecar",)
            yield self.wrong("a detection in production needs a test", "status", hints=hints)


def risk_fields(document: Document, detection: Detection) -> list[RiskField]:
    """The fields that risk objects, threat objects and messages ask of the results."""
    found: list[RiskField] = []
    data = document.data
    for path, one in _risk_entries(data):
        key = "field" if "field" in one else "name"
        if isinstance(one.get(key), str):
            what = "threat object" if "threat_objects" in path else "risk object"
            found.append(RiskField(one[key], what, document.place(*path, key)))
        if isinstance(one.get("message"), str):
            place = document.place(*path, "message")
            found += [RiskField(name, "message", place) for name in tokens_of(one["message"])]
    place = document.place(*_message_path(data))
    found += [RiskField(name, "message", place) for name in tokens_of(detection.risk.message)]
    for number, drilldown in enumerate(detection.drilldowns):
        place = document.place("drilldown_searches", number, "search")
        names = tokens_of(f"{drilldown.name}\n{drilldown.search}")
        found += [RiskField(n, "drilldown", place) for n in names if not n.startswith("info_")]
    return list({(one.name, one.what): one for one in reversed(found)}.values())[::-1]


def sources_in(written: str) -> list[str]:
    """The data sources of an entry: some name several, with AND between them."""
    return [name.strip() for name in re.split(r"\s+AND\s+", written) if name.strip()]


def _risk_entries(data: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The mappings that name risk and threat objects, each with its path."""
    finding = data.get("finding")
    if isinstance(finding, dict) and isinstance(finding.get("entity"), dict):
        yield ("finding", "entity"), finding["entity"]
    for path in (
        ("rba", "risk_objects"),
        ("rba", "threat_objects"),
        ("tags", "observable"),
        ("intermediate_findings", "entities"),
        ("threat_objects",),
    ):
        value: Any = data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        for number, one in enumerate(_mappings(value)):
            yield (*path, number), one


def _message_path(data: dict[str, Any]) -> tuple[str, ...]:
    for path in (("rba", "message"), ("finding", "title"), ("tags", "message")):
        if isinstance(data.get(path[0]), dict) and path[1] in data[path[0]]:
            return path
    return ()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [one if isinstance(one, dict) else {} for one in _list(value)]


def _is_share(value: Any) -> bool:
    try:
        return 0 <= float(value) <= MOST_SCORE
    except (TypeError, ValueError):
        return False


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.casefold()
    except ValueError:
        return False

"""Saved searches of apps as detections: what Enterprise Security makes of their results.

Source: savedsearches.conf.spec; the parameters of the risk and notable actions are those that
contentctl writes (`savedsearches_detections.j2` of github.com/splunk/contentctl).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from harness.content import (
    RELATIONS,
    Alerting,
    Detection,
    Drilldown,
    Remark,
    RiskField,
    RiskObjectRule,
    RiskObjectType,
    RiskRule,
    ThreatObjectRule,
    tokens_of,
)
from harness.errors import Place, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.apps import SavedSearch

RISK = "action.risk.param._risk"
MESSAGE = "action.risk.param._risk_message"
SCORE = "action.risk.param._risk_score"
ANNOTATIONS = "action.correlationsearch.annotations"
METADATA = "action.correlationsearch.metadata"
TITLE = "action.notable.param.rule_title"
DRILLDOWNS = "action.notable.param.drilldown_searches"
OWN = ("mitre_attack", "analytic_story", "kill_chain_phases")
KNOWN_ACTIONS = ("risk", "notable", "correlationsearch", "escu")
NOT_HONOURED = {
    "alert_condition": "the condition is not checked: every result counts",
    "alert.suppress.group_name": "groups of alerts do not throttle each other here",
    "dispatch.index_earliest": "times of indexing are not known here",
    "dispatch.index_latest": "times of indexing are not known here",
    "dispatch.sample_ratio": "every event is searched",
}


def detection_of(saved: SavedSearch) -> Detection:
    """The detection that a saved search is."""
    return _Reading(saved).detection()


def risk_fields_of(saved: SavedSearch, detection: Detection) -> list[RiskField]:
    """The fields that the risk action, the messages and the drilldowns ask of the results."""
    risk, at = detection.risk, saved.place_of
    key = RISK if saved.text(RISK) else "action.risk.param._risk_object"
    found = [RiskField(one.field, "risk object", at(key)) for one in risk.objects]
    found += [RiskField(one.field, "threat object", at(RISK)) for one in risk.threat_objects]
    found += [RiskField(name, "message", at(MESSAGE)) for name in tokens_of(risk.message)]
    found += [RiskField(name, "drilldown", at(TITLE)) for name in tokens_of(detection.title)]
    for one in detection.drilldowns:
        names = tokens_of(f"{one.name}\n{one.search}")
        found += [
            RiskField(name, "drilldown", at(DRILLDOWNS))
            for name in names
            if not name.startswith("info_")
        ]
    return list(dict.fromkeys(found))


class _Reading:
    """One saved search on its way to a detection."""

    def __init__(self, saved: SavedSearch) -> None:
        self.saved = saved
        self.warnings: list[Remark] = []

    def detection(self) -> Detection:
        saved = self.saved
        rule = self._risk()
        annotations = self._annotations()
        metadata = self._object(METADATA)
        alerting = self._alerting()
        earliest, latest = self._time("dispatch.earliest_time"), self._time("dispatch.latest_time")
        drilldowns = tuple(self._drilldowns())
        self._unheeded()
        search = saved.settings["search"]
        version = metadata.get("detection_version") or metadata.get("version")
        return Detection(
            name=saved.name,
            id=_text(metadata.get("detection_id")) or None,
            path=Path(search.path),
            generation="savedsearch",
            type=_kind(rule),
            search=saved.search,
            risk=rule,
            version=_text(version) or None,
            date=saved.text("action.escu.modification_date") or None,
            description=saved.text("description"),
            stories=annotations.get("analytic_story", ()),
            techniques=annotations.get("mitre_attack", ()),
            kill_chain_phases=annotations.get("kill_chain_phases", ()),
            security_domain=saved.text("action.notable.param.security_domain") or None,
            drilldowns=drilldowns,
            search_place=Place(search.path, search.line, search.column),
            warnings=tuple(self.warnings),
            title=saved.text(TITLE),
            app=saved.app,
            earliest=earliest,
            latest=latest,
            alerting=alerting,
            annotations=tuple((key, one) for key, one in annotations.items() if key not in OWN),
        )

    def _warn(self, message: str, key: str, *hints: str) -> None:
        self.warnings.append(Remark(message, self.saved.place_of(key), hints=hints))

    def _risk(self) -> RiskRule:
        saved = self.saved
        message, creates = saved.text(MESSAGE), "risk" in saved.actions
        score = self._number(saved.text(SCORE), SCORE)
        objects: list[RiskObjectRule] = []
        threats: list[ThreatObjectRule] = []
        for entry in self._list(RISK):
            if entry.get("threat_object_field"):
                kind = _text(entry.get("threat_object_type"))
                threats.append(ThreatObjectRule(_text(entry["threat_object_field"]), kind))
                continue
            if not entry.get("risk_object_field"):
                self._warn("an entry names neither a risk object nor a threat object", RISK)
                continue
            own = self._number(_text(entry.get("risk_score")), RISK, score)
            field, kind = _text(entry["risk_object_field"]), _text(entry.get("risk_object_type"))
            objects.append(RiskObjectRule(field, self._object_type(kind, RISK), own, message))
        if (field := saved.text("action.risk.param._risk_object")) and not objects:
            key = "action.risk.param._risk_object_type"
            kinds = self._object_type(saved.text(key), key)
            objects.append(RiskObjectRule(field, kinds, score, message))
        if creates and not objects:
            self._warn("the risk action names no risk object: it creates no risk", "action.risk")
        return RiskRule(
            message=message,
            objects=tuple(objects),
            threat_objects=tuple(threats),
            creates_risk=creates and bool(objects),
            notable="notable" in saved.actions,
        )

    def _object_type(self, kind: str, key: str) -> RiskObjectType:
        known = get_args(RiskObjectType)
        folded = kind.strip().casefold()
        if folded not in known:
            self._warn(
                f"the risk object type `{kind}` is none of {', '.join(known)}: taken as other", key
            )
            return "other"
        return cast("RiskObjectType", folded)

    def _annotations(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for framework, given in self._object(ANNOTATIONS).items():
            if isinstance(given, list):
                found[str(framework)] = tuple(_text(one) for one in given if _text(one))
        return found

    def _alerting(self) -> Alerting:
        saved = self.saved
        kind, relation = saved.text("counttype").lower(), saved.text("relation").lower()
        quantity = saved.text("quantity")
        counts = kind not in ("", "always")
        if counts and (
            kind != "number of events" or relation not in RELATIONS or not quantity.isdecimal()
        ):
            self._warn(
                f"the trigger `{kind} {relation} {quantity}` is not checked: every result counts",
                "counttype",
            )
            counts = False
        names: tuple[str, ...] = ()
        if saved.flag("alert.suppress") and not saved.flag("alert.digest_mode", default=True):
            listed = saved.text("alert.suppress.fields").split(",")
            names = tuple(name.strip() for name in listed if name.strip())
            if not names:
                self._warn("alerts on each result are throttled by no field", "alert.suppress")
        if not counts:
            return Alerting(throttled_by=names)
        return Alerting(relation, int(quantity), names)

    def _time(self, key: str) -> str | None:
        text = self.saved.text(key)
        if text.startswith("rt"):
            self._warn(f"`{text}` is of real time: all of the data is searched", key)
            return None
        return text or None

    def _drilldowns(self) -> Iterator[Drilldown]:
        for one in self._list(DRILLDOWNS):
            search = _text(one.get("search"))
            if search:
                earliest, latest = (
                    _text(one.get("earliest_offset")),
                    _text(one.get("latest_offset")),
                )
                yield Drilldown(_text(one.get("name")), search, earliest or None, latest or None)

    def _unheeded(self) -> None:
        saved = self.saved
        for name in saved.actions:
            if name not in KNOWN_ACTIONS:
                self._warn(f"the action `{name}` is not run here", f"action.{name}")
        for key, why in NOT_HONOURED.items():
            value = saved.text(key)
            if value and not (key == "dispatch.sample_ratio" and value == "1"):
                self._warn(f"{key} = {value}: {why}", key)

    def _object(self, key: str) -> Mapping[str, Any]:
        found = self._json(key, {})
        if not isinstance(found, dict):
            self._warn(f"`{key}` is no JSON object", key)
            return {}
        return found

    def _list(self, key: str) -> list[Mapping[str, Any]]:
        found = self._json(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self._warn(f"`{key}` is no JSON list of objects", key)
            return []
        return found

    def _json(self, key: str, default: Any) -> Any:
        text = self.saved.text(key)
        if not text:
            return default
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            self._warn(f"`{key}` is no JSON: {error}", key)
            return default

    def _number(self, text: str, key: str, default: float = 0.0) -> float:
        if not text:
            return default
        try:
            return float(text)
        except ValueError:
            self._warn(f"the risk score `{text}` is no number: {default:g} is used", key)
            return default


def _kind(rule: RiskRule) -> str:
    """The type of detection that has such a risk rule."""
    if rule.notable:
        return "TTP" if rule.creates_risk else "Correlation"
    return "Anomaly" if rule.creates_risk else "Hunting"


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, bool | dict | list) else str(value).strip()


def found_among(saved: Mapping[str, SavedSearch], query: str) -> SavedSearch | None:
    """The saved search of a name or a label, in any letter case."""
    if query in saved:
        return saved[query]
    wanted = query.strip().casefold()
    for one in saved.values():
        if wanted in (one.name.casefold(), one.label.casefold()):
            return one
    return None


def saved_hints(saved: Mapping[str, SavedSearch], query: str) -> tuple[str, ...]:
    """The names most like one that there is not."""
    return nearest(query, saved)

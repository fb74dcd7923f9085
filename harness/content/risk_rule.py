"""Risk blocks of every generation of detection YAML, in one shape.

The rules: github.com/splunk/contentctl (`detection_abstract.py`, `rba.py`) and the wiki page
"Detection Analytic Types" of github.com/splunk/security_content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from harness.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.content.entries import Entry
    from harness.errors import Place

# A field's name may hold spaces, dots and braces (`Threat Name`, `destination{}.address`); it
# neither begins nor ends with a space, so that `C$ on $dest$` has one token, not two.
TOKEN = re.compile(r"\$([^\s$](?:[^$\n]*[^\s$])?)\$")
# Half a token; `C$` and `ADMIN$` are shares, and `$5` is money.
_HALF_TOKEN = re.compile(r"\$[A-Za-z_][\w.]*|\b[a-z_][\w.]+\$")

RiskObjectType = Literal["system", "user", "other"]

_VICTIM_SYSTEMS = frozenset({"device", "endpoint", "hostname", "ip address"})
# `User Name` is no misprint away from `username`: it really becomes `other` in Splunk's content.
_VICTIM_USERS = frozenset({"user", "username", "email address"})
_THREAT_TYPES = {
    "process name": "process", "process": "process",
    "file name": "file_name", "file": "file_name", "file hash": "file_name",
    "url string": "url", "url": "url",
    "ip address": "ip_address",
}  # fmt: skip
_RISK_TYPES = frozenset({"ttp", "anomaly"})
_NOTABLE_TYPES = frozenset({"ttp", "correlation"})


@dataclass(frozen=True, slots=True)
class RiskObjectRule:
    """Each value of `field` in a result row is a risk object of `type`, worth `score`."""

    field: str
    type: RiskObjectType
    score: float
    message: str


@dataclass(frozen=True, slots=True)
class ThreatObjectRule:
    """Each value of `field` in a result row is a threat object of `type`."""

    field: str
    type: str


@dataclass(frozen=True, slots=True)
class RiskRule:
    """What a detection's result rows become: risk events, notables, or neither.

    `message` is the detection's own message (the finding's title in ESCU 6); each risk object
    carries the message that is rendered for it. `objects` are kept also where the detection's
    type creates no risk, and are not used then.
    """

    message: str = ""
    objects: tuple[RiskObjectRule, ...] = ()
    threat_objects: tuple[ThreatObjectRule, ...] = ()
    creates_risk: bool = False
    notable: bool = False


def risk_from_observables(tags: Entry, kind: str, warn: Callable[[str, Place], None]) -> RiskRule:
    """2021 to 2024: `confidence`, `impact`, `message` and `observable` under `tags`.

    The score is impact * confidence / 100; a `risk_score` that says otherwise is warned of.
    """
    message = tags.text("message") or ""
    confidence, impact = tags.number("confidence"), tags.number("impact")
    stated = tags.number("risk_score")
    if confidence is None or impact is None:
        score = stated or 0.0
    else:
        score = impact * confidence / 100
        if stated is not None and stated != score:
            warn(
                f"`risk_score` says {stated:g}; impact {impact:g} * confidence {confidence:g}"
                f" / 100 is {score:g}, which counts",
                tags.place("risk_score"),
            )
    objects: list[RiskObjectRule] = []
    threats: list[ThreatObjectRule] = []
    for observable in tags.entries("observable"):
        field, called = observable.needed_text("name"), (observable.text("type") or "").casefold()
        roles = {role.casefold() for role in observable.texts("role")}
        # A victim of a type that is neither system nor user is of type other even if it is an
        # attacker too: contentctl asks for the victim's types first, then for the attacker.
        if "attacker" in roles and not (
            "victim" in roles and called in _VICTIM_SYSTEMS | _VICTIM_USERS
        ):
            threats.append(ThreatObjectRule(field, _THREAT_TYPES.get(called, called)))
        else:
            objects.append(
                RiskObjectRule(field, _type_of_observable(called, roles), score, message)
            )
    return _for_type(kind, message, objects, threats)


def _type_of_observable(called: str, roles: set[str]) -> RiskObjectType:
    if "victim" in roles and called in _VICTIM_USERS:
        return "user"
    if "victim" in roles and called in _VICTIM_SYSTEMS:
        return "system"
    return "other"


def risk_from_rba(top: Entry, kind: str) -> RiskRule:
    """Late 2024 on: the block `rba` with its message, risk objects and threat objects."""
    if not top.has("rba"):
        return _for_type(kind, "", [], [])
    rba = top.at("rba")
    message = rba.text("message") or ""
    objects = [
        RiskObjectRule(item.needed_text("field"), _risk_object_type(item), _score(item), message)
        for item in rba.entries("risk_objects")
    ]
    return _for_type(kind, message, objects, _threat_objects(rba))


def risk_from_findings(top: Entry, kind: str) -> RiskRule:
    """ESCU 6: `finding` (title, entity), `intermediate_findings` (entities), `threat_objects`.

    The finding's entity is a risk object with the title as its message; each intermediate
    finding is one with its own message. A finding is a notable whatever the type is called.
    """
    title = ""
    objects: list[RiskObjectRule] = []
    if top.has("finding"):
        finding = top.at("finding")
        title = finding.needed_text("title")
        if finding.has("entity"):
            objects.append(_entity(finding.at("entity"), title))
    if top.has("intermediate_findings"):
        entities = top.at("intermediate_findings").entries("entities")
        objects += [_entity(entity, title) for entity in entities]
    rule = _for_type(kind, title, objects, _threat_objects(top))
    if kind.casefold() == "hunting":
        return rule
    return RiskRule(
        message=title or (objects[0].message if objects else ""),
        objects=rule.objects,
        threat_objects=rule.threat_objects,
        creates_risk=rule.creates_risk,
        notable=rule.notable or bool(title),
    )


def _entity(entity: Entry, title: str) -> RiskObjectRule:
    return RiskObjectRule(
        entity.needed_text("field"),
        _risk_object_type(entity),
        _score(entity),
        entity.text("message") or title,
    )


def _threat_objects(entry: Entry) -> list[ThreatObjectRule]:
    return [
        ThreatObjectRule(item.needed_text("field"), item.needed_text("type"))
        for item in entry.entries("threat_objects")
    ]


def _score(entry: Entry) -> float:
    score = entry.number("score")
    if score is None:
        raise entry.fault("a risk object needs `score`", hints=("add `score:`",))
    return score


def _risk_object_type(entry: Entry) -> RiskObjectType:
    called = entry.needed_text("type").casefold()
    known = get_args(RiskObjectType)
    if called not in known:
        hints = nearest(called, known) or (f"known types: {', '.join(known)}",)
        raise entry.fault(f"unknown risk object type `{called}`", "type", hints=hints)
    return cast("RiskObjectType", called)


def tokens_of(message: str) -> tuple[str, ...]:
    """The fields that a message names between two `$`, each once."""
    return tuple(dict.fromkeys(TOKEN.findall(message)))


def half_tokens(message: str) -> tuple[str, ...]:
    """What looks like a token that lacks one of its `$`: `$dest` at the end of a message."""
    return tuple(_HALF_TOKEN.findall(TOKEN.sub(" ", message)))


def _for_type(
    kind: str, message: str, objects: list[RiskObjectRule], threats: list[ThreatObjectRule]
) -> RiskRule:
    folded = kind.casefold()
    return RiskRule(
        message=message,
        objects=tuple(objects),
        threat_objects=tuple(threats),
        creates_risk=folded in _RISK_TYPES and bool(objects),
        notable=folded in _NOTABLE_TYPES,
    )

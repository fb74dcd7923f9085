"""What of an app's settings for fields cannot be applied, whatever the events are.

`harness apps show` tells it of an app as a whole; a search tells it of the settings it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.apps.props import PropsReader
from harness.apps.stanzas import StanzaIndex
from harness.errors import HarnessError, Place, nearest
from harness.fields.extractions import extractions
from harness.fields.patterns import placed
from harness.fields.resolver import calculation
from harness.registry.predicates import Searching
from harness.spl.macros import expand
from harness.spl.predicates import parse_predicate
from harness.spl.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.apps import Apps, SourceKnowledge
    from harness.apps.conf import Stanza
    from harness.apps.folder import AppFolder
    from harness.spl.macros import MacroSource

Told = tuple[Place, str]


class _One(StanzaIndex):
    """The index for events that one stanza alone is about, whatever they are."""

    def __init__(self, stanza: Stanza) -> None:
        super().__init__({})
        self.stanza = stanza

    def matching(self, source: str, sourcetype: str, host: str) -> tuple[Stanza, ...]:  # noqa: ARG002 - all
        """The one stanza."""
        return (self.stanza,)


def unsound_settings(apps: Apps, app: AppFolder, macros: MacroSource) -> list[Told]:
    """The extractions, calculated fields, lookups and event types that cannot be applied."""
    found: list[Told] = []

    def warn(message: str, place: Place) -> None:
        found.append((place, message))

    for stanza in apps.layers.written(app, "props"):
        reader = PropsReader(_One(stanza), apps.transform, warn)
        found += _of_source(apps, reader.knowledge("", stanza.name, ""))
    for stanza in apps.layers.written(app, "eventtypes"):
        setting = stanza.settings.get("search")
        if setting is None:
            continue
        try:
            text = expand(Source(setting.value, setting.place.path), macros)
            Searching(text, None).lower(parse_predicate(text))
        except HarnessError as error:
            broken = placed(error, setting.place, f"the event type `{stanza.name}`")
            found.append((setting.place, _said(broken)))
    return list(dict.fromkeys(found))


def _of_source(apps: Apps, knowledge: SourceKnowledge) -> Iterator[Told]:
    for one in extractions(knowledge):
        if one.extractor.broken is not None:
            yield one.origin.place, _said(one.extractor.broken)
    for calculated in knowledge.calculated:
        try:
            calculation(calculated)
        except HarnessError as error:
            yield calculated.origin.place, _said(error)
    for lookup in knowledge.lookups:
        if lookup.lookup not in apps.lookups:
            hint = "".join(f" ({text})" for text in nearest(lookup.lookup, apps.lookups))
            said = f"`{lookup.origin.key}`: no app has a lookup `{lookup.lookup}`{hint}"
            yield lookup.origin.place, said


def _said(error: HarnessError) -> str:
    return f"{error.message} ({'; '.join(error.hints)})" if error.hints else error.message

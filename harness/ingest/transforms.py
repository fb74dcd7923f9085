"""Stanzas of transforms.conf at index time: regexes, and eval expressions, over arriving events.

Source: transforms.conf.spec, from REGEX to INGEST_EVAL, and its list of keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.apps.conf import as_boolean
from harness.apps.words import quoted_words
from harness.ingest.bounded import BoundedPattern, bounded
from harness.ingest.evaluations import IndexEvaluation, index_evaluation

if TYPE_CHECKING:
    from harness.apps import Apps
    from harness.apps.conf import Setting
    from harness.ingest.arriving import Arriving

KEYS = {
    "MetaData:Source": ("source", "source::"),
    "MetaData:Sourcetype": ("sourcetype", "sourcetype::"),
    "MetaData:Host": ("host", "host::"),
    "_MetaData:Index": ("index", ""),
    "_raw": ("raw", ""),
    "_time": ("time", ""),
    "queue": ("queue", ""),
}
META = "_meta"
ROUTES = frozenset({"_TCP_ROUTING", "_SYSLOG_ROUTING"})
"""Keys that say where a forwarder sends an event to."""
LOOKAHEAD = 4096
MOST_REPEATS = 1000
GROUP = re.compile(r"\$(\d+)")
FIELD_KEY = re.compile(r"fields?:")


@dataclass(frozen=True, slots=True)
class IndexTransform:
    """A stanza with a REGEX: what it matches in `source_key` goes by FORMAT into `dest_key`.

    `keeps` says that fields are added to those that there are. With `clone` it is a copy of
    each event, of that source type, that is changed; a key that there is not changes nothing.
    """

    regex: BoundedPattern
    format: str
    source_key: str = "_raw"
    dest_key: str = META
    default: str = ""
    repeats: bool = False
    lookahead: int = LOOKAHEAD
    keeps: bool = True
    clone: str = ""

    def apply(self, events: list[Arriving]) -> list[Arriving]:
        """Change the events, or copies of them, which are given back."""
        if not self.clone:
            for event in events:
                self._change(event)
            return []
        clones = []
        for event in events:
            same = event.sourcetype == self.clone
            changed = event if same else replace(event, fields=dict(event.fields))
            self._change(changed)
            if not same:
                changed.sourcetype = self.clone
                clones.append(changed)
        return clones

    def _change(self, event: Arriving) -> None:
        text = self._text(event)
        if text is None:
            return
        found = self.regex.search(text, 0, min(len(text), self.lookahead))
        if self.dest_key != META and self.dest_key not in KEYS:
            return
        if found is None:
            if self.default and self.dest_key != META:
                self._write(event, self.default)
            return
        if not self.keeps:
            event.fields.clear()
        count = 0
        while found is not None and count < MOST_REPEATS:
            self._take(event, found)
            count += 1
            at = found.end() if found.end() > found.start() else found.end() + 1
            if not self.repeats or at > len(text):
                return
            found = self.regex.search(text, at, min(len(text), self.lookahead))

    def _text(self, event: Arriving) -> str | None:
        if self.source_key in KEYS:
            return _key_text(event, self.source_key)
        if self.source_key == META:
            return " ".join(f"{name}::{value}" for name, value in event.fields.items())
        names = FIELD_KEY.sub("", self.source_key, count=1).split(",")
        parts = [value for name in names if (value := event.fields.get(name.strip())) is not None]
        texts = [" ".join(part) if isinstance(part, list) else str(part) for part in parts]
        return " ".join(texts) if texts else None

    def _take(self, event: Arriving, found: Any) -> None:
        if self.dest_key != META:
            self._write(event, _filled(self.format, found, _key_text(event, self.dest_key)))
            return
        if not self.format:
            for name, value in found.groupdict().items():
                if value:
                    event.add(name, value)
        for word in quoted_words(self.format, separators=" \t\n", keep_quotes=True):
            name, sign, value = word.partition("::")
            if sign:
                key, content = (_filled(part.strip('"'), found, "") for part in (name, value))
                if key and content:
                    event.add(key, content)

    def _write(self, event: Arriving, value: str) -> None:
        name, prefix = KEYS[self.dest_key]
        if name == "time":
            event.set_time(value)
        else:
            setattr(event, name, value.removeprefix(prefix))


def _key_text(event: Arriving, key: str) -> str:
    name, prefix = KEYS[key]
    value = getattr(event, name)
    if name == "time":
        return "" if value is None else str(int(value))
    return prefix + str(value)


def _filled(form: str, found: Any, before: str) -> str:
    """A FORMAT with its groups; `$0` is what the key held, and a group there is not is text."""

    def part(written: re.Match[str]) -> str:
        number = int(written[1])
        if number == 0:
            return before
        return (found[number] or "") if number <= found.re.groups else written[0]

    return GROUP.sub(part, form)


def index_transform(
    apps: Apps, name: str, setting: Setting
) -> IndexTransform | IndexEvaluation | None:
    """One transform of a TRANSFORMS class; None, and a warning, for what has no effect here."""
    settings = apps.transform_at_index_time(name)
    text = {key: one.value for key, one in settings.items()}
    if not settings:
        apps.warn(f"no transform `{name}` in any app's transforms.conf", setting.place)
        return None
    evaluated = [
        settings[key] if text.get(key, "").strip() else None
        for key in ("INGEST_EVAL", "STOP_PROCESSING_IF")
    ]
    if any(evaluated):
        return index_evaluation(*evaluated)
    writes = as_boolean(text.get("WRITE_META"), default=False)
    dest = META if writes else text.get("DEST_KEY", "")
    clone = text.get("CLONE_SOURCETYPE", "").strip()
    if "REGEX" not in text or (dest != META and dest not in KEYS and not (clone and dest)):
        what = f"DEST_KEY = {dest}" if dest else "without DEST_KEY and WRITE_META"
        why = "where a forwarder sends events" if dest in ROUTES else "has no effect here"
        apps.warn(f"[{name}]: {what}: {why}" if dest in ROUTES else f"[{name}]: {what} {why}",
                  setting.place)  # fmt: skip
        return None
    regex = bounded(text["REGEX"], settings["REGEX"].place)
    usual = "" if regex.compiled.groupindex and dest == META else f"{name}::$1"
    form = text.get("FORMAT", "") or usual
    lookahead = text.get("LOOKAHEAD", "")
    return IndexTransform(
        regex,
        form,
        text.get("SOURCE_KEY", "_raw") or "_raw",
        dest,
        text.get("DEFAULT_VALUE", ""),
        as_boolean(text.get("REPEAT_MATCH"), default=False) and dest != "_raw",
        int(lookahead) if lookahead.isdecimal() else LOOKAHEAD,
        keeps=writes or dest != META or "$0" in form,
        clone=clone,
    )


Transforming = IndexTransform | IndexEvaluation

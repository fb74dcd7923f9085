"""What is odd in the files of the loaded apps without being malformed.

Settings that the specifications do not have, tags of event types that there are not, and stanzas
that no event can meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.apps.conf import DEFAULT_STANZA
from harness.apps.faults import Ignored
from harness.apps.folder import READ_CONFS, reason_of_command
from harness.apps.props import KV_MODES, LOOKUP, kv_mode_of, missing_transform
from harness.apps.specification import hints_for, setting_of
from harness.apps.stanzas import ANY_CASE_SOURCE, PATTERN_MARKS
from harness.apps.words import quoted_words, url_decoded
from harness.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.apps.classification import EventType
    from harness.apps.conf import Setting, Stanza
    from harness.apps.folder import AppFolder
    from harness.apps.layers import Layers

TOLD_CONFS = (*READ_CONFS, "datamodels", "fields")
_TWICE = "with INDEXED_EXTRACTIONS = json Splunk gives each value twice: here it is there once"
STRUCTURED = ("csv", "tsv", "psv", "w3c", "json")
_DESCRIBED = "KV_MODE = multi:<stanza>: tables are not read as multikv.conf describes them"


def ignored_settings(layers: Layers, app: AppFolder) -> Iterator[Ignored]:
    """The settings of an app that have no effect here, with their reasons and places.

    Settings alike are told once, with their number and the place of the first.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for name in TOLD_CONFS:
        for stanza in layers.written(app, name):
            for key, setting in stanza.settings.items():
                known = setting_of(f"{name}.conf", key, stanza.name)
                if known is not None and known.status != "supported":
                    said = f"not supported: {known.why}" if known.status == "refused" else known.why
                    place = f"{_inside(app, setting.path)}:{setting.line}"
                    found.setdefault((key, said), []).append(place)
    for (key, why), places in found.items():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        yield Ignored(app.name, f"{places[0]}{more}", why, key)
    for stanza in layers.written(app, "commands"):
        if stanza.name != DEFAULT_STANZA:
            place = f"{_inside(app, stanza.path)}:{stanza.line}"
            yield Ignored(app.name, place, reason_of_command(), f"command {stanza.name}")


def warn_of_settings(layers: Layers) -> None:
    """Warn of settings that there are not, and of values that a setting cannot have."""
    for app in layers.apps:
        for name in TOLD_CONFS:
            file = f"{name}.conf"
            for stanza in layers.written(app, name):
                if name == "props" and (twice := _twice(stanza)) is not None:
                    layers.warn(_TWICE, twice.place)
                for key, setting in stanza.settings.items():
                    if setting_of(file, key, stanza.name) is None:
                        hint = " ".join(hints_for(file, key))
                        text = f"`{key}` is no setting of {file}, and is not read"
                        layers.warn(f"{text} ({hint})" if hint else text, setting.place)
                    elif name == "props" and (text := _wrong_value(key, setting.value)):
                        layers.warn(text, setting.place)


def _twice(stanza: Stanza) -> Setting | None:
    """The setting by which Splunk takes JSON apart a second time, when events are searched."""
    indexed, mode = stanza.settings.get("INDEXED_EXTRACTIONS"), stanza.settings.get("KV_MODE")
    if indexed is None or mode is None:
        return None
    both = [one.value.strip().lower() == "json" for one in (indexed, mode)]
    return mode if all(both) else None


def _wrong_value(key: str, value: str) -> str:
    """What is wrong with the value of a setting that has few."""
    kind = value.strip().lower()
    if key == "KV_MODE" and kind:
        mode, table = kv_mode_of(kind)
        if mode not in KV_MODES:
            return f"KV_MODE is none of {', '.join(KV_MODES)}"
        return _DESCRIBED if mode == "multi" and table else ""
    if key == "INDEXED_EXTRACTIONS" and kind and kind not in STRUCTURED:
        return f"INDEXED_EXTRACTIONS = {kind}: only {', '.join(STRUCTURED)} are read"
    return ""


def warn_of_references(
    layers: Layers, transforms: Mapping[str, Stanza], lookups: Iterable[str]
) -> None:
    """Warn of transforms and lookups that the given apps' settings name and no app has."""
    known = set(lookups)
    for app in layers.apps:
        if app.builtin or app.system:
            continue
        for stanza in layers.written(app, "props"):
            for key, setting in stanza.settings.items():
                if key.startswith(("REPORT-", "TRANSFORMS-")):
                    for name in quoted_words(setting.value):
                        if name not in transforms:
                            layers.warn(missing_transform(name), setting.place)
                elif LOOKUP.fullmatch(key):
                    _warn_of_lookup(layers, setting, known)


def _warn_of_lookup(layers: Layers, setting: Setting, known: set[str]) -> None:
    for name in quoted_words(setting.value)[:1]:
        if name not in known:
            hint = " ".join(nearest(name, known))
            text = f"no lookup `{name}` in any app"
            layers.warn(f"{text} ({hint})" if hint else text, setting.place)


def warn_of_stanzas(layers: Layers) -> None:
    """Warn of stanzas of props.conf that no event can meet."""
    for stanza in layers.conf("props").values():
        why = _meets_nothing(stanza.name)
        if why:
            layers.warn(f"`[{stanza.name}]` matches nothing: {why}", stanza.place)


def _meets_nothing(name: str) -> str:
    if name == DEFAULT_STANZA or name.startswith(("rule::", "delayedrule::")):
        return ""
    for prefix in ("source::", ANY_CASE_SOURCE, "host::"):
        if name.startswith(prefix):
            return "" if name[len(prefix) :].strip() else "there is no pattern after it"
    if name.startswith("sourcetype::"):
        return f"a source type has no prefix, write [{name.removeprefix('sourcetype::')}]"
    if not name.strip():
        return "it has no name"
    if not any(mark in name for mark in PATTERN_MARKS) and ("*" in name or "..." in name):
        return f"a source type's name is no pattern, except after {PATTERN_MARKS[0]}"
    return ""


def warn_of_tags(
    stanzas: Mapping[str, Stanza], eventtypes: Mapping[str, EventType], layers: Layers
) -> None:
    """Warn of tags for event types that no app has."""
    for stanza in stanzas.values():
        field, _, value = stanza.name.partition("=")
        name = url_decoded(value.strip())
        if url_decoded(field.strip()) != "eventtype" or not stanza.settings or name in eventtypes:
            continue
        hint = " ".join(nearest(name, eventtypes))
        text = f"tags for the event type `{name}`, which no app has"
        layers.warn(f"{text} ({hint})" if hint else text, stanza.place)


def _inside(app: AppFolder, path: str) -> str:
    """A path in an app without the app's own."""
    root = app.shown("")
    return path.removeprefix(root.rstrip("/") + "/")

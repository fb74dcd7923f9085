"""Apps laid over each other: which file's setting counts.

Highest first: the apps by *reverse* ASCII order of their names, and in each `local/` over
`default/`; below them the built-in add-ons, which the user's Splunk does not have, and at the
bottom Splunk's own defaults. Only what an app exports
(`metadata/default.meta`, `metadata/local.meta`) counts outside of it. The app that a search runs in
counts over all others, with what it keeps to itself.

At index time there is no such app: the apps by ASCII order of their names, every `local/` over
every `default/`, those that are given over the built-in ones, and what an app exports is not asked.
Source: Splunk Admin Manual, "Configuration file precedence" (app and user context, global
context) and default.meta.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.apps.archives import LAYERS
from harness.apps.conf import ConfFile, Stanza, parse_conf
from harness.apps.faults import Ignored, Warned
from harness.apps.words import url_decoded
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.apps.conf import Setting
    from harness.apps.folder import AppFolder

_REPLACEMENT = "\ufffd"
SYSTEM, BUILT_IN, GIVEN = range(3)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A setting with several values: the one that counts, and those that do not."""

    conf: str
    stanza: str
    key: str
    won: Setting
    lost: tuple[Setting, ...]
    over_builtin: bool = False

    @property
    def reason(self) -> str:
        """Why the one that counts does."""
        if all(one.app == self.won.app for one in self.lost):
            return "local/ counts over default/"
        if self.over_builtin:
            return f"an app that was given counts over the built-in ones: `{self.won.app}`"
        return f"of apps, the one whose name comes last in ASCII order counts: `{self.won.app}`"


@dataclass(frozen=True)
class Exports:
    """What one app gives to others: yes or no by `type/stanza/attribute`, most exact first."""

    by_path: Mapping[str, bool]

    def includes(self, kind: str, stanza: str = "", attribute: str = "") -> bool:
        """Whether a setting counts outside of its app; without any word on it, it does not."""
        for path in (f"{kind}/{stanza}/{attribute}", f"{kind}/{stanza}", kind, ""):
            if path in self.by_path:
                return self.by_path[path]
        return False

    @cached_property
    def everything(self) -> bool:
        """Whether the app exports all that it holds."""
        return bool(self.by_path) and all(self.by_path.values()) and "" in self.by_path


class Layers:
    """The conf files of several apps as one, read when first asked for."""

    def __init__(self, apps: Sequence[AppFolder], running: str | None = None) -> None:
        """Take the apps in any order; `running` is the one that searches run in."""
        self._running = running
        order = sorted(apps, key=lambda app: (app.name == running, _rank(app), app.name))
        self.apps = tuple(order)
        self._warnings: dict[Warned, None] = {}
        self._hidden: dict[tuple[str, str], Ignored] = {}
        self._confs: dict[str, Mapping[str, Stanza]] = {}
        self._parts: dict[tuple[str, str], Mapping[str, Stanza]] = {}
        self._files: dict[tuple[str, str], ConfFile] = {}
        self._exports: dict[str, Exports] = {}

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What could not be used in the files read so far."""
        return tuple(self._warnings)

    @property
    def hidden(self) -> tuple[Ignored, ...]:
        """What does not count in the files read so far, because its app does not export it."""
        return tuple(self._hidden.values())

    def warn(self, message: str, place: Place) -> None:
        """Note something that cannot be used as written, once."""
        self._warnings[Warned(_printable(message), place)] = None

    def conf(self, name: str) -> Mapping[str, Stanza]:
        """The stanzas of one conf file over all apps; `name` without `.conf`."""
        if name not in self._confs:
            merged: dict[str, Stanza] = {}
            for app in self.apps:
                for stanza in self.part(app, name).values():
                    _lay(merged, stanza)
            self._confs[name] = merged
        return self._confs[name]

    def system_conf(self, name: str) -> Mapping[str, Stanza]:
        """The stanzas of one conf file of Splunk's own defaults alone."""
        return self._of_app(self.apps[0], name)

    def at_index_time(self, name: str) -> Mapping[str, Stanza]:
        """The stanzas of one conf file in Splunk's global context."""
        merged: dict[str, Stanza] = {}
        named = sorted(self.apps, key=lambda app: app.name, reverse=True)
        for rank in (SYSTEM, BUILT_IN, GIVEN):
            apps = [app for app in named if _rank(app) == rank]
            for layer in LAYERS:
                for app in apps:
                    for stanza in self._parse(app, f"{layer}/{name}.conf").stanzas.values():
                        _lay(merged, stanza)
        return merged

    def whole(self, name: str) -> Mapping[str, Stanza]:
        """The stanzas of one conf file over all apps, also those that an app does not export."""
        merged: dict[str, Stanza] = {}
        for app in self.apps:
            for stanza in self.written(app, name):
                _lay(merged, stanza)
        return merged

    def part(self, app: AppFolder, name: str) -> Mapping[str, Stanza]:
        """What one app gives to a conf file: `local/` over `default/`, and only what it exports."""
        key = (app.name, name)
        if key not in self._parts:
            self._parts[key] = self._of_app(app, name)
        return self._parts[key]

    def written(self, app: AppFolder, name: str) -> Iterator[Stanza]:
        """The stanzas of a conf file as they stand in an app, `default/` first."""
        for layer in LAYERS:
            yield from self._parse(app, f"{layer}/{name}.conf").stanzas.values()

    def disagreements(self, name: str) -> Iterator[Disagreement]:
        """The settings of a conf file that two apps or layers give different values."""
        winners = self.conf(name)
        builtin = {app.name for app in self.apps if app.builtin}
        given: dict[tuple[str, str], list[Setting]] = {}
        for app in self.apps:
            exports = self.exports(app)
            for stanza in self.written(app, name):
                for key, setting in stanza.settings.items():
                    if exports.includes(name, stanza.name, key):
                        given.setdefault((stanza.name, key), []).append(setting)
        for (stanza_name, key), settings in given.items():
            won = winners[stanza_name].settings[key]
            lost = tuple(one for one in settings if one != won and one.value != won.value)
            if lost:
                over = won.app not in builtin and any(one.app in builtin for one in lost)
                yield Disagreement(f"{name}.conf", stanza_name, key, won, lost, over)

    def exports(self, app: AppFolder) -> Exports:
        """What an app exports; Splunk's own defaults count everywhere."""
        found = self._exports.get(app.root.as_posix())
        if found is None:
            own = app.system or app.name == self._running
            found = Exports({"": True}) if own else self._read_exports(app)
            self._exports[app.root.as_posix()] = found
        return found

    def hide(self, app: AppFolder, path: str, what: str) -> None:
        """Note that a part of an app does not count outside of it."""
        reason = f"{what} not exported: metadata/default.meta has no `export = system` for it"
        self._hidden.setdefault((app.name, f"{path} {what}"), Ignored(app.name, path, reason))

    def _of_app(self, app: AppFolder, name: str) -> Mapping[str, Stanza]:
        merged: dict[str, Stanza] = {}
        for layer in LAYERS:
            for stanza in self._parse(app, f"{layer}/{name}.conf").stanzas.values():
                _lay(merged, stanza)
        exports = self.exports(app)
        if exports.everything:
            return merged
        return self._exported_part(app, name, exports, merged)

    def _exported_part(
        self, app: AppFolder, name: str, exports: Exports, stanzas: Mapping[str, Stanza]
    ) -> Mapping[str, Stanza]:
        kept: dict[str, Stanza] = {}
        for stanza in stanzas.values():
            settings = {
                key: setting
                for key, setting in stanza.settings.items()
                if exports.includes(name, stanza.name, key)
            }
            if len(settings) < len(stanza.settings):
                self.hide(app, f"{name}.conf", f"[{stanza.name}]")
            if settings or not stanza.settings:
                kept[stanza.name] = Stanza(stanza.name, stanza.path, stanza.line, settings)
        return kept

    def _parse(self, app: AppFolder, relative: str) -> ConfFile:
        key = (app.name, relative)
        if key not in self._files:
            self._files[key] = self._parsed(app, relative)
        return self._files[key]

    def _parsed(self, app: AppFolder, relative: str) -> ConfFile:
        text = app.read(relative)
        if text is None:
            return ConfFile({}, ())
        path = app.shown(relative)
        if _REPLACEMENT in text:
            line = text.count("\n", 0, text.index(_REPLACEMENT)) + 1
            self.warn("bytes that are not UTF-8 were replaced", Place(path, line))
        parsed = parse_conf(text, path=path, app=app.name)
        self._warnings.update(dict.fromkeys(parsed.warnings))
        return parsed

    def _read_exports(self, app: AppFolder) -> Exports:
        by_path: dict[str, bool] = {}
        if not any(app.files("metadata", ".meta")):
            self.warn(
                "the app has no metadata, so its settings would count on Splunk only in searches "
                "that run in it: here they count in all",
                Place(app.shown("metadata/default.meta")),
            )
            return Exports({"": True})
        for name in ("default.meta", "local.meta"):
            for stanza in self._parse(app, f"metadata/{name}").stanzas.values():
                export = stanza.settings.get("export")
                if export is not None:
                    parts = [url_decoded(part) for part in stanza.name.split("/")]
                    path = "" if stanza.name == "default" else "/".join(parts)
                    by_path[path] = export.value == "system"
        if not any(by_path.values()):
            self.warn(
                "the app exports nothing, so none of its settings count: "
                "`[]` with `export = system` exports all",
                Place(app.shown("metadata/default.meta")),
            )
        return Exports(by_path)


def _rank(app: AppFolder) -> int:
    """Splunk's own defaults lie lowest, then our built-in add-ons, then the apps that are given."""
    return SYSTEM if app.system else BUILT_IN if app.builtin else GIVEN


def _printable(message: str) -> str:
    """Names out of an app's files may hold terminal escapes; a warning is printed."""
    return "".join(character if character.isprintable() else "?" for character in message)


def _lay(lower: dict[str, Stanza], upper: Stanza) -> None:
    """Put a stanza over one of its name: setting by setting, the upper one's counts."""
    below = lower.get(upper.name)
    if below is None:
        lower[upper.name] = upper
        return
    settings: dict[str, Setting] = {**below.settings, **upper.settings}
    lower[upper.name] = Stanza(upper.name, upper.path, upper.line, settings)

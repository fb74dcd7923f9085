"""Apps laid over each other: which file's setting counts.

Highest first: the apps by *reverse* ASCII order of their names, and in each `local/` over
`default/`; below them all Splunk's own defaults. Only what an app exports
(`metadata/default.meta`, `metadata/local.meta`) counts outside of it.
Source: Splunk Admin Manual, "Configuration file precedence" (app and user context) and
default.meta.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.apps.conf import ConfFile, Stanza, parse_conf
from harness.apps.faults import Ignored, Warned
from harness.apps.words import url_decoded
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.apps.conf import Setting
    from harness.apps.folder import AppFolder

_LAYERS = ("default", "local")
_REPLACEMENT = "\ufffd"


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

    def __init__(self, apps: Sequence[AppFolder]) -> None:
        """Take the apps in any order."""
        self.apps = tuple(sorted(apps, key=lambda app: (not app.system, app.name)))
        self._warnings: dict[Warned, None] = {}
        self._hidden: dict[tuple[str, str], Ignored] = {}
        self._confs: dict[str, Mapping[str, Stanza]] = {}
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
                for stanza in self._of_app(app, name).values():
                    _lay(merged, stanza)
            self._confs[name] = merged
        return self._confs[name]

    def system_conf(self, name: str) -> Mapping[str, Stanza]:
        """The stanzas of one conf file of Splunk's own defaults alone."""
        return self._of_app(self.apps[0], name)

    def exports(self, app: AppFolder) -> Exports:
        """What an app exports; Splunk's own defaults count everywhere."""
        found = self._exports.get(app.root.as_posix())
        if found is None:
            found = Exports({"": True}) if app.system else self._read_exports(app)
            self._exports[app.root.as_posix()] = found
        return found

    def hide(self, app: AppFolder, path: str, what: str) -> None:
        """Note that a part of an app does not count outside of it."""
        reason = f"{what} not exported: metadata/default.meta has no `export = system` for it"
        self._hidden.setdefault((app.name, f"{path} {what}"), Ignored(app.name, path, reason))

    def _of_app(self, app: AppFolder, name: str) -> Mapping[str, Stanza]:
        merged: dict[str, Stanza] = {}
        for layer in _LAYERS:
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

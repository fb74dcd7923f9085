"""One app as a folder on disk: bounded reads that never leave it."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from harness.apps.archives import LAYERS, is_archive_name, stem_of, unpacked
from harness.apps.conf import parse_conf
from harness.apps.faults import AppEscape, AppNotFound, AppTooLarge, AppUnreadable, Ignored
from harness.errors import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

CONF_BYTES_MAX = 8 * 2**20
MODEL_BYTES_MAX = 8 * 2**20
FILES_MAX = 20_000

READ_CONFS = ("props", "transforms", "eventtypes", "tags", "macros", "savedsearches", "collections")
OURS = ("kinds.conf", "add_ons.conf")
"""Files of the system app that Splunk does not have."""
_KNOWN_BY_LAYER = frozenset(f"{name}.conf" for name in (*READ_CONFS, "app", "datamodels", "fields"))


@dataclass(frozen=True, slots=True)
class AppFolder:
    """An app's name (its folder's) and where it lies; `root` has no symlinks in it.

    `system` marks Splunk's own defaults, which lie below every app and are always exported;
    `builtin` those and our add-ons. `told` is what its files are called on screen: the path of
    its archive with the folder in it, where it comes from one.
    """

    name: str
    root: Path
    system: bool = False
    builtin: bool = False
    told: str = ""

    def read(self, relative: str, bytes_max: int = CONF_BYTES_MAX) -> str | None:
        """The text of one file, or None where the app has no such file.

        UTF-8, with or without a byte order mark; bytes that are not UTF-8 become U+FFFD.
        Raises AppTooLarge, AppEscape, or AppUnreadable.
        """
        raw = self.read_bytes(relative, bytes_max)
        if raw is None:
            return None
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise AppUnreadable(
                "the file is UTF-16; Splunk reads UTF-8",
                place=Place(self.shown(relative), 1),
                hints=["save it as UTF-8"],
            )
        return raw.decode("utf-8-sig", errors="replace")

    def read_bytes(self, relative: str, bytes_max: int) -> bytes | None:
        """The bytes of one file, or None where the app has no such file."""
        shown = self.shown(relative)
        if not os.path.lexists(self.root / relative):
            return None
        path = self.confine(relative)
        try:
            # Not opened before it is known to be a plain file: opening a pipe would wait for ever.
            if not stat.S_ISREG(path.stat().st_mode):
                raise AppUnreadable(
                    "not a plain file", place=Place(shown), hints=["put a file in its place"]
                )
            with path.open("rb") as file:
                raw = file.read(bytes_max + 1)
        except OSError as error:
            raise _unreadable(error, shown) from error
        if len(raw) > bytes_max:
            raise AppTooLarge(
                f"the file is larger than {bytes_max // 2**20} MiB",
                place=Place(shown),
                hints=["split it, or remove what is not needed"],
            )
        return raw

    def confine(self, relative: str) -> Path:
        """The real path of a file of this app; AppEscape where it lies outside of the app."""
        path = Path(os.path.realpath(self.root / relative))
        if not path.is_relative_to(self.root):
            raise AppEscape(
                "the path leads out of the app",
                place=Place(self.shown(relative)),
                hints=["put a copy of the file into the app instead of a symlink"],
            )
        return path

    def shown(self, relative: str) -> str:
        """The path of one of the app's files as it is printed."""
        return f"{self.told}/{relative}" if self.told else str(self.root / relative)

    def files(self, folder: str, suffix: str = "") -> list[str]:
        """The names, sorted, of the files right inside one folder of the app."""
        try:
            with os.scandir(self.root / folder) as entries:
                names = [entry.name for entry in islice(entries, FILES_MAX + 1)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(error, self.shown(folder)) from error
        if len(names) > FILES_MAX:
            raise AppTooLarge(
                f"more than {FILES_MAX} files in one folder",
                place=Place(self.shown(folder)),
                hints=["remove what is not needed"],
            )
        return sorted(name for name in names if name.endswith(suffix))

    def ignored(self) -> Iterator[Ignored]:
        """What the app holds on disk that has no effect here, a line a file or whole folder."""
        for name in self.files(""):
            if name.startswith("."):
                continue
            if not (self.root / name).is_dir():
                yield Ignored(self.name, name, _reason_of_file(name))
            elif name in LAYERS:
                yield from self._ignored_of_layer(name)
            elif name == "lookups":
                for file in self.files(name):
                    if not file.endswith((".csv", ".csv.gz")):
                        yield Ignored(self.name, f"{name}/{file}", "not a CSV table")
            elif name != "metadata":
                yield Ignored(self.name, f"{name}/", _FOLDER_REASONS.get(name, "not read"))

    def _ignored_of_layer(self, layer: str) -> Iterator[Ignored]:
        for name in self.files(layer):
            shown = f"{layer}/{name}"
            if name == "data":
                for part in self.files(shown):
                    if part != "models":
                        yield Ignored(self.name, f"{shown}/{part}/", "not part of searching")
            elif name not in _KNOWN_BY_LAYER and not (self.system and name in OURS):
                yield Ignored(self.name, shown, _reason_of_file(name))


_FOLDER_REASONS = {
    "bin": "scripts of an app are never run",
    "appserver": "web interface",
    "static": "web interface",
    "README": "documentation",
    "lib": "code of an app is never run",
}


def _unreadable(error: OSError, shown: str) -> AppUnreadable:
    return AppUnreadable(
        f"cannot be read: {error.strerror}", place=Place(shown), hints=["check its permissions"]
    )


def _reason_of_file(name: str) -> str:
    if not name.endswith(".conf"):
        return "not a configuration file"
    return _CONF_REASONS.get(name, "this configuration file has no effect on a search here")


_SCRIPTS = "scripts of an app are never run"


def reason_of_command() -> str:
    """Why a command that an app brings is none here."""
    return _SCRIPTS


_CONF_REASONS = {
    "inputs.conf": "collecting data is not part of a trial",
    "commands.conf": _SCRIPTS,
    "searchbnf.conf": "help for a search box",
}


def open_apps(path: Path, *, system: bool = False, builtin: bool = False) -> list[AppFolder]:
    """Check that a path is a Splunk app in a folder, or an archive with apps; give them.

    Raises AppNotFound where there is no app, and the errors of `harness.storage.unpack`.
    """
    if is_archive_name(path):
        return _apps_of_archive(path)
    if not path.is_dir():
        raise AppNotFound(
            "no such folder" if not path.exists() else "neither a folder nor an archive",
            place=Place(str(path)),
            hints=["name the folder of a Splunk app, the one that has `default/` in it"],
        )
    root = Path(os.path.realpath(path))
    app = AppFolder(root.name, root, system, builtin)
    if any((root / layer).is_dir() for layer in LAYERS):
        return [app]
    inside = [name for name in app.files("") if (root / name / "default").is_dir()]
    hint = f"name the app inside: `{inside[0]}`" if inside else "an app has a folder `default/`"
    raise AppNotFound(
        "no Splunk app: no `default/`, no `local/`", place=Place(str(path)), hints=[hint]
    )


def _apps_of_archive(path: Path) -> list[AppFolder]:
    top, roots = unpacked(path)
    found = []
    for root in roots:
        if root == top:
            app = AppFolder(stem_of(path), root, told=str(path))
            name = app_setting(app, "package", "id") or app_setting(app, "id", "name")
            found.append(replace(app, name=name or app.name))
        else:
            found.append(AppFolder(root.name, root, told=f"{path}/{root.relative_to(top)}"))
    return found


def app_setting(app: AppFolder, stanza: str, key: str) -> str:
    """A setting of app.conf, `local/` over `default/`; empty where there is none."""
    value = ""
    for layer in LAYERS:
        relative = f"{layer}/app.conf"
        text = app.read(relative) or ""
        found = parse_conf(text, path=app.shown(relative), app=app.name).stanzas.get(stanza)
        if found is not None and key in found.settings:
            value = found.settings[key].value
    return value


def is_disabled(app: AppFolder) -> bool:
    """Whether app.conf says `[install] state = disabled`: nothing of such an app counts."""
    return app_setting(app, "install", "state").strip().lower() == "disabled"

"""The Splunk apps of one trial, as everything above sees them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.apps.classification import eventtypes_of, tags_of
from harness.apps.conf import DEFAULT_STANZA
from harness.apps.datamodels import DataModel, data_model_of
from harness.apps.faults import AppNameTaken, UnknownDataModel
from harness.apps.folder import MODEL_BYTES_MAX, READ_CONFS, open_app
from harness.apps.layers import Layers
from harness.apps.macros import macros_of
from harness.apps.props import PropsReader
from harness.apps.stanzas import StanzaIndex, ignored_rules
from harness.apps.transforms import field_transform, lookups_of
from harness.errors import Place, nearest
from harness.model import LookupDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.apps.classification import EventType
    from harness.apps.conf import Setting, Stanza
    from harness.apps.faults import Ignored, Warned
    from harness.apps.folder import AppFolder
    from harness.apps.macros import MacroKey, Validation
    from harness.apps.props import SourceKnowledge
    from harness.apps.transforms import Transform
    from harness.model import Macro

BUILTIN = Path(__file__).resolve().parent.parent / "builtin"
SYSTEM = "system"


class Apps:
    """What a set of apps knows; each file is read when it is first asked for.

    Errors: any member may raise a HarnessError when the file that it needs is too large,
    leads out of its app, or cannot be read.
    """

    def __init__(self, folders: Sequence[AppFolder]) -> None:
        """Take the apps in any order; `load_apps` makes them."""
        self._layers = Layers(folders)
        self._knowledge: dict[tuple[str, str, str], SourceKnowledge] = {}
        self._transforms: dict[str, Transform | None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The apps, the one that counts least first; the first is Splunk's own defaults."""
        return tuple(app.name for app in self._layers.apps)

    def props_for(self, source: str, sourcetype: str, host: str = "") -> SourceKnowledge:
        """What is known about the events of one source, source type and host."""
        key = (source, sourcetype, host)
        if key not in self._knowledge:
            self._knowledge[key] = self._props.knowledge(source, sourcetype, host)
        return self._knowledge[key]

    def settings_for(self, source: str, sourcetype: str, host: str = "") -> Mapping[str, Setting]:
        """The settings of props.conf about such events as they arrive: `rename` does not count."""
        return self._props.settings(source, sourcetype, host)

    def host_kind(self, host: str) -> tuple[str, ...]:
        """The stanzas of props.conf about a host: hosts with the same ones are alike."""
        return self._props.stanzas.of_host(host) if self._props.stanzas.hosts else ()

    def transform(self, name: str) -> Transform | None:
        """The field transform of a name, or None where no app has one."""
        if name not in self._transforms:
            self._transforms[name] = field_transform(name, self._layers.conf("transforms"))
        return self._transforms[name]

    @cached_property
    def kinds(self) -> Mapping[str, Stanza]:
        """The stanzas of kinds.conf: how to tell what a file holds."""
        return self._layers.system_conf("kinds")

    def transform_settings(self, name: str) -> Mapping[str, Setting]:
        """All that transforms.conf says of a name, its defaults included; empty where nothing."""
        stanzas = self._layers.conf("transforms")
        if name not in stanzas or name == DEFAULT_STANZA:
            return {}
        default = stanzas.get(DEFAULT_STANZA)
        return {**(default.settings if default else {}), **stanzas[name].settings}

    @cached_property
    def tags(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The enabled tags by (field, value)."""
        return tags_of(self._layers.conf("tags"), self._layers.warn)

    @cached_property
    def eventtypes(self) -> Mapping[str, EventType]:
        """The event types by name, the disabled ones too."""
        return eventtypes_of(self._layers.conf("eventtypes"), self.tags, self._layers.warn)

    def tags_of_eventtype(self, name: str) -> frozenset[str]:
        """The tags of an event type; none where it is disabled or not there."""
        found = self.eventtypes.get(name)
        return found.tags if found is not None and not found.disabled else frozenset()

    def eventtypes_with_tag(self, tag: str) -> tuple[EventType, ...]:
        """The event types, in order of their names, that give a tag; disabled ones do not."""
        return tuple(
            found
            for _, found in sorted(self.eventtypes.items())
            if tag in found.tags and not found.disabled
        )

    def field_values_with_tag(self, tag: str) -> tuple[tuple[str, str], ...]:
        """The (field, value) pairs that give a tag, without those of event types."""
        return tuple(
            sorted(key for key, tags in self.tags.items() if tag in tags and key[0] != "eventtype")
        )

    @property
    def macros(self) -> Mapping[MacroKey, Macro]:
        """The search macros by (name, number of arguments)."""
        return self._macros[0]

    @property
    def macro_validations(self) -> Mapping[MacroKey, Validation]:
        """The macros' checks of their arguments, where they have one."""
        return self._macros[1]

    @cached_property
    def lookups(self) -> Mapping[str, LookupDefinition]:
        """The lookups by name: those of transforms.conf, and CSV files by their file name."""
        found = {
            lookup.name: lookup
            for lookup in lookups_of(
                self._layers.conf("transforms"), self._table, self._layers.warn
            )
        }
        for app in reversed(self._layers.apps):
            for name in app.files("lookups", ".csv"):
                if not self._layers.exports(app).includes("lookups", name):
                    self._layers.hide(app, f"lookups/{name}", "the table is")
                    continue
                table = app.confine(f"lookups/{name}")
                found.setdefault(
                    name, LookupDefinition(name, table, place=Place(app.shown(f"lookups/{name}")))
                )
        return found

    @cached_property
    def data_models(self) -> Mapping[str, DataModel]:
        """The data models by name; each is read when it is asked for."""
        files: dict[str, tuple[AppFolder, str]] = {}
        for app in self._layers.apps:
            exports = self._layers.exports(app)
            for layer in ("default", "local"):
                for file in app.files(f"{layer}/data/models", ".json"):
                    name = file.removesuffix(".json")
                    if exports.includes("datamodels", name) or exports.includes("models", name):
                        files[name] = (app, f"{layer}/data/models/{file}")
                    else:
                        self._layers.hide(app, f"{layer}/data/models/{file}", "the model is")
        return _DataModels(files, self._layers)

    def data_model(self, name: str) -> DataModel:
        """The data model of a name; UnknownDataModel with the names most like it."""
        if name not in self.data_models:
            known = sorted(self.data_models)
            listed = ", ".join(f"`{one}`" for one in known) or "none"
            raise UnknownDataModel(
                f"no loaded app has a data model `{name}`",
                hints=nearest(name, known) or [f"the loaded apps have {listed}"],
            )
        return self.data_models[name]

    def warn(self, message: str, place: Place) -> None:
        """Note something in an app that cannot be used as written, once."""
        self._layers.warn(message, place)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What could not be used as written, in any file; reads what was not read yet.

        Settings of props.conf are checked for the sources asked for so far.
        """
        self._read_all()
        return self._layers.warnings

    @property
    def ignored(self) -> tuple[Ignored, ...]:
        """What the given and built-in apps hold that has no effect here, and why."""
        self._read_all()
        on_disk = tuple(entry for app in self._layers.apps for entry in app.ignored())
        return on_disk + self._layers.hidden + tuple(ignored_rules(self._layers.conf("props")))

    def _read_all(self) -> None:
        for name in READ_CONFS:
            self._layers.conf(name)
        _ = self.eventtypes, self.macros, self.lookups, dict(self.data_models)

    @cached_property
    def _props(self) -> PropsReader:
        index = StanzaIndex(self._layers.conf("props"))
        return PropsReader(index, self.transform, self._layers.warn)

    @cached_property
    def _macros(self) -> tuple[Mapping[MacroKey, Macro], Mapping[MacroKey, Validation]]:
        return macros_of(self._layers.conf("macros"), self._layers.warn)

    def _table(self, app_name: str, filename: str) -> Path | None:
        """A lookup's file in its app; a name with folders in it is none."""
        if PurePosixPath(filename).name != filename or "\\" in filename or filename == "..":
            return None
        for app in self._layers.apps:
            if app.name == app_name and filename in app.files("lookups"):
                return app.confine(f"lookups/{filename}")
        return None


class _DataModels(Mapping[str, DataModel]):
    """Data models by name, read when first asked for."""

    def __init__(self, files: Mapping[str, tuple[AppFolder, str]], layers: Layers) -> None:
        self._files = files
        self._layers = layers
        self._read: dict[str, DataModel] = {}

    def __getitem__(self, name: str) -> DataModel:
        if name not in self._read:
            app, relative = self._files[name]
            text = app.read(relative, MODEL_BYTES_MAX) or ""
            model = data_model_of(text, path=app.shown(relative))
            if model.name != name:
                self._layers.warn(
                    f"the model is called `{model.name}` inside; the file's name counts",
                    model.place,
                )
            self._read[name] = model
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def load_apps(paths: Sequence[Path] = (), *, builtin: bool = True) -> Apps:
    """Open Splunk apps: Splunk's own defaults, the built-in add-ons, and those given.

    Each path is the folder of an app. Without `builtin` only Splunk's defaults lie below
    them. Raises AppNotFound, AppNameTaken, or Unsupported for archives.
    """
    folders = [open_app(BUILTIN / SYSTEM, system=True)]
    if builtin:
        folders += [
            open_app(path)
            for path in sorted(BUILTIN.iterdir())
            if path.name != SYSTEM and (path / "default").is_dir()
        ]
    own = {folder.name for folder in folders[1:]}
    taken: dict[str, Path] = {}
    for path in paths:
        app = open_app(path)
        if app.name in taken and taken[app.name] == app.root:
            continue
        if app.name in taken or app.name in own:
            raise AppNameTaken(
                f"an app called `{app.name}` is already loaded",
                place=Place(str(path)),
                hints=["rename the folder"]
                if app.name in taken
                else ["rename the folder, or leave the built-in add-ons out"],
            )
        taken[app.name] = app.root
        folders.append(app)
    return Apps(folders)

"""The Splunk apps of one trial, as everything above sees them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.apps.classification import eventtypes_of, tags_of
from harness.apps.collections import collections_of
from harness.apps.conf import DEFAULT_STANZA
from harness.apps.datamodels import DataModel, data_model_of
from harness.apps.faults import AppNameTaken, UnknownDataModel
from harness.apps.folder import MODEL_BYTES_MAX, READ_CONFS, app_setting, is_disabled, open_apps
from harness.apps.layers import Layers
from harness.apps.macros import macros_of
from harness.apps.props import PropsReader
from harness.apps.savedsearches import saved_searches_of
from harness.apps.stanzas import StanzaIndex, ignored_rules
from harness.apps.tokenizers import tokenizers_of
from harness.apps.transforms import field_transform, lookups_of
from harness.errors import HarnessError, Place, nearest
from harness.model import LookupDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.apps.classification import EventType
    from harness.apps.collections import Collection
    from harness.apps.conf import Setting, Stanza
    from harness.apps.faults import Ignored, Warned
    from harness.apps.folder import AppFolder
    from harness.apps.macros import MacroKey
    from harness.apps.props import SourceKnowledge
    from harness.apps.savedsearches import SavedSearch
    from harness.apps.tokenizers import Tokenizer
    from harness.apps.transforms import Transform
    from harness.model import Macro

BUILTIN = Path(__file__).resolve().parent.parent / "builtin"
SYSTEM = "system"


class Apps:
    """What a set of apps knows; each file is read when it is first asked for.

    Errors: any member may raise a HarnessError when the file that it needs is too large,
    leads out of its app, or cannot be read.
    """

    def __init__(
        self,
        folders: Sequence[AppFolder],
        disabled: Sequence[AppFolder] = (),
        running: str | None = None,
    ) -> None:
        """Take the apps in any order; `load_apps` makes them."""
        self._layers = Layers(folders, running)
        self.disabled = tuple(disabled)
        self._knowledge: dict[tuple[str, str, str], SourceKnowledge] = {}
        self._transforms: dict[str, Transform | None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The apps, the one that counts least first; the first is Splunk's own defaults."""
        return tuple(app.name for app in self._layers.apps)

    def seen_from(self, name: str) -> Apps:
        """The same apps as a search sees them that runs in one of them.

        Source: Admin Manual, "Configuration file precedence": the app that is running counts over
        all others, and what it does not export counts in it.
        """
        return Apps(self.folders, self.disabled, name)

    def settings_at_index_time(
        self, source: str, sourcetype: str, host: str = ""
    ) -> Mapping[str, Setting]:
        """The settings of props.conf for events that are being indexed, in the global context."""
        found: dict[str, Setting] = {}
        for stanza in self._index_time.matching(source, sourcetype, host):
            found.update(stanza.settings)
        return found

    def transform_at_index_time(self, name: str) -> Mapping[str, Setting]:
        """What transforms.conf says of a transform in the global context; empty where nothing."""
        stanzas = self._index_transforms
        if name not in stanzas or name == DEFAULT_STANZA:
            return {}
        default = stanzas.get(DEFAULT_STANZA)
        return {**(default.settings if default else {}), **stanzas[name].settings}

    @cached_property
    def _index_transforms(self) -> Mapping[str, Stanza]:
        return self._layers.at_index_time("transforms")

    @cached_property
    def _index_time(self) -> StanzaIndex:
        return StanzaIndex(self._layers.at_index_time("props"))

    @property
    def folders(self) -> tuple[AppFolder, ...]:
        """The apps themselves, in the order of their names."""
        return self._layers.apps

    @property
    def layers(self) -> Layers:
        """The conf files of the apps, as they lie over each other."""
        return self._layers

    def props_for(self, source: str, sourcetype: str, host: str = "") -> SourceKnowledge:
        """What is known about the events of one source, source type and host."""
        key = (source, sourcetype, host)
        if key not in self._knowledge:
            self._knowledge[key] = self._props.knowledge(source, sourcetype, host)
        return self._knowledge[key]

    def host_kind(self, host: str) -> tuple[str, ...]:
        """The stanzas of props.conf about a host: hosts with the same ones are alike."""
        return self._props.stanzas.of_host(host) if self._props.stanzas.hosts else ()

    def warn(self, message: str, place: Place) -> None:
        """Note what turned out to be unusable while the apps' knowledge was applied."""
        self._layers.warn(message, place)

    def transform(self, name: str) -> Transform | None:
        """The field transform of a name, or None where no app has one."""
        if name not in self._transforms:
            self._transforms[name] = field_transform(name, self._layers.conf("transforms"))
        return self._transforms[name]

    @cached_property
    def kinds(self) -> Mapping[str, Stanza]:
        """The stanzas of kinds.conf: how to tell what a file holds."""
        return self._layers.system_conf("kinds")

    @cached_property
    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """How the values of fields are found that have several in one text, by field."""
        return tokenizers_of(self._layers.conf("fields"))

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

    @cached_property
    def macros(self) -> Mapping[MacroKey, Macro]:
        """The search macros by (name, number of arguments)."""
        return macros_of(self._layers.conf("macros"), self._layers.warn)

    def app_of_command(self, name: str) -> str | None:
        """The app whose commands.conf has a command, which is a script and never run."""
        stanza = self._layers.conf("commands").get(name)
        if stanza is None:
            return None
        return next((setting.app for setting in stanza.settings.values()), "")

    @cached_property
    def collections(self) -> Mapping[str, Collection]:
        """The KV store collections by name."""
        return collections_of(self._layers.conf("collections"), self._layers.warn)

    @cached_property
    def lookups(self) -> Mapping[str, LookupDefinition]:
        """The lookups by name: those of transforms.conf, and CSV files by their file name."""
        found = {
            lookup.name: lookup
            for lookup in lookups_of(
                self._layers.conf("transforms"),
                self._table,
                self.collections,
                self._layers.warn,
            )
        }
        for app in reversed(self._layers.apps):
            for name in app.files("lookups"):
                if not name.endswith((".csv", ".csv.gz")):
                    continue
                if not self._layers.exports(app).includes("lookups", name):
                    self._layers.hide(app, f"lookups/{name}", "the table is")
                    continue
                table = app.confine(f"lookups/{name}")
                found.setdefault(
                    name, LookupDefinition(name, table, place=Place(app.shown(f"lookups/{name}")))
                )
        return found

    @cached_property
    def saved_searches(self) -> Mapping[str, SavedSearch]:
        """The saved searches by name: the disabled ones too, and those that are not exported."""
        return saved_searches_of(self._layers.whole("savedsearches"), self._layers.warn)

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
                        if name in files and files[name][0] is not app:
                            self._layers.warn(
                                f"the data model `{name}` does not count: `{app.name}` has one"
                                " of this name, and comes later in ASCII order",
                                Place(files[name][0].shown(files[name][1])),
                            )
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

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What could not be used as written, or is odd, in any file; reads all of them.

        Settings of props.conf are checked for the sources asked for so far.
        """
        self._read_all()
        return self._layers.warnings

    @property
    def ignored(self) -> tuple[Ignored, ...]:
        """What the given and built-in apps hold that has no effect here, and why."""
        self._read_all()
        from harness.apps.checks import ignored_settings  # noqa: PLC0415 - as above

        found = [
            entry
            for app in self._layers.apps
            for entry in (*app.ignored(), *ignored_settings(self._layers, app))
        ]
        return (*found, *self._layers.hidden, *ignored_rules(self._layers.conf("props")))

    def _read_all(self) -> None:
        from harness.apps import checks  # noqa: PLC0415 - a search needs no table of all settings

        for name in READ_CONFS:
            self._layers.conf(name)
        _ = self.eventtypes, self.macros, self.lookups, self.saved_searches
        for name in self.data_models:
            try:
                _ = self.data_models[name]
            except HarnessError as error:
                self._layers.warn(error.message, error.place or Place())
        checks.warn_of_settings(self._layers)
        checks.warn_of_stanzas(self._layers)
        checks.warn_of_references(self._layers, self._layers.conf("transforms"), self.lookups)
        checks.warn_of_tags(self._layers.conf("tags"), self.eventtypes, self._layers)

    @cached_property
    def _props(self) -> PropsReader:
        index = StanzaIndex(self._layers.conf("props"))
        return PropsReader(index, self.transform, self._layers.warn)

    def _table(self, app_name: str, filename: str) -> Path | None:
        """A lookup's file: in its app, else in one that exports it; folders do not count.

        Source: transforms.conf.spec, `filename` (a path is stripped), and "Configuration file
        precedence".
        """
        name = filename.replace("\\", "/").rpartition("/")[2]
        own = [app for app in self._layers.apps if app.name == app_name]
        for app in (*own, *reversed(self._layers.apps)):
            if name not in app.files("lookups"):
                continue
            if app.name == app_name or self._layers.exports(app).includes("lookups", name):
                return app.confine(f"lookups/{name}")
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

    Each path is the folder of an app, or an archive of one or more. Without `builtin` only
    Splunk's defaults lie below them. An app that its app.conf disables is set apart, and so is
    a built-in one where the add-on is given that it stands in for. Raises AppNotFound,
    AppNameTaken, or what is wrong with an archive.
    """
    folders = open_apps(BUILTIN / SYSTEM, system=True, builtin=True)
    disabled: list[AppFolder] = []
    if builtin:
        folders += [
            app
            for path in sorted(BUILTIN.iterdir())
            if path.name != SYSTEM and (path / "default").is_dir()
            for app in open_apps(path, builtin=True)
        ]
    own = {folder.name for folder in folders[1:]}
    taken: dict[str, Path] = {}
    for path, app in [(one, app) for one in paths for app in open_apps(one)]:
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
        (disabled if is_disabled(app) else folders).append(app)
    if taken and builtin:
        replaced = _replaced(folders)
        folders = [app for app in folders if app not in replaced]
        disabled += replaced
    return Apps(folders, disabled)


def _replaced(folders: Sequence[AppFolder]) -> list[AppFolder]:
    """The built-in add-ons that stand in for one that is given, by add_ons.conf."""
    given = {
        name.lower()
        for app in folders
        if not app.builtin
        for name in (app.name, app_setting(app, "package", "id"))
    }
    stanzas = Layers(folders[:1]).system_conf("add_ons")
    instead_of = {
        name: stanza.settings["INSTEAD_OF"].value.replace(",", " ").lower().split()
        for name, stanza in stanzas.items()
    }
    return [app for app in folders if app.builtin and given & set(instead_of.get(app.name, ()))]

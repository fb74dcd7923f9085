"""What one app holds and what becomes of it: for `harness apps`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from harness.apps.conf import DEFAULT_STANZA
from harness.apps.folder import READ_CONFS, app_setting
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.apps.apps import Apps
    from harness.apps.folder import AppFolder


@dataclass(frozen=True, slots=True)
class Overruled:
    """A setting with several values: which one counts, and why."""

    setting: str
    counts: str
    place: str
    reason: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """One app: `holds` has the names of what it brings by kind, `unusable` why some cannot be used.

    `ignored` are (what and where, why), `warnings` (where, what).
    """

    name: str
    version: str
    label: str
    origin: str
    path: str
    enabled: bool
    stanzas: dict[str, int] = field(default_factory=dict)
    holds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unusable: tuple[tuple[str, str], ...] = ()
    overruled: tuple[Overruled, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return asdict(self)


def summary_of(apps: Apps, app: AppFolder) -> Inventory:
    """What an app is and how much it holds, without a look at what is wrong with it."""
    enabled = app not in apps.disabled
    return Inventory(
        name=app.name,
        version=app_setting(app, "launcher", "version") or app_setting(app, "id", "version"),
        label=app_setting(app, "ui", "label"),
        origin="splunk" if app.system else "built-in" if app.builtin else "given",
        path=app.shown("").rstrip("/"),
        enabled=enabled,
        stanzas=_stanzas(apps, app),
        holds=_holds(apps, app),
    )


def inventory_of(apps: Apps, app: AppFolder) -> Inventory:
    """All that is to be said of an app; reads all of the loaded apps."""
    summary = summary_of(apps, app)
    root = app.shown("").rstrip("/") + "/"
    warnings = [one for one in apps.warnings if (one.place.path or "").startswith(root)]
    return Inventory(
        name=summary.name,
        version=summary.version,
        label=summary.label,
        origin=summary.origin,
        path=summary.path,
        enabled=summary.enabled,
        stanzas=summary.stanzas,
        holds=summary.holds,
        unusable=tuple(_unusable(apps, app)),
        overruled=tuple(_overruled(apps, app)),
        ignored=tuple(
            (f"{one.what} ({one.path})" if one.what else one.path, one.reason)
            for one in apps.ignored
            if one.app == app.name
        ),
        warnings=tuple((str(one.place).removeprefix(root), one.message) for one in warnings),
    )


def _stanzas(apps: Apps, app: AppFolder) -> dict[str, int]:
    found = {}
    for name in READ_CONFS:
        names = {stanza.name for stanza in apps.layers.written(app, name)}
        if names:
            found[f"{name}.conf"] = len(names)
    return found


def _holds(apps: Apps, app: AppFolder) -> dict[str, tuple[str, ...]]:
    def stanzas(conf: str) -> set[str]:
        return {one.name for one in apps.layers.written(app, conf)} - {DEFAULT_STANZA}

    transforms = list(apps.layers.written(app, "transforms"))
    lookups = {one.name for one in transforms if _is_lookup(set(one.settings))}
    kinds = {
        "sources": stanzas("props"),
        "transforms": {one.name for one in transforms} - lookups - {DEFAULT_STANZA},
        "lookups": lookups,
        "tables": {file for file in app.files("lookups") if file.endswith((".csv", ".csv.gz"))},
        "collections": stanzas("collections"),
        "event types": stanzas("eventtypes"),
        "macros": stanzas("macros"),
        "saved searches": stanzas("savedsearches"),
        "data models": {
            file.removesuffix(".json")
            for layer in ("default", "local")
            for file in app.files(f"{layer}/data/models", ".json")
        },
    }
    return {kind: tuple(sorted(names)) for kind, names in kinds.items() if names}


def _is_lookup(keys: set[str]) -> bool:
    return bool(keys & {"filename", "external_cmd", "collection", "external_type"})


def _unusable(apps: Apps, app: AppFolder) -> Iterator[tuple[str, str]]:
    """The lookups, transforms and data models that cannot be used, each with the reason."""
    root = app.shown("").rstrip("/") + "/"

    def where(path: str | None, line: int | None) -> str:
        return f"{(path or '').removeprefix(root)}:{line}"

    for name, lookup in sorted(apps.lookups.items()):
        if lookup.unsupported and (lookup.place.path or "").startswith(root):
            place = where(lookup.place.path, lookup.place.line)
            yield f"lookup {name} ({place})", lookup.unsupported
    for name in sorted(apps.data_models):
        try:
            model = apps.data_models[name]
        except HarnessError:  # among the warnings
            continue
        if not (model.place.path or "").startswith(root):
            continue
        for data_set in model.datasets:
            if data_set.unsupported:
                place = where(data_set.place.path, data_set.place.line)
                yield f"data set {name}.{data_set.name} ({place})", data_set.unsupported


def _overruled(apps: Apps, app: AppFolder) -> Iterator[Overruled]:
    """The settings of an app that another value overrules, or that overrule another app's."""
    for name in READ_CONFS:
        for one in apps.layers.disagreements(name):
            if app.name not in {one.won.app, *(lost.app for lost in one.lost)}:
                continue
            yield Overruled(
                setting=f"{one.conf} [{one.stanza}] {one.key}",
                counts=one.won.value,
                place=str(one.won.place),
                reason=one.reason,
                others=tuple(f"{lost.place}: {lost.value}" for lost in one.lost),
            )

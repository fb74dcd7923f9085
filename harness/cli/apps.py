"""`harness apps`: the loaded apps, what they hold, and what of it does not count."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, console
from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.trials import Project


class UnknownApp(UsageError):
    """A name that no loaded app has."""


APP = click.option("--app", "apps", type=PATH, multiple=True, help="A Splunk app: folder, archive.")
BARE = click.option("--no-builtin-apps", is_flag=True, help="Leave the built-in add-ons out.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def apps() -> None:
    """List the loaded Splunk apps, and show what one of them holds."""


@apps.command("list")
@APP
@BARE
@JSON
def list_(*, as_json: bool, **flags: Any) -> int:
    """List the apps, the one that counts least first, and how much each holds."""
    from harness.apps import summary_of
    from harness.report.apps import print_inventories, write_inventories

    project = _project(flags)
    loaded = project.apps
    found = [summary_of(loaded, app) for app in (*loaded.folders, *loaded.disabled)]
    if as_json:
        write_inventories(found, sys.stdout)
    else:
        print_inventories(found, console())
    return 0


@apps.command()
@click.argument("name")
@APP
@BARE
@JSON
def show(name: str, *, as_json: bool, **flags: Any) -> int:
    """Show all that an app holds, what overrules what, and what has no effect here and why.

    Each reason has its file and line, as paths in the app.
    """
    from harness.apps import inventory_of
    from harness.fields.soundness import unsound_settings
    from harness.ingest.soundness import unsound_at_index_time
    from harness.report.apps import print_inventory, write_inventory

    project = _project(flags)
    loaded = project.apps
    known = {app.name: app for app in (*loaded.folders, *loaded.disabled)}
    if name not in known:
        hints = nearest(name, known) or (f"loaded are {', '.join(known)}",)
        raise UnknownApp(f"no loaded app is called `{name}`", hints=hints)
    found = inventory_of(loaded, known[name])
    root = known[name].shown("").rstrip("/") + "/"
    unsound = unsound_settings(loaded, known[name], project.knowledge)
    unsound += unsound_at_index_time(loaded, known[name])
    told = [(str(place).removeprefix(root), message) for place, message in unsound]
    found = replace(found, warnings=tuple(dict.fromkeys((*found.warnings, *told))))
    if as_json:
        write_inventory(found, sys.stdout)
    else:
        print_inventory(found, console())
    return 0


def _project(flags: dict[str, Any]) -> Project:
    from harness.cli.options import settings_from
    from harness.trials import Project

    return Project(settings_from({**flags, "content": Path()}))

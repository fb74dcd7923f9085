"""What of an app's settings for index time cannot be used, whatever the events are.

Only stanzas for a source type by its name are tried; of several faults of one, the first is told.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.errors import HarnessError, Place
from harness.ingest.breaking import break_rules
from harness.ingest.index_time import index_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.apps import Apps
    from harness.apps.folder import AppFolder

PATTERN = ("::", "(", "*")


def unsound_at_index_time(apps: Apps, app: AppFolder) -> list[tuple[Place, str]]:
    """The settings of line breaking, times and transforms that raise an error where data comes."""
    found: dict[tuple[Place, str], None] = {}
    root = app.shown("").rstrip("/") + "/"
    for stanza in apps.layers.written(app, "props"):
        if any(mark in stanza.name for mark in PATTERN):
            continue
        settings = apps.settings_at_index_time("", stanza.name, "")
        rules: tuple[Callable[[], object], ...] = (
            partial(break_rules, settings),
            partial(index_rules, apps, "", stanza.name, ""),
        )
        for read in rules:
            try:
                read()
            except HarnessError as error:
                if error.place and (error.place.path or "").startswith(root):
                    found[error.place, error.message] = None
    return list(found)

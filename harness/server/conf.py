"""Configuration: what the apps say, with what clients set over it.

Every collection of the REST interface that is kept (indexes, tokens, roles, saved searches) is a
conf file here, as it is in Splunk.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.server.faults import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.apps import Apps
    from harness.server.store import Store

FILE_NAME = re.compile(r"[A-Za-z][\w-]{0,99}")
KEY_NAME = re.compile(r"[A-Za-z_][\w.:\-]{0,255}")
MOST_STANZAS = 5000
MOST_KEYS = 1000
MOST_VALUE = 1_000_000
DATA_MODELS = "datamodels"


class Configuration:
    """Conf files by name; stanzas that clients wrote are kept in the store."""

    def __init__(self, apps: Apps, store: Store) -> None:
        self._apps = apps
        self._store = store
        self._set: dict[str, dict[str, dict[str, str]]] = {}
        for file, stanza, key, value in store.settings():
            if FILE_NAME.fullmatch(file) is None:
                continue  # the server's own, which no client may see
            values = self._set.setdefault(file, {}).setdefault(stanza, {})
            if key:
                values[key] = value

    def names(self) -> list[str]:
        """The conf files that are known by name."""
        return sorted({"datamodels", "props", "transforms", "savedsearches", *self._set})

    def stanzas(self, file: str) -> dict[str, dict[str, str]]:
        """The stanzas of a file; what clients set counts over what apps say."""
        _check(FILE_NAME, file, "configuration file")
        found: dict[str, dict[str, str]] = {}
        if file == DATA_MODELS:
            found = {name: {"acceleration": "0"} for name in self._apps.data_models}
        for name, stanza in self._apps.layers.conf(file).items():
            found.setdefault(name, {}).update(
                {key: setting.value for key, setting in stanza.settings.items()}
            )
        for name, values in self._set.get(file, {}).items():
            found.setdefault(name, {}).update(values)
        return found

    def written(self, file: str) -> Mapping[str, Mapping[str, str]]:
        """The stanzas of a file that clients wrote."""
        return self._set.get(file, {})

    def stanza(self, file: str, name: str) -> dict[str, str]:
        """A stanza; Refusal where there is none."""
        found = self.stanzas(file).get(name)
        if found is None:
            raise Refusal(404, f"{name} does not exist")
        return found

    def set(self, file: str, stanza: str, values: Mapping[str, str]) -> None:
        """Set keys of a stanza, made where it is new."""
        _check(FILE_NAME, file, "configuration file")
        if not stanza or len(stanza) > 1000 or "\n" in stanza:
            raise Refusal(400, "a stanza needs a name of one line")
        written = self._set.setdefault(file, {})
        if stanza not in written and len(written) >= MOST_STANZAS:
            raise Refusal(400, f"more than {MOST_STANZAS} stanzas in one file")
        for key, value in values.items():
            _check(KEY_NAME, key, "key")
            if len(value) > MOST_VALUE:
                raise Refusal(400, f"the value of {key} is too long")
        merged = {**written.get(stanza, {}), **values}
        if len(merged) > MOST_KEYS:
            raise Refusal(400, f"more than {MOST_KEYS} keys in one stanza")
        self._store.keep_stanza(file, stanza, merged)
        written[stanza] = merged

    def remove(self, file: str, stanza: str) -> None:
        """Forget a stanza that a client wrote."""
        if stanza not in self._set.get(file, {}):
            raise Refusal(404, f"{stanza} does not exist, or an app brings it")
        self._store.keep_stanza(file, stanza, None)
        del self._set[file][stanza]


def _check(pattern: re.Pattern[str], text: str, what: str) -> None:
    if pattern.fullmatch(text) is None:
        raise Refusal(400, f"'{text[:100]}' is no name of a {what}")

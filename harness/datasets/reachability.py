"""Hosts that could not be reached, remembered so that the wait for them is paid once."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from harness.datasets.address import is_loopback, shown
from harness.datasets.errors import Unreachable
from harness.errors import Place
from harness.storage.files import locked, replace_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.datasets.settings import StoreSettings

_CLOCK_SLACK_SECONDS = 5.0


class Reachability:
    """A small JSON file in the cache folder, shared by every process that uses the folder.

    It maps a host to the time (epoch seconds) and the reason of its last failure. Hosts of
    this machine are never remembered: their refusal costs nothing, and the person who is
    about to start the server should not wait ten minutes. A file that is damaged, or that
    comes from the future, remembers nothing.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._path = settings.cache_dir / "unreachable.json"
        self._memory_seconds = settings.limits.unreachable_memory_seconds
        self._cache_dir = settings.cache_dir
        self._retry_now = settings.retry_now

    def failure(self, host: str) -> tuple[str, float] | None:
        """Why `host` could not be reached, and the seconds until it is asked again."""
        entry = self._entries().get(host)
        if entry is None:
            return None
        reason, left = entry["reason"], entry["at"] + self._memory_seconds - time.time()
        return str(reason), left

    def refuse_if_remembered(self, host: str, url: str) -> None:
        """Raise `Unreachable` for an address on a host that could not be reached just now."""
        if self._retry_now:
            return
        failure = self.failure(host)
        if failure is not None:
            reason, seconds_left = failure
            raise Unreachable(
                f"{host} could not be reached a while ago ({reason})",
                place=Place(path=shown(url)),
                hints=(
                    f"it is asked again in {max(1, round(seconds_left / 60))} min",
                    "`harness datasets fetch --retry` asks now",
                ),
            )

    def remember(self, host: str, reason: str) -> None:
        """Note that `host` could not be reached just now."""
        if is_loopback(host):
            return
        with self._lock():
            entries = self._entries()
            entries[host] = {"at": time.time(), "reason": reason}
            self._write(entries)

    def forget(self, host: str) -> None:
        """Note that `host` was reached, or is to be asked again."""
        if host not in self._entries():
            return
        with self._lock():
            entries = self._entries()
            if entries.pop(host, None) is not None:
                self._write(entries)

    def _entries(self) -> dict[str, dict[str, Any]]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        hosts = stored.get("hosts") if isinstance(stored, dict) else None
        if not isinstance(hosts, dict):
            return {}
        return {host: entry for host, entry in hosts.items() if self._is_current(entry)}

    def _is_current(self, entry: object) -> bool:
        if not isinstance(entry, dict):
            return False
        at = entry.get("at")
        if not isinstance(at, int | float) or not isinstance(entry.get("reason"), str):
            return False
        age = time.time() - at
        return -_CLOCK_SLACK_SECONDS <= age < self._memory_seconds

    def _lock(self) -> AbstractContextManager[None]:
        return locked(self._cache_dir / "unreachable.lock", timeout_seconds=10.0)

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        replace_file(self._path, json.dumps({"hosts": entries}, indent=1).encode())

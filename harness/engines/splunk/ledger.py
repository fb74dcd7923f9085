"""Which processes of this machine use an instance, and what they made on it.

The last that leaves cleans up; what a killed process left is found here by `harness splunk clean`.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from harness.replay import SplunkFault

if TYPE_CHECKING:
    from collections.abc import Iterator

TURN_SECONDS = 1800.0
LOCK_SECONDS = 600.0


def ledger_folder() -> Path:
    """Where the ledgers lie."""
    told = os.environ.get("HARNESS_CACHE_DIR")
    return (Path(told) if told else user_cache_path("detection-harness")) / "splunk"


class Ledger:
    """The ledger of one instance, or of one container."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        where = folder or ledger_folder()
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = hashlib.sha256(name.encode()).hexdigest()[:20]
        self.name = name
        self.label = hashlib.sha256(f"{where.resolve()}/{digest}".encode()).hexdigest()[:20]
        self.path = where / f"{digest}.json"
        self.lock = FileLock(where / f"{digest}.lock")
        self.turn = FileLock(where / f"{digest}.turn")

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """The ledger's content, written back in the end; other processes wait."""
        with self.waiting():
            book = self._read()
            yield book
            self._write(book)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Alone among the processes, for as long as it takes to start or stop something."""
        try:
            self.lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            raise SplunkFault(
                f"another process has held {self.lock.lock_file} for {LOCK_SECONDS:g} s"
            ) from error
        try:
            yield
        finally:
            self.lock.release()

    def take_turn(self) -> None:
        """Wait until no other trial is on the instance."""
        try:
            self.turn.acquire(timeout=TURN_SECONDS)
        except Timeout as error:
            raise SplunkFault(
                f"another trial has been on {self.name} for {TURN_SECONDS:g} s",
                hints=["`harness splunk clean` ends what a dead run left"],
            ) from error

    def end_turn(self) -> None:
        """Let the next trial have the instance."""
        if self.turn.is_locked:
            self.turn.release()

    def join(self) -> dict[str, Any]:
        """Note that this process uses the instance."""
        with self.opened() as book:
            book["users"] = [*_alive(book), os.getpid()]
            return dict(book)

    def users(self) -> list[int]:
        """The other processes that use the instance and live."""
        with self.waiting():
            return [one for one in _alive(self._read()) if one != os.getpid()]

    def note(self, kind: str, name: str) -> None:
        """Note something that was made, so that it can be removed."""
        with self.opened() as book:
            book.setdefault(kind, [])
            if name not in book[kind]:
                book[kind].append(name)

    def strike(self, kind: str, name: str) -> None:
        """Note that something was removed."""
        with self.opened() as book:
            book[kind] = [one for one in book.get(kind, []) if one != name]

    def known(self, kind: str) -> list[str]:
        """What is noted."""
        with self.waiting():
            return [one for one in self._read().get(kind, []) if isinstance(one, str)]

    def _read(self) -> dict[str, Any]:
        try:
            book = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"name": self.name}
        return book if isinstance(book, dict) else {"name": self.name}

    def _write(self, book: dict[str, Any]) -> None:
        fresh = self.path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({**book, "name": self.name}, file)
        fresh.replace(self.path)

    @contextmanager
    def leaving(self) -> Iterator[tuple[dict[str, Any], bool]]:
        """Leave the instance: the book, and whether this was the last; nobody joins meanwhile."""
        with self.opened() as book:
            book["users"] = [one for one in _alive(book) if one != os.getpid()]
            yield book, not book["users"]


def _alive(book: dict[str, Any]) -> list[int]:
    found = []
    for one in dict.fromkeys(book.get("users", [])):
        try:
            os.kill(int(one), 0)
        except (ProcessLookupError, ValueError, TypeError, OverflowError):
            continue
        except PermissionError:
            pass
        found.append(one)
    return found

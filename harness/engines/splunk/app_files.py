"""Splunk apps as they are copied into a container: a folder, or files that were made."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SPLUNK_ID = 41812
"""The user and group that Splunk's image runs as; another image takes no notice."""


@dataclass(frozen=True, slots=True)
class AppFiles:
    """An app's name with its folder, or with the files that it consists of."""

    name: str
    root: Path | None = None
    made: Mapping[str, bytes] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every file by its path in the app; links that lead out are left out."""
        yield from sorted(self.made.items())
        if self.root is None:
            return
        top = self.root.resolve()
        for path in sorted(top.rglob("*")):
            inside = path.relative_to(top)
            hidden = any(one.startswith((".", "__pycache__")) for one in inside.parts)
            if hidden or not path.is_file() or not path.resolve().is_relative_to(top):
                continue
            yield inside.as_posix(), path.read_bytes()


def digest_of(apps: Sequence[AppFiles]) -> str:
    """What the apps hold, in one word."""
    found = hashlib.sha256()
    for app in sorted(apps, key=lambda one: one.name):
        for name, data in app.files():
            found.update(f"{app.name}/{name}\0{len(data)}\0".encode())
            found.update(data)
    return found.hexdigest()


def archive(apps: Sequence[AppFiles], *, under: str = "", packed: bool = False) -> bytes:
    """The apps in one tar, under a folder; it and the one above it are made where they are not."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if packed else "w") as tar:
        top = under.strip("/")
        for folder in (top.rpartition("/")[0], top) if top else ():
            tar.addfile(_entry(folder, kind=tarfile.DIRTYPE, mode=0o755))
        for app in apps:
            folders: set[str] = {top, *_parents(top)}
            for name, data in app.files():
                path = f"{top}/{app.name}/{name}" if top else f"{app.name}/{name}"
                for folder in _parents(path):
                    if folder not in folders:
                        folders.add(folder)
                        tar.addfile(_entry(folder, kind=tarfile.DIRTYPE, mode=0o755))
                tar.addfile(_entry(path, size=len(data)), io.BytesIO(data))
    return buffer.getvalue()


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _entry(
    path: str, *, size: int = 0, kind: bytes = tarfile.REGTYPE, mode: int = 0o644
) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size, entry.type, entry.mode = size, kind, mode
    entry.uid = entry.gid = SPLUNK_ID
    entry.mtime = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    return entry

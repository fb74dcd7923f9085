"""Apps in archives: unpacked once into the cache folder, named by the hash of their content.

    apps/<hash>/                  what the archive holds, whole or not there at all
    apps/<hash>.lock              held by the one process that unpacks it

An archive holds an app's files at its top, or the folders of one or more apps, which may lie in
folders of their own (`etc/apps/…`, or the folder that a download of a repository begins with).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.apps.faults import AppNotFound
from harness.errors import Place
from harness.storage.bounds import GIBIBYTE, MEBIBYTE, Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".tgz", ".tar.gz", ".tar", ".spl", ".zip")
BOUNDS = Bounds(
    max_unpacked_bytes=GIBIBYTE,
    max_entries=50_000,
    max_ratio=250,
    ratio_free_bytes=16 * MEBIBYTE,
)
LAYERS = ("default", "local")
_DEEPEST = 4
_FOLDERS_MAX = 1_000
_LOCK_SECONDS = 120.0


def is_archive_name(path: Path) -> bool:
    """Whether a path is named as an archive, and is no folder."""
    return path.name.lower().endswith(SUFFIXES) and not path.is_dir()


def stem_of(path: Path) -> str:
    """An archive's name without its ending."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name


def unpacked(archive: Path) -> tuple[Path, list[Path]]:
    """The folder that an archive is unpacked in, and those of the apps in it.

    Raises AppNotFound where there is no archive or no app in it, and the errors of
    `harness.storage.unpack` for an archive that is unsafe or damaged.
    """
    from harness.storage.files import cache_folder, digest, locked  # noqa: PLC0415 - as below
    from harness.storage.unpack import unpack  # noqa: PLC0415 - tarfile is heavy

    if not archive.is_file():
        raise AppNotFound(
            "no such file" if not archive.exists() else "not a file",
            place=Place(str(archive)),
            hints=["name the archive of a Splunk app, or its folder"],
        )
    folder = cache_folder() / "apps" / digest(archive)[:32]
    if not folder.is_dir():
        with locked(folder.with_suffix(".lock"), timeout_seconds=_LOCK_SECONDS):
            if not folder.is_dir():
                unpack(archive, folder, BOUNDS)
    root = Path(os.path.realpath(folder))
    found = sorted(_apps_below(root))
    if not found:
        raise AppNotFound(
            "the archive holds no Splunk app: no `default/`, no `local/` in any folder of it",
            place=Place(str(archive)),
            hints=["an app is a folder with `default/` in it"],
        )
    return root, found


def _apps_below(root: Path) -> Iterator[Path]:
    """The app folders in a folder, none inside of another."""
    waiting = [(root, 0)]
    seen = 0
    while waiting:
        folder, depth = waiting.pop()
        seen += 1
        with os.scandir(folder) as entries:
            below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        if any(path.name in LAYERS for path in below):
            yield folder
        elif depth < _DEEPEST and seen < _FOLDERS_MAX:
            waiting += [(path, depth + 1) for path in below]

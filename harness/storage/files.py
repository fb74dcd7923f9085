"""Files of the cache folder: written whole or not at all, one process at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from harness.errors import Place
from harness.storage.errors import DiskFull, DownloadInProgress, UnusableCache

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the cache is: `HARNESS_CACHE_DIR`, else the system's folder for caches."""
    env = os.environ if environment is None else environment
    if told := env.get("HARNESS_CACHE_DIR"):
        return Path(told).expanduser()
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where nothing was told

    return user_cache_path("detection-harness", appauthor=False)


def digest(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextmanager
def opened(path: Path, mode: Literal["ab", "wb", "xb"]) -> Iterator[BinaryIO]:
    """A file to write; closing it writes what is still buffered, and may fail for lack of room.

    Only opening and closing are guarded: what the caller reads meanwhile fails in its own name.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open(mode)
    try:
        yield stream
    finally:
        with writing(path):
            stream.close()


@contextmanager
def locked(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock file at `path`, so that one process at a time does what follows."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only where something is written

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=timeout_seconds)
        except Timeout:
            raise DownloadInProgress(
                f"another process has held the lock for {timeout_seconds:.0f} s",
                place=Place(path=str(path)),
                hints=("wait for it, or end it, and run again",),
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write at `path` into errors that say the remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        where = Place(path=str(path))
        if error.errno in _NO_ROOM:
            raise DiskFull(
                f"no room left on the disk ({reason})",
                place=where,
                hints=("free some space and run again", "or set HARNESS_CACHE_DIR to another disk"),
            ) from error
        raise UnusableCache(
            f"the cache cannot be used ({reason})",
            place=where,
            hints=("set HARNESS_CACHE_DIR to a folder that can be written",),
        ) from error

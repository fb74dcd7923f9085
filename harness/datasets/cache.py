"""The cache folder: where a fetched file lies, and what is known about it.

Each address has a folder of its own, named by a hash of the address:

    files/<hash>/data/<name>      the verified file, renamed into place when it is whole
    files/<hash>/record.json      its sha256 and size, and whether somebody promised them
    files/<hash>/partial          what has arrived so far, and partial.json: of which version
    files/<hash>/unpacked-<hash>/ what an archive holds
    files/<hash>/lock             held by the one process that fetches or unpacks
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from harness.storage.files import digest, replace_file, writing

if TYPE_CHECKING:
    from pathlib import Path

    from harness.datasets.verify import Content, Expected

_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 120


class Status(StrEnum):
    """How a dataset file stands on this disk.

    `cached`: fetched, and as promised (or unpromised, and as it was fetched). `local`: read
    from a clone or a path. `missing`: not here. `wrong`: here, and not what was promised.
    """

    CACHED = "cached"
    LOCAL = "local"
    MISSING = "missing"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Record:
    """What was found when the file was fetched; `promised` is by a manifest or LFS pointer.

    `mtime_ns` is the file's own time, so that a file that somebody touched is hashed again.
    """

    url: str
    sha256: str
    size: int
    mtime_ns: int
    promised: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """The folder of one address in the cache."""

    url: str
    folder: Path
    name: str

    @classmethod
    def of(cls, cache_dir: Path, url: str) -> Slot:
        """The slot for `url`, whether or not anything is there yet."""
        key = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        name = unquote(urlsplit(url).path).rpartition("/")[2]
        return cls(url=url, folder=cache_dir / "files" / key, name=safe_name(name))

    @property
    def data(self) -> Path:
        """The whole, verified file."""
        return self.folder / "data" / self.name

    @property
    def lock(self) -> Path:
        """The file that the fetching process locks."""
        return self.folder / "lock"

    @property
    def partial(self) -> Path:
        """What has arrived of a download that is not whole."""
        return self.folder / "partial"

    @property
    def partial_version(self) -> Path:
        """Which version of the file the partial one is of."""
        return self.folder / "partial.json"

    def record(self) -> Record | None:
        """What is known about the cached file, or `None` when that cannot be read."""
        try:
            stored = json.loads((self.folder / "record.json").read_text(encoding="utf-8"))
            record = Record(**stored)
        except (OSError, ValueError, TypeError):
            return None
        known = isinstance(record.sha256, str) and isinstance(record.size, int)
        return record if known else None

    def status(self, expected: Expected, *, thorough: bool = False) -> Status:
        """Whether the cached file is what `expected` promises; `thorough` hashes it anew."""
        try:
            found = self.data.stat()
        except OSError:
            return Status.MISSING
        record = self.record()
        if record is None:
            return Status.WRONG
        sha256, size = record.sha256, found.st_size
        if thorough or found.st_mtime_ns != record.mtime_ns:
            sha256 = digest(self.data)
        if sha256 != record.sha256 or size != record.size:
            return Status.WRONG
        as_promised = expected.sha256 in {None, sha256} and expected.size in {None, size}
        return Status.CACHED if as_promised else Status.WRONG

    def settle(self, content: Content, *, promised: bool) -> Path:
        """Rename the whole partial file into place, and record what it is."""
        with writing(self.data):
            self.data.parent.mkdir(parents=True, exist_ok=True)
            record = Record(
                url=self.url,
                sha256=content.sha256,
                size=content.size,
                mtime_ns=self.partial.stat().st_mtime_ns,
                promised=promised,
            )
            replace_file(self.folder / "record.json", json.dumps(asdict(record)).encode())
            self.partial.replace(self.data)
        self.partial_version.unlink(missing_ok=True)
        return self.data

    def clear(self) -> None:
        """Remove the cached file and what was unpacked from it; a partial one stays."""
        with writing(self.folder):
            self.data.unlink(missing_ok=True)
            (self.folder / "record.json").unlink(missing_ok=True)
            for unpacked in self.folder.glob("unpacked-*"):
                shutil.rmtree(unpacked, ignore_errors=True)


def safe_name(name: str) -> str:
    """`name` as a file name that every file system takes; its ending is kept."""
    plain = _NOT_OF_A_NAME.sub("_", name).lstrip(".")
    return plain[-_LONGEST_NAME:].lstrip(".") or "data"

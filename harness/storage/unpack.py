"""Archives: gzip streams, tar and zip, unpacked inside one folder and within bounds.

What counts is the content, not the name. Sizes that an archive declares are not believed:
bytes are counted as they come out. An archive inside an archive stays as it is.
"""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol

from harness.errors import Place
from harness.storage.errors import DamagedArchive, EmptyDataset, UnsafeArchive
from harness.storage.files import opened, writing

if TYPE_CHECKING:
    from harness.storage.bounds import Bounds

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_BLOCK = 256 * 1024
# Between two members of a tar lie headers, and tarfile holds each of them whole in memory.
_MAX_HEADER_BYTES = 1024 * 1024
# Failures to write are errors of our own by then (`writing`), so an OSError is the archive's.
_DAMAGE = (
    EOFError,
    NotImplementedError,
    OSError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_ENCRYPTED = 0x1


def is_archive(path: Path) -> bool:
    """Whether the file at `path` is a gzip stream, a zip or a tar, by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(_TAR_MARK_AT + len(_TAR_MARK))
    return head.startswith((_GZIP, *_ZIP)) or head[_TAR_MARK_AT:] == _TAR_MARK


def unpack(archive: Path, folder: Path, limits: Bounds) -> tuple[Path, ...]:
    """Unpack `archive` into `folder`, which appears whole or not at all; its files, by name.

    Folders of an archive are kept as folders. Raises `UnsafeArchive`, `DamagedArchive`,
    `EmptyDataset`, `DiskFull`.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unpacking-"))
    try:
        _Unpacking(archive, workplace, limits).run()
        with writing(folder):
            workplace.rename(folder)
    except BaseException:
        shutil.rmtree(workplace, ignore_errors=True)
        raise
    return unpacked_files(folder)


def unpacked_files(folder: Path) -> tuple[Path, ...]:
    """The files that were unpacked into `folder`, by name."""
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Meter(io.RawIOBase):
    """A stream that counts what is read from it, against the bounds of its archive."""

    def __init__(self, stream: _Readable, unpacking: _Unpacking) -> None:
        super().__init__()
        self._stream = stream
        self._unpacking = unpacking

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most one block, whatever `size` asks for: a header may claim any size."""
        wanted = _BLOCK if size < 0 else min(size, _BLOCK)
        block = self._stream.read(wanted)
        self._unpacking.count(len(block))
        return block


class _Unpacking:
    def __init__(self, archive: Path, folder: Path, limits: Bounds) -> None:
        self._archive = archive
        self._folder = folder
        self._limits = limits
        self._place = Place(path=str(archive))
        self._bytes_in = max(archive.stat().st_size, 1)
        self._bytes_out = 0
        self._entries = 0
        self._written = 0
        self._header_bytes: int | None = None
        self._names: set[str] = set()
        self._folders: set[str] = set()

    def run(self) -> None:
        try:
            with self._archive.open("rb") as stream:
                self._run(stream)
        except _DAMAGE as error:
            raise DamagedArchive(
                f"the archive cannot be read to its end ({error})",
                place=self._place,
                hints=("fetch or copy it again",),
            ) from error
        if self._written == 0:
            raise EmptyDataset(
                "the archive holds no data", place=self._place, hints=("name another file",)
            )

    def _run(self, stream: IO[bytes]) -> None:
        head = stream.read(4)
        stream.seek(0)
        if head in _ZIP:
            self._unzip(stream)
        elif head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=stream) as plain:
                self._gunzip(plain)
        else:
            self._untar(_Meter(stream, self))

    def count(self, size: int) -> None:
        """Count bytes that came out, and refuse those that are too many."""
        self._bytes_out += size
        limits = self._limits
        if self._header_bytes is not None:
            self._header_bytes += size
            if self._header_bytes > _MAX_HEADER_BYTES:
                raise self._unsafe(f"it has more than {_MAX_HEADER_BYTES} bytes of header")
        if self._bytes_out > limits.max_unpacked_bytes:
            raise self._unsafe(f"it unpacks to more than {limits.max_unpacked_bytes} bytes")
        free = self._bytes_out <= limits.ratio_free_bytes
        if not free and self._bytes_out > self._bytes_in * limits.max_ratio:
            raise self._unsafe(f"it unpacks to more than {limits.max_ratio} times its size")

    def _gunzip(self, plain: gzip.GzipFile) -> None:
        head = plain.read(_TAR_MARK_AT + len(_TAR_MARK))
        plain.seek(0)
        if head[_TAR_MARK_AT:] == _TAR_MARK:
            self._untar(_Meter(plain, self))
        else:
            name = self._archive.name
            plain_name = name[:-3] if name.casefold().endswith(".gz") else name
            self._write(plain_name, _Meter(plain, self))

    def _untar(self, plain: _Meter) -> None:
        self._header_bytes = 0
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                self._count_entry()
                self._header_bytes = 0
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    what = "sparse" if member.issparse() else "a link or a device"
                    raise self._unsafe(f"`{_plain(member.name)}` in it is {what}")
                content = tar.extractfile(member)
                if content is not None:
                    self._header_bytes = None
                    self._write(member.name, content)
                    self._header_bytes = 0

    def _unzip(self, stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                self._count_entry()
                if member.is_dir():
                    continue
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise self._unsafe(f"`{_plain(member.filename)}` in it is a link")
                if member.flag_bits & _ENCRYPTED:
                    raise DamagedArchive(
                        f"`{_plain(member.filename)}` in the archive is encrypted",
                        place=self._place,
                        hints=("unpack it by hand and name the file",),
                    )
                with archive.open(member) as content:
                    self._write(member.filename, _Meter(content, self))

    def _write(self, name: str, content: _Readable) -> None:
        path = self._path(name)
        if path is None:
            while content.read(_BLOCK):  # a tar goes on after it
                pass
            return
        with opened(path, "xb") as target:
            while block := content.read(_BLOCK):
                with writing(path):
                    target.write(block)
                self._written += len(block)

    def _path(self, name: str) -> Path | None:
        """Where a member goes, inside the folder; `None` for macOS's own side files."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        climbs = ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":"
        if not parts or climbs:
            raise self._unsafe(f"`{_plain(name)}` in it lies outside its folder")
        if not name.isprintable():
            raise self._unsafe(f"`{_plain(name)}` in it is no file name")
        if parts[0] == "__MACOSX" or parts[-1].startswith("._") or parts[-1] == ".DS_Store":
            return None
        self._claim(parts, name)
        return self._folder.joinpath(*parts)

    def _claim(self, parts: tuple[str, ...], name: str) -> None:
        """Note a file's name, which no other may have, nor be a folder's; case is ignored."""
        folded = "/".join(parts).casefold()
        above = {"/".join(parts[:n]).casefold() for n in range(1, len(parts))}
        taken = folded in self._names or folded in self._folders
        if taken or not above.isdisjoint(self._names):
            raise self._unsafe(f"it holds `{_plain(name)}` twice")
        self._names.add(folded)
        self._folders |= above

    def _count_entry(self) -> None:
        self._entries += 1
        if self._entries > self._limits.max_entries:
            raise self._unsafe(f"it holds more than {self._limits.max_entries} entries")

    def _unsafe(self, why: str) -> UnsafeArchive:
        return UnsafeArchive(
            f"the archive is not unpacked: {why}",
            place=self._place,
            hints=("look at it by hand, and name the file that is meant",),
        )


def _plain(name: str) -> str:
    return name.encode("unicode_escape").decode("ascii")[:200]

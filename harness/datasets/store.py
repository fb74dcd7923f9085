"""From a dataset's file to its verified bytes on this disk, wherever they come from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.datasets.address import (
    attack_data_path,
    checked_address,
    is_address,
    shown,
)
from harness.datasets.cache import Slot, Status
from harness.datasets.errors import (
    DatasetMismatch,
    ForbiddenAddress,
    HtmlInsteadOfData,
    MissingFile,
    PointerInsteadOfData,
    SeveralFiles,
    Unreachable,
)
from harness.datasets.pointer import MAX_POINTER_BYTES, is_pointer
from harness.datasets.reachability import Reachability
from harness.datasets.verify import Expected, mismatch, verify
from harness.errors import Place
from harness.storage.errors import EmptyDataset
from harness.storage.files import digest, locked

if TYPE_CHECKING:
    from harness.datasets.manifest import DatasetFile, Manifest
    from harness.datasets.settings import StoreSettings
    from harness.model import Origin

_LOCK_SLACK_SECONDS = 60.0
_NOT_THE_DATA = (DatasetMismatch, EmptyDataset, HtmlInsteadOfData, PointerInsteadOfData)


class Store:
    """Gives dataset files, fetched once and verified, to this and to every other process."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._reachability = Reachability(settings)

    def obtain(self, file: DatasetFile) -> Path:
        """The file's verified data; an archive must hold one file.

        Raises `Unreachable` (a trial's `skip`) and the other errors of this package.
        """
        paths = self.obtain_files(file)
        if len(paths) > 1:
            raise SeveralFiles(
                f"the archive holds {len(paths)} files, and one is asked for",
                place=Place(path=shown(file.url)),
                hints=("unpack it and name the file that is meant",),
            )
        return paths[0]

    def obtain_files(self, file: DatasetFile) -> tuple[Path, ...]:
        """The file's verified data: the file itself, or what it holds if it is an archive."""
        from harness.storage.unpack import is_archive  # noqa: PLC0415 - tarfile is heavy

        path = self._verified(file)
        return self._unpacked(path, file) if is_archive(path) else (path,)

    def opened(self, path: Path) -> tuple[Path, ...]:
        """What the person named on this machine: a file, what an archive holds, a folder's files.

        A folder's hidden files are left out; its files come in the order of their paths.
        """
        from harness.storage.unpack import is_archive  # noqa: PLC0415 - tarfile is heavy

        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file())
            named = [one for one in inside if not _hidden(one.relative_to(path))]
            if not named:
                raise EmptyDataset("the folder holds no files", place=Place(str(path)))
            return tuple(found for one in named for found in self.opened(one))
        if not path.is_file() or not is_archive(path):
            return (path,)
        from harness.datasets.manifest import DatasetFile  # noqa: PLC0415 - only archives need it

        return self._unpacked(path, DatasetFile(url=str(path.resolve())))

    def obtain_all(self, manifest: Manifest) -> tuple[tuple[Path, Origin], ...]:
        """Every file of a dataset with its metadata fields, in the manifest's order."""
        return tuple(
            (path, self._origin(file))
            for file in manifest.files
            for path in self.obtain_files(file)
        )

    def status(self, file: DatasetFile, *, thorough: bool = False) -> Status:
        """How the file stands on this disk, without the network; `thorough` hashes it anew."""
        local = self._local(file)
        if local is None:
            return self._slot(file).status(_expected(file), thorough=thorough)
        try:
            verify(local, file.sha256 if thorough else None, file.size)
        except MissingFile:
            return Status.MISSING
        except _NOT_THE_DATA:
            return Status.WRONG
        return Status.LOCAL

    def verify(self, file: DatasetFile) -> Path:
        """Hash the file that is here, without the network; raises when it is not the dataset."""
        local = self._local(file)
        if local is not None:
            verify(local, file.sha256, file.size)
            return local
        slot = self._slot(file)
        if not slot.data.exists():
            raise MissingFile(
                "not fetched yet",
                place=Place(path=shown(file.url)),
                hints=("`harness datasets fetch` fetches it",),
            )
        record = slot.record()
        known = record.sha256 if record is not None else None
        verify(slot.data, file.sha256 or known, file.size)
        return slot.data

    def path(self, file: DatasetFile) -> Path:
        """Where the file is, or will be once it is fetched."""
        return self._local(file) or self._slot(file).data

    def _origin(self, file: DatasetFile) -> Origin:
        if file.custom_index is not None:
            return file.origin
        return replace(file.origin, index=self._settings.default_index)

    def _slot(self, file: DatasetFile) -> Slot:
        return Slot.of(self._settings.cache_dir, file.url)

    def _verified(self, file: DatasetFile) -> Path:
        local = self._local(file)
        if local is not None:
            verify(local, file.sha256, file.size)
            return local
        slot, expected = self._slot(file), _expected(file)
        status = slot.status(expected)
        if status is Status.CACHED:
            return slot.data
        if self._settings.offline:
            raise self._offline(file, slot, status)
        self._reachability.refuse_if_remembered(urlsplit(file.url).hostname or "", file.url)
        seconds = self._settings.limits.total_seconds + _LOCK_SLACK_SECONDS
        with locked(slot.lock, timeout_seconds=seconds):
            if slot.status(expected) is Status.CACHED:  # another process was faster
                return slot.data
            from harness.datasets.fetch import Download  # noqa: PLC0415 - only to fetch

            path = Download(slot, expected, self._settings, self._reachability).run()
            for unpacked in slot.folder.glob("unpacked-*"):
                shutil.rmtree(unpacked, ignore_errors=True)
            return path

    def _offline(
        self, file: DatasetFile, slot: Slot, status: Status
    ) -> Unreachable | DatasetMismatch:
        if status is Status.MISSING:
            return Unreachable(
                "not in the cache, and HARNESS_OFFLINE forbids to fetch it",
                place=Place(path=shown(file.url)),
                hints=("unset HARNESS_OFFLINE", "or point HARNESS_ATTACK_DATA at a clone"),
            )
        found, size = digest(slot.data), slot.data.stat().st_size
        record = slot.record()
        sha256 = file.sha256 or (record.sha256 if record is not None else "not known")
        promised = "" if file.size is None else f", size {file.size}"
        return mismatch(
            str(slot.data), f"sha256 {found}, size {size}, instead of sha256 {sha256}{promised}"
        )

    def _local(self, file: DatasetFile) -> Path | None:
        """The file on this disk that stands for `file`, or `None` if it is to be fetched."""
        if not is_address(file.url):
            return self._confined(file)
        if urlsplit(file.url).scheme.casefold() == "file":
            return self._of_file_address(file.url)
        checked_address(file.url, allow_local=self._settings.allow_local_addresses)
        return self._in_clone(file)

    def _of_file_address(self, url: str) -> Path:
        parts = urlsplit(url)
        if not self._settings.allow_local_addresses:
            raise ForbiddenAddress(
                f"`{shown(url)}` reads any file of this machine",
                hints=(
                    "use a path inside the project",
                    "or pass --allow-local-addresses if this file is meant",
                ),
            )
        if parts.netloc not in {"", "localhost"}:
            raise ForbiddenAddress(
                f"`{shown(url)}` names a file of another machine", hints=("write file:///path",)
            )
        from urllib.request import url2pathname  # noqa: PLC0415 - 12 ms, and such addresses are rare

        return Path(url2pathname(parts.path))

    def _confined(self, file: DatasetFile) -> Path:
        """A path of a manifest, which may lie in its own folder and in the roots only."""
        roots = [root.resolve() for root in (file.base, *self._settings.roots) if root is not None]
        candidates = [(root / file.url).resolve() for root in roots]
        allowed = [path for path in candidates if any(path.is_relative_to(root) for root in roots)]
        if not allowed:
            raise ForbiddenAddress(
                f"`{shown(file.url)}` lies outside the project and the content folder",
                place=file.place,
                hints=("copy the file into the project, or give it to --data",),
            )
        return next((path for path in allowed if path.exists()), allowed[0])

    def _in_clone(self, file: DatasetFile) -> Path | None:
        """The file in a clone of attack_data; one whose data LFS has not brought is passed over."""
        below = attack_data_path(file.url)
        if below is None:
            return None
        for clone in (self._settings.attack_data, _enclosing_clone(file.base)):
            if clone is None:
                continue
            path = clone / below
            if path.is_file() and not _is_pointer_file(_inside(clone, path, file)):
                return path
        return None

    def _unpacked(self, path: Path, file: DatasetFile) -> tuple[Path, ...]:
        """What the archive at `path` holds; unpacked once for each content it ever has."""
        from harness.storage.unpack import unpack, unpacked_files  # noqa: PLC0415 - as above

        slot = self._slot(file)
        record = slot.record() if path == slot.data else None
        sha256 = record.sha256 if record is not None else digest(path)
        folder = slot.folder / f"unpacked-{sha256[:32]}"
        if not folder.is_dir():
            with locked(slot.lock, timeout_seconds=self._settings.limits.total_seconds):
                if not folder.is_dir():
                    return unpack(path, folder, self._settings.limits)
        return unpacked_files(folder)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _expected(file: DatasetFile) -> Expected:
    return Expected(sha256=file.sha256, size=file.size)


def _inside(clone: Path, path: Path, file: DatasetFile) -> Path:
    """`path`, unless it is a link out of the clone: a clone holds what somebody else put there.

    `datasets` may itself be a link, to another disk.
    """
    if path.resolve().is_relative_to((clone / "datasets").resolve()):
        return path
    raise ForbiddenAddress(
        f"`{shown(str(path))}` is a link out of the clone",
        place=file.place,
        hints=("put the file itself there",),
    )


def _enclosing_clone(base: Path | None) -> Path | None:
    """The root above the outermost `datasets` folder that a manifest lies in."""
    if base is None:
        return None
    folders = [base, *base.parents]
    return next((f.parent for f in reversed(folders) if f.name == "datasets"), None)


def _is_pointer_file(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_pointer(stream.read(MAX_POINTER_BYTES))

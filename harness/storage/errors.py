"""What can go wrong between an archive and the files that it holds, on this disk."""

from __future__ import annotations

from harness.errors import HarnessError


class EmptyDataset(HarnessError):
    """The file is there and holds no bytes."""


class DiskFull(HarnessError):
    """The disk, or the quota on it, has no room for the file."""


class UnusableCache(HarnessError):
    """The cache folder cannot be written or read."""


class DownloadInProgress(HarnessError):
    """Another process holds the file's lock for longer than a download may take."""


class UnsafeArchive(HarnessError):
    """An archive would write outside its folder, hold links, or unpack without end."""


class DamagedArchive(HarnessError):
    """An archive cannot be read to its end: cut off, corrupt, or encrypted."""

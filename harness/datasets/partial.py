"""The part of a file that has arrived: which version it is of, and where to go on."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from harness.datasets.verify import HEAD_BYTES, Content
from harness.storage.files import opened, replace_file, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.datasets.cache import Slot

_BLOCK = 1024 * 1024


class Sink:
    """Takes the bytes of a file one after the other: to the disk, and through the hash."""

    def __init__(self, stream: BinaryIO, slot: Slot) -> None:
        self._stream = stream
        self._slot = slot
        self._sha256 = hashlib.sha256()
        self._head = b""
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`; raises `DiskFull` or `UnusableCache`."""
        with writing(self._slot.partial):
            self._stream.write(chunk)
        self.count(chunk)

    def count(self, chunk: bytes) -> None:
        """Hash `chunk`, which is on the disk already."""
        self._sha256.update(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self.size += len(chunk)

    def content(self) -> Content:
        """What has come so far."""
        return Content(sha256=self._sha256.hexdigest(), size=self.size, head=self._head)


@dataclass(frozen=True, slots=True)
class Version:
    """What identifies the version of a file at a server: RFC 9110, sections 8.8 and 13.1.5.

    A weak ETag names files that are only alike, so it cannot join two halves; a date can.
    """

    validator: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Version:
        """The version that a server's answer is of."""
        etag = headers.get("ETag", "").strip()
        if etag and not etag.startswith("W/"):
            return cls(validator=etag)
        return cls(validator=headers.get("Last-Modified") or None)


class Partial:
    """The partial file of a slot; it is kept when a download ends early, for the next run."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def size(self) -> int:
        """How many bytes are there."""
        try:
            return self._slot.partial.stat().st_size
        except OSError:
            return 0

    def version(self) -> Version:
        """Which version of the file those bytes are of."""
        try:
            stored = json.loads(self._slot.partial_version.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Version(validator=None)
        validator = stored.get("validator") if isinstance(stored, dict) else None
        return Version(validator=validator if isinstance(validator, str) else None)

    def range_headers(self, *, hash_is_known: bool) -> dict[str, str]:
        """The headers that ask for the rest, or none when the rest cannot be told apart.

        With a validator the server sends the rest only if the file is still the same
        (`If-Range`). Without one, only a known hash can tell a file spliced from two.
        """
        size, validator = self.size(), self.version().validator
        if size == 0 or not (validator or hash_is_known):
            return {}
        headers = {"Range": f"bytes={size}-"}
        if validator:
            headers["If-Range"] = validator
        return headers

    def drop(self) -> None:
        """Forget what has arrived."""
        with writing(self._slot.partial):
            self._slot.partial.unlink(missing_ok=True)
            self._slot.partial_version.unlink(missing_ok=True)

    @contextmanager
    def start(self, version: Version) -> Iterator[Sink]:
        """A sink for the whole file, from its first byte."""
        self.drop()
        replace_file(
            self._slot.partial_version, json.dumps({"validator": version.validator}).encode()
        )
        with opened(self._slot.partial, "wb") as stream:
            yield Sink(stream, self._slot)

    @contextmanager
    def resume(self) -> Iterator[Sink]:
        """A sink for the rest of the file, which has hashed what is there already."""
        with opened(self._slot.partial, "ab") as stream:
            sink = Sink(stream, self._slot)
            with writing(self._slot.partial), self._slot.partial.open("rb") as there:
                while block := there.read(_BLOCK):
                    sink.count(block)
            yield sink

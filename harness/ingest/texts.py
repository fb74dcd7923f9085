"""Files as streams of text: compression, byte order marks, and bytes that are no text."""

from __future__ import annotations

import codecs
import gzip
import zlib
from typing import IO, TYPE_CHECKING

from harness.errors import Place
from harness.ingest.errors import (
    DamagedFile,
    EmptyFile,
    Loss,
    PointerInsteadOfEvents,
    UnreadableFile,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK_BYTES = 4 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024**3
MAX_RATIO = 250
RATIO_FREE_BYTES = 64 * 1024**2
GZIP_MAGIC = b"\x1f\x8b"
EVTX_MAGIC = b"ElfFile\x00"
POINTER = b"version https://git-lfs.github.com/spec/v1"
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if it is gzip; errors say what the path is instead."""
    if path.is_dir():
        raise UnreadableFile(
            "this is a folder", place=Place(str(path)), hints=["name the files in it"]
        )
    try:
        if path.stat().st_size == 0:
            raise EmptyFile("the file is empty", place=Place(str(path)))
        with path.open("rb") as probe:
            start = probe.read(len(POINTER))
        if start == POINTER:
            raise PointerInsteadOfEvents(
                "this is a Git LFS pointer, not the data",
                place=Place(str(path)),
                hints=["fetch the data: git lfs pull"],
            )
        if start.startswith(GZIP_MAGIC):
            return gzip.open(path)  # type: ignore[return-value]
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnreadableFile(
            "there is no such file", place=Place(str(path)), hints=["check the path"]
        ) from error
    except OSError as error:
        raise UnreadableFile(
            f"the file cannot be read: {error.strerror}", place=Place(str(path))
        ) from error


def chunks(path: Path, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The file's bytes in pieces, with bounds on what gzip unpacks to."""
    packed, total = path.stat().st_size if path.exists() else 0, 0
    with opened(path) as file:
        while True:
            try:
                piece = file.read(size)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise DamagedFile(
                    f"the file cannot be unpacked: {error}", place=Place(str(path))
                ) from error
            if not piece:
                return
            total += len(piece)
            bomb = total > RATIO_FREE_BYTES and total > packed * MAX_RATIO
            if bomb or total > MAX_UNPACKED_BYTES:
                raise DamagedFile("the file unpacks without end", place=Place(str(path)))
            yield piece


def texts(pieces: Iterator[bytes], name: str, losses: list[Loss]) -> Iterator[str]:
    """Pieces of bytes as pieces of text, by byte order mark, UTF-8 by default.

    A byte that is no text becomes U+FFFD; that is noted once a file.
    """
    decoder, noted = None, False
    for piece in pieces:
        data = piece
        if decoder is None:
            mark, encoding = next(((m, e) for m, e in MARKS if data.startswith(m)), (b"", "utf-8"))
            data = data[len(mark) :]
            decoder = codecs.getincrementaldecoder(encoding)("replace")
        text = decoder.decode(data)
        if not noted and "\ufffd" in text and b"\xef\xbf\xbd" not in data:
            noted = True
            losses.append(Loss(name, "some bytes are no text and were replaced by U+FFFD"))
        yield text
    if decoder is not None and (rest := decoder.decode(b"", final=True)):
        if not noted:
            losses.append(Loss(name, "some bytes are no text and were replaced by U+FFFD"))
        yield rest

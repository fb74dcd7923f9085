"""Files as streams of text: compression, byte order marks, and bytes that are no text."""

from __future__ import annotations

import codecs
import stat
from typing import IO, TYPE_CHECKING, cast

from harness.errors import Place, nearest
from harness.ingest.errors import (
    BadIndexSetting,
    DamagedFile,
    EmptyFile,
    Loss,
    PointerInsteadOfEvents,
    UnreadableFile,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.apps.conf import Setting

CHUNK_BYTES = 4 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024**3
MAX_RATIO = 250
RATIO_FREE_BYTES = 64 * 1024**2
GZIP_MAGIC = b"\x1f\x8b"
NAME_ANOTHER = "name a file that holds events, or fetch this one again"
EVTX_MAGIC = b"ElfFile\x00"
POINTER = b"version https://git-lfs.github.com/spec/v1"
START_BYTES = 64
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def chunks(path: Path, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The file's bytes in pieces, unpacked if it is gzip, with bounds on what that gives.

    The first piece has at least `START_BYTES`, if the file has. Raises `UnreadableFile`,
    `EmptyFile`, `PointerInsteadOfEvents` and `DamagedFile`.
    """
    packed = _size_of_plain_file(path)
    try:
        with path.open("rb") as file:
            start = file.read(len(POINTER))
            file.seek(0)
            stream = _unpacked(file) if start.startswith(GZIP_MAGIC) else file
            yield from _pieces(stream, size, path, packed)
    except OSError as error:
        raise UnreadableFile(
            f"the file cannot be read: {error.strerror or error}", place=Place(str(path))
        ) from error


def _size_of_plain_file(path: Path) -> int:
    """The file's size in bytes; a pipe would wait for ever when it is opened."""
    place = Place(str(path))
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise UnreadableFile(
            "there is no such file", place=place, hints=_siblings(path) or ("check the path",)
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableFile(f"the file cannot be read: {reason}", place=place) from error
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableFile("this is a folder", place=place, hints=["name the files in it"])
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableFile(
            "this is not a plain file", place=place, hints=["write its events to a file first"]
        )
    if found.st_size == 0:
        raise EmptyFile("the file is empty", place=place, hints=[NAME_ANOTHER])
    return found.st_size


def _siblings(path: Path) -> tuple[str, ...]:
    try:
        return nearest(path.name, (entry.name for entry in path.parent.iterdir()))
    except OSError:
        return ()


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    import gzip  # noqa: PLC0415 - start-up is a feature: few files are packed

    return cast("IO[bytes]", gzip.GzipFile(fileobj=file))


def _pieces(stream: IO[bytes], size: int, path: Path, packed: int) -> Iterator[bytes]:
    import zlib  # noqa: PLC0415 - as above, and loaded by then where the file is packed

    place, total = Place(str(path)), 0
    while True:
        try:
            piece = stream.read(size if total else max(size, START_BYTES))
        except (EOFError, zlib.error) as error:
            raise _damaged(error, place) from error
        except OSError as error:
            if stream.__class__.__name__ != "GzipFile" or error.errno is not None:
                raise
            raise _damaged(error, place) from error
        if not piece:
            break
        if not total and piece.startswith(POINTER):
            raise PointerInsteadOfEvents(
                "this is a Git LFS pointer, not the data",
                place=place,
                hints=["fetch the data: git lfs pull"],
            )
        total += len(piece)
        bomb = total > RATIO_FREE_BYTES and total > packed * MAX_RATIO
        if bomb or total > MAX_UNPACKED_BYTES:
            raise DamagedFile(
                f"the file of {packed:,} bytes unpacks to more than {total:,}",
                place=place,
                hints=["unpack it yourself if you trust it"],
            )
        yield piece
    if not total:
        raise EmptyFile("the file unpacks to nothing", place=place, hints=[NAME_ANOTHER])


def _damaged(error: Exception, place: Place) -> DamagedFile:
    return DamagedFile(
        f"the file cannot be unpacked: {error}", place=place, hints=["fetch it again"]
    )


def charset(setting: Setting | None) -> str:
    """The encoding that CHARSET names, or nothing where it is to be found out."""
    name = setting.value.strip() if setting is not None else ""
    if setting is None or name.upper() in ("", "AUTO", "UTF-8", "UTF8"):
        return ""
    try:
        bytes(4).decode(name, "replace")
    except (LookupError, UnicodeError) as error:
        raise BadIndexSetting(
            f"CHARSET = {name}: no encoding is called so",
            place=setting.place,
            hints=["Splunk discards the input"],
        ) from error
    return name


def texts(pieces: Iterator[bytes], name: str, losses: list[Loss], told: str = "") -> Iterator[str]:
    """Pieces of bytes as pieces of text, by byte order mark or the zeros of UTF-16, else UTF-8.

    Without a mark, bytes are in the encoding that was told.
    A byte that is no text becomes U+FFFD; the first one of a file is noted.
    """
    decoder: codecs.IncrementalDecoder | None = None
    strict, before = True, 0
    for piece in _and_end(pieces):
        data = piece
        if decoder is None:
            mark, encoding = _encoding(data)
            encoding = encoding if mark or not told else told
            before, data = len(mark), data[len(mark) :]
            decoder = codecs.getincrementaldecoder(encoding)("strict")
        waiting = len(decoder.getstate()[0]) if strict else 0
        try:
            text = decoder.decode(data, final=not piece)
        except UnicodeDecodeError as error:
            offset = before - waiting + error.start
            losses.append(Loss(name, "bytes that are no text were replaced by U+FFFD", offset))
            lenient = codecs.getincrementaldecoder(encoding)("replace")
            lenient.setstate(decoder.getstate())
            decoder, strict = lenient, False
            text = decoder.decode(data, final=not piece)
        before += len(data)
        if text:
            yield text


def _and_end(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield b""


def _encoding(start: bytes) -> tuple[bytes, str]:
    """The byte order mark of a text, and its encoding."""
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return mark, encoding
    zeros = [bool(byte) for byte in start[:4]]
    if zeros == [True, False, True, False]:
        return b"", "utf-16-le"
    if zeros == [False, True, False, True]:
        return b"", "utf-16-be"
    return b"", "utf-8"

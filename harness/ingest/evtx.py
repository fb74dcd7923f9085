"""Windows' own binary logs, rendered to the XML that a forwarder would send."""

from __future__ import annotations

import io
import re
import struct
from typing import IO, TYPE_CHECKING, Any, cast

from harness.errors import Place
from harness.ingest.errors import DamagedFile, EmptyFile, Loss
from harness.ingest.lines import MAX_EVENT, OVERSIZED
from harness.ingest.texts import GZIP_MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.ingest.lines import Raw

# Indentation follows a closed element, or an opening one before another opening one or the end of
# an empty one. It begins with a line break; a value of spaces alone is kept.
INDENTATION = re.compile(r">\r?\n *(?=<)")
DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>\s*")
HEADER_BYTES, CHUNK_BYTES, CHUNKS_AT = 4096, 65536, 42
CHUNK_MAGIC = b"ElfChnk\x00"
GUID = "([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})"
IDENTIFIER = re.compile(f"(?<=[Ii][Dd]='){GUID}'")
VALUE_OF_GUID = re.compile(f">{GUID}<")
ATTRIBUTE = re.compile(r'="([^"<>]*)"(?=[^<>]*>)')
EMPTY = re.compile(r"></(?:Provider|TimeCreated|Correlation|Execution|Security)>")
MOST_FAULTS = 1000
MOST_BYTES = 2 * 1024**3


def evtx_events(
    path: Path, pieces: Iterator[bytes], losses: list[Loss], max_event: int = MAX_EVENT
) -> Iterator[Raw]:
    """Every record's XML on one line; damaged records are passed over and noted.

    `pieces` are the log's bytes, asked for where the file itself is packed. SIDs stay as they
    are on disk. Raises `DamagedFile` where nothing can be read, `EmptyFile` where nothing is.
    """
    records = _records(path, pieces, losses)
    faults: list[str] = []
    count = 0
    while len(faults) < MOST_FAULTS:
        try:
            text = as_rendered(one_line(next(records)["data"]))
        except StopIteration:
            break
        except (RuntimeError, OSError, ValueError) as error:
            faults.append(_first_line(error))
            continue
        count += 1
        if len(text) > max_event:
            losses.append(Loss(str(path), OVERSIZED))
        yield "xml", text[:max_event]
    if faults and not count:
        raise DamagedFile(
            f"no event of this log can be read: {faults[0]}",
            place=Place(str(path)),
            hints=["fetch it again"],
        )
    if not count:
        raise EmptyFile("the log holds no events", place=Place(str(path)))
    if faults:
        losses.append(Loss(str(path), _damage(faults)))


def _records(path: Path, pieces: Iterator[bytes], losses: list[Loss]) -> Iterator[dict[str, Any]]:
    from evtx import PyEvtxParser  # noqa: PLC0415 - only logs in binary need it

    place = Place(str(path))
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            stream = _unpacked(pieces, place) if packed else file
            if message := _unreported(stream):
                losses.append(Loss(str(path), message))
            stream.seek(0)
            parser = PyEvtxParser(stream if packed else str(path))
    except (RuntimeError, OSError, ValueError) as error:
        raise DamagedFile(
            f"this is no event log that can be read: {_first_line(error)}",
            place=place,
            hints=["fetch it again"],
        ) from error
    # The iterator goes on after a fault, which a generator around it would not.
    return cast("Iterator[dict[str, Any]]", parser.records())


def _unreported(stream: IO[bytes]) -> str:
    """What the package passes over in silence: blank chunks before used ones, and a cut one.

    Chunks of 64 KiB follow a header of 4 KiB, which has their number at byte 42, often out of
    date (github.com/libyal/libevtx, Windows XML Event Log format).
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(CHUNKS_AT)
    (told,) = struct.unpack("<H", stream.read(2).ljust(2, b"\0"))
    used = []
    for start in range(HEADER_BYTES, size, CHUNK_BYTES):
        stream.seek(start)
        used.append(any(stream.read(len(CHUNK_MAGIC))) and start + CHUNK_BYTES <= size)
    is_cut = size > HEADER_BYTES and (size - HEADER_BYTES) % CHUNK_BYTES > 0
    last = max((number for number, one in enumerate(used) if one), default=-1)
    chunks = max(told, last + 1, len(used) if is_cut else 0)
    missing = chunks - sum(used[:chunks])
    if not missing or not any(used):
        return ""
    verb = "is" if missing == 1 else "are"
    return f"{missing} of {chunks} chunks of the log {verb} blank or cut off"


def _unpacked(pieces: Iterator[bytes], place: Place) -> io.BytesIO:
    """The log in memory: its reader jumps about, which a packed file does not allow."""
    whole = io.BytesIO()
    for piece in pieces:
        if whole.tell() > MOST_BYTES:
            raise DamagedFile(
                "a packed log of more than 2 GB", place=place, hints=["unpack it first"]
            )
        whole.write(piece)
    whole.seek(0)
    return whole


def one_line(text: str) -> str:
    """An event's XML without declaration and indentation."""
    stripped = DECLARATION.sub("", text, count=1)
    return INDENTATION.sub(">", stripped).strip()


def as_rendered(text: str) -> str:
    """An event's XML on one line as Windows writes it, which add-ons' regexes are made for.

    Attributes stand in single quotes, elements of System that hold nothing close themselves, and
    GUIDs are in braces (MS-EVEN6, 2.2.13 "Event", GUIDType, and 4.8 "BinXml Example Using
    Templates"); `<Data Name='x'></Data>` stays as it is. Text has no bare `<` or `>`.
    """
    end = text.find("</System>")
    if end < 0:
        return text
    head, rest = text[:end].replace('"', "'"), text[end:]
    data = '<Data Name="'
    if rest.count('="') == rest.count(data):  # no other attribute, nor a value like one
        rest = rest.replace(data, "<Data Name='").replace('">', "'>")
    else:
        rest = ATTRIBUTE.sub(r"='\1'", rest)
    head = IDENTIFIER.sub(r"{\1}'", EMPTY.sub("/>", head))
    return head + VALUE_OF_GUID.sub(r">{\1}<", rest)


def _damage(faults: list[str]) -> str:
    if len(faults) >= MOST_FAULTS:
        return f"too many damaged parts: the rest is missing ({faults[0]})"
    parts = "a damaged part is" if len(faults) == 1 else f"{len(faults)} damaged parts are"
    return f"{parts} missing ({faults[0]})"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

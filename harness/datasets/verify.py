"""Whether bytes are the dataset: sha256 and size, and the things that come in its stead."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.datasets.address import data_address, is_address, shown
from harness.datasets.errors import (
    DatasetMismatch,
    HtmlInsteadOfData,
    MissingFile,
    PointerInsteadOfData,
)
from harness.datasets.pointer import is_pointer, read_pointer
from harness.errors import Place
from harness.storage.errors import EmptyDataset

if TYPE_CHECKING:
    from pathlib import Path

HEAD_BYTES = 1024
_HTML = re.compile(
    # Atomic, or a page of comments would be tried in every grouping of them.
    rb"(?>(?:<\?xml[^>]*>|<!--.*?-->)\s*)*<(?:!doctype\s+html|html|head)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_NAMES = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is promised of a file: SHA-256 in lower-case hex, size in bytes, and by whom."""

    sha256: str | None = None
    size: int | None = None
    promised_by: str = "the manifest"


@dataclass(frozen=True, slots=True)
class Content:
    """What a file turned out to be; `head` is its first kibibyte."""

    sha256: str
    size: int
    head: bytes


def read_content(path: Path) -> Content:
    """Read a file once, for its SHA-256, size and head."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return Content(sha256=sha256, size=stream.tell(), head=head)


def verify(path: Path, sha256: str | None = None, size: int | None = None) -> Content:
    """Raise unless the file at `path` is data, and the data that was promised.

    `sha256` is hex, `size` is in bytes; `None` is not promised. Raises `MissingFile`,
    `EmptyDataset`, `PointerInsteadOfData`, `HtmlInsteadOfData` or `DatasetMismatch`.
    """
    try:
        content = read_content(path)
    except OSError as error:
        raise MissingFile(
            f"the dataset file cannot be read ({error.strerror or error})",
            place=Place(path=str(path)),
            hints=("check the path",),
        ) from error
    judge(str(path), content, Expected(sha256=sha256, size=size))
    return content


def judge(name: str, content: Content, expected: Expected) -> None:
    """Raise unless `content`, which was found at the path or address `name`, is the dataset."""
    place = Place(path=shown(name))
    if content.size == 0:
        raise EmptyDataset(
            "the file is empty",
            place=place,
            hints=("the source must be mended, or another dataset named",),
        )
    if _is_as_promised(content, expected):
        return
    refuse_impostor(name, content.head)
    differences = [
        f"{what} is {found}, but {expected.promised_by} says {promised}"
        for what, found, promised in (
            ("sha256", content.sha256, expected.sha256),
            ("size", content.size, expected.size),
        )
        if promised is not None and found != promised
    ]
    if differences:
        raise mismatch(name, "; ".join(differences))


def refuse_impostor(name: str, head: bytes) -> None:
    """Raise if a file that begins with `head` is an LFS pointer or a web page."""
    place = Place(path=shown(name))
    if is_pointer(head):
        raise PointerInsteadOfData(
            f"this is a Git LFS pointer{_what_it_stands_for(head)}, not the data",
            place=place,
            hints=_pointer_hints(name),
        )
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HTML.match(plain) and not name.casefold().endswith(_HTML_NAMES):
        raise HtmlInsteadOfData(
            "this is a web page, not the data",
            place=place,
            hints=("open the address in a browser: it may ask to log in, or have moved",),
        )


def mismatch(name: str, difference: str) -> DatasetMismatch:
    """The error for a file at `name` whose `difference` names the found and promised values."""
    return DatasetMismatch(
        f"not the file that was promised: {difference}",
        place=Place(path=shown(name)),
        hints=("fetch it again", "if the new file is right, put its values into the manifest"),
    )


def _is_as_promised(content: Content, expected: Expected) -> bool:
    return content.sha256 == expected.sha256 and expected.size in {None, content.size}


def _what_it_stands_for(head: bytes) -> str:
    pointer = read_pointer(head)
    return f" (to {pointer.size} bytes)" if pointer is not None else ""


def _pointer_hints(name: str) -> tuple[str, ...]:
    if not is_address(name):
        return ("run `git lfs pull` in the clone",)
    data = data_address(name)
    return (f"the data is at {data}",) if data else ("name the address of the data itself",)

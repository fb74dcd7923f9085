"""Git LFS pointers: the few lines that stand where a large file should be.

Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_POINTER_BYTES = 1024
_VERSION_LINE = b"version https://git-lfs.github.com/spec/v1"
_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})\r?$", re.MULTILINE)
_SIZE = re.compile(rb"^size ([0-9]{1,18})\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pointer:
    """The file that a pointer stands for: SHA-256 in lower-case hex, size in bytes."""

    sha256: str
    size: int


def is_pointer(head: bytes) -> bool:
    """Whether a file that begins with `head` is a pointer, whole or damaged."""
    return head.startswith(_VERSION_LINE)


def read_pointer(content: bytes) -> Pointer | None:
    """The pointer that `content` is, or `None` when it is none or lacks its oid or size."""
    if len(content) >= MAX_POINTER_BYTES or not is_pointer(content):
        return None
    oid, size = _OID.search(content), _SIZE.search(content)
    if oid is None or size is None:
        return None
    return Pointer(sha256=oid[1].decode("ascii"), size=int(size[1]))

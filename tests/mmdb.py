"""A writer of small MaxMind files, by the public description of their format.

Source: MaxMind DB File Format Specification, version 2.0.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MARKER = b"\xab\xcd\xefMaxMind.com"
STRING, DOUBLE, WORD, LONG_WORD, MAP, BIG_WORD, ARRAY = 2, 3, 5, 6, 7, 9, 11
EXTENDED = 7
BITS = 128


def write_database(path: Path, records: Mapping[str, Mapping[str, Any]]) -> Path:
    """A file in which each network (IPv4 or IPv6) has its record."""
    nodes: list[list[tuple[str, int]]] = [[("none", 0), ("none", 0)]]
    data = bytearray()
    for text, record in records.items():
        network = ipaddress.ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0{BITS}b}"[:length]
        at = 0
        for bit in bits[:-1]:
            kind, to = nodes[at][int(bit)]
            if kind != "node":
                to = len(nodes)
                nodes.append([("none", 0), ("none", 0)])
                nodes[at][int(bit)] = ("node", to)
            at = to
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += _value(record)
    tree = b"".join(_record(edge, len(nodes)) for node in nodes for edge in node)
    about = {
        "binary_format_major_version": (WORD, 2),
        "binary_format_minor_version": (WORD, 0),
        "build_epoch": (BIG_WORD, 1_600_000_000),
        "database_type": "Tiny",
        "description": {"en": "written by a test"},
        "ip_version": (WORD, 6),
        "languages": ["en"],
        "node_count": (LONG_WORD, len(nodes)),
        "record_size": (WORD, 24),
    }
    path.write_bytes(tree + bytes(16) + bytes(data) + MARKER + _value(about))
    return path


def _record(edge: tuple[str, int], count: int) -> bytes:
    kind, to = edge
    number = {"none": count, "node": to, "data": count + 16 + to}[kind]
    return number.to_bytes(3, "big")


def _value(value: Any) -> bytes:
    if isinstance(value, tuple):
        kind: int = value[0]
        number: int = value[1]
        body = number.to_bytes(8, "big").lstrip(b"\0")
        return _head(kind, len(body)) + body
    if isinstance(value, str):
        return _head(STRING, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _head(DOUBLE, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        return _value((LONG_WORD, value))
    if isinstance(value, list):
        return _head(ARRAY, len(value)) + b"".join(_value(one) for one in value)
    pairs = b"".join(_value(str(key)) + _value(one) for key, one in value.items())
    return _head(MAP, len(value)) + pairs


def _head(kind: int, size: int) -> bytes:
    assert size < 29 + 256, "longer ones need another form"
    extra = bytes([size - 29]) if size >= 29 else b""
    small = min(size, 29)
    if kind > EXTENDED:
        return bytes([small, kind - EXTENDED]) + extra
    return bytes([kind << 5 | small]) + extra

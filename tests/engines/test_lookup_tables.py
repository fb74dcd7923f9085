"""Lookup tables as they lie on disk."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from harness.engines import lookup_tables
from harness.engines.lookup_tables import BadLookup, read_table

if TYPE_CHECKING:
    from pathlib import Path


def test_a_compressed_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa,b\n1,\n"))
    assert read_table(path) == (("a", "b"), [("1", None)])


def test_a_compressed_table_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" * 1000))
    monkeypatch.setattr(lookup_tables, "MAX_LOOKUP_BYTES", 1000)
    with pytest.raises(BadLookup, match="too large"):
        read_table(path)


def test_a_damaged_compressed_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    for content in (b"a,b\n", gzip.compress(b"a\n" * 1000)[:-12]):
        path.write_bytes(content)
        with pytest.raises(BadLookup, match=r"t\.csv\.gz: the lookup table is no gzip file"):
            read_table(path)


def test_a_ragged_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(BadLookup, match=r"t\.csv:3:1: the row has 3 cells.*2 \(quote cells"):
        read_table(path)


def test_an_empty_table_and_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("")
    with pytest.raises(BadLookup, match=r"the lookup table is empty \(its first line"):
        read_table(path)
    with pytest.raises(BadLookup, match=r"cannot be read: No such file.*check that the file"):
        read_table(tmp_path / "gone.csv")

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from harness.datasets import (
    DatasetMismatch,
    EmptyDataset,
    HtmlInsteadOfData,
    MissingFile,
    PointerInsteadOfData,
    verify,
)
from harness.datasets.pointer import Pointer, is_pointer, read_pointer
from harness.datasets.verify import refuse_impostor

if TYPE_CHECKING:
    from pathlib import Path

# The SHA-256 of "abc" is the first example of FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + ABC.encode() + b"\nsize 3\n"


def test_the_promised_file_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"abc")
    content = verify(path, ABC, 3)
    assert (content.sha256, content.size) == (ABC, 3)


def test_both_hashes_and_both_sizes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"abcd")
    with pytest.raises(DatasetMismatch) as caught:
        verify(path, ABC, 3)
    found = hashlib.sha256(b"abcd").hexdigest()
    for value in (ABC, found, "size is 4", "says 3", str(path)):
        assert value in str(caught.value)


def test_an_empty_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    with pytest.raises(EmptyDataset, match="the file is empty"):
        verify(tmp_path / "a.log")
    with pytest.raises(MissingFile, match="No such file"):
        verify(tmp_path / "b.log")
    with pytest.raises(MissingFile, match="Is a directory"):
        verify(tmp_path)


def test_a_pointer_in_a_clone_tells_how_to_get_the_data(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(POINTER)
    with pytest.raises(PointerInsteadOfData, match="git lfs pull"):
        verify(path)


def test_a_pointer_at_raw_tells_where_the_data_is() -> None:
    raw = "https://raw.githubusercontent.com/splunk/attack_data/master/datasets/a.log"
    media = "https://media.githubusercontent.com/media/splunk/attack_data/master/datasets/a.log"
    with pytest.raises(PointerInsteadOfData) as caught:
        refuse_impostor(raw, POINTER)
    assert f"the data is at {media}" in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><p>",
        b"\xef\xbb\xbf \r\n<!doctype HTML>",
        b"<html lang='en'>",
        b"<?xml version='1.0'?><!DOCTYPE html PUBLIC '-//W3C'>",
        b"<!-- a --><!-- b -->\n<HEAD>",
    ],
)
def test_web_pages(page: bytes) -> None:
    with pytest.raises(HtmlInsteadOfData):
        refuse_impostor("https://data.example/a.log", page)


@pytest.mark.parametrize(
    "data",
    [
        b"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>",
        b"<?xml version='1.0'?><Events>",
        b'{"html": "<html>"}',
        b"04/01/2021 10:00:00 AM <html>",
        b"<htmlish>",
        b"<!-- comment --><Event>",
    ],
)
def test_data_that_is_no_web_page(data: bytes) -> None:
    refuse_impostor("https://data.example/a.log", data)


def test_a_page_is_data_where_a_page_is_named() -> None:
    refuse_impostor("https://data.example/phishing.html", b"<!doctype html>")


def test_many_comments_cost_no_time() -> None:
    started = time.monotonic()
    refuse_impostor("https://data.example/a.log", b"<!---->" * 140)
    assert time.monotonic() - started < 0.5


def test_pointers_are_read() -> None:
    assert read_pointer(POINTER) == Pointer(sha256=ABC, size=3)
    assert read_pointer(POINTER.replace(b"\n", b"\r\n")) == Pointer(sha256=ABC, size=3)
    extended = POINTER.replace(b"oid", b"ext-0-foo sha256:" + ABC.encode() + b"\noid", 1)
    assert read_pointer(extended) == Pointer(sha256=ABC, size=3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        POINTER.replace(b"sha256:ba", b"sha256:"),
        POINTER.replace(b"size 3", b"size three"),
        POINTER + b"x" * 1024,
    ],
)
def test_what_is_no_pointer_gives_none(content: bytes) -> None:
    assert read_pointer(content) is None


def test_a_damaged_pointer_is_still_no_data() -> None:
    assert is_pointer(POINTER[:50])
    with pytest.raises(PointerInsteadOfData):
        refuse_impostor("a.log", POINTER[:50])

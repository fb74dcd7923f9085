from __future__ import annotations

import errno
import gzip
import io
import json
import os
import random
import tracemalloc
from pathlib import Path

import pytest
from reading import read, text_event, written, xml_event

from harness.errors import HarnessError
from harness.ingest import (
    DamagedFile,
    EmptyFile,
    Loss,
    PointerInsteadOfEvents,
    UnreadableFile,
    ingest_text,
    read_file,
    shown_losses,
    texts,
)
from harness.model import Origin

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:ba596b20db348b031d84951a78e8fd99442c8a67e42159c8356a92b055317c60\nsize 128279\n"
)
CUT = "an event is too long: it was cut off, and the rest of it left out"
ANOTHER = "name a file that holds events, or fetch this one again"
REPLACED = "bytes that are no text were replaced by U+FFFD"


def fault(path: Path) -> HarnessError:
    with pytest.raises(HarnessError) as caught:
        read(path)
    return caught.value


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    error = fault(path)
    assert isinstance(error, EmptyFile)
    assert str(error) == f"{path}: the file is empty ({ANOTHER})"


@pytest.mark.parametrize("content", ["\n", " \r\n\t" * 5000, "\ufeff", b"\xff\xfe", b"\xff\xfe \0"])
def test_a_blank_file_is_an_error(tmp_path: Path, content: str | bytes) -> None:
    path = written(tmp_path, content)
    assert str(fault(path)) == (f"{path}: the file holds no events, only space ({ANOTHER})")


def test_a_missing_file_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, "x", "security.log")
    error = fault(tmp_path / "securty.log")
    assert isinstance(error, UnreadableFile)
    assert str(error) == (
        f"{tmp_path / 'securty.log'}: there is no such file (did you mean `security.log`?)"
    )
    assert str(fault(Path("/nowhere/at/all"))) == (
        "/nowhere/at/all: there is no such file (check the path)"
    )


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    assert str(fault(tmp_path)) == f"{tmp_path}: this is a folder (name the files in it)"


def test_a_pipe_is_an_error_and_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert str(fault(path)) == (
        f"{path}: this is not a plain file (write its events to a file first)"
    )


def test_a_path_that_no_file_can_have_is_an_error() -> None:
    error = fault(Path("a\0b"))
    assert isinstance(error, UnreadableFile)
    assert error.message.startswith("the file cannot be read: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "x")
    path.chmod(0)
    assert fault(path).message == "the file cannot be read: Permission denied"


@pytest.mark.parametrize("pack", [False, True])
def test_a_pointer_is_never_read_as_events(tmp_path: Path, *, pack: bool) -> None:
    content = gzip.compress(POINTER.encode()) if pack else POINTER.encode()
    path = written(tmp_path, content)
    error = fault(path)
    assert isinstance(error, PointerInsteadOfEvents)
    assert str(error) == (
        f"{path}: this is a Git LFS pointer, not the data (fetch the data: git lfs pull)"
    )


def test_a_packed_file_is_read_as_what_it_holds(tmp_path: Path) -> None:
    events = "\n".join(xml_event(number) for number in range(50))
    packed = written(tmp_path, gzip.compress(events.encode()), "x.log.gz")
    assert read(packed).raws == read(written(tmp_path, events)).raws
    two = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert read(written(tmp_path, two)).raws == ["one", "two"]


def test_a_packed_file_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    content = gzip.compress(random.Random(7).randbytes(3000).hex().encode())
    for damaged in (
        content[:-1000],
        content[:12],
        content[:1500] + b"\0" * 20 + content[1520:],
        content[:-8] + bytes(8),
    ):
        error = fault(written(tmp_path, damaged))
        assert isinstance(error, DamagedFile)
        assert error.message.startswith("the file cannot be unpacked: ")


def test_a_packed_file_of_nothing_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b""))
    error = fault(path)
    assert isinstance(error, EmptyFile)
    assert str(error) == f"{path}: the file unpacks to nothing ({ANOTHER})"


class FailingDisk(io.BytesIO):
    """A file of which only the beginning can be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0 and self.tell() >= len(self.getvalue()) // 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


@pytest.mark.parametrize("pack", [False, True])
def test_a_disk_that_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pack: bool
) -> None:
    content = random.Random(7).randbytes(100_000).hex().encode()
    if pack:
        content = gzip.compress(content)
    read(written(tmp_path, "what the apps say is read by now"))
    path = written(tmp_path, content)
    monkeypatch.setattr(Path, "open", lambda *_: FailingDisk(content))
    with pytest.raises(UnreadableFile) as caught:
        read(path, chunk=1000)
    assert str(caught.value) == f"{path}: the file cannot be read: Input/output error"


def test_only_the_first_losses_are_shown() -> None:
    few = [Loss("a.log", "odd"), Loss("a.log", "odder", 12_345)]
    assert shown_losses(few) == ("a.log: odd", "a.log: odder (at 12,345)")
    many = [Loss("a.log", "odd", number) for number in range(1020)]
    shown = shown_losses(many)
    assert len(shown) == 21
    assert shown[-1] == "and 1,000 more"


def test_a_packed_file_that_unpacks_without_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "RATIO_FREE_BYTES", 100_000)
    path = written(tmp_path, gzip.compress(b"\n" * 10_000_000))
    error = fault(path)
    assert isinstance(error, DamagedFile)
    size = path.stat().st_size
    assert error.message.startswith(f"the file of {size:,} bytes unpacks to more than ")
    honest = gzip.compress(b"\n".join(b"line %d" % number for number in range(100_000)))
    assert len(read(written(tmp_path, honest)).events) == 100_000


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize(
    "event",
    [xml_event(data="é \N{SNOWMAN} \N{SMILING FACE WITH SUNGLASSES}"), text_event(), "plain é"],
)
def test_utf_16_is_read_with_a_mark_and_without(
    tmp_path: Path, encoding: str, mark: str, event: str
) -> None:
    path = written(tmp_path, f"{mark}{event}\r\n".encode(encoding))
    for chunk in (1, 3, 4096):
        reading = read(path, chunk=chunk)
        assert reading.raws == [event]
        assert reading.losses == []


def test_a_mark_of_utf_8_belongs_to_no_event(tmp_path: Path) -> None:
    for event in (xml_event(data="é"), text_event(), '{"a": "é"}', "plain é"):
        assert read(written(tmp_path, f"\ufeff{event}\n")).raws == [event]


def test_bytes_that_are_no_text_are_replaced_and_noted_once(tmp_path: Path) -> None:
    path = written(tmp_path, b"one \xe9\n\xef\xbf\xbd good \xff\n" + b"\xc3" * 3)
    for chunk in (1, 2, 5, 4096):
        reading = read(path, chunk=chunk)
        assert reading.raws == ["one \ufffd", "\ufffd good \ufffd", "\ufffd" * 3]
        assert reading.losses == [Loss(str(path), REPLACED, 4)]
    honest = read(written(tmp_path, "\ufffd is a character like any other"))
    assert honest.losses == []


def test_a_character_cut_off_at_the_end_is_noted(tmp_path: Path) -> None:
    path = written(tmp_path, "é".encode()[:1].join([b"one ", b""]))
    assert read(path).losses == [Loss(str(path), REPLACED, 4)]
    odd = written(tmp_path, "one".encode("utf-16") + b"x")
    assert read(odd).messages == [REPLACED]


def test_lone_surrogates_of_a_text_are_replaced_and_noted() -> None:
    losses: list[Loss] = []
    (batch,) = ingest_text("one \ud800\ntwo \U0001f60e", Origin(), "inline", losses=losses)
    assert batch.raw == ["one \ufffd", "two \U0001f60e"]
    message = "characters that are no text were replaced by U+FFFD"
    assert losses == [Loss("inline", message, 4)]


def test_zero_bytes_and_escapes_stay_in_the_event(tmp_path: Path) -> None:
    event = xml_event(data="\0\x1b[31m\x07")
    assert read(written(tmp_path, event)).raws == [event]


@pytest.mark.parametrize(
    ("make", "kind"), [(xml_event, "XmlWinEventLog"), (text_event, "WinEventLog")]
)
def test_an_event_over_the_bound_is_cut_off_and_takes_no_other_with_it(
    tmp_path: Path, make: type, kind: str
) -> None:
    events = [make(1), make(2) + "", make(3)]
    long = events[1].replace("x</Data>", "x" * 20_000 + "</Data>").replace("\tu2", "u" * 20_000)
    assert len(long) > 20_000
    content = f"{events[0]}\n{long}\n{events[2]}\n"
    for chunk in (100, 1000, 1_000_000):
        reading = read(written(tmp_path, content), chunk=chunk, bound=5000)
        assert reading.raws == [events[0], long[:5000], events[2]]
        assert {event.sourcetype for event in reading.events} == {kind}
        assert reading.messages == [CUT]
        assert reading.losses[0].offset == len(events[0]) + 1


@pytest.mark.parametrize(
    ("event", "megabytes"),
    [
        (xml_event(data="x" * 2000), 100),
        (text_event() + "\n\tx" * 1000, 80),
        (json.dumps({"n": 1, "text": "x" * 2000}), 80),
        ("2022-02-28T10:00:00Z " + "x" * 2000, 80),
    ],
    ids=["xml", "text", "json", "lines"],
)
def test_a_file_is_not_held_as_a_whole(tmp_path: Path, event: str, megabytes: int) -> None:
    """What is held is pieces, and batches until they are let go."""
    path = tmp_path / "large.log"
    a_million = f"{event}\n" * (1_000_000 // len(event) + 1)
    with path.open("w") as file:
        for _ in range(megabytes):
            file.write(a_million)
    tracemalloc.start()
    try:
        count = sum(len(batch.raw) for batch in read_file(path, Origin()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == megabytes * (1_000_000 // len(event) + 1)
    assert peak < 60_000_000


def test_a_name_that_is_no_text_gives_a_source_that_is(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.log"))
    path.write_text("a=1\n")
    (batch,) = read_file(path, Origin("main"))
    assert batch.source == "caf\ufffd.log"


def test_bytes_are_no_event_log_and_no_risk_events(tmp_path: Path) -> None:
    path = written(tmp_path, b"\x07\x1e a=\x1e\xff" * 50, "broken.evtx")
    losses: list[Loss] = []
    batches = list(read_file(path, Origin("main"), losses=losses))
    assert {batch.sourcetype for batch in batches} == {"text"}
    assert losses[0].message == (
        "the name is that of an event log, and the file is none: it is read as text"
    )


def test_a_table_is_read_as_one_where_it_is_told_so(tmp_path: Path) -> None:
    path = written(tmp_path, "_time,user\n2026-01-01T10:00:00Z,ann\n", "users.csv")
    losses: list[Loss] = []
    (lines,) = read_file(path, Origin("main"), losses=losses)
    assert len(lines.raw) == 2
    assert [one.message for one in losses] == [
        "its lines are events: told `--sourcetype csv`, its columns are fields"
    ]
    losses.clear()
    (rows,) = read_file(path, Origin("main", sourcetype="csv"), losses=losses)
    assert (len(rows.raw), losses) == (1, [])
    assert rows.time == [1767261600.0]

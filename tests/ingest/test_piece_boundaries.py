"""Where a piece of a file ends changes nothing: not an event, not a time, not a loss."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import corpus, read, text_event, written, xml_event

from harness.errors import HarnessError
from harness.ingest import files, windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reading import Event

    from harness.ingest import Loss


@pytest.fixture(autouse=True, scope="module")
def _short_looks_ahead() -> Iterator[None]:
    """Texts of this size would else be waited for as a whole, and no piece would ever end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "DETECTED_CHARACTERS", 64)
        patch.setattr(windows, "LONGEST_START", 100)
        yield


BROKEN = (
    xml_event()[:-9], xml_event()[:60], text_event()[:40], '{"n": 1', '{"n": "x', "[", "]", "{",
    "<Events>", "</Events>", "<?xml version='1.0'?>", "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "<Event", "<Event>", "plain text", "2022-02-28T10:00:00Z up", "Feb 28 10:00:00 h a: up",
    "1646042400 x", "\ufeff", "\0", "02/28/2022 10:00:00 AM", "LogName=x",
)  # fmt: skip
NUMBERS = st.integers(0, 99)
DATA = st.sampled_from(["", "é\n", "<!--", "&lt;", "x" * 40])
PARTS = st.one_of(
    st.builds(xml_event, NUMBERS, data=DATA),
    st.builds(text_event, NUMBERS),
    st.builds(lambda n: json.dumps({"n": n, "s": "} {\"'"}), NUMBERS),
    st.builds(lambda n: json.dumps({"n": n, "l": [{"m": n}]}, indent=1), NUMBERS),
    st.sampled_from(BROKEN),
)
BETWEEN = st.sampled_from(["\n", "", "\r\n", " ", "\n\n", ",\n", "\t"])
TEXTS = st.lists(st.tuples(PARTS, BETWEEN), min_size=1, max_size=8).map(
    lambda parts: "".join(part + between for part, between in parts)
)


def outcome(
    path: Path, *, chunk: int | None = None, bound: int | None = None
) -> tuple[list[Event], Counter[Loss]] | str:
    """The events and losses, or the error of a file without events."""
    try:
        reading = read(path, chunk=chunk, bound=bound)
    except HarnessError as error:
        return error.message
    return reading.events, Counter(reading.losses)


@settings(max_examples=150, deadline=None)
@given(
    text=TEXTS,
    chunk=st.integers(1, 400),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-16"]),
    damage=st.integers(0, 2000),
)
def test_every_mixture_gives_the_same_events_in_pieces_of_every_size(
    text: str, chunk: int, encoding: str, damage: int
) -> None:
    content = text.encode(encoding)
    if damage < len(content) and encoding == "utf-8":
        content = content[:damage] + b"\xff" + content[damage + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        assert outcome(path, chunk=chunk) == outcome(path)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, chunk=st.integers(1, 400), bound=st.sampled_from([20, 60, 150]))
def test_what_is_too_long_is_cut_off_the_same_in_pieces_of_every_size(
    text: str, chunk: int, bound: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), text)
        whole = outcome(path, bound=bound)
        assert outcome(path, chunk=chunk, bound=bound) == whole
    assert isinstance(whole, str) or all(len(event.raw) <= bound for event in whole[0])


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(
        st.one_of(
            st.builds(xml_event, st.integers(0, 99)), st.builds(text_event, st.integers(0, 99))
        ),
        min_size=1,
        max_size=10,
    ),
    chunk=st.integers(1, 3000),
)
def test_whole_windows_events_come_out_as_they_went_in(parts: list[str], chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reading = read(written(Path(folder), "\n".join(parts)), chunk=chunk)
    assert sorted(reading.raws) == sorted(parts)
    assert reading.losses == []


@settings(max_examples=100, deadline=None)
@given(
    objects=st.lists(
        st.dictionaries(
            st.text(max_size=5), st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                lambda inner: st.lists(inner, max_size=3), max_leaves=4,
            ), max_size=4,
        ), min_size=1, max_size=6,
    ),
    indent=st.sampled_from([None, 0, 2]),
    chunk=st.integers(1, 300),
    array=st.booleans(),
)  # fmt: skip
def test_objects_come_out_as_they_went_in(
    objects: list[dict[str, object]], indent: int | None, chunk: int, *, array: bool
) -> None:
    if array:
        content = json.dumps(objects, indent=indent)
    else:
        content = "\n".join(json.dumps(one, indent=indent) for one in objects)
    with tempfile.TemporaryDirectory() as folder:
        reading = read(written(Path(folder), content), chunk=chunk)
    assert [json.loads(raw) for raw in reading.raws] == objects
    assert reading.losses == []


@pytest.mark.parametrize("chunk", [509, 4096, 65_537])
def test_the_real_mixed_file_is_the_same_in_pieces(chunk: int) -> None:
    path = corpus(
        "attack_data", "attack_techniques", "T1552.004", "certutil_exe_certificate_extraction",
        "certutil_exe_certificate_extraction.raw",
    )  # fmt: skip
    assert read(path, chunk=chunk) == read(path)

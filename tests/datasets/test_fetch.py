from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from harness.datasets import (
    DatasetFile,
    DatasetMismatch,
    DiskFull,
    EmptyDataset,
    ForbiddenAddress,
    HtmlInsteadOfData,
    OversizedFile,
    PointerInsteadOfData,
    Refused,
    SlowDownload,
    Status,
    Store,
    TruncatedDownload,
    Unreachable,
)
from harness.datasets.cache import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_server import Answer, Handler, LocalServer

    from harness.datasets import Limits, StoreSettings

pytest_plugins = ("local_server",)

BODY = b"".join(b"event %06d of the local server\n" % n for n in range(20_000))
SHA256 = hashlib.sha256(BODY).hexdigest()
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:" + SHA256.encode() + b"\n"
    b"size " + str(len(BODY)).encode() + b"\n"
)
PAGE = b"<!-- sign in -->\n<!DOCTYPE html><html><body>404: Not Found</body></html>"


def whole(body: bytes = BODY, **headers: str) -> Answer:
    return lambda handler: handler.reply(body, **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.reply(b"", code, **headers)


def cut_after(count: int, body: bytes = BODY, **headers: str) -> Answer:
    """Announce the whole body, send some of it, hang up."""

    def answer(handler: Handler) -> None:
        handler.reply(body[:count], **{"Content_Length": str(len(body)), **headers})
        handler.break_off()

    return answer


def ranged(body: bytes = BODY, etag: str = '"one"') -> Answer:
    """What a server with ranges and validators does (RFC 9110, section 14)."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        if asked is None or handler.headers.get("If-Range", etag) != etag:
            handler.reply(body, ETag=etag)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            handler.reply(b"", 416, Content_Range=f"bytes */{len(body)}")
            return
        span = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.reply(body[start:], 206, ETag=etag, Content_Range=span)

    return answer


def test_a_plain_file_arrives_whole_and_once(server: LocalServer, store: Store) -> None:
    file = DatasetFile(url=server.on("/windows.log", whole()), sha256=SHA256, size=len(BODY))
    first = store.obtain(file)
    assert first.read_bytes() == BODY
    assert first.name == "windows.log"
    assert store.obtain(file) == first
    assert len(server.gets("/windows.log")) == 1
    assert store.status(file) is Status.CACHED
    assert store.path(file) == first


def test_nothing_but_data_and_record_stays(
    server: LocalServer, store: Store, slot_files: Callable[[], list[str]]
) -> None:
    store.obtain(DatasetFile(url=server.on("/a.log", whole())))
    assert slot_files() == ["a.log", "record.json"]


def test_a_cut_connection_is_resumed_where_it_broke(server: LocalServer, store: Store) -> None:
    cut = cut_after(100_000, ETag='"one"')
    file = DatasetFile(url=server.on("/a.log", cut, ranged()), sha256=SHA256)
    assert store.obtain(file).read_bytes() == BODY
    first, second = server.gets("/a.log")
    assert "Range" not in first
    assert second["Range"] == "bytes=100000-"
    assert second["If-Range"] == '"one"'


def test_a_changed_file_is_not_spliced(server: LocalServer, store: Store) -> None:
    changed = BODY.replace(b"event", b"EVENT")
    cut = cut_after(100_000, ETag='"one"')
    url = server.on("/a.log", cut, ranged(changed, etag='"two"'))
    assert store.obtain(DatasetFile(url=url)).read_bytes() == changed


def test_a_server_that_ignores_if_range_cannot_splice(server: LocalServer, store: Store) -> None:
    changed = BODY.replace(b"event", b"EVENT")

    def splicing(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(changed) - 1}/{len(changed)}"
        handler.reply(changed[start:], 206, ETag='"two"', Content_Range=span)

    cut = cut_after(100_000, ETag='"one"')
    url = server.on("/a.log", cut, splicing, ranged(changed, etag='"two"'))
    assert store.obtain(DatasetFile(url=url)).read_bytes() == changed


def test_halves_of_two_versions_are_found_by_the_hash_and_fetched_anew(
    server: LocalServer, store: Store
) -> None:
    older = BODY.replace(b"event", b"EVENT")
    url = server.on("/a.log", cut_after(100_000, older), ranged(etag=""))
    assert store.obtain(DatasetFile(url=url, sha256=SHA256)).read_bytes() == BODY
    assert [headers.get("Range") for headers in server.gets("/a.log")] == [
        None,
        "bytes=100000-",
        None,
    ]


def test_without_validator_and_hash_nothing_is_joined(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", cut_after(100_000), whole())
    assert store.obtain(DatasetFile(url=url)).read_bytes() == BODY
    assert "Range" not in server.gets("/a.log")[1]


def test_a_weak_validator_joins_nothing(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", cut_after(100_000, ETag='W/"one"'), whole())
    assert store.obtain(DatasetFile(url=url)).read_bytes() == BODY
    assert "Range" not in server.gets("/a.log")[1]


def test_the_next_run_resumes_what_an_interrupted_one_left(
    server: LocalServer, settings: StoreSettings
) -> None:
    def stop_early(label: str) -> StopEarly:
        return StopEarly()

    class StopEarly:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *details: object) -> None: ...

        def __call__(self, received: int, total: int | None) -> None:
            assert total == len(BODY)
            if received > 50_000:
                raise KeyboardInterrupt

    file = DatasetFile(url=server.on("/a.log", ranged()), sha256=SHA256)
    with pytest.raises(KeyboardInterrupt):
        Store(replace(settings, progress=stop_early)).obtain(file)
    assert Store(settings).status(file) is Status.MISSING
    kept = Slot.of(settings.cache_dir, file.url).partial.stat().st_size
    assert kept > 50_000
    assert Store(settings).obtain(file).read_bytes() == BODY
    assert server.gets("/a.log")[1]["Range"] == f"bytes={kept}-"


def test_a_partial_file_that_is_whole_needs_no_more(
    server: LocalServer, settings: StoreSettings
) -> None:
    file = DatasetFile(url=server.on("/a.log", ranged()), sha256=SHA256)
    slot = Slot.of(settings.cache_dir, file.url)
    slot.folder.mkdir(parents=True)
    slot.partial.write_bytes(BODY)
    assert Store(settings).obtain(file).read_bytes() == BODY


def test_a_partial_file_longer_than_the_file_is_dropped(
    server: LocalServer, settings: StoreSettings
) -> None:
    file = DatasetFile(url=server.on("/a.log", ranged()), sha256=SHA256)
    slot = Slot.of(settings.cache_dir, file.url)
    slot.folder.mkdir(parents=True)
    slot.partial.write_bytes(BODY + b"and more")
    assert Store(settings).obtain(file).read_bytes() == BODY


def test_too_many_requests_waits_as_long_as_it_is_asked_to(
    server: LocalServer, store: Store
) -> None:
    url = server.on("/a.log", status(429, Retry_After="1"), whole())
    started = time.monotonic()
    assert store.obtain(DatasetFile(url=url)).read_bytes() == BODY
    assert time.monotonic() - started >= 1.0


def test_retry_after_may_be_a_date(server: LocalServer, store: Store) -> None:
    past = formatdate(time.time() - 60, usegmt=True)
    url = server.on("/a.log", status(503, Retry_After=past), whole())
    assert store.obtain(DatasetFile(url=url)).read_bytes() == BODY


def test_asking_for_no_wait_does_not_end_the_pauses(
    server: LocalServer, settings: StoreSettings
) -> None:
    url = server.on("/a.log", status(503, Retry_After="0"), whole())
    limits = replace(settings.limits, first_wait_seconds=0.2)
    started = time.monotonic()
    assert Store(replace(settings, limits=limits)).obtain(DatasetFile(url=url)).read_bytes() == BODY
    assert time.monotonic() - started >= 0.2


def test_a_server_that_asks_for_a_long_wait_is_left_alone(
    server: LocalServer, store: Store
) -> None:
    url = server.on("/a.log", status(429, Retry_After="3600"), whole())
    with pytest.raises(Unreachable, match="answers 429, and asks to wait 3600 s"):
        store.obtain(DatasetFile(url=url))
    assert len(server.gets("/a.log")) == 1


def test_busy_servers_are_asked_again(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", status(503), status(500), whole())
    assert store.obtain(DatasetFile(url=url)).read_bytes() == BODY


def test_a_server_that_stays_busy_is_unreachable(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", status(503))
    with pytest.raises(Unreachable, match="answers 503"):
        store.obtain(DatasetFile(url=url))
    assert len(server.gets("/a.log")) == 4


def test_a_missing_file_is_refused_at_once(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", status(404))
    with pytest.raises(Refused, match="404 Not Found") as caught:
        store.obtain(DatasetFile(url=url))
    assert str(caught.value).startswith(url)
    assert len(server.gets("/a.log")) == 1


def test_a_file_that_attack_data_moved_is_found_by_its_commit(
    server: LocalServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.datasets.fetch.attack_data_path", lambda _: "datasets/a.log")
    with pytest.raises(Refused, match="write a commit that has it in place of the branch"):
        store.obtain(DatasetFile(url=server.on("/a.log", status(404))))


def test_a_connection_that_always_breaks_is_a_truncated_download(
    server: LocalServer, store: Store
) -> None:
    url = server.on("/a.log", cut_after(100_000))
    with pytest.raises(TruncatedDownload, match=f"after 100000 of {len(BODY)} bytes"):
        store.obtain(DatasetFile(url=url))
    assert len(server.gets("/a.log")) == 4


def test_a_chunked_body_that_breaks_off_is_truncated(server: LocalServer, store: Store) -> None:
    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"10\r\n" + BODY[:16] + b"\r\n10\r\n" + BODY[16:20])
        handler.break_off()

    with pytest.raises(TruncatedDownload):
        store.obtain(DatasetFile(url=server.on("/a.log", chunked)))


def test_a_web_page_is_no_data(
    server: LocalServer, store: Store, slot_files: Callable[[], list[str]]
) -> None:
    url = server.on("/a.log", whole(PAGE, Content_Type="text/html"))
    with pytest.raises(HtmlInsteadOfData, match="a web page, not the data"):
        store.obtain(DatasetFile(url=url))
    assert slot_files() == []


@pytest.mark.parametrize(
    "promises", [{"sha256": SHA256}, {"size": len(BODY)}, {"size": 10}, {"size": len(PAGE) + 1}]
)
def test_a_web_page_is_named_before_the_mismatch(
    server: LocalServer, store: Store, promises: dict[str, str], file_at: Callable[..., DatasetFile]
) -> None:
    with pytest.raises(HtmlInsteadOfData):
        store.obtain(file_at(server.on("/a.log", whole(PAGE)), **promises))


def test_a_pointer_is_no_data(
    server: LocalServer, store: Store, slot_files: Callable[[], list[str]]
) -> None:
    url = server.on("/a.log", whole(POINTER))
    with pytest.raises(PointerInsteadOfData, match=f"pointer \\(to {len(BODY)} bytes\\)"):
        store.obtain(DatasetFile(url=url, sha256=SHA256, size=len(BODY)))
    assert slot_files() == []


def test_another_hash_names_both(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", whole())
    with pytest.raises(DatasetMismatch) as caught:
        store.obtain(DatasetFile(url=url, sha256="0" * 64))
    message = str(caught.value)
    assert SHA256 in message
    assert "0" * 64 in message
    assert message.startswith(url)
    assert "\n" not in message


@pytest.mark.parametrize("promised", [len(BODY) - 1, len(BODY) + 1])
def test_another_size_is_a_mismatch(
    server: LocalServer, store: Store, promised: int, slot_files: Callable[[], list[str]]
) -> None:
    with pytest.raises(DatasetMismatch, match=str(promised)):
        store.obtain(DatasetFile(url=server.on("/a.log", whole()), size=promised))
    assert slot_files() == []


def test_an_empty_file_is_no_dataset(server: LocalServer, store: Store) -> None:
    with pytest.raises(EmptyDataset, match="the file is empty"):
        store.obtain(DatasetFile(url=server.on("/a.log", whole(b""))))


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def test_an_endless_body_is_stopped(
    server: LocalServer, settings: StoreSettings, limits: Limits
) -> None:
    small = replace(settings, limits=replace(limits, max_bytes=1_000_000))
    with pytest.raises(OversizedFile, match="1000000 are allowed"):
        Store(small).obtain(DatasetFile(url=server.on("/a.log", endless)))


def test_an_endless_body_is_stopped_at_the_promised_size(server: LocalServer, store: Store) -> None:
    with pytest.raises(DatasetMismatch, match="size is more than 1000 bytes"):
        store.obtain(DatasetFile(url=server.on("/a.log", endless), size=1000))


def test_an_announced_size_beyond_the_limit_is_not_read(
    server: LocalServer, settings: StoreSettings, limits: Limits
) -> None:
    small = replace(settings, limits=replace(limits, max_bytes=1000))
    url = server.on("/a.log", whole(Content_Length=str(10**12)))
    with pytest.raises(OversizedFile, match="1000000000000 bytes"):
        Store(small).obtain(DatasetFile(url=url))


def test_a_trickle_does_not_outlast_the_time(
    server: LocalServer, settings: StoreSettings, limits: Limits
) -> None:
    def trickle(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)

    short = replace(settings, limits=replace(limits, total_seconds=0.4))
    started = time.monotonic()
    with pytest.raises(SlowDownload, match="not here after"):
        Store(short).obtain(DatasetFile(url=server.on("/a.log", trickle)))
    assert time.monotonic() - started < 2


def test_redirects_are_followed(server: LocalServer, store: Store) -> None:
    server.on("/b.log", whole())
    url = server.on("/a.log", status(302, Location="/b.log"))
    path = store.obtain(DatasetFile(url=url))
    assert path.read_bytes() == BODY
    assert path.name == "a.log"


def test_a_redirect_loop_ends(server: LocalServer, store: Store) -> None:
    url = server.on("/a.log", status(307, Location="/a.log"))
    with pytest.raises(Refused, match="redirected more than 5 times"):
        store.obtain(DatasetFile(url=url))
    assert len(server.gets("/a.log")) == 6


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x", "gopher://host/x"])
def test_a_redirect_to_another_scheme_is_refused(
    server: LocalServer, store: Store, target: str
) -> None:
    url = server.on("/a.log", status(302, Location=target))
    with pytest.raises(ForbiddenAddress, match=r"redirected: .*over https only"):
        store.obtain(DatasetFile(url=url))


def test_bytes_are_kept_as_they_were_stored(server: LocalServer, store: Store) -> None:
    """Some servers mark a stored .gz as an encoding; the hash is of what is stored."""
    import gzip

    packed = gzip.compress(BODY)
    url = server.on("/a.log.gz", whole(packed, Content_Encoding="gzip"))
    file = DatasetFile(url=url, sha256=hashlib.sha256(packed).hexdigest(), size=len(packed))
    path = store.obtain(file)
    assert path.read_bytes() == BODY
    assert path.name == "a.log"
    assert store.path(file).read_bytes() == packed


def test_the_pointer_of_a_file_without_promises_verifies_it(
    server: LocalServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("/pointer", whole(POINTER))
    monkeypatch.setattr("harness.datasets.fetch.pointer_address", lambda _: server.url("/pointer"))
    store.obtain(DatasetFile(url=server.on("/right.log", whole())))
    with pytest.raises(DatasetMismatch, match="its Git LFS pointer says"):
        store.obtain(DatasetFile(url=server.on("/wrong.log", whole(b"another file\n"))))


@pytest.mark.parametrize("answer", [status(404), whole(b"not a pointer"), cut_after(5, POINTER)])
def test_a_pointer_that_cannot_be_had_changes_nothing(
    server: LocalServer, store: Store, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    server.on("/pointer", answer)
    monkeypatch.setattr("harness.datasets.fetch.pointer_address", lambda _: server.url("/pointer"))
    path = store.obtain(DatasetFile(url=server.on("/a.log", whole())))
    assert path.read_bytes() == BODY


def test_a_stored_file_that_was_changed_is_fetched_anew(server: LocalServer, store: Store) -> None:
    file = DatasetFile(url=server.on("/a.log", whole()))
    store.obtain(file).write_bytes(BODY[:-1] + b"X")
    assert store.status(file) is Status.WRONG
    assert store.obtain(file).read_bytes() == BODY
    assert len(server.gets("/a.log")) == 2


def test_progress_counts_to_the_end(server: LocalServer, settings: StoreSettings) -> None:
    class Noted:
        def __init__(self) -> None:
            self.ticks: list[tuple[int, int | None]] = []

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *details: object) -> None: ...

        def __call__(self, received: int, total: int | None) -> None:
            self.ticks.append((received, total))

    noted = Noted()
    labels: list[str] = []

    def progress(label: str) -> Noted:
        labels.append(label)
        return noted

    Store(replace(settings, progress=progress)).obtain(
        DatasetFile(url=server.on("/a.log", whole()))
    )
    assert labels == ["a.log"]
    assert noted.ticks[0] == (0, len(BODY))
    assert noted.ticks[-1] == (len(BODY), len(BODY))


class FullDisk:
    """A file that takes some bytes and then says what a full disk says."""

    def __init__(self, stream: Any, room: int) -> None:
        self._stream = stream
        self._room = room

    def write(self, chunk: bytes) -> int:
        if len(chunk) > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._room -= len(chunk)
        return int(self._stream.write(chunk))

    def close(self) -> None:
        self._stream.close()


def test_a_full_disk_is_said_and_what_came_is_kept(
    server: LocalServer, store: Store, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = DatasetFile(url=server.on("/a.log", ranged()), sha256=SHA256)
    slot = Slot.of(settings.cache_dir, file.url)
    real_open = Path.open

    def open_with_little_room(path: Path, mode: str = "r", **options: Any) -> Any:
        stream = real_open(path, mode, **options)
        return FullDisk(stream, 300_000) if path == slot.partial and "w" in mode else stream

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", open_with_little_room)
        with pytest.raises(DiskFull, match="no room left on the disk") as caught:
            store.obtain(file)
    assert "HARNESS_CACHE_DIR" in str(caught.value)
    assert store.status(file) is Status.MISSING
    assert store.obtain(file).read_bytes() == BODY
    assert server.gets("/a.log")[1]["Range"].startswith("bytes=")


def test_a_disk_without_room_for_the_announced_size_is_left_alone(
    server: LocalServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage("."))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(DiskFull, match="and 1000 are free"):
        store.obtain(DatasetFile(url=server.on("/a.log", whole())))

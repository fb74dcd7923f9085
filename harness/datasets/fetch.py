"""Fetch one file: streamed, resumed, tried again, bounded, hashed on the way."""

from __future__ import annotations

import logging
import re
import shutil
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NoReturn

from harness.datasets.address import attack_data_path, pointer_address, shown
from harness.datasets.connection import Connection
from harness.datasets.errors import (
    DatasetMismatch,
    Interrupted,
    OversizedFile,
    Refused,
    SlowDownload,
    TruncatedDownload,
    Unreachable,
)
from harness.datasets.partial import Partial, Version
from harness.datasets.pointer import MAX_POINTER_BYTES, read_pointer
from harness.datasets.progress import default_progress
from harness.datasets.verify import Expected, judge, mismatch, refuse_impostor
from harness.errors import HarnessError, Place
from harness.storage.errors import DiskFull

if TYPE_CHECKING:
    from pathlib import Path

    import requests

    from harness.datasets.cache import Slot
    from harness.datasets.partial import Sink
    from harness.datasets.progress import Tick
    from harness.datasets.reachability import Reachability
    from harness.datasets.settings import StoreSettings
    from harness.datasets.verify import Content

_CHUNK = 256 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_UNSATISFIED_RANGE = re.compile(r"bytes \*/(\d+)")
_DISK_RESERVE_BYTES = 1024 * 1024

# Retries are no news to the person who waits; a handler of theirs still gets them.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Download:
    """One file on its way into its slot. The caller holds the slot's lock."""

    def __init__(
        self, slot: Slot, expected: Expected, settings: StoreSettings, reachability: Reachability
    ) -> None:
        self._slot = slot
        self._url = slot.url
        self._place = Place(path=shown(slot.url))
        self._expected = expected
        self._settings = settings
        self._limits = settings.limits
        self._partial = Partial(slot)
        self._connection = Connection(settings, reachability)
        self._deadline = time.monotonic() + settings.limits.total_seconds
        self._pointer_asked = expected.sha256 is not None
        self._resumed = False

    def run(self) -> Path:
        """Fetch the file, verify it, and give its place in the cache.

        What arrived is kept when the download ends early, on Ctrl-C too, and the next run
        goes on from there. A resumed file that is not the promised one is fetched once more
        from its first byte, since its halves may be of two versions.
        """
        progress = self._settings.progress or default_progress()
        with self._connection, progress(self._slot.name) as tick:
            try:
                content = self._patiently(tick)
            except DatasetMismatch:
                if not self._resumed:
                    raise
                content = self._patiently(tick)
        return self._slot.settle(content, promised=self._expected.sha256 is not None)

    def _patiently(self, tick: Tick) -> Content:
        import stamina  # noqa: PLC0415 - only where something is fetched

        attempts = stamina.retry_context(
            on=self._pause,
            attempts=self._limits.attempts,
            timeout=max(self._deadline - time.monotonic(), 0.001),
            wait_initial=self._limits.first_wait_seconds,
            wait_max=self._limits.longest_wait_seconds,
            wait_jitter=self._limits.first_wait_seconds,
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._attempt(tick)
        except Interrupted as error:
            self._give_up(error)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _pause(self, error: Exception) -> bool | float:
        """Whether to try again after `error`, or the seconds to wait before (a stamina hook)."""
        if not isinstance(error, Interrupted):
            return False
        asked = error.retry_after_seconds
        if not asked:  # to ask for no wait is not to ask for a burst
            return True
        return asked <= self._limits.longest_wait_seconds and asked

    def _give_up(self, error: Interrupted) -> NoReturn:
        if time.monotonic() >= self._deadline:
            raise self._too_slow() from error
        if error.truncated:
            raise TruncatedDownload(
                error.message,
                place=self._place,
                hints=("run again: what has arrived is kept, and the rest is asked for",),
            ) from error
        raise Unreachable(error.message, place=self._place, hints=("try again later",)) from error

    def _attempt(self, tick: Tick) -> Content:
        headers = self._partial.range_headers(hash_is_known=self._expected.sha256 is not None)
        response = self._get(self._url, headers)
        try:
            if response.status_code == 416 and headers:
                self._settle_range(response)
                return self._judged(self._counted())
            self._check_status(response)
            self._ask_pointer()
            return self._judged(self._receive(response, tick, resuming=bool(headers)))
        finally:
            response.close()

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise self._too_slow()
        return self._connection.get(url, headers, seconds_left=seconds_left)

    def _judged(self, content: Content) -> Content:
        """`content`, if it is the dataset; else nothing of it stays."""
        try:
            judge(self._url, content, self._expected)
        except HarnessError:
            self._partial.drop()
            raise
        return content

    def _counted(self) -> Content:
        self._resumed = True
        with self._partial.resume() as sink:
            return sink.content()

    def _settle_range(self, response: requests.Response) -> None:
        """A server has nothing after what is here: that is all of it, or of another file."""
        whole = _UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if whole is None or int(whole[1]) != self._partial.size():
            self._partial.drop()
            raise Interrupted("the file at the server became shorter")

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in {200, 206}:
            return
        if status in _BUSY:
            wait = _retry_after_seconds(response.headers.get("Retry-After"))
            asks = f", and asks to wait {wait:.0f} s" if wait else ""
            raise Interrupted(f"the server answers {status}{asks}", retry_after_seconds=wait)
        raise Refused(
            f"the server answers {status} {shown(response.reason or '')}".rstrip(),
            place=self._place,
            hints=_refusal_hints(self._url),
        )

    def _receive(self, response: requests.Response, tick: Tick, *, resuming: bool) -> Content:
        version, start = Version.of(response.headers), 0
        if response.status_code == 206:
            start = self._joint(response, version, resuming=resuming)
        length = _integer(response.headers.get("Content-Length"))
        whole = None if length is None else start + length
        self._check_announced(whole, start)
        self._resumed |= start > 0
        sinks = self._partial.resume() if start else self._partial.start(version)
        with sinks as sink:
            self._pour(response, sink, tick, whole)
            return sink.content()

    def _joint(self, response: requests.Response, version: Version, *, resuming: bool) -> int:
        """Where the answered part begins, if it continues what is here."""
        span = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        here, known = self._partial.size(), self._partial.version()
        same = known.validator is None or version.validator in {None, known.validator}
        if not resuming or span is None or int(span[1]) != here or not same:
            self._partial.drop()
            raise Interrupted("the server sent another part of the file than the one asked for")
        return here

    def _check_announced(self, whole: int | None, start: int) -> None:
        if whole is None:
            return
        if whole > self._limits.max_bytes:
            raise self._oversized(f"{whole} bytes")
        if self._expected.size not in {None, whole}:
            return  # an impostor, most likely: its first bytes tell which, and no more is read
        self._slot.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._slot.folder).free
        needed = whole - start + _DISK_RESERVE_BYTES
        if free < needed:
            raise DiskFull(
                f"{needed} bytes are needed and {free} are free",
                place=Place(path=str(self._slot.folder)),
                hints=("free some space and run again", "or set HARNESS_CACHE_DIR"),
            )

    def _pour(self, response: requests.Response, sink: Sink, tick: Tick, whole: int | None) -> None:
        """Read the body to its end, to the promised size, or to the end of the time."""
        tick(sink.size, whole)
        while chunk := self._read(response, sink.size, whole):
            if time.monotonic() > self._deadline:
                raise self._too_slow()
            sink.write(chunk)
            tick(sink.size, whole)
            self._check_size(sink)
        if whole is not None and sink.size < whole:
            raise _truncated(sink.size, whole)

    def _check_size(self, sink: Sink) -> None:
        promised = self._expected.size
        if promised is not None and sink.size > promised:
            self._partial.drop()
            refuse_impostor(self._url, sink.content().head)
            raise mismatch(
                self._url,
                f"size is more than {promised} bytes, which {self._expected.promised_by} says",
            )
        if sink.size > self._limits.max_bytes:
            self._partial.drop()
            raise self._oversized("it goes on")

    def _read(self, response: requests.Response, here: int = 0, whole: int | None = None) -> bytes:
        """Some bytes, as soon as there are some: a slow server must not outlast the time.

        They come as they were sent, without undoing a Content-Encoding, since a hash is of
        the file as it is stored.
        """
        from urllib3 import exceptions  # noqa: PLC0415 - loaded with requests

        try:
            return response.raw.read1(_CHUNK, decode_content=False) or b""
        except (exceptions.HTTPError, OSError) as error:
            raise _truncated(here, whole) from error

    def _ask_pointer(self) -> None:
        """Take sha256 and size from the LFS pointer, where there is one and nothing is promised.

        Once, after the data's own host has answered, and without insisting: a pointer that
        cannot be had leaves the file unpromised, which its record says.
        """
        address = None if self._pointer_asked else pointer_address(self._url)
        self._pointer_asked = True
        if address is None:
            return
        try:
            pointer = read_pointer(self._short_body(self._get(address, {})))
        except HarnessError:
            return
        if pointer is not None:
            told = self._expected.size
            size = pointer.size if told is None else told
            self._expected = Expected(pointer.sha256, size, "its Git LFS pointer")

    def _short_body(self, response: requests.Response) -> bytes:
        body = b""
        while response.status_code == 200 and len(body) < MAX_POINTER_BYTES:
            if not (chunk := self._read(response)):
                break
            body += chunk
        response.close()
        return body

    def _oversized(self, what: str) -> OversizedFile:
        return OversizedFile(
            f"larger than one file may be: {what}, and {self._limits.max_bytes} are allowed",
            place=self._place,
            hints=("name a smaller file",),
        )

    def _too_slow(self) -> SlowDownload:
        return SlowDownload(
            f"not here after {self._limits.total_seconds:.0f} s",
            place=self._place,
            hints=("run again: what has arrived is kept, and the rest is asked for",),
        )


def _refusal_hints(url: str) -> tuple[str, ...]:
    if attack_data_path(url) is None:
        return ("check the address: the file may have moved, or need a login",)
    return (
        "attack_data may have moved the file: look for it in the repository",
        "or write a commit that has it in place of the branch",
    )


def _truncated(here: int, whole: int | None) -> Interrupted:
    of = "" if whole is None else f" of {whole}"
    return Interrupted(f"the connection ended after {here}{of} bytes", truncated=True)


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _retry_after_seconds(text: str | None) -> float | None:
    """A Retry-After header, which is seconds or a date (RFC 9110, section 10.2.3)."""
    if text is None:
        return None
    if (seconds := _integer(text.strip())) is not None:
        return float(seconds)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None

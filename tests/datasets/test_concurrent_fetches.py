from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from harness.datasets import DatasetFile, DownloadInProgress, Store
from harness.datasets.cache import Slot
from harness.storage.files import locked

if TYPE_CHECKING:
    from local_server import Handler, LocalServer

    from harness.datasets import StoreSettings

pytest_plugins = ("local_server",)

BODY = b"a line of the file\n" * 5000
FETCH = """
import sys
from pathlib import Path
from harness.datasets import DatasetFile, Store, StoreSettings

settings = StoreSettings.from_environment(cache_dir=Path(sys.argv[1]), allow_local_addresses=True)
print(Store(settings).obtain(DatasetFile(url=sys.argv[2])))
"""


def test_two_processes_fetch_a_file_once(server: LocalServer, settings: StoreSettings) -> None:
    started = threading.Event()

    def slow(handler: Handler) -> None:
        started.set()
        time.sleep(0.5)  # long enough for the other process to come and find the lock
        handler.reply(BODY)

    url = server.on("/a.log", slow)
    command = [sys.executable, "-c", FETCH, str(settings.cache_dir), url]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=20) for process in processes]
    assert started.is_set()
    assert [process.returncode for process in processes] == [0, 0]
    paths = {out.strip() for out, _ in outputs}
    assert paths == {str(Slot.of(settings.cache_dir, url).data)}
    assert [err for _, err in outputs] == ["", ""]  # no bar, no warning on a pipe
    assert len(server.gets("/a.log")) == 1


def test_ctrl_c_leaves_a_part_that_the_next_run_resumes(
    server: LocalServer, settings: StoreSettings
) -> None:
    import signal

    arrived = threading.Event()

    def stalls(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        handler.wfile.write(BODY[:40_000])
        handler.wfile.flush()
        arrived.set()
        time.sleep(3)

    def rest(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        handler.reply(BODY[start:], 206, ETag='"one"', Content_Range=span)

    url = server.on("/a.log", stalls, rest)
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, str(settings.cache_dir), url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert arrived.wait(10)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    assert not Slot.of(settings.cache_dir, url).data.exists()
    assert Store(settings).obtain(DatasetFile(url=url)).read_bytes() == BODY
    assert server.gets("/a.log")[1]["Range"] == "bytes=40000-"


def test_a_lock_that_is_never_released_is_not_waited_for_without_end(
    settings: StoreSettings,
) -> None:
    path = settings.cache_dir / "lock"
    code = (
        "import sys, time; from pathlib import Path; from harness.storage.files import locked\n"
        "with locked(Path(sys.argv[1]), timeout_seconds=1):\n"
        "    print('held', flush=True); time.sleep(30)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(DownloadInProgress, match="another process"),
            locked(path, timeout_seconds=0.1),
        ):
            pytest.fail("the lock was given twice")
        holder.kill()
    with locked(path, timeout_seconds=5):
        pass  # a dead process holds nothing


def test_records_hold_what_was_found(server: LocalServer, settings: StoreSettings) -> None:
    import hashlib

    url = server.on("/a.log", lambda handler: handler.reply(BODY))
    path = Store(settings).obtain(DatasetFile(url=url))
    stored = json.loads((path.parents[1] / "record.json").read_text())
    assert stored["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert stored["size"] == os.stat(path).st_size  # noqa: PTH116 - counted without our own code
    assert stored["promised"] is False

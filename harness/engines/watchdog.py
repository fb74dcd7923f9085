"""One thread that interrupts searches which take too long; starting one for each costs more."""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS_BETWEEN_LOOKS = 0.5

_deadlines: dict[int, tuple[float, Callable[[], None]]] = {}
_numbers = itertools.count()
_started: set[int] = set()
"""The processes that have their thread: a forked one has to start its own."""


@contextmanager
def interrupted_after(seconds: float, interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` if the block takes longer; again until it ends, should that be too early."""
    if os.getpid() not in _started:
        _started.add(os.getpid())
        _deadlines.clear()
        threading.Thread(target=_watch, name="search-watchdog", daemon=True).start()
    number = next(_numbers)
    _deadlines[number] = (time.monotonic() + seconds, interrupt)
    try:
        yield
    finally:
        _deadlines.pop(number, None)


def _watch() -> None:
    while True:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        now = time.monotonic()
        for deadline, interrupt in list(_deadlines.values()):
            if now > deadline:
                interrupt()

"""Work in several processes, each a fork of this one: what was read is there in all of them.

A process ends when its parent does, however that ended.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
from typing import TYPE_CHECKING, Any

from harness.engines.connection import forget_connection
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SMALL = 40
"""Fewer searches than this are not worth another process."""
WAIT_SECONDS = 0.5
"""How long to wait for a result before looking whether the processes are still there."""


def cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def can_fork() -> bool:
    """Whether the system has forks."""
    return "fork" in multiprocessing.get_all_start_methods()


class Pile:
    """Chunks of work that processes take, every other one from the far end.

    So those that begin alike mostly meet in one process, and none is idle while others work.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._taken: Any = multiprocessing.get_context("fork").Array("i", [0, 0])

    def taken(self, number: int) -> Iterator[int]:
        """The numbers of the chunks that a process gets, by its own number."""
        side = number % 2
        while True:
            with self._taken.get_lock():
                front, back = self._taken
                if front + back >= self.count:
                    return
                self._taken[side] += 1
            yield self.count - 1 - back if side else front


def results_of(work: Callable[[int], Iterable[Any]], parts: int, what: str) -> Iterator[Any]:
    """All that the work gives in so many processes, each told its number, as it comes."""
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    workers = [
        context.Process(target=_work, args=(work, number, what, results), daemon=True)
        for number in range(parts)
    ]
    try:
        for worker in workers:
            worker.start()
        yield from _received(results, workers, what)
    finally:
        for worker in workers:
            if worker.pid is not None:
                worker.kill()
                worker.join()


def _received(results: Any, workers: Sequence[Any], what: str) -> Iterator[Any]:
    """What the processes send, until each has said that it is done."""
    left = len(workers)
    while left:
        try:
            message = results.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            # One that was killed, as when memory runs out, cannot say so.
            lost = next((one for one in workers if one.exitcode not in (None, 0)), None)
            if lost is not None:
                raise HarnessError(
                    f"a process of the {what} was ended from outside ({lost.exitcode})",
                    hints=["perhaps there was too little memory: --jobs 1 needs less"],
                ) from None
            continue
        if message is None:
            left -= 1
        elif isinstance(message, HarnessError):
            raise message
        else:
            yield message


def _work(work: Callable[[int], Iterable[Any]], number: int, what: str, results: Any) -> None:
    """A worker process: its results into the queue, then None, or the error that ended it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what the parent left behind may hold threads that are not here
    forget_connection()
    parent = os.getppid()
    try:
        for found in work(number):
            if os.getppid() != parent:
                results.cancel_join_thread()
                return
            results.put(found)
        results.put(None)
    except HarnessError as error:
        results.put(error)
    except Exception as error:  # noqa: BLE001 - whatever ends a worker, the parent must hear
        text = f"a process of the {what} ended: {type(error).__name__}: {error}"
        results.put(HarnessError(text))

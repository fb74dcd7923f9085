"""One thread turns what arrived into events, and keeps many requests in one transaction."""

from __future__ import annotations

import asyncio
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.engines.index_time import IndexTimeSearches
from harness.ingest import EmptyFile, index_events, ingest_text
from harness.model import EventBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.apps import Apps
    from harness.ingest import Arriving
    from harness.model import Origin
    from harness.server.store import Store

MOST_WAITING = 5000
MOST_TOGETHER = 16 * 1024 * 1024
"""How many bytes of requests become one transaction."""


class Busy(Exception):
    """There is no room for more."""


class NothingThere(Exception):
    """A request holds no event."""


@dataclass(slots=True)
class Load:
    """A request's events in the making: what reads them, and how long its text is."""

    read: Callable[[], tuple[Origin, str] | list[Arriving]]
    size: int
    done: asyncio.Future[None] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    batches: list[EventBatch] = field(default_factory=list)

    def settle(self, error: BaseException | None) -> None:
        """Tell the one who waits."""
        if self.loop is None or self.done is None:
            return

        def tell(future: asyncio.Future[None] = self.done) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.loop.call_soon_threadsafe(tell)


class Indexer:
    """Takes loads in their order; `add` returns when they are kept and can be found."""

    def __init__(self, store: Store, apps: Apps) -> None:
        self.store = store
        self.apps = apps
        self.evaluate = IndexTimeSearches(apps)
        self._waiting: queue.Queue[Load | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="indexer", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether no more loads are taken."""
        return self._waiting.full()

    async def add(self, load: Load) -> None:
        """Index a load. Raises Busy, or what is wrong with it."""
        load.loop = asyncio.get_running_loop()
        load.done = load.loop.create_future()
        try:
            self._waiting.put_nowait(load)
        except queue.Full:
            raise Busy from None
        await load.done

    def close(self) -> None:
        """Index what waits, and stop."""
        self._waiting.put(None)
        self._thread.join(timeout=30)

    def _work(self) -> None:
        last = False
        while not last:
            loads, last = self._taken()
            ready = [load for load in loads if self._read(load)]
            if not ready:
                continue
            try:
                self.store.add(joined([one for load in ready for one in load.batches]))
            except Exception as error:  # noqa: BLE001 - told to each client; the thread goes on
                for load in ready:
                    load.settle(error)
                continue
            for load in ready:
                load.settle(None)

    def _taken(self) -> tuple[list[Load], bool]:
        """The loads of the next transaction, and whether they are the last."""
        first = self._waiting.get()
        if first is None:
            return [], True
        loads, size = [first], first.size
        while size < MOST_TOGETHER:
            try:
                load = self._waiting.get_nowait()
            except queue.Empty:
                break
            if load is None:
                return loads, True
            loads.append(load)
            size += load.size
        return loads, False

    def _read(self, load: Load) -> bool:
        """Make a load's events; whether there are any."""
        try:
            found: Any = load.read()
            if isinstance(found, tuple):
                origin, text = found
                name = origin.source or ""
                read = ingest_text(text, origin, name, self.apps, evaluate=self.evaluate)
            else:
                read = index_events(found, self.apps, evaluate=self.evaluate)
            load.batches = list(read)
        except EmptyFile:
            load.settle(NothingThere())
            return False
        except Exception as error:  # noqa: BLE001 - told to the client; the thread goes on
            load.settle(error)
            return False
        return True


def joined(batches: list[EventBatch]) -> list[EventBatch]:
    """The batches, those of one index, source and source type as one."""
    found: dict[tuple[str, str, str], EventBatch] = {}
    for batch in batches:
        key = (batch.index, batch.source, batch.sourcetype)
        before = found.get(key)
        if before is None:
            found[key] = EventBatch(*key, [*batch.raw], [*batch.time], [*batch.host], [*batch.meta])
            continue
        if before.meta or batch.meta:
            before.meta.extend([None] * (len(before.raw) - len(before.meta)))
            before.meta.extend(batch.meta or [None] * len(batch.raw))
        before.raw.extend(batch.raw)
        before.time.extend(batch.time)
        before.host.extend(batch.host)
    return list(found.values())

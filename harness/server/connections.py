"""Connections of clients that take their time: a head must come, and an answer be read, in time.

uvicorn waits for the head of a request, and for whoever reads an answer, as long as the client
likes; a few thousand such connections would be all that the server takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 20.0
"""From a connection, or the first byte of a request on one that is kept, to the end of the head."""
READING_SECONDS = 30.0
LEAST_READ = 64 * 1024
"""What a client has to take of an answer in that time."""
GOODBYE_SECONDS = 5.0
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 over one connection, which ends where the client is too slow."""

    _head: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        for timer in (self._head, self._reading):
            if timer is not None:
                timer.cancel()
        self._head = self._reading = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that has begun must end in time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            if self._head is not None:
                self._head.cancel()
                self._head = None
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def pause_writing(self) -> None:
        """An answer waits for its reader: look whether it goes on."""
        super().pause_writing()
        if self._reading is None:
            self._look_again()

    def resume_writing(self) -> None:
        """The answer has nearly all been read."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        super().resume_writing()

    def _look_again(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(READING_SECONDS, self._progress, waiting)

    def _progress(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - LEAST_READ:
            self.transport.abort()
        else:
            self._look_again()

    def _too_late(self) -> None:
        self._head = None
        if not self.transport.is_closing():
            self.transport.write(TOO_LATE)
            self.transport.close()
            self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)

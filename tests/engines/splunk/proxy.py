"""A proxy between a client and a real server that breaks what is told it: one call, in one way."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

RESET = struct.pack("ii", 1, 0)
LINE_END = b"\r\n\r\n"


@dataclass(slots=True)
class Fault:
    """What is done to the next calls of a method and a path, so many `times`.

    before: the connection is reset and nothing is passed on. after: it is passed on, and the
    connection reset without an answer. half: half the answer, then a reset. short: half of it,
    then the end of the connection. slow: the answer comes `seconds` late. trickle: it comes byte
    by byte. A number: that status instead of an answer, nothing passed on.
    """

    method: str
    path: str
    do: str | int
    times: int = 1
    seconds: float = 1.0
    body: bytes = b'{"messages":[{"type":"ERROR","text":"made up by the proxy"}]}'

    def meets(self, method: str, path: str) -> bool:
        return self.times > 0 and method == self.method and re.search(self.path, path) is not None


class Proxy:
    """Listens on a port of its own and passes requests on, one connection for each."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._open = True
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, method: str, path: str, do: str | int, **more: Any) -> Fault:
        fault = Fault(method, path, do, **more)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        self.faults.clear()
        self.log.clear()

    def close(self) -> None:
        self._open = False
        self._socket.close()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._served, args=(client,), daemon=True).start()

    def _served(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while (request := whole(client)) is not None:
                method, target = request.split(b" ", 2)[:2]
                path = target.decode().partition("?")[0]
                fault = self._fault(method.decode(), path)
                if not self._answered(client, request, fault):
                    return

    def _fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.log.append((method, path))
            for one in self.faults:
                if one.meets(method, path):
                    one.times -= 1
                    return one
        return None

    def _answered(self, client: socket.socket, request: bytes, fault: Fault | None) -> bool:
        """Answer one request; False where the connection is over."""
        do = fault.do if fault is not None else None
        if do == "before":
            return reset(client)
        if fault is not None and isinstance(do, int):
            head = f"HTTP/1.1 {do} Made up\r\nContent-Length: {len(fault.body)}\r\n\r\n"
            client.sendall(head.encode() + fault.body)
            return True
        with socket.create_connection(("127.0.0.1", self.upstream), timeout=60) as server:
            server.sendall(request)
            answer = whole(server) or b""
        if do == "after":
            return reset(client)
        if do == "half":
            client.sendall(answer[: len(answer) // 2])
            time.sleep(0.02)  # a reset overtakes what is not read yet
            return reset(client)
        if do == "short":
            client.sendall(answer[: len(answer) // 2])
            return False
        if fault is not None and do == "slow":
            time.sleep(fault.seconds)
        if fault is not None and do == "trickle":
            for number in range(len(answer)):
                client.sendall(answer[number : number + 1])
                time.sleep(fault.seconds)
            return True
        client.sendall(answer)
        return True


def reset(connection: socket.socket) -> bool:
    """End a connection with a reset instead of a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()
    return False


def whole(connection: socket.socket) -> bytes | None:
    """A whole request or answer, as its head says how long it is; None at the end."""
    held = b""
    while LINE_END not in held:
        piece = connection.recv(65_536)
        if not piece:
            return None
        held += piece
    head, _, body = held.partition(LINE_END)
    told = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    chunked = re.search(rb"(?im)^transfer-encoding:\s*chunked", head) is not None
    length = int(told[1]) if told else 0
    while not body.endswith(b"0\r\n\r\n") if chunked else len(body) < length:
        piece = connection.recv(65_536)
        if not piece:
            break
        body += piece
    return head + LINE_END + body

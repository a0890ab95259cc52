"""HTTP requests that are due at a fixed rate, whatever became of the ones before, over a few kept-alive connections.

Latency counts from when a request was due: what waits for a connection, or for a generator that is late, waits in the figure.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

ANSWERED_WITHIN_S = 60.0
"""After the last one was due."""


@dataclass(slots=True)
class Posted:
    """One request: when it was due and answered (epoch seconds; 0: not answered), and its status (0: the connection broke)."""

    due: float = 0.0
    answered: float = 0.0
    status: int = 0


class _Connection(asyncio.Protocol):
    """One request in flight."""

    def __init__(self, loop: "_OpenLoop") -> None:
        self._open_loop = loop
        self._buffer = b""
        self._number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are of their own kind
        self._open_loop.idle.append(self)

    def send(self, number: int) -> None:
        self._number = number
        self._transport.write(self._open_loop.requests[number])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.find(b"content-length: ", 0, end) + 16
        whole = end + 4 + int(self._buffer[at : self._buffer.find(b"\r", at)])
        if len(self._buffer) < whole:
            return
        status, self._buffer = int(self._buffer[9:12]), self._buffer[whole:]
        self._open_loop.ended(self, self._number, status)

    def connection_lost(self, error: Exception | None) -> None:
        """Nobody connects again: what was in flight stays unanswered, and that is what is reported of it."""
        self._open_loop.forget(self)

    def close(self) -> None:
        self._transport.close()


class _OpenLoop:
    def __init__(self, requests: Sequence[bytes], per_second: float) -> None:
        self.requests = requests
        self.idle: list[_Connection] = []
        self.done = asyncio.Event()
        self.posted = [Posted() for _ in requests]
        self._waiting: deque[int] = deque()
        self._per_second = per_second
        self._left = len(requests)

    async def run(self, host: str, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        opened = [(await loop.create_connection(lambda: _Connection(self), host, port))[1] for _ in range(connections)]
        began, epoch, number = time.monotonic(), time.time(), 0
        try:
            while number < len(self.requests):
                due_by_now = min(int((time.monotonic() - began) * self._per_second) + 1, len(self.requests))
                for number in range(number, due_by_now):  # noqa: B020 - goes on where it stopped
                    self.posted[number].due = epoch + number / self._per_second
                    self._waiting.append(number)
                number = due_by_now
                self._send_waiting()
                await asyncio.sleep(0.002)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWERED_WITHIN_S):
                    await self.done.wait()
        finally:
            for connection in opened:
                connection.close()

    def _send_waiting(self) -> None:
        while self._waiting and self.idle:
            self.idle.pop().send(self._waiting.popleft())

    def ended(self, connection: _Connection, number: int, status: int) -> None:
        posted = self.posted[number]
        posted.answered, posted.status = time.time(), status
        self.idle.append(connection)
        self._left -= 1
        if not self._left:
            self.done.set()
        self._send_waiting()

    def forget(self, connection: _Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)


def post_at(port: int, requests: Sequence[bytes], per_second: float, connections: int) -> list[Posted]:
    """Send them to this port of the machine at this rate; return what became of each, 60 s after the last was due at the latest."""
    open_loop = _OpenLoop(requests, per_second)
    uvloop.run(open_loop.run("127.0.0.1", port, connections))
    return open_loop.posted

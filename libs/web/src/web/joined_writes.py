"""A transport that writes at once what is written one after the other.

uvicorn writes the head of an answer and then its body: two calls of the system, and a client that is woken for half an answer.
"""

import asyncio
from collections.abc import Iterable
from typing import Any


class JoinedWrites(asyncio.Transport):
    """Stands before another transport. What was written leaves when whoever wrote it has let the loop go on."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._written: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write soon."""
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Write several pieces soon."""
        for data in list_of_data:
            self.write(data)

    def _flush(self) -> None:
        if self._written:
            written, self._written = self._written, []
            if not self._transport.is_closing():
                self._transport.write(b"".join(written))

    def write_eof(self) -> None:
        """End our side, after what was written."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Close, after what was written."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether it is being closed."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes have not left."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._written))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what is read to another protocol."""
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who reads."""
        return self._transport.get_protocol()

    def pause_reading(self) -> None:
        """Read nothing for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

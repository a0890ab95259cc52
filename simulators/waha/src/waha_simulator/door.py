"""The door before WAHA's API: a plain TCP relay that can lose an answer on the wire and refuse connections.

An HTTP server cannot break its own connections on purpose. The door knows which outer connection belongs to which
inner one, so
a handler can have the outer one reset after its effect and before its answer.
"""

import asyncio
import contextlib

CHUNK = 65536


class Door:
    """Listens on host and port and passes everything to the server on `inner_port`."""

    def __init__(self, host: str, port: int, inner_port: int) -> None:
        self.host = host
        self.port = port
        self._inner_port = inner_port
        self._server: asyncio.Server | None = None
        self._outer: dict[int, asyncio.StreamWriter] = {}
        self._halved: set[int] = set()
        self._relays: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._relay, self.host, self.port, backlog=1024)

    async def shut(self) -> None:
        """Stop listening: new connections are refused, open ones go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def refuse(self, seconds: float) -> None:
        """Refuse connections for so long, also those that stand open."""
        await self.shut()
        self._reset_all()
        await asyncio.sleep(seconds)
        await self.open()

    async def close(self) -> None:
        await self.shut()
        self._reset_all()
        for task in list(self._relays):
            task.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def drop(self, peer_port: int) -> None:
        """Reset the outer connection whose inner one comes from this port."""
        writer = self._outer.get(peer_port)
        if writer is not None:
            writer.transport.abort()

    def halve(self, peer_port: int) -> None:
        """Let half of what comes next from the inner connection of this port pass, then end the outer one."""
        self._halved.add(peer_port)

    def _reset_all(self) -> None:
        for writer in list(self._outer.values()):
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._relays.add(task)
            task.add_done_callback(self._relays.discard)
        # Only `close` cancels; asyncio's streams would log a cancelled handler as an error.
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._inner_port)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
            return
        name = inner_writer.get_extra_info("sockname")[1]
        self._outer[name] = writer
        try:
            await asyncio.gather(_pump(reader, inner_writer), self._answers(name, inner_reader, writer))
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._outer.pop(name, None)
            self._halved.discard(name)
            inner_writer.close()
            writer.close()

    async def _answers(self, name: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy what the inner server says, or half of it."""
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if name in self._halved:
                    writer.write(chunk[: len(chunk) // 2])
                    break  # closed, not aborted: that would throw away the half as well
                writer.write(chunk)
                await writer.drain()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream, then close the other side, so that both pumps end together."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()

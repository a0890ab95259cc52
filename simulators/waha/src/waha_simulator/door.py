"""The door to WAHA's API: it can refuse connections and break those that stand open.

A server does not break its own connections on purpose. The door keeps the connections that came through it, so that a handler can have
its own one reset after its effect and before its answer.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

MakeProtocol = Callable[[], asyncio.Protocol]


class Door:
    """Listens on host and port; each connection is served by a protocol of `make_protocol`."""

    def __init__(self, host: str, port: int, make_protocol: Callable[["Door"], asyncio.Protocol]) -> None:
        self.host = host
        self.port = port
        self._make_protocol = make_protocol
        self._server: asyncio.Server | None = None
        self._open: dict[int, asyncio.Transport] = {}

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: self._make_protocol(self), self.host, self.port, backlog=1024)

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

    def drop(self, peer_port: int) -> None:
        """Reset the connection that comes from this port, if it came through the door."""
        transport = self._open.get(peer_port)
        if transport is not None:
            transport.abort()

    def entered(self, transport: asyncio.BaseTransport) -> None:
        """A connection stands open."""
        self._open[peer_port_of(transport)] = cast(asyncio.Transport, transport)

    def left(self, transport: asyncio.BaseTransport) -> None:
        """A connection has ended."""
        self._open.pop(peer_port_of(transport), None)

    def _reset_all(self) -> None:
        for transport in list(self._open.values()):
            transport.abort()


def peer_port_of(transport: asyncio.BaseTransport) -> int:
    """The port that a connection comes from; 0 once nobody knows it any more."""
    peer: Any = transport.get_extra_info("peername")
    return int(peer[1]) if peer else 0

"""A TCP proxy that misbehaves on command: it resets in the middle of what was written, delays, stalls, and keeps half-open what is dead.

It stands between the services and a server on loopback and is moved from the scenario's own process. What a network does with TCP is
done here: bytes are held or a connection ends, but no byte of a living connection is ever lost, doubled or changed.
"""

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum

PROXIED = {"THROUGH_PROXIES": "postgres,rabbitmq"}
"""Settings of scenarios that need proxies."""
PROXIED_PER_SECOND = 30.0
"""Their rate: all that the services say to their servers goes through one process, which at 60/s on two cores is what is slow."""

CHUNK = 65536
LOOPBACK = "127.0.0.1"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: what is unsent is thrown away and the peer gets an RST
CONNECT_S = 5.0


class Way(Enum):
    """A direction through the proxy."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


@dataclass
class Bites:
    """How often the proxy did harm, and how much."""

    held: int = 0
    """Chunks that had to wait while a way was stalled."""
    delayed: int = 0
    resets: int = 0
    torn: int = 0
    """Resets of which a part of one chunk had passed and the rest never did: in the middle of a frame."""
    half_open: int = 0
    refused: int = 0


@dataclass(eq=False)
class Link:
    """One connection through the proxy: both its sockets. A dead one moves nothing any more, and tells neither side."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    dead: bool = False
    ended: set[Way] = field(default_factory=set)
    """Ways on which whoever speaks has ended; on a dead link nobody else is told."""
    resets_after: dict[Way, int] = field(default_factory=dict)

    def reset(self) -> None:
        """End both sides at once, as a firewall that has forgotten the connection does."""
        for writer in (self.client, self.server):
            if handle := writer.get_extra_info("socket"):
                with contextlib.suppress(OSError):
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


class Proxy:
    """Listens on `port` (0: any free one) and passes everything to `server_port`; all of its chances come from `seed`."""

    def __init__(self, server_port: int, port: int = 0, seed: int = 0) -> None:
        self.port = port
        self.server_port = server_port
        self.bites = Bites()
        self.passed = 0
        """Bytes, both ways together."""
        self.connections = 0
        """How many were made since it exists."""
        self.links: set[Link] = set()
        self._random = random.Random(seed)
        self._flowing = {way: asyncio.Event() for way in Way}
        self._delay_s = (0.0, 0.0)
        self._tears: tuple[Way, int, int] | None = None
        self._listening: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.heal()

    async def open(self) -> None:
        """Listen."""
        self._listening = await asyncio.start_server(self._relay, LOOPBACK, self.port, backlog=1024)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._listening:
            self._listening.close()
            self._listening = None
        for link in list(self.links):
            link.reset()
        for relay in list(self._relays):
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    # ---- faults

    def heal(self) -> None:
        """Let everything through again, at once. Connections that were reset or made half-open stay so."""
        for way in Way:
            self._flowing[way].set()
        self._delay_s, self._tears = (0.0, 0.0), None
        for link in self.links:
            link.resets_after.clear()

    def stall(self, *ways: Way) -> None:
        """Move nothing this way (no way named: both) until healed, on old and new connections; a cut cable."""
        for way in ways or Way:
            self._flowing[way].clear()

    def delay(self, least_s: float, most_s: float) -> None:
        """Hold every chunk for a random time between these; its order stays."""
        self._delay_s = (least_s, most_s)

    def half_open(self) -> int:
        """Abandon every present connection without telling anybody; new ones work. Return how many there were."""
        abandoned = [link for link in self.links if not link.dead]
        for link in abandoned:
            link.dead = True
        self.bites.half_open += len(abandoned)
        return len(abandoned)

    def unnoticed(self) -> int:
        """Return how many abandoned connections their clients still believe in."""
        return sum(link.dead and Way.TO_SERVER not in link.ended for link in self.links)

    def reset(self) -> int:
        """Reset every present connection; return how many there were."""
        for link in list(self.links):
            link.reset()
        self.bites.resets += len(self.links)
        return len(self.links)

    def tear(self, way: Way, least: int, most: int) -> None:
        """Reset each connection, old and new, after a random number of bytes more has passed this way."""
        self._tears = (way, least, most)
        for link in self.links:
            self._arm(link)

    async def refuse(self) -> None:
        """Refuse new connections and reset the present ones, until `open` is called."""
        if self._listening:
            self._listening.close()
            self._listening = None
        self.bites.refused += self.reset()

    # ---- passing on

    def _arm(self, link: Link) -> None:
        if self._tears:
            way, least, most = self._tears
            link.resets_after[way] = self._random.randint(least, most)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        try:
            async with asyncio.timeout(CONNECT_S):
                server_reader, server_writer = await asyncio.open_connection(LOOPBACK, self.server_port)
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()
            return
        link = Link(writer, server_writer)
        self.links.add(link)
        self.connections += 1
        self._arm(link)
        try:
            # Together: an end that one side makes is passed on to the other, and the other answers it with its own.
            await asyncio.gather(
                self._pump(link, reader, server_writer, Way.TO_SERVER),
                self._pump(link, server_reader, writer, Way.TO_CLIENT),
            )
        except asyncio.CancelledError:
            link.reset()
        finally:
            self.links.discard(link)
            writer.close()
            server_writer.close()

    async def _pump(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._wait(way)
                if not link.dead:
                    if not self._pass(link, writer, way, chunk):
                        return
                    await writer.drain()
        link.ended.add(way)
        await self._flowing[way].wait()
        if not link.dead:
            writer.close()

    async def _wait(self, way: Way) -> None:
        if not self._flowing[way].is_set():
            self.bites.held += 1
            await self._flowing[way].wait()
        if self._delay_s[1] > 0:
            self.bites.delayed += 1
            await asyncio.sleep(self._random.uniform(*self._delay_s))

    def _pass(self, link: Link, writer: asyncio.StreamWriter, way: Way, chunk: bytes) -> bool:
        """Write a chunk, or the part of it that is let through before the connection is reset; tell whether it goes on."""
        left = link.resets_after.get(way)
        if left is None or len(chunk) < left:
            if left is not None:
                link.resets_after[way] = left - len(chunk)
            writer.write(chunk)
            self.passed += len(chunk)
            return True
        writer.write(chunk[:left])
        self.passed += left
        self.bites.resets += 1
        self.bites.torn += 0 < left < len(chunk)
        # Closing with SO_LINGER 0 throws away what the kernel has not sent; on loopback it is with the peer already.
        link.reset()
        return False

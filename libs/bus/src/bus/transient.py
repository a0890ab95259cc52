"""Transient subscriptions: each replica hears everything for itself while it is there, and nothing while it is not.

For caches and sockets only. An exclusive queue dies with its connection; there is no inbox, and nothing is settled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from contracts.bundles import BUNDLES, read_bundles
from contracts.envelope import AnyEvent
from contracts.reading import Reader, UndecodableError, Unreadable
from contracts.topology import Topology
from kernel.backoff import Backoff
from kernel.ids import new_id
from telemetry.logs import get_logger

from bus.connection import BROKER_ERRORS, SETUP_TIMEOUT_S, connected, open_consuming_channel

log = get_logger(__name__)

Hear = Callable[[Sequence[AnyEvent]], Awaitable[None]]


class TransientSubscriptions:
    """A kernel Role: hears the given event types through one temporary queue."""

    name = "hear"

    def __init__(
        self,
        url: str,
        service: str,
        topology: Topology,
        handlers: Mapping[Any, Hear],
        *,
        reconnected: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`handlers` maps a contract class to what is done with it; `reconnected` runs after each gap in hearing."""
        self._url = url
        self._service = service
        self._topology = topology
        self._handlers = {payload.TYPE: (Reader(payload), hear) for payload, hear in handlers.items()}
        self._reconnected = reconnected
        self.listening = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Hear until told to stop."""
        backoff = Backoff(0.1, 2.0)
        while not stopping.is_set():
            try:
                await self._hear(stopping, backoff)
            except BROKER_ERRORS as error:
                log.warning("hearing interrupted", error_type=type(error).__name__)
            self.listening.clear()
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def _hear(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        over = asyncio.Event()
        async with connected(self._url, f"{self._service} hear") as connection:
            channel = await open_consuming_channel(connection, 0, over.set)
            async with asyncio.timeout(SETUP_TIMEOUT_S):
                name = f"{self._service}.tmp.{new_id()}"
                queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, durable=False)
                for event_type in self._handlers:
                    await queue.bind(self._topology.exchange, f"{event_type}.*")
                await queue.consume(self._deliver, no_ack=True)
            if self._reconnected:
                await self._reconnected()
            self.listening.set()
            backoff.reset()
            waits = [asyncio.create_task(stopping.wait()), asyncio.create_task(over.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def _deliver(self, message: AbstractIncomingMessage) -> None:
        reader, hear = self._handlers.get(message.type or "", (None, None))
        if reader is None or hear is None:
            return
        try:
            bundles = read_bundles(reader, message.body, message.headers.get(BUNDLES))
        except UndecodableError:
            return
        try:
            await hear([event for each in bundles for event in each.events if not isinstance(event, Unreadable)])
        except Exception as error:  # a cache or a socket that fails must not stop the hearing
            log.error("hearing failed", event_type=message.type, error_type=type(error).__name__)

"""A subscription: what one service hears in queues of its own, one event type or all public ones, and what is done with it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from contracts.envelope import AnyEvent
from contracts.public import EveryPublicEvent
from contracts.reading import EnvelopeReader, Reader, Unreadable

from bus.topology import Names


class Effects(Protocol):
    """The transaction in which a handler works; the bus only hands it on."""


Handle = Callable[[Sequence[AnyEvent], Any], Awaitable[None]]


class Subscription:
    """`handle` takes a batch, in order per type and chat, and a unit of work."""

    def __init__(self, service: str, consumer: str, payload: Any, handle: Handle) -> None:
        """`payload` is the contract class heard, or EveryPublicEvent; `consumer` is the handler file's name without `on_`."""
        self.names = Names(service, consumer)
        self.consumer = consumer
        self.reader = EnvelopeReader() if payload is EveryPublicEvent else Reader(payload)
        self.handle = handle

    async def redrive(self, row: Any, work: Any) -> None:
        """Apply one parked event again, within the caller's transaction; raise ValueError when it cannot be read at all."""
        event = self.reader.read(row["event"])
        if isinstance(event, Unreadable):
            raise ValueError(event.error)
        await self.handle([event], work)

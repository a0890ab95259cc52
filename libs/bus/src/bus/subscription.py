"""A subscription: one event type heard by one service, and what is done with it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from contracts.envelope import AnyEvent
from contracts.reading import Reader, Unreadable

from bus.topology import Names


class Effects(Protocol):
    """The transaction in which a handler works; the bus only hands it on."""


Handle = Callable[[Sequence[AnyEvent], Any], Awaitable[None]]


class Subscription:
    """`handle` takes a batch of one event type, in order per chat, and a unit of work."""

    def __init__(self, service: str, consumer: str, payload: Any, handle: Handle) -> None:
        """`payload` is the contract class heard; `consumer` is the handler file's name without `on_`."""
        self.names = Names(service, consumer)
        self.consumer = consumer
        self.reader = Reader(payload)
        self.handle = handle

    async def redrive(self, row: Any, work: Any) -> None:
        """Apply one parked event again, within the caller's transaction; raise ValueError when it cannot be read at all."""
        event = self.reader.read(row["event"])
        if isinstance(event, Unreadable):
            raise ValueError(event.error)
        await self.handle([event], work)

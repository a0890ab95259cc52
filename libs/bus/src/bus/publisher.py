"""Publishing batches: persistent, mandatory where somebody subscribes, confirmed, and never waiting for ever."""

import asyncio
from collections.abc import Sequence

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractConnection, AbstractExchange
from contracts.bundles import ENCODING, StoredBundle, message_of
from contracts.envelope import BATCH_CONTENT_TYPE
from contracts.topology import Topology
from kernel.ids import new_id

from bus.connection import BROKER_ERRORS, close, connect

PUBLISH_TIMEOUT_S = 5.0


class BrokerPublisher:
    """One connection of its own, apart from consuming: an alarm on the broker blocks publishers, and must not block acks."""

    def __init__(self, url: str, service: str, topology: Topology, timeout_s: float = PUBLISH_TIMEOUT_S) -> None:
        self._url = url
        self._service = service
        self._topology = topology
        self._timeout_s = timeout_s
        self._connecting = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        self._seen: set[str] = set()

    async def publish(self, routing_key: str, event_type: str, bundles: Sequence[StoredBundle]) -> None:
        """Publish bundles as one message; return once the broker has it.

        Raises when it was refused, when a queue is missing of anybody who subscribes, or when it was not confirmed within the deadline.
        """
        body, headers = message_of(bundles)
        message = Message(
            body,
            content_type=BATCH_CONTENT_TYPE,
            content_encoding=ENCODING,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=new_id(),
            app_id=self._service,
            type=event_type,
            headers=headers,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                exchange = await self._way_for(routing_key, event_type)
                await exchange.publish(message, routing_key, mandatory=self._topology.is_heard(event_type))
        except BROKER_ERRORS:
            if self._connection is None or self._connection.is_closed:
                self._exchange = None
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled us: aiormq cancels what waits on a connection that it gives up for silent.
            self._exchange = None
            raise ConnectionResetError("the connection was given up while publishing") from None

    async def _way_for(self, routing_key: str, event_type: str) -> AbstractExchange:
        """Return the exchange, once all who hear the type were seen to have their queue of this partition.

        `mandatory` tells of a message that no queue took, not of one that one of two took; so where several hear a type, their queues are
        looked for before its first message on a connection. Who then removes one of them is not noticed before the next connection.
        """
        exchange = await self._open()
        subscriptions = self._topology.subscriptions_of(event_type)
        if len(subscriptions) > 1 and routing_key not in self._seen and self._connection is not None:
            looking = await self._connection.channel(publisher_confirms=False)
            for each in subscriptions:  # one that is missing closes the channel and raises
                await looking.get_queue(f"{each}.{routing_key.rpartition('.')[2]}", ensure=True)
            await looking.close()
            self._seen.add(routing_key)
        return exchange

    async def _open(self) -> AbstractExchange:
        async with self._connecting:
            if self._exchange is None or self._connection is None or self._connection.is_closed:
                await self.close()
                self._connection = await connect(self._url, f"{self._service} relay")
                self._seen.clear()
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                channel.close_callbacks.add(self._forget)
                self._exchange = await channel.get_exchange(self._topology.exchange, ensure=False)
            return self._exchange

    def _forget(self, *_: object) -> None:
        self._exchange = None

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            await close(connection)

"""A subscription that hears several types in queues that they share, beside those that hear one of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiormq.exceptions import ChannelNotFoundEntity
from bus.connection import connected
from bus.publisher import BrokerPublisher
from bus.subscription import Subscription
from bus.topology import declare
from contracts.bundles import StoredBundle, packed
from contracts.envelope import UnreadEvent, encode
from contracts.public import EveryPublicEvent
from kernel.ids import new_id
from testkit.eventually import eventually
from testkit.servers import Servers, own_topology

ONE, OTHER = "toy.one_happened.v1", "toy.other_happened.v9"
BUNDLE = StoredBundle(new_id(), 1, packed([b"{}"]))


async def handle(events: Any, work: Any) -> None:
    """Do nothing."""


@pytest_asyncio.fixture
async def broker(servers: Servers) -> AsyncIterator[Any]:
    """Two subscriptions, one of both types and one of the first: `declare`, `publish`, `remove`, and `wait` for a consumer's messages."""
    service = f"toy-{new_id()[-12:]}"
    topology = own_topology({ONE: [(service, "one"), (service, "any")], OTHER: [(service, "any")]})
    publisher = BrokerPublisher(servers.rabbitmq_url, service, topology)

    class Broker:
        queues = staticmethod(lambda consumer: f"{service}.{consumer}.0")

        async def declare(self) -> int:
            return await declare(await connection.channel(), topology, 1)

        async def publish(self, event_type: str) -> None:
            await publisher.publish(f"{event_type}.0", event_type, [BUNDLE])

        async def remove(self, consumer: str) -> None:
            await (await connection.channel()).queue_delete(self.queues(consumer))

        async def wait(self, consumer: str, count: int) -> None:
            channel = await connection.channel()

            async def so_many() -> bool:
                queue = await channel.declare_queue(self.queues(consumer), passive=True)
                return queue.declaration_result.message_count == count

            await eventually(so_many, because=f"{count} messages wait for {consumer}")

    async with connected(servers.rabbitmq_url, "tests") as connection:
        yield Broker()
        await publisher.close()
        channel = await connection.channel()
        for consumer in ("one", "any"):
            for queue in (f"{service}.{consumer}.0", f"{service}.{consumer}.dlq"):
                await channel.queue_delete(queue)
        await channel.exchange_delete(topology.exchange)
        await channel.exchange_delete(topology.dead_letter_exchange)


async def test_one_queue_takes_all_its_types_beside_those_that_take_one(broker: Any) -> None:
    assert await broker.declare() == await broker.declare() == 4
    await broker.publish(ONE)
    await broker.publish(OTHER)
    await broker.wait("one", 1)
    await broker.wait("any", 2)


async def test_what_one_of_two_would_not_get_is_kept_until_its_queue_is_there(broker: Any) -> None:
    await broker.declare()
    await broker.remove("one")
    await broker.publish(OTHER)  # whom that does not concern, it does not hold up
    for _ in range(2):
        with pytest.raises(ChannelNotFoundEntity):
            await broker.publish(ONE)
    await broker.wait("any", 1)

    await broker.declare()
    await broker.publish(ONE)
    await broker.wait("one", 1)
    await broker.wait("any", 2)


def test_every_public_event_is_read_as_it_came_whatever_its_type_and_version() -> None:
    reader = Subscription("toy", "any", EveryPublicEvent, handle).reader
    event = UnreadEvent(
        specversion="1.0",
        id=new_id(),
        type=OTHER,
        source="toy",
        subject="thing",
        time="2026-11-22T10:00:00Z",  # type: ignore[arg-type]
        tenantid=new_id(),
        partitionkey="thing",
        correlationid=new_id(),
        actor="phone",
        data={"number": 1, "new": [None]},  # type: ignore[arg-type]
    )
    (read,) = reader.read_all(b"[" + encode(event) + b"]")
    assert (read.type, bytes(read.data)) == (OTHER, b'{"number":1,"new":[null]}')
    good, bad = reader.read_all(b"[" + encode(event) + b',{"id":"x"}]')
    assert (good.id, bad.reason) == (event.id, "undecodable")

"""How far a consumer lags behind, on a real broker."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from bus.collector import Limits
from bus.connection import connected
from bus.consuming import Consuming
from bus.lag import age_of_oldest_s
from bus.publisher import BrokerPublisher
from bus.subscription import Handle, Subscription
from bus.topology import declare
from contracts.bundles import StoredBundle, packed
from contracts.envelope import AnyEvent, encode, first_event
from contracts.fields import Wire
from contracts.reading import Unreadable
from kernel.failures import Failure
from kernel.ids import new_id
from testkit.eventually import eventually
from testkit.servers import Servers, own_topology

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TENANT = new_id()


class ThingHappenedV1(Wire, kw_only=True):
    """Something happened."""

    TYPE: ClassVar[str] = "toy.thing_happened.v1"


def a_thing(at: datetime) -> AnyEvent:
    """Return an event of that time."""
    return first_event(
        ThingHappenedV1(),
        id=new_id(),
        source="toy",
        subject="thing",
        time=at,
        tenant_id=TENANT,
        project_id=None,
        partition_key="thing",
        correlation_id=new_id(),
        actor="system:tests",
    )


class SlowInbox:
    """Applies nothing until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.applied = 0

    async def apply(self, heard: Sequence[tuple[str, Sequence[AnyEvent], Handle]]) -> list[int]:
        """Wait, then take all."""
        await self.let_go.wait()
        counts = [len(events) for _, events, _ in heard]
        self.applied += sum(counts)
        return counts

    async def park(self, consumer: str, items: Sequence[Any]) -> None:
        """Never asked for here."""
        raise AssertionError


def test_the_lag_is_the_age_of_the_oldest_event_that_can_be_read() -> None:
    events = [a_thing(NOON - timedelta(seconds=age)) for age in (2, 9, 4)]
    unreadable = Unreadable(b'{"time":"2020-01-01T00:00:00"}', "undecodable", "no event", event_id=new_id())

    assert age_of_oldest_s([*events, unreadable], NOON) == 9
    assert age_of_oldest_s([], NOON) == age_of_oldest_s([unreadable], NOON) == 0
    assert age_of_oldest_s([a_thing(NOON + timedelta(seconds=5))], NOON) == 0


async def test_lag_is_unknown_before_subscribing_then_none_then_grows_while_an_event_waits(servers: Servers) -> None:
    service = f"toy-{new_id()[-12:]}"
    topology = own_topology({ThingHappenedV1.TYPE: [(service, "thing_happened")]})
    inbox, stopping = SlowInbox(), asyncio.Event()

    async def handle(events: Sequence[AnyEvent], work: Any) -> None:
        return None

    async def answers() -> bool:
        return True

    consuming = Consuming(
        servers.rabbitmq_url,
        [Subscription(service, "thing_happened", ThingHappenedV1, handle)],
        inbox,
        Limits(partitions=1),
        classify=lambda _: Failure.INFRASTRUCTURE,
        parked=lambda *_: None,
        describe=str,
        dependency_answers=answers,
    )
    publisher = BrokerPublisher(servers.rabbitmq_url, service, topology)
    async with connected(servers.rabbitmq_url, "tests") as connection:
        channel = await connection.channel()
        await declare(channel, topology, 1)
        assert consuming.lag_s(datetime.now(UTC)) is None
        running = asyncio.create_task(consuming.roles[0].run(stopping))
        try:
            assert await eventually(lambda: consuming.lag_s(datetime.now(UTC)) == 0, within_s=20)

            thing = a_thing(datetime.now(UTC) - timedelta(seconds=60))
            await publisher.publish(
                f"{ThingHappenedV1.TYPE}.0", ThingHappenedV1.TYPE, [StoredBundle(thing.id, 1, packed([encode(thing)]))]
            )
            await eventually(lambda: (consuming.lag_s(datetime.now(UTC)) or 0) >= 60, within_s=10)

            inbox.let_go.set()
            await eventually(lambda: inbox.applied == 1 and consuming.lag_s(datetime.now(UTC)) == 0, within_s=10)
        finally:
            stopping.set()
            await running
            await publisher.close()
            for queue in (f"{service}.thing_happened.0", f"{service}.thing_happened.dlq"):
                await channel.queue_delete(queue)
            await channel.exchange_delete(topology.exchange)
            await channel.exchange_delete(topology.dead_letter_exchange)
    assert consuming.lag_s(datetime.now(UTC)) is None

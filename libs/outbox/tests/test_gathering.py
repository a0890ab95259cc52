"""When the relay publishes: at once after a silence, together while one comes after the other."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

import asyncpg
import pytest_asyncio
from contracts.bundles import StoredBundle
from contracts.envelope import first_event
from contracts.fields import Wire
from kernel.ids import new_id
from outbox.relay import Relay
from outbox.tables import outbox_tables
from outbox.work import Works
from postgres.database import Database
from testkit.eventually import eventually
from testkit.plugin import EmptyDatabaseOf
from testkit.servers import ServiceDatabase


class ThingHappenedV1(Wire, kw_only=True):
    """Something happened."""

    TYPE: ClassVar[str] = "toy.thing_happened.v1"
    number: int


class Broker:
    """Confirms everything, and notes when it came and how much."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, int]] = []

    async def publish(self, routing_key: str, event_type: str, bundles: Sequence[StoredBundle]) -> None:
        self.messages.append((time.monotonic(), sum(each.events for each in bundles)))

    async def close(self) -> None:
        pass

    def events(self) -> int:
        return sum(count for _, count in self.messages)


@pytest_asyncio.fixture
async def toy(empty_database_of: EmptyDatabaseOf) -> ServiceDatabase:
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(outbox_tables("toy"))
    await owner.close()
    return found


@asynccontextmanager
async def relayed(toy: ServiceDatabase, gather_s: float) -> AsyncIterator[tuple[Works, Broker]]:
    broker, stopping = Broker(), asyncio.Event()
    relay = Relay(toy.relay_dsn, "toy", broker, gather_s=gather_s)
    running = asyncio.create_task(relay.run(stopping))
    database = await Database.connect(toy.app_dsn, application="tests")
    await eventually(lambda: relay.leads, because="the relay leads")
    try:
        yield Works(database, partitions=1, wake_relay=relay.wake), broker
    finally:
        stopping.set()
        await running
        await database.close()


async def say(works: Works, number: int) -> None:
    tenant = new_id()
    async with works.begin([tenant]) as work:
        work.say(
            first_event(
                ThingHappenedV1(number=number),
                id=new_id(),
                source="toy",
                subject="chat",
                time=work.now,
                tenant_id=tenant,
                project_id=None,
                partition_key="chat",
                correlation_id=new_id(),
                actor="system:tests",
            )
        )


async def test_what_is_said_after_a_silence_leaves_at_once(toy: ServiceDatabase) -> None:
    async with relayed(toy, gather_s=1.0) as (works, broker):
        said = time.monotonic()
        await say(works, 1)
        await eventually(lambda: broker.events() == 1, because="it was published")
        assert broker.messages[0][0] - said < 0.5


async def test_what_is_said_one_after_the_other_leaves_together(toy: ServiceDatabase) -> None:
    async with relayed(toy, gather_s=0.5) as (works, broker):
        for number in range(20):
            await say(works, number)
            await asyncio.sleep(0.01)
        await eventually(lambda: broker.events() == 20, because="all was published")
        assert len(broker.messages) <= 4

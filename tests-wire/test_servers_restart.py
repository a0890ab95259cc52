"""The servers themselves die and come back: on servers of this test's own, since others use the shared ones meanwhile."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from local_stack.instances import Instance
from postgres.database import LOST, PoolExhaustedError
from testkit.eventually import eventually
from testkit.servers import Servers, create_database, drop_database, service_database
from toy_wire import Wire, open_wire


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    found = Instance.open("test-restarts")
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def servers(instance: Instance) -> Servers:
    return Servers(instance.postgres_superuser_dsn, instance.rabbitmq_url)


@pytest_asyncio.fixture
async def wire(servers: Servers, tmp_path: Path) -> AsyncIterator[Wire]:
    name = await create_database(servers, "toy")
    async with open_wire(servers, service_database(servers, name, "toy"), tmp_path) as wire:
        yield wire
    with suppress(*LOST):
        await drop_database(servers, name)


async def say_through(wire: Wire, rounds: int) -> None:
    """Say things in rounds; a round that the database refused is not said."""
    for _ in range(rounds):
        before = {chat: list(numbers) for chat, numbers in wire.said.items()}
        try:
            await wire.say(chats=5, each=2, batch=1000)
        except (*LOST, PoolExhaustedError):
            # A transaction whose outcome is not known may have been committed: look, as a sender that retries would.
            await eventually(wire.works.database.answers, within_s=30)
            await wire.forget_what_was_not_said(before)
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("way", ["clean", "kill"])
async def test_a_broker_that_restarts_delays_and_loses_nothing(wire: Wire, instance: Instance, way: str) -> None:
    wire.start("consume")
    wire.start("relay")
    await wire.say(chats=5, each=10)
    await eventually(wire.count, within_s=40)
    # RabbitMQ 3.10 may lose a quorum queue when it is killed within half a second of declaring it (docs/decisions/0005).
    await asyncio.sleep(2)
    broker = instance.rabbitmq()

    if way == "kill":
        process = broker.process()
        assert process is not None
        process.signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait_until_gone, 10)
    else:
        await asyncio.to_thread(broker.stop)
    await say_through(wire, rounds=10)  # the outbox absorbs it
    await asyncio.to_thread(instance.start, {"rabbitmq"})

    await wire.settled(within_s=60)
    await wire.check()
    assert "publishing was refused" in wire.log_text(), "the fault did not bite"
    assert await wire.parked() == []


@pytest.mark.parametrize("way", ["clean", "kill"])
async def test_a_postgres_that_restarts_delays_and_loses_nothing(wire: Wire, instance: Instance, way: str) -> None:
    wire.start("consume")
    wire.start("relay")
    await wire.say(chats=5, each=10)
    await eventually(wire.count, within_s=40)
    postgres = instance.postgres()

    saying = asyncio.create_task(say_through(wire, rounds=15))
    await asyncio.sleep(0.3)
    if way == "kill":
        process = postgres.process()
        assert process is not None
        process.signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait_until_gone, 10)
    else:
        await asyncio.to_thread(postgres.stop)
    await asyncio.sleep(1.5)
    await asyncio.to_thread(instance.start, {"postgres"})
    await wire.reconnect()
    await saying

    await wire.settled(within_s=60)
    await wire.check()
    assert "relay lost its database" in wire.log_text(), "the fault did not bite"
    assert await wire.parked() == []

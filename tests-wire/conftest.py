"""The fixture of the wire tests: a toy stack of one's own on the real servers."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import asyncpg
import pytest_asyncio
import toy
from bus.connection import connected
from bus.topology import declare
from kernel.ids import new_id
from outbox.work import Works
from postgres.database import Database
from testkit.plugin import EmptyDatabaseOf
from testkit.servers import Servers, own_topology
from toy_wire import Wire, remove


@pytest_asyncio.fixture
async def wire(servers: Servers, empty_database_of: EmptyDatabaseOf, tmp_path: Path) -> AsyncIterator[Wire]:
    """A toy stack of one's own."""
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(toy.schema_sql())
    await owner.close()
    service = f"toy-{new_id()[-12:]}"  # queues are named after the service, and tests run side by side
    topology = own_topology(
        {toy.ThingHappenedV1.TYPE: [(service, "first")], toy.ThingPassedV1.TYPE: [(service, "second")]}
    )
    path = tmp_path / "topology.json"
    path.write_text(json.dumps(asdict(topology)))
    async with connected(servers.rabbitmq_url, "tests") as connection:
        channel = await connection.channel()
        await declare(channel, topology, toy.PARTITIONS)
        database = await Database.connect(found.app_dsn, application="tests")
        administrator = await asyncpg.connect(found.superuser_dsn)
        logs = tmp_path / "logs"
        logs.mkdir()
        wire = Wire(servers, found, service, path, logs, Works(database, partitions=toy.PARTITIONS), administrator)
        try:
            yield wire
        finally:
            wire.stop()
            await administrator.close()
            await database.close()
            await remove(channel, topology)

"""The service's timekeeping as it runs, against a real Temporal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from durable.settings import TemporalSettings
from durable.standing import StandingWorkflows
from durable.temporal import Temporal
from google.protobuf.duration_pb2 import Duration
from kernel.ids import new_id
from session.bootstrap import build
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from testkit.servers import ServiceDatabase
from testkit.serving import Served, serving

# Overdue since 2020, half an hour after they began: one in each chat.
MANY_DUE = """
insert into session.sessions (tenant_id, id, project_id, chat_key, contact_id, channel_id, channel_type, origin, status,
    started_at, last_activity_at, timeout_minutes, timeout_at, check_at, message_count, messages_from_contact,
    messages_from_agent, unread_count, contact_wait_ms)
select $1::uuid, gen_random_uuid(), gen_random_uuid(), 'chat ' || number, gen_random_uuid(), gen_random_uuid(), 'waha',
    'inbound', 'active', t, t, 30, t + interval '30 min', t + interval '30 min', 1, 1, 0, 1, 0
from generate_series($2::int, $2::int + $3::int - 1) as number, (select timestamptz '2020-01-01 00:00:00+00') as at (t)
"""
ENDED = """
select (select count(*) from session.sessions where status = 'ended') as ended,
    (select coalesce(sum(events), 0) from session.outbox_bundles where type = 'session.ended.v1') as said
"""


@dataclass
class Keeper:
    """A process of the service that works, and what can be seen of it."""

    served: Served
    administrator: asyncpg.Connection
    lag_s: float = 0
    made: int = 0

    async def many_due(self, count: int, tenant: str | None = None) -> None:
        """Store sessions that are overdue."""
        await self.administrator.execute(MANY_DUE, tenant or new_id(), self.made, count)
        self.made += count

    async def ended(self) -> int:
        """Return how many sessions have ended, each told once."""
        ended, said = await self.administrator.fetchrow(ENDED)
        assert said == ended
        return int(ended)

    async def ended_are(self, count: int) -> bool:
        """Tell whether so many have ended."""
        return await self.ended() == count

    def starters(self) -> list[StandingWorkflows]:
        """Return what starts the timekeepers that do not run."""
        return [role for _, role in self.served.blueprint.roles if isinstance(role, StandingWorkflows)]

    async def tell_lag_now(self) -> None:
        """Tell how far consumers lag."""
        keep = self.served.blueprint.keep_lag
        assert keep is not None
        await keep(self.lag_s)

    async def tell_lag(self) -> None:
        """Tell every second how far consumers lag and look at what has grown, as every process would."""
        while True:
            await self.tell_lag_now()
            async with self.served.parts.works.begin(()) as work:
                await work.connection.execute("select keep_statistics()")
            await asyncio.sleep(1)


Working = Callable[..., AbstractAsyncContextManager[Keeper]]


@pytest_asyncio.fixture
async def namespace(temporal: str) -> Temporal:
    """A namespace of one's own on the shared server: the service's ids and queues are the same in all tests."""
    own = Temporal(TemporalSettings(temporal, f"test-{new_id()}"), "tests")
    async with own.reached() as client:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=own.namespace, workflow_execution_retention_period=Duration(seconds=24 * 3600)
            )
        )
    return own


@pytest.fixture
def working(database_of: Callable[[str, str], Awaitable[ServiceDatabase]], monkeypatch: pytest.MonkeyPatch) -> Working:
    """`async with working(host, namespace) as keeper`: the service's work, wired as it is, on a database of its own."""

    @asynccontextmanager
    async def run(
        host: str, namespace: str, database: ServiceDatabase | None = None, **more: Any
    ) -> AsyncIterator[Keeper]:
        environment = {"TEMPORAL_HOST": host, "TEMPORAL_NAMESPACE": namespace, **more}
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        found = database or await database_of("session", "session")
        async with serving(found, build) as served:
            administrator = await asyncpg.connect(found.superuser_dsn)
            keeper = Keeper(served, administrator)
            stopping = asyncio.Event()
            telling = asyncio.create_task(keeper.tell_lag())
            roles = [asyncio.create_task(role.run(stopping)) for _, role in served.blueprint.roles]
            try:
                yield keeper
            finally:
                stopping.set()
                await asyncio.gather(*roles)
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
                await administrator.close()

    return run

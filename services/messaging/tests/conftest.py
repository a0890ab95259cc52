"""The service's handlers on a migrated database of one's own, and what became of what they heard."""

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from contracts.envelope import AnyEvent
from messaging.bootstrap import HEARD, build, work_of
from outbox.work import Works
from postgres.database import Database
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase
from testkit.serving import Served, a_caller, serving

sys.path.insert(0, str(Path(__file__).parent))

import messaging_events as heard

TENANT = "00000000-0000-7000-8000-00000000000a"
AGENT = "00000000-0000-7000-8000-0000000000a1"
CALLER = a_caller(TENANT, heard.PROJECT, agent_id=AGENT)


def handler_of(event: AnyEvent) -> Any:
    """Return the service's handler for an event."""
    (module,) = [module for module in HEARD if module.HEARS is type(event.data)]
    return getattr(module, module.__name__.rpartition(".")[2])


@dataclass(repr=False)
class Line:
    """Hands events to the handlers, and looks at what became of them."""

    works: Works
    database: ServiceDatabase
    administrator: asyncpg.Connection
    statements: list[str] = field(default_factory=list)
    noon = heard.NOON
    message = staticmethod(heard.message)
    ack = staticmethod(heard.ack)

    async def hears(self, *events: AnyEvent) -> list[AnyEvent]:
        """Apply events of one type as one batch; return what was said."""
        async with self.works.begin({event.tenantid for event in events}) as work:
            work.connection.add_query_logger(self._note)
            try:
                await handler_of(events[0])(events, work_of(work))
            finally:
                work.connection.remove_query_logger(self._note)
            return list(work.said)

    def _note(self, record: Any) -> None:
        if "typeinfo" not in record.query and "jit" not in record.query:  # a fresh connection asks for types
            self.statements.append(record.query)

    async def messages(self) -> list[asyncpg.Record]:
        """Return all messages of all tenants in the order of their chats."""
        return await self.administrator.fetch(
            "select *, tenant_id::text as tenant, id::text as message_id, chat_id::text as chat,"
            " reply_to_message_id::text as reply from messaging.messages order by tenant_id, chat_id, timestamp, sequence"
        )

    async def chats(self) -> list[asyncpg.Record]:
        """Return all chats of all tenants."""
        return await self.administrator.fetch(
            "select *, tenant_id::text as tenant, id::text as chat from messaging.chats order by tenant_id, created_at, id"
        )

    async def waiting(self) -> int:
        """Return how many receipts wait for their message."""
        count: int = await self.administrator.fetchval("select count(*) from messaging.pending_acks")
        return count

    async def steps(self, message_id: str) -> list[str]:
        """Return the names of the steps that a message took, in order."""
        rows = await self.administrator.fetch(
            "select step from messaging.message_steps where message_id = $1 order by position", message_id
        )
        return [row["step"] for row in rows]


class Door:
    """The whole service over ASGI, and events for it to hear."""

    def __init__(self, served: Served) -> None:
        self.served = served

    async def hears(self, *events: Any) -> None:
        """Apply events of one type."""
        async with self.served.parts.works.begin({event.tenantid for event in events}) as work:
            await handler_of(events[0])(events, work_of(work))

    async def ask(self, path: str, caller: Any = CALLER) -> Any:
        """Return the body of a read."""
        answer = await self.served.ask(caller, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, caller: Any = CALLER, **headers: str) -> Any:
        """Return the answer to a POST."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if body is None else {"json": body}
        return await self.served.ask(caller, "POST", path, headers=named, **more)

    async def said(self, event_type: str = "") -> list[Any]:
        """Return what the service said, of one type or all."""
        return [event for event in await self.served.said() if event.type.startswith(event_type)]


@pytest_asyncio.fixture
async def line(database_of: DatabaseOf) -> AsyncIterator[Line]:
    """The service's handlers on a database of its own."""
    found = await database_of("messaging", "messaging")
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    yield Line(Works(database, partitions=4), found, administrator)
    await administrator.close()
    await database.close()


@pytest_asyncio.fixture
async def door(database_of: DatabaseOf) -> AsyncIterator[Door]:
    """The service over ASGI on a database of its own."""
    async with serving(await database_of("messaging", "messaging"), build) as served:
        yield Door(served)


@pytest.fixture
def a_message() -> Callable[..., AnyEvent]:
    """`a_message(tenant, provider_message_id, at=minutes, …)`."""
    return heard.message


@pytest.fixture
def an_ack() -> Callable[..., AnyEvent]:
    """`an_ack(tenant, provider_message_id, level, …)`."""
    return heard.ack

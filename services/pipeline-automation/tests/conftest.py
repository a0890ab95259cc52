"""Events as other services say them, the service's handlers, and a migrated database of one's own."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest_asyncio
from contracts.envelope import AnyEvent, first_event
from kernel.ids import new_id
from outbox.work import Works
from pipeline_automation.application.work import Work
from pipeline_automation.bootstrap import work_of
from postgres.database import Database
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase

sys.path.insert(0, str(Path(__file__).parent))

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

Handler = Callable[[Sequence[Any], Work], Awaitable[None]]


def build_event(
    data: Any,
    tenant: str,
    project: str,
    *,
    subject: str = "",
    source: str = "elsewhere",
    at: datetime = NOON,
    hop: int = 0,
    actor: str = "provider:waha",
) -> AnyEvent:
    """Return an event as its owner says it."""
    event = first_event(
        data,
        id=new_id(),
        source=source,
        subject=subject or new_id(),
        time=at,
        tenant_id=tenant,
        project_id=project,
        partition_key=subject or new_id(),
        correlation_id=new_id(),
        actor=actor,
    )
    return msgspec.structs.replace(event, hop=hop)


@dataclass
class Line:
    """Hands events to the handlers, and looks at what became of them."""

    works: Works
    database: ServiceDatabase
    administrator: asyncpg.Connection
    statements: list[str] = field(default_factory=list)
    noon = NOON
    event = staticmethod(build_event)

    async def hears(self, handler: Handler, *events: AnyEvent) -> list[AnyEvent]:
        """Apply events of one type as one batch; return what was said."""
        async with self.works.begin({event.tenantid for event in events}) as work:
            work.connection.add_query_logger(self._note)
            try:
                await handler(events, work_of(work))
            finally:
                work.connection.remove_query_logger(self._note)
            return list(work.said)

    def _note(self, record: Any) -> None:
        if "typeinfo" not in record.query and "jit" not in record.query:  # a fresh connection asks for types
            self.statements.append(record.query)

    async def rows(self, question: str, *parameters: Any) -> list[asyncpg.Record]:
        """Return rows of any tenant; the search path is the service's schema."""
        return list(await self.administrator.fetch(question, *parameters))


@pytest_asyncio.fixture
async def line(database_of: DatabaseOf) -> AsyncIterator[Line]:
    """The service's handlers on a database of its own."""
    found = await database_of("pipeline-automation", "pipeline_automation")
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    await administrator.execute("set search_path = pipeline_automation")
    yield Line(Works(database, partitions=4), found, administrator)
    await administrator.close()
    await database.close()

"""Messages as the line brings them, and a migrated database of one's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest_asyncio
from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1
from contracts.envelope import AnyEvent, first_event
from contracts.fields import ChannelSettings
from kernel.ids import new_id
from outbox.work import Works
from postgres.database import Database
from session.bootstrap import work_of
from session.entrypoints.events.on_contact_sender_identified import on_contact_sender_identified
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def build_message(
    tenant: str,
    chat: str = "chat",
    *,
    at: float = 0,
    received: float | None = None,
    from_me: bool = False,
    chat_type: str = "individual",
    origin: str = "live",
    timeout: int | None = None,
    contact: str | None = "00000000-0000-7000-8000-00000000000c",
    message_id: str | None = None,
    source: str | None = None,
) -> AnyEvent:
    """Return the event of a message written `at` minutes after noon, received `received` minutes after (the same)."""
    occurred = NOON + timedelta(minutes=at)
    pid = message_id or new_id()
    data = ContactSenderIdentifiedV1(
        channel_id="00000000-0000-7000-8000-0000000000c1",
        channel_type="waha",
        provider="waha",
        delivery_id=new_id(),
        provider_message_id=pid,
        provider_message_ref=f"false_{pid}",
        external_chat_id="12025550143@c.us",
        chat_type=chat_type,
        from_me=from_me,
        direction="outbound" if from_me else "inbound",
        source=source or ("phone" if from_me else None),
        origin=origin,
        late=False,
        contact_identities=(),
        content=msgspec.Raw(b'{"type":"text","text":"hello"}'),
        channel_settings=ChannelSettings(default_session_timeout_minutes=timeout),
        occurred_at=occurred,
        received_at=occurred if received is None else NOON + timedelta(minutes=received),
        chat_key=chat,
        contact_id=contact,
    )
    return first_event(
        data,
        id=new_id(),
        source="contact",
        subject=contact or data.channel_id,
        time=data.received_at,
        tenant_id=tenant,
        project_id="00000000-0000-7000-8000-00000000000f",
        partition_key=chat,
        correlation_id=new_id(),
        actor="provider:waha",
    )


@dataclass
class Line:
    """Builds messages, hands them to the handler, and looks at what became of them."""

    works: Works
    database: ServiceDatabase
    administrator: asyncpg.Connection
    statements: list[str] = field(default_factory=list)
    noon = NOON
    message = staticmethod(build_message)

    async def hears(self, *events: AnyEvent) -> list[AnyEvent]:
        """Apply events as one batch; return what was said."""
        async with self.works.begin({event.tenantid for event in events}) as work:
            work.connection.add_query_logger(self._note)
            try:
                await on_contact_sender_identified(events, work_of(work))
            finally:
                work.connection.remove_query_logger(self._note)
            return list(work.said)

    def _note(self, record: Any) -> None:
        if "sessions" in record.query:  # and not the driver asking for the types of a fresh connection
            self.statements.append(record.query)

    async def sessions(self) -> list[asyncpg.Record]:
        """Return all sessions of all tenants, oldest first."""
        return await self.administrator.fetch(
            "select *, tenant_id::text as tenant, id::text as session_id from session.sessions order by started_at, id"
        )


@pytest_asyncio.fixture
async def line(database_of: DatabaseOf) -> AsyncIterator[Line]:
    """The service's handlers on a database of its own."""
    found = await database_of("session", "session")
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    yield Line(Works(database, partitions=4), found, administrator)
    await administrator.close()
    await database.close()

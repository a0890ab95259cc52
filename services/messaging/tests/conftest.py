"""Messages and receipts as the line brings them, and a migrated database of one's own."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.envelope import AnyEvent, first_event
from contracts.fields import ChannelSettings
from contracts.session.message_recorded_v1 import SessionMessageRecordedV1
from kernel.ids import new_id
from messaging.bootstrap import work_of
from messaging.entrypoints.events.on_channel_message_acked import on_channel_message_acked
from messaging.entrypoints.events.on_session_message_recorded import on_session_message_recorded
from outbox.work import Works
from postgres.database import Database
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHANNEL = "00000000-0000-7000-8000-0000000000c1"
PROJECT = "00000000-0000-7000-8000-00000000000f"
ANA = "00000000-0000-7000-8000-00000000000c"


def build_message(
    tenant: str,
    message_id: str = "",
    *,
    chat: str = "chat",
    at: float = 0,
    from_me: bool = False,
    chat_type: str = "individual",
    external: str = "12025550143@c.us",
    origin: str = "live",
    contact: str | None = ANA,
    session: str | None = None,
    content: dict[str, Any] | None = None,
    text: str = "hello",
    reply_to: str | None = None,
    channel: str = CHANNEL,
) -> AnyEvent:
    """Return session.message_recorded for a message written `at` minutes after noon."""
    occurred = NOON + timedelta(minutes=at)
    pid = message_id or new_id()
    data = SessionMessageRecordedV1(
        channel_id=channel,
        channel_type="waha",
        provider="waha",
        delivery_id=new_id(),
        provider_message_id=pid,
        provider_message_ref=f"{str(from_me).lower()}_{external}_{pid}",
        external_chat_id=external,
        chat_type=chat_type,
        from_me=from_me,
        direction="outbound" if from_me else "inbound",
        source="phone" if from_me else None,
        origin=origin,
        late=False,
        contact_identities=(),
        content=msgspec.Raw(msgspec.json.encode(content or {"type": "text", "text": text})),
        channel_settings=ChannelSettings(),
        occurred_at=occurred,
        received_at=occurred,
        chat_key=chat,
        contact_id=contact,
        contact_name="Ana",
        session_id=session,
        reply_to_provider_id=reply_to,
        chat_subject="Neighbours" if chat_type == "group" else None,
    )
    return _event(data, tenant, "session", chat)


def build_ack(
    tenant: str,
    message_id: str,
    level: int,
    *,
    at: float = 30,
    from_me: bool = True,
    participant: str | None = None,
    channel: str = CHANNEL,
) -> AnyEvent:
    """Return channel.message_acked for a message."""
    data = ChannelMessageAckedV1(
        channel_id=channel,
        provider_message_id=message_id,
        external_chat_id="12025550143@c.us",
        from_me=from_me,
        level=level,
        level_name="",
        acked_at=NOON + timedelta(minutes=at),
        participant=participant,
    )
    return _event(data, tenant, "channel-gateway", f"{channel}:12025550143@c.us")


def _event(data: Any, tenant: str, source: str, key: str) -> AnyEvent:
    return first_event(
        data,
        id=new_id(),
        source=source,
        subject=CHANNEL,
        time=NOON,
        tenant_id=tenant,
        project_id=PROJECT,
        partition_key=key,
        correlation_id=new_id(),
        actor="provider:waha",
    )


@dataclass
class Line:
    """Builds messages and receipts, hands them to the handlers, and looks at what became of them."""

    works: Works
    database: ServiceDatabase
    administrator: asyncpg.Connection
    statements: list[str] = field(default_factory=list)
    noon = NOON
    message = staticmethod(build_message)
    ack = staticmethod(build_ack)

    async def hears(self, *events: AnyEvent) -> list[AnyEvent]:
        """Apply events of one type as one batch; return what was said."""
        async with self.works.begin({event.tenantid for event in events}) as work:
            acks = isinstance(events[0].data, ChannelMessageAckedV1)
            work.connection.add_query_logger(self._note)
            try:
                await (on_channel_message_acked if acks else on_session_message_recorded)(events, work_of(work))
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


@pytest_asyncio.fixture
async def line(database_of: DatabaseOf) -> AsyncIterator[Line]:
    """The service's handlers on a database of its own."""
    found = await database_of("messaging", "messaging")
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    yield Line(Works(database, partitions=4), found, administrator)
    await administrator.close()
    await database.close()


@pytest.fixture
def a_message() -> Callable[..., AnyEvent]:
    """`a_message(tenant, provider_message_id, at=minutes, …)`."""
    return build_message


@pytest.fixture
def an_ack() -> Callable[..., AnyEvent]:
    """`an_ack(tenant, provider_message_id, level, …)`."""
    return build_ack

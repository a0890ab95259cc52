"""Messages as the line brings them, and a migrated database of one's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from contracts.bundles import alone
from contracts.chat.created_v1 import ChatCreatedV1
from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1
from contracts.content import Text
from contracts.envelope import AnyEvent, Payload, first_event
from contracts.fields import ChannelSettings, SenderRef
from contracts.message.sent_v1 import MessageSentV1
from kernel.ids import new_id
from outbox.inbox import Inbox
from outbox.work import UnitOfWork, Works
from postgres.database import Database
from session.adapters.deadlines_in_postgres import DeadlinesInPostgres
from session.application.end_due_sessions import end_due_sessions
from session.bootstrap import HEARD, work_of
from session.domain.turns import Shard, Turn
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROJECT = "00000000-0000-7000-8000-00000000000f"
CHANNEL = "00000000-0000-7000-8000-0000000000c1"
ANA = "00000000-0000-7000-8000-00000000000c"
TABLES = ("session", "timeouts", "known_chats", "consumer_lag")
MAX_LAG = timedelta(seconds=5)
HANDLERS = {payload.TYPE: hear for payload, hear in HEARD.values()}


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
    contact: str | None = ANA,
    message_id: str | None = None,
    source: str | None = None,
    pipeline: str | None = None,
) -> AnyEvent:
    """Return the event of a message written `at` minutes after noon, received `received` minutes after (the same)."""
    occurred = NOON + timedelta(minutes=at)
    pid = message_id or new_id()
    data = ContactSenderIdentifiedV1(
        channel_id=CHANNEL,
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
        channel_settings=ChannelSettings(default_session_timeout_minutes=timeout, pipeline_id=pipeline),
        occurred_at=occurred,
        received_at=occurred if received is None else NOON + timedelta(minutes=received),
        chat_key=chat,
        contact_id=contact,
    )
    return event_of(tenant, data, key=chat, time=data.received_at)


def event_of(tenant: str, data: Payload, *, key: str = "", time: datetime = NOON, id: str | None = None) -> AnyEvent:
    """Return an event of the tests' project."""
    return first_event(
        data,
        id=id or new_id(),
        source="tests",
        subject=key,
        time=time,
        tenant_id=tenant,
        project_id=PROJECT,
        partition_key=key,
        correlation_id=new_id(),
        actor="system:tests",
    )


def build_sent(
    tenant: str,
    chat: str = "chat",
    *,
    at: float = 0,
    source: str = "manual",
    session: str | None = None,
    contact: str | None = ANA,
    said: float | None = None,
) -> AnyEvent:
    """Return the event of a message that we sent `at` minutes after noon, and that messaging told of `said` minutes after."""
    sent_at = NOON + timedelta(minutes=at)
    data = MessageSentV1(
        message_id=new_id(),
        chat_id=new_id(),
        chat_key=chat,
        channel_id=CHANNEL,
        sender=SenderRef(kind="agent", id=new_id()),
        source=source,
        provider_message_id=new_id(),
        content=Text(text="hello"),
        origin="live",
        sequence=1,
        occurred_at=sent_at,
        sent_at=sent_at,
        contact_id=contact,
        session_id=session,
    )
    return event_of(tenant, data, key=chat, time=sent_at if said is None else NOON + timedelta(minutes=said))


def build_chat(tenant: str, chat: str, chat_id: str, *, chat_type: str = "individual", version: int = 1) -> AnyEvent:
    """Return the event of a chat that exists now."""
    data = ChatCreatedV1(chat_id=chat_id, chat_key=chat, chat_type=chat_type, channel_id=CHANNEL, version=version)
    return event_of(tenant, data, key=chat)


@dataclass
class Line:
    """Builds messages, hands them to the handler, and looks at what became of them."""

    works: Works
    database: ServiceDatabase
    administrator: asyncpg.Connection
    statements: list[str] = field(default_factory=list)
    now: datetime = NOON
    noon = NOON
    message = staticmethod(build_message)
    sent = staticmethod(build_sent)
    chat = staticmethod(build_chat)
    event = staticmethod(event_of)

    def at(self, minutes: float) -> "Line":
        """Set the clock to so many minutes after noon."""
        self.now = NOON + timedelta(minutes=minutes)
        return self

    async def hears(self, *events: AnyEvent) -> list[AnyEvent]:
        """Apply events of one type as one batch; return what was said."""
        async with self.works.begin({event.tenantid for event in events}) as work:
            await self._watched(work, HANDLERS[events[0].type](events, work_of(work)))
            return list(work.said)

    async def delivers(self, *events: AnyEvent, then: Exception | None = None) -> None:
        """Apply events of one type as the bus delivers them; raise `then` just before they would be committed."""

        async def handle(fresh: Any, work: UnitOfWork) -> None:
            await HANDLERS[events[0].type](fresh, work_of(work))

        inbox = Inbox(self.works)
        async with self.works.begin({event.tenantid for event in events}) as work:
            if then is not None:
                await handle(events, work)
                raise then
        await inbox.apply([(events[0].type, alone(events), handle)])

    async def turn(self, shard: Shard = Shard(0, 1)) -> tuple[Turn, list[AnyEvent]]:  # noqa: B008 - it is frozen
        """Take a timekeeper's turn; return what it told and what was said."""
        async with self.works.begin(()) as work:
            done: Turn = await self._watched(work, end_due_sessions(shard, MAX_LAG, work_of(work)))
            return done, list(work.said)

    async def lags(self, seconds: float = 0, replica: int = 0, measured_s_ago: float = 0) -> None:
        """Have the consumers of a replica tell how far they lag behind."""
        async with self.works.begin(()) as work:
            await DeadlinesInPostgres(work.connection).keep_lag(replica, seconds)
        await self.administrator.execute(
            "update session.consumer_lag set measured_at = now() - make_interval(secs => $2) where replica = $1",
            replica,
            float(measured_s_ago),
        )

    async def _watched(self, work: UnitOfWork, doing: Any) -> Any:
        work.connection.add_query_logger(self._note)
        try:
            return await doing
        finally:
            work.connection.remove_query_logger(self._note)

    def _note(self, record: Any) -> None:
        if any(
            table in record.query for table in TABLES
        ):  # and not the driver asking for the types of a fresh connection
            self.statements.append(record.query)

    async def sessions(self) -> list[asyncpg.Record]:
        """Return all sessions of all tenants, oldest first."""
        return await self.administrator.fetch(
            "select *, tenant_id::text as tenant, id::text as session_id from session.sessions order by started_at, id"
        )


@asynccontextmanager
async def open_line(found: ServiceDatabase) -> AsyncIterator[Line]:
    """The service's handlers on a database, with consumers that do not lag."""
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    try:
        line = Line(Works(database, partitions=4, clock=lambda: line.now), found, administrator)
        await line.lags(0)
        yield line
    finally:
        await administrator.close()
        await database.close()


@pytest_asyncio.fixture
async def line(database_of: DatabaseOf) -> AsyncIterator[Line]:
    """The service's handlers on a database of its own."""
    async with open_line(await database_of("session", "session")) as line:
        yield line


@pytest.fixture
def opened() -> Callable[[ServiceDatabase], AbstractAsyncContextManager[Line]]:
    """Open the handlers on a database, on whichever loop the test runs."""
    return open_line


class Builders:
    """What builds messages, for tests that keep no database."""

    message = staticmethod(build_message)
    sent = staticmethod(build_sent)


@pytest.fixture(scope="session")
def builders() -> type[Builders]:
    """Build messages."""
    return Builders

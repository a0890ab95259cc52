"""What the system says of itself once it is quiet, read into plain data: all SQL of this folder stands here."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
from local_stack.process_table import SERVICES, service_environment
from product import SCHEMAS, Product, Tenant

MESSAGE_KEY = "message:"
"""How the channel's own key of a delivery begins, before WhatsApp's message id."""

WALLED = {
    "channel_gateway": "inbound_deliveries",
    "contact": "contacts",
    "session": "sessions",
    "messaging": "messages",
}
"""A table of each room of the line, to be looked at through its service's own role."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is stored in its chat; `name` is WhatsApp's bare id."""

    tenant: str
    id: str
    name: str | None
    chat_id: str
    chat_key: str
    address: str | None
    sequence: int
    direction: str
    source: str | None
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Visible:
    """How many rows of a table one tenant's wall shows: its own, as the superuser counts them; and those of others."""

    table: str
    tenant: str
    own: int
    expected: int
    of_others: int


@dataclass(slots=True)
class Observed:
    """All that the checker looks at, beside the ledger."""

    deliveries: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(tenant, WhatsApp's message id) → raw deliveries that were applied or parked; repeats and echoes are not among them."""
    messages: list[Message] = field(default_factory=list)
    session_counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """(tenant, chat key) → messages that customers wrote, as the sessions counted them."""
    fed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(tenant, message) → how often the feed of events tells that it was received."""
    contacts: dict[str, int] = field(default_factory=dict)
    metered: dict[str, dict[str, int]] = field(default_factory=dict)
    """Tenant → what it used, by meter, as it is told."""
    steps: dict[str, list[str]] = field(default_factory=dict)
    """Message → the statuses that it went through, in the order in which they were written."""
    parked: Counter[tuple[str, str]] = field(default_factory=Counter)
    pending: dict[str, int] = field(default_factory=dict)
    """Schema → bundles of events that were not published within 5 s."""
    queues: dict[str, int] = field(default_factory=dict)
    """Queue → messages ready or unacknowledged, where there are any."""
    phones: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(tenant, address) → what is on the customer's phone, oldest first."""
    visible: list[Visible] = field(default_factory=list)
    visible_unset: dict[str, int] = field(default_factory=dict)
    """Table → rows seen by a role whose wall was not set."""


PENDING = "select count(*) from {schema}.outbox_pending"
WAITING = "select seq from {schema}.outbox_pending"
PUBLISHED_AFTER_S = 5.0
OLDEST = "select coalesce(outbox_age_s, 0) from {schema}.backlog()"
PARKED = """
select reason, count(*) as n from {schema}.parked_events
where status = 'parked' and (tenant_id = any($1::uuid[]) or (tenant_id is null and parked_at >= $2)) group by reason
"""
DELIVERIES = """
select tenant_id::text as tenant, dedupe_key, count(*) as n from channel_gateway.inbound_deliveries
where tenant_id = any($1::uuid[]) and dedupe_key like $2 || '%' and state in ('applied', 'parked') group by 1, 2
"""
MESSAGES = """
select m.tenant_id::text as tenant, m.id::text, m.provider_message_id as name, m.chat_id::text, c.chat_key,
    c.external_chat_id as address, m.sequence, m.direction, m.source, m.status, coalesce(m.text, '') as text
from messaging.messages m left join messaging.chats c on (c.tenant_id, c.id) = (m.tenant_id, m.chat_id)
where m.tenant_id = any($1::uuid[]) order by m.tenant_id, m.chat_id, m.sequence
"""
SESSIONS = """
select tenant_id::text as tenant, chat_key, sum(messages_from_contact) as n from session.sessions
where tenant_id = any($1::uuid[]) group by 1, 2
"""
FED = """
select tenant_id::text as tenant, subject as message, count(*) as n from pipeline_automation.feed_entries
where tenant_id = any($1::uuid[]) and type = 'message.received.v1' group by 1, 2
"""
CONTACTS = (
    "select tenant_id::text as tenant, count(*) as n from contact.contacts where tenant_id = any($1::uuid[]) group by 1"
)
STEPS = """
select message_id::text as message, status from messaging.message_steps
where tenant_id = any($1::uuid[]) and status is not null order by message_id, position
"""
STORED = "select count(*) from messaging.messages where tenant_id = any($1::uuid[]) and direction = 'inbound'"
UNSETTLED = """
select count(*) from messaging.messages where tenant_id = any($1::uuid[]) and status in ('queued', 'unknown')
"""
ENDED = """
select tenant_id::text as tenant, chat_key, extract(epoch from ended_at)::float as ended_at,
    extract(epoch from last_activity_at)::float as last_activity_at, timeout_minutes, extract(epoch from updated_at)::float as updated_at
from session.sessions where tenant_id = any($1::uuid[]) and status = 'ended'
"""
EXPAND = "alter table {schema}.{table} add column chaos_expanded text"
CONTRACT = "alter table {schema}.{table} drop column if exists chaos_expanded"
LOCK_TIMEOUT = "set lock_timeout = '3s'"
WALL = "select set_config('app.tenant_ids', $1, true)"
SEEN = "select count(*) filter (where tenant_id = $1::uuid), count(*) filter (where tenant_id <> $1::uuid) from {schema}.{table}"
SEEN_UNSET = "select count(*) from {schema}.{table}"


class Database:
    """Looking from above every wall; a lost connection is made again at the next look."""

    def __init__(self, product: Product, tenants: Sequence[Tenant]) -> None:
        self._product = product
        self._tenants = tenants
        self._ids = [tenant.tenant_id for tenant in tenants]
        self._since = datetime.now(UTC)  # what names no tenant belongs to whoever looks since it came
        self._connection: asyncpg.Connection | None = None

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """Return what a query finds; raises what asyncpg raises where the server is away."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._product.instance.postgres_superuser_dsn, timeout=3, command_timeout=20
            )
        try:
            found: list[Any] = await self._connection.fetch(query, *arguments)
        except BaseException:  # what was cut off in the middle is of no use any more
            self._connection.terminate()
            raise
        return found

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close(timeout=3)

    async def stored(self) -> int:
        """Return how many messages of customers are stored in their chats."""
        return int((await self.rows(STORED, self._ids))[0][0])

    async def unsettled(self) -> int:
        """Return how many messages of ours have no outcome yet."""
        return int((await self.rows(UNSETTLED, self._ids))[0][0])

    async def ended_sessions(self) -> list[Any]:
        """Return the sessions that have ended: when, after which last message, and when that was written."""
        return await self.rows(ENDED, self._ids)

    async def expand(self, schema: str, table: str) -> None:
        """Add a column as the first half of a migration does; raises asyncpg's error where the lock is not had within 3 s."""
        await self.rows(LOCK_TIMEOUT)
        await self.rows(EXPAND.format(schema=schema, table=table))

    async def contract(self, schema: str, table: str) -> None:
        """Take it back."""
        await self.rows(CONTRACT.format(schema=schema, table=table))

    async def pending(self) -> dict[str, int]:
        """Return how many events each service has not published."""
        return {schema: int((await self.rows(PENDING.format(schema=schema)))[0][0]) for schema in SCHEMAS}

    async def oldest_pending_s(self) -> float:
        """Return the age in seconds of the oldest event that is not published."""
        return max([float((await self.rows(OLDEST.format(schema=schema)))[0][0]) for schema in SCHEMAS])

    async def by_tenant(self, query: str) -> dict[str, int]:
        """Return one number for each tenant."""
        return {row["tenant"]: int(row["n"]) for row in await self.rows(query, self._ids)}

    async def read(self) -> Observed:
        """Read everything that is in the database, and what the meters say."""
        seen = Observed()
        for row in await self.rows(DELIVERIES, self._ids, MESSAGE_KEY):
            seen.deliveries[row["tenant"], row["dedupe_key"].removeprefix(MESSAGE_KEY)] = row["n"]
        seen.messages = [Message(**row) for row in await self.rows(MESSAGES, self._ids)]
        for row in await self.rows(SESSIONS, self._ids):
            seen.session_counts[row["tenant"], row["chat_key"]] = int(row["n"])
        for row in await self.rows(FED, self._ids):
            seen.fed[row["tenant"], row["message"]] = row["n"]
        seen.contacts = await self.by_tenant(CONTACTS)
        seen.metered = {tenant.tenant_id: await tenant.usage() for tenant in self._tenants}
        steps = defaultdict(list)
        for row in await self.rows(STEPS, self._ids):
            steps[row["message"]].append(row["status"])
        seen.steps = dict(steps)
        for schema in SCHEMAS:
            for row in await self.rows(PARKED.format(schema=schema), self._ids, self._since):
                seen.parked[schema, row["reason"]] = row["n"]
        seen.pending = await self._not_published()
        await self._look_through_walls(seen)
        return seen

    async def _not_published(self) -> dict[str, int]:
        """Return how much of what waits for its relay now still waits after 5 s, by schema: what WAHA retried late may be on its way."""
        ends = time.monotonic() + PUBLISHED_AFTER_S
        left = await self._waiting()
        while left and time.monotonic() < ends:
            await asyncio.sleep(0.2)
            now = await self._waiting()
            left = {schema: still for schema, those in left.items() if (still := those & now.get(schema, set()))}
        return {schema: len(those) for schema, those in left.items()}

    async def _waiting(self) -> dict[str, set[int]]:
        rows = {schema: await self.rows(WAITING.format(schema=schema)) for schema in SCHEMAS}
        return {schema: {int(row["seq"]) for row in found} for schema, found in rows.items() if found}

    async def _look_through_walls(self, seen: Observed) -> None:
        instance = self._product.instance
        for service in SERVICES:
            schema = service.name.replace("-", "_")
            if schema not in WALLED:
                continue
            table = WALLED[schema]
            look, unset = SEEN.format(schema=schema, table=table), SEEN_UNSET.format(schema=schema, table=table)
            role = await asyncpg.connect(service_environment(instance, service)["DATABASE_URL"], timeout=5)
            try:
                seen.visible_unset[table] = await role.fetchval(unset)
                for tenant in self._ids:
                    expected = (await self.rows(look, tenant))[0][0]
                    async with role.transaction():
                        await role.execute(WALL, tenant)
                        own, of_others = await role.fetchrow(look, tenant)
                    seen.visible.append(Visible(table, tenant, own, expected, of_others))
            finally:
                await role.close(timeout=5)


def queue_lengths(listed: str) -> dict[str, int]:
    """Read what `rabbitmqctl list_queues name messages` printed: the queues that hold anything, ready or unacknowledged."""
    found = {}
    for line in listed.splitlines():
        name, _, count = line.strip().rpartition("\t")
        if name and count.isdigit() and int(count):
            found[name] = int(count)
    return found


async def phones_of(tenants: Iterable[Tenant]) -> Mapping[tuple[str, str], list[str]]:
    """Return what the simulator has on the customers' phones."""
    found = {}
    for tenant in tenants:
        for address, texts in (await tenant.whatsapp.history()).items():
            found[tenant.tenant_id, address] = texts
    return found


async def quiet(database: Database, look_at_queues: Any, sends: bool) -> str:
    """Tell what is still under way; empty when nothing is: no outbox row, no queued message, no send without outcome."""
    for _ in range(2):
        waiting = {schema: count for schema, count in (await database.pending()).items() if count}
        if waiting:
            return f"not published: {waiting}"
        await asyncio.sleep(0.2)
    if sends and (unsettled := await database.unsettled()):
        return f"{unsettled} sends without outcome"
    queues = await look_at_queues()
    return f"not consumed: {queues}" if queues else ""

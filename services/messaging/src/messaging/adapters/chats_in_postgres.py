"""Chats in Postgres, set-based. Rows are locked in the order of their key, so that two batches wait instead of deadlocking."""

from collections.abc import Collection, Sequence
from typing import Any

import asyncpg
from postgres.database import Connection

from messaging.application.work import Key, MessageKey
from messaging.domain.conversations import Chat
from messaging.domain.outcome import Outcome
from messaging.domain.progress import Tracked

# The columns stand in the order of the fields of Chat.
BY_KEY = """
select c.tenant_id::text, c.id::text, c.project_id::text, c.chat_key, c.channel_id::text, c.channel_type, c.chat_type,
    c.contact_id::text, c.external_chat_id, c.external_ids, c.subject, c.last_sequence, c.unread_count, c.read_at,
    c.read_sequence, c.last_message_at, c.last_message_sequence, c.last_message_id::text, c.last_message_preview,
    c.last_message_type, c.last_message_inbound, c.last_inbound_at
from unnest($1::uuid[], $2::text[]) as wanted (tenant_id, chat_key)
join chats c on c.tenant_id = wanted.tenant_id and c.chat_key = wanted.chat_key and c.status <> 'closed'
order by c.tenant_id, c.chat_key
for no key update of c
"""

BY_ADDRESS = """
select c.tenant_id::text, c.id::text, c.project_id::text, c.chat_key, c.channel_id::text, c.channel_type, c.chat_type,
    c.contact_id::text, c.external_chat_id, c.external_ids, c.subject, c.last_sequence, c.unread_count, c.read_at,
    c.read_sequence, c.last_message_at, c.last_message_sequence, c.last_message_id::text, c.last_message_preview,
    c.last_message_type, c.last_message_inbound, c.last_inbound_at
from unnest($1::uuid[], $2::uuid[], $3::text[]) as wanted (tenant_id, channel_id, external_chat_id)
join chats c on c.tenant_id = wanted.tenant_id and c.channel_id = wanted.channel_id
    and c.external_chat_id = wanted.external_chat_id and c.status <> 'closed'
order by c.tenant_id, c.chat_key
for no key update of c
"""

BY_ID = """
select c.tenant_id::text, c.id::text, c.project_id::text, c.chat_key, c.channel_id::text, c.channel_type, c.chat_type,
    c.contact_id::text, c.external_chat_id, c.external_ids, c.subject, c.last_sequence, c.unread_count, c.read_at,
    c.read_sequence, c.last_message_at, c.last_message_sequence, c.last_message_id::text, c.last_message_preview,
    c.last_message_type, c.last_message_inbound, c.last_inbound_at
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, id)
join chats c on c.tenant_id = wanted.tenant_id and c.id = wanted.id and c.status <> 'closed'
order by c.tenant_id, c.chat_key
for no key update of c
"""

CLOSED = "select status = 'closed' from chats where tenant_id = $1 and project_id = $2 and id = $3"

# With all that its first messages changed in it: a row that is written once stays where it is.
BEGIN_NEW = """
insert into chats (tenant_id, id, external_chat_id, external_ids, subject, last_sequence, unread_count, last_message_at,
    last_message_sequence, last_message_id, last_message_preview, last_message_type, last_message_inbound, last_inbound_at,
    project_id, chat_key, channel_id, channel_type, chat_type, contact_id, participants)
select n.tenant_id, n.id, n.external_chat_id, n.external_ids, n.subject, n.last_sequence, n.unread_count, n.last_message_at,
    n.last_message_sequence, n.last_message_id, n.last_message_preview, n.last_message_type, n.last_message_inbound, n.last_inbound_at,
    n.project_id, n.chat_key, n.channel_id, n.channel_type, n.chat_type, n.contact_id,
    case when n.contact_id is null then '[]' else jsonb_build_array(jsonb_build_object('id', n.contact_id,
    'type', 'contact', 'joined_at', now(), 'left_at', null, 'is_admin', false)) end
from unnest($1::begun_chat[]) as n
order by n.tenant_id, n.chat_key
"""

# An archived chat in which somebody writes is active again.
KEEP = """
update chats c set external_chat_id = k.external_chat_id,
    external_ids = coalesce(k.external_ids, c.external_ids), subject = k.subject, last_sequence = k.last_sequence,
    unread_count = k.unread_count, last_message_at = k.last_message_at,
    last_message_sequence = k.last_message_sequence, last_message_id = k.last_message_id,
    last_message_preview = k.last_message_preview, last_message_type = k.last_message_type,
    last_message_inbound = k.last_message_inbound, last_inbound_at = k.last_inbound_at, status = 'active',
    version = c.version + 1, updated_at = now()
from unnest($1::changed_chat[]) as k
where c.tenant_id = k.tenant_id and c.id = k.id
"""

# What was refused takes a number in its chat, and changes nothing else.
COUNT = """
update chats c set last_sequence = k.last_sequence, version = c.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as k (tenant_id, id, last_sequence)
where c.tenant_id = k.tenant_id and c.id = k.id
"""

INTRODUCE = """
update chats c set contact_id = k.contact_id, participants = c.participants || jsonb_build_object('id', k.contact_id,
    'type', 'contact', 'joined_at', now(), 'left_at', null, 'is_admin', false)
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as k (tenant_id, id, contact_id)
where c.tenant_id = k.tenant_id and c.id = k.id and c.contact_id is null
"""

# Where we wrote to a bare number, the provider tells the id. Another chat may have it already; then it is that one's.
LEARN_ADDRESSES = """
with learned as (
    select distinct on (m.tenant_id, m.chat_id) m.tenant_id, m.chat_id, m.channel_id, l.external_chat_id
    from unnest($1::uuid[], $2::uuid[], $3::text[]) as l (tenant_id, message_id, external_chat_id)
    join messages m on m.tenant_id = l.tenant_id and m.id = l.message_id
), known as (
    select c.tenant_id, c.id from learned l join chats c on c.tenant_id = l.tenant_id and c.id = l.chat_id
    order by c.tenant_id, c.chat_key for no key update of c
)
update chats c set external_chat_id = l.external_chat_id, external_ids = array_append(c.external_ids, l.external_chat_id),
    version = c.version + 1, updated_at = now()
from learned l join known k on k.tenant_id = l.tenant_id and k.id = l.chat_id
where c.tenant_id = l.tenant_id and c.id = l.chat_id and c.external_chat_id is null and not exists (
    select from chats o where o.tenant_id = l.tenant_id and o.channel_id = l.channel_id
        and o.external_chat_id = l.external_chat_id and o.status <> 'closed'
)
"""

# Only forward. What is unread is counted anew, since the mark may stand anywhere.
MARK_READ = """
update chats c set read_at = r.read_at, read_sequence = r.read_sequence, unread_count = (
        select count(*) from messages m where m.tenant_id = c.tenant_id and m.chat_id = c.id and m.direction = 'inbound'
            and m.origin <> 'history' and (m.timestamp, m.sequence) > (r.read_at, r.read_sequence)
    ), version = c.version + 1, updated_at = now()
from (
    select r.* from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[]) as r (tenant_id, chat_id, read_at, read_sequence)
    join chats c on c.tenant_id = r.tenant_id and c.id = r.chat_id
    order by c.tenant_id, c.chat_key for no key update of c
) r
where c.tenant_id = r.tenant_id and c.id = r.chat_id
    and (c.read_at is null or (c.read_at, c.read_sequence) < (r.read_at, r.read_sequence))
"""


class ChatsInPostgres:
    """The chat table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def by_key(self, keys: Collection[Key]) -> list[Chat]:
        """Return the chats with these keys, unless closed, locked until the transaction ends."""
        return _chats(await self._connection.fetch(BY_KEY, [tenant for tenant, _ in keys], [key for _, key in keys]))

    async def by_id(self, ids: Collection[Key]) -> list[Chat]:
        """Return the chats with these ids, unless closed, locked likewise."""
        return _chats(await self._connection.fetch(BY_ID, [tenant for tenant, _ in ids], [each for _, each in ids]))

    async def by_address(self, addresses: Collection[MessageKey]) -> list[Chat]:
        """Return the chats that the provider knows by these ids, unless closed, locked likewise."""
        return _chats(await self._connection.fetch(BY_ADDRESS, *map(list, zip(*addresses, strict=True))))

    async def is_closed(self, tenant_id: str, project_id: str, chat_id: str) -> bool:
        """Tell whether there is such a chat, and it is closed."""
        return await self._connection.fetchval(CLOSED, tenant_id, project_id, chat_id) is True

    async def begin(self, chats: Sequence[Chat]) -> None:
        """Store new chats, with all that their first messages changed in them."""
        await self._connection.execute(BEGIN_NEW, list(map(_begun, chats)))

    async def keep(self, chats: Collection[Chat]) -> None:
        """Store what messages changed in chats; an archived one comes back."""
        if chats:
            await self._connection.execute(KEEP, list(map(_changed, chats)))

    async def count(self, chats: Collection[Chat]) -> None:
        """Store only how many messages chats have."""
        if chats:
            numbers = [chat.last_sequence for chat in chats]
            await self._connection.execute(
                COUNT, [chat.tenant_id for chat in chats], [chat.id for chat in chats], numbers
            )

    async def introduce(self, chats: Sequence[Chat]) -> None:
        """Store whose chats these are, which were begun by an address."""
        people = [chat.contact_id for chat in chats]
        await self._connection.execute(
            INTRODUCE, [chat.tenant_id for chat in chats], [chat.id for chat in chats], people
        )

    async def learn_addresses(self, outcomes: Sequence[Outcome]) -> None:
        """Note the provider's ids of chats that had none, where no other chat has them."""
        await self._connection.execute(
            LEARN_ADDRESSES,
            [outcome.tenant_id for outcome in outcomes],
            [outcome.message_id for outcome in outcomes],
            [outcome.external_chat_id for outcome in outcomes],
        )

    async def mark_read(self, messages: Sequence[Tracked]) -> None:
        """Move the read marks of chats to these messages, only forward, and count what is unread behind them."""
        await self._connection.execute(
            MARK_READ,
            [message.tenant_id for message in messages],
            [message.chat_id for message in messages],
            [message.timestamp for message in messages],
            [message.sequence for message in messages],
        )


def _chats(rows: Sequence[asyncpg.Record]) -> list[Chat]:
    return [Chat(*row) for row in rows]  # by position, a third of the cost by name


def _changed(chat: Chat) -> tuple[Any, ...]:
    """Return the fields of the type changed_chat."""
    return (
        chat.tenant_id,
        chat.id,
        chat.external_chat_id,
        chat.external_ids if chat.has_new_ids else None,
        chat.subject,
        chat.last_sequence,
        chat.unread_count,
        chat.last_message_at,
        chat.last_message_sequence,
        chat.last_message_id,
        chat.last_message_preview,
        chat.last_message_type,
        chat.last_message_inbound,
        chat.last_inbound_at,
    )


def _begun(chat: Chat) -> tuple[Any, ...]:
    """Return the fields of the type begun_chat."""
    return (
        *_changed(chat),
        chat.project_id,
        chat.chat_key,
        chat.channel_id,
        chat.channel_type,
        chat.chat_type,
        chat.contact_id,
    )

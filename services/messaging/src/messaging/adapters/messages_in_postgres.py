"""Arriving messages, their files and early receipts in Postgres, set-based: a batch of any size costs the same few statements."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

from postgres.database import Connection

from messaging.application.work import MessageKey, Stored
from messaging.domain.acknowledgement import Ack
from messaging.domain.arrival import Arrival, Message

# Sorted, so that two transactions wait for each other instead of deadlocking. Always the first statement of a batch.
HOLD_RECEIPTS_BACK = """
select pg_advisory_xact_lock_shared(key) from (select key from unnest($1::bigint[]) as k (key) order by key) as sorted
"""
HOLD_ARRIVALS_BACK = """
select pg_advisory_xact_lock(key) from (select key from unnest($1::bigint[]) as k (key) order by key) as sorted
"""

KNOWN = """
select m.tenant_id::text, m.channel_id::text, m.provider_message_id
from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (tenant_id, channel_id, provider_message_id)
join messages m on m.tenant_id = w.tenant_id and m.channel_id = w.channel_id and m.provider_message_id = w.provider_message_id
"""

# What is stored already falls out here, and with it everything that follows from it. In the same statement: quotes that came
# before what they quote, and receipts that came before their message.
ADD = """
with added as (
    insert into messages (tenant_id, id, project_id, chat_id, channel_id, channel_type, contact_id, session_id, direction,
        sender_kind, sender_id, sender_name, source, origin, content_type, text, media_id, details, unsupported_kind,
        provider_message_id, provider_message_ref, reply_to_provider_id, mentions, forwarded, status, sequence, timestamp,
        received_at, sent_at, delivered_at, reply_to_message_id)
    select n.tenant_id, n.id, n.project_id, n.chat_id, n.channel_id, n.channel_type, n.contact_id, n.session_id,
        case when n.inbound then 'inbound' else 'outbound' end, case when n.inbound then 'contact' else 'phone' end,
        case when n.inbound then n.contact_id end, case when n.inbound then n.contact_name end, n.source, n.origin,
        n.content_type, n.text, n.media_id, n.details, n.unsupported_kind, n.provider_message_id, n.provider_message_ref,
        n.reply_to_provider_id, n.mentions, n.forwarded, n.status, n.sequence, n.timestamp, n.received_at,
        case when not n.inbound then n.timestamp end, case when n.inbound then n.received_at end,
        case when n.reply_to_provider_id is null or n.reply_to_message_id is not null then n.reply_to_message_id
            else (select q.id from messages q where q.tenant_id = n.tenant_id and q.channel_id = n.channel_id
                and q.provider_message_id = n.reply_to_provider_id) end
    from unnest($1::arrived_message[]) as n
    on conflict (tenant_id, provider_message_id, channel_id) where provider_message_id is not null do nothing
    returning tenant_id, id, channel_id, provider_message_id, reply_to_message_id
), answered as (
    update messages b set reply_to_message_id = a.id, version = b.version + 1, updated_at = now()
    from added a
    where b.tenant_id = a.tenant_id and b.channel_id = a.channel_id and b.reply_to_provider_id = a.provider_message_id
        and b.reply_to_message_id is null and b.reply_to_provider_id is not null
), early as (
    delete from pending_acks p using added a
    where p.tenant_id = a.tenant_id and p.provider_message_id = a.provider_message_id and p.channel_id = a.channel_id
    returning a.id, p.level, p.acked_at, p.expires_at
)
select a.id::text, a.reply_to_message_id::text, e.level, e.acked_at
from added a left join early e on e.id = a.id and e.expires_at > now()
order by a.id, e.acked_at, e.level
"""

ADD_MEDIA = """
insert into media_objects (tenant_id, id, project_id, message_id, channel_id, kind, mime_type, file_name, size_bytes, duration_seconds)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bigint[],
    $10::int[])
on conflict (tenant_id, id) do nothing
"""

FORGET = "delete from pending_acks where tenant_id = any($1::uuid[]) and expires_at < now()"
PUT_ASIDE = """
insert into pending_acks (tenant_id, channel_id, provider_message_id, level, acked_at, expires_at)
select distinct on (tenant_id, provider_message_id, channel_id, level) tenant_id, channel_id, provider_message_id, level, acked_at,
    now() + interval '7 days'
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::timestamptz[])
    as a (tenant_id, channel_id, provider_message_id, level, acked_at)
order by tenant_id, provider_message_id, channel_id, level, acked_at
on conflict (tenant_id, provider_message_id, channel_id, level) do nothing
"""


class MessagesInPostgres:
    """The tables of messages, media and waiting receipts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hold_receipts_back(self, channels: Collection[tuple[str, str]]) -> None:
        """Until the transaction ends, no receipt of these channels (tenant, channel) is put aside for an unknown message."""
        await self._connection.execute(HOLD_RECEIPTS_BACK, _lock_keys(channels))

    async def hold_arrivals_back(self, channels: Collection[tuple[str, str]]) -> None:
        """Until the transaction ends, no message is stored in these channels."""
        await self._connection.execute(HOLD_ARRIVALS_BACK, _lock_keys(channels))

    async def known(self, arrivals: Sequence[Arrival]) -> set[MessageKey]:
        """Return which of the arrivals are stored already."""
        rows = await self._connection.fetch(KNOWN, *_columns([arrival.message_key for arrival in arrivals]))
        return {(row["tenant_id"], row["channel_id"], row["provider_message_id"]) for row in rows}

    async def add(self, messages: Sequence[Message]) -> list[Stored]:
        """Store messages, resolving quotes in both directions; what was stored already is dropped and not returned."""
        rows = await self._connection.fetch(ADD, [_arrived(message) for message in messages])
        stored: dict[str, Stored] = {}
        for message_id, reply_to_message_id, level, acked_at in rows:
            one = stored.setdefault(message_id, Stored(message_id, reply_to_message_id, []))
            if level is not None:
                one.early.append((level, acked_at))
        return list(stored.values())

    async def add_media(self, messages: Sequence[Message]) -> None:
        """Record the files of messages as pending."""
        await self._connection.execute(ADD_MEDIA, *_columns([_media_row(message) for message in messages]))

    async def put_aside(self, acks: Sequence[Ack]) -> None:
        """Keep receipts of messages that nobody has seen yet for 7 days; forget those that waited for too long."""
        rows = [(*ack.message_key, ack.level, ack.at) for ack in acks]
        await self._connection.execute(FORGET, list({ack.tenant_id for ack in acks}))
        await self._connection.execute(PUT_ASIDE, *_columns(rows))


def _arrived(message: Message) -> tuple[Any, ...]:
    """Return the fields of the type arrived_message."""
    arrival, content = message.arrival, message.arrival.content
    return (
        arrival.tenant_id,
        message.id,
        arrival.project_id,
        message.chat_id,
        arrival.channel_id,
        arrival.channel_type,
        arrival.contact_id,
        arrival.session_id,
        arrival.inbound,
        arrival.contact_name,
        arrival.source,
        arrival.origin,
        content.kind,
        content.text,
        content.media.id if content.media else None,
        content.details,
        content.unsupported_kind,
        arrival.provider_message_id,
        arrival.provider_message_ref,
        arrival.reply_to_provider_id,
        arrival.mentions,
        arrival.forwarded,
        message.status,
        message.sequence,
        arrival.occurred_at,
        arrival.received_at,
        message.reply_to_message_id,
    )


def _media_row(message: Message) -> tuple[Any, ...]:
    arrival, media = message.arrival, message.arrival.content.media
    assert media is not None, "only messages with a file come here"
    return (
        arrival.tenant_id,
        media.id,
        arrival.project_id,
        message.id,
        arrival.channel_id,
        arrival.content.kind,
        media.mime_type,
        media.file_name,
        media.size_bytes,
        media.duration_seconds,
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _lock_keys(channels: Collection[tuple[str, str]]) -> list[int]:
    """Return one number for each channel (tenant, channel)."""
    texts = [f"messaging {tenant} {channel}".encode() for tenant, channel in channels]
    return [int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True) for text in texts]

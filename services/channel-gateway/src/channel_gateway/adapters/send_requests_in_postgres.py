"""What messaging asks to be sent, stored and withdrawn, set by set. Rows are taken in the order of their keys."""

from collections.abc import Mapping, Sequence

from postgres.database import Connection

from channel_gateway.adapters.send_rows import COLUMNS, attempt_of
from channel_gateway.domain.sending import LOW, Attempt, Heard, Refusal, SendRequest, Withdrawal

# Whoever names a channel that is not there is told so: nothing would ever send it.
STORE = """
with asked as (
    select n.*, coalesce(n.refused, case when c.id is null then 'channel_disconnected' end) as code
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::smallint[], $11::timestamptz[], $12::timestamptz[], $13::uuid[], $14::text[], $15::text[], $16::int[],
        $17::text[], $18::text[], $19::text[], $20::text[], $21::bool[], $22::bool[], $23::text[]) with ordinality
        as n (tenant_id, project_id, message_id, channel_id, chat_key, external_chat_id, phone, content_type, text, priority,
            queued_at, expires_at, heard_id, correlation_id, actor, hop, traceparent, reply_to_id, reply_to_ref, mentions,
            link_preview, first_contact, refused, position)
    left join channels c on c.tenant_id = n.tenant_id and c.id = n.channel_id and c.deleted_at is null
), served as (
    insert into channel_senders (tenant_id, channel_id)
    select distinct tenant_id, channel_id from asked where code is null order by tenant_id, channel_id
    on conflict do nothing
)
insert into send_attempts (tenant_id, project_id, message_id, channel_id, chat_key, external_chat_id, phone, content_type,
    text, priority, queued_at, expires_at, heard_id, correlation_id, actor, hop, traceparent, reply_to_id, reply_to_ref,
    mentions, link_preview, first_contact, state, failure_code, ended_at)
select tenant_id, project_id, message_id, channel_id, chat_key, external_chat_id, phone, content_type,
    case when code is null then text end, priority, queued_at, expires_at, heard_id, correlation_id, actor, hop, traceparent,
    reply_to_id, reply_to_ref, coalesce(string_to_array(nullif(mentions, ''), ','), '{}'), link_preview, first_contact,
    case when code is null then 'pending' else 'rejected' end, code, case when code is not null then now() end
from asked order by position
on conflict (tenant_id, message_id) do nothing
returning message_id::text, failure_code
"""

# What waits before it in its chat goes as fast as it does: an order within a chat must not slow down an answer.
HURRY = """
update send_attempts a set priority = h.priority, updated_at = now()
from (
    select w.tenant_id, w.message_id, min(n.priority) as priority
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[]) as n (tenant_id, channel_id, chat_key, priority)
    join lateral (
        select w.tenant_id, w.message_id, w.priority from send_attempts w
        where w.tenant_id = n.tenant_id and w.channel_id = n.channel_id and w.chat_key = n.chat_key and w.state = 'pending'
            and w.priority > n.priority
        order by w.tenant_id, w.message_id for update
    ) w on true
    group by w.tenant_id, w.message_id
) h
where a.tenant_id = h.tenant_id and a.message_id = h.message_id and a.state = 'pending'
"""

# A request that is withdrawn before it came is stored as withdrawn, and its arrival finds it so.
CANCEL = """
insert into send_attempts as a (tenant_id, project_id, message_id, channel_id, chat_key, content_type, priority, state,
    failure_code, ended_at, queued_at, expires_at, heard_id, correlation_id, actor, hop, traceparent)
select tenant_id, project_id, message_id, channel_id, chat_key, 'none', 0, 'rejected', 'cancelled', now(), now(), now(),
    heard_id, correlation_id, actor, hop, traceparent
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::int[],
    $10::text[]) as w (tenant_id, project_id, message_id, channel_id, chat_key, heard_id, correlation_id, actor, hop,
        traceparent)
order by tenant_id, message_id
on conflict (tenant_id, message_id) do update set state = 'rejected', failure_code = 'cancelled', text = null,
    ended_at = now(), updated_at = now()
where a.state = 'pending'
returning message_id::text, attempts
"""

ENDING = """
select a.tenant_id::text, a.message_id::text, a.expires_at <= now() as expired
from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, message_id)
join send_attempts a on a.tenant_id = n.tenant_id and a.message_id = n.message_id and a.state = 'pending'
"""
END = f"""
update send_attempts a set state = 'rejected', failure_code = n.code, last_error = n.reason, text = null, ended_at = now(),
    updated_at = now()
from (
    select b.tenant_id, b.message_id, n.code, n.reason
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as n (tenant_id, message_id, code, reason)
    join send_attempts b on b.tenant_id = n.tenant_id and b.message_id = n.message_id and b.state = 'pending'
    order by b.tenant_id, b.message_id for update of b
) n
where a.tenant_id = n.tenant_id and a.message_id = n.message_id
returning {COLUMNS}
"""
FORGET = """
delete from send_attempts where ctid = any (array(
    select ctid from send_attempts where tenant_id = $1 and message_id < $2 and ended_at is not null limit $3))
"""

NOTIFY = "select pg_notify('channel_gateway_work', 'sends')"


class SendRequestsInPostgres:
    """Requests inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def store(self, requests: Sequence[SendRequest]) -> Mapping[str, str | None]:
        """Store what was not stored yet, in this order; return its message ids, each with the code of its refusal."""
        rows = await self._connection.fetch(
            STORE,
            [each.tenant_id for each in requests],
            [each.project_id for each in requests],
            [each.message_id for each in requests],
            [each.channel_id for each in requests],
            [each.chat_key for each in requests],
            [each.external_chat_id for each in requests],
            [each.phone for each in requests],
            [each.content_type for each in requests],
            [each.text for each in requests],
            [each.priority for each in requests],
            [each.queued_at for each in requests],
            [each.expires_at for each in requests],
            *_heard([each.heard for each in requests]),
            [each.reply_to_id for each in requests],
            [each.reply_to_ref for each in requests],
            [",".join(each.mentions) for each in requests],
            [each.link_preview for each in requests],
            [each.first_contact for each in requests],
            [None if each.refusal is None else each.refusal.code for each in requests],
        )
        urgent = {
            (each.tenant_id, each.channel_id, each.chat_key): each.priority for each in requests if each.priority < LOW
        }
        if urgent:
            await self._hurry(urgent)
        await self._connection.execute(NOTIFY)
        return {row[0]: row[1] for row in rows}

    async def _hurry(self, urgent: Mapping[tuple[str, str, str], int]) -> None:
        chats = sorted(urgent)
        await self._connection.execute(
            HURRY,
            [tenant_id for tenant_id, _, _ in chats],
            [channel_id for _, channel_id, _ in chats],
            [chat_key for _, _, chat_key in chats],
            [urgent[chat] for chat in chats],
        )

    async def withdraw(self, wishes: Sequence[Withdrawal]) -> Mapping[str, int]:
        """Refuse what was not begun, or has not come yet; return its message ids, each with the number of its calls."""
        rows = await self._connection.fetch(
            CANCEL,
            [each.tenant_id for each in wishes],
            [each.project_id for each in wishes],
            [each.message_id for each in wishes],
            [each.channel_id for each in wishes],
            [each.chat_key for each in wishes],
            *_heard([each.heard for each in wishes]),
        )
        return {row[0]: row[1] for row in rows}

    async def over(self, sends: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str, bool]]:
        """Of sends (tenant, message) return those that still wait, each with whether its time is over."""
        rows = await self._connection.fetch(ENDING, [tenant_id for tenant_id, _ in sends], [each for _, each in sends])
        return [(row[0], row[1], row[2]) for row in rows]

    async def end(self, sends: Sequence[tuple[str, str, Refusal]]) -> Sequence[Attempt]:
        """Refuse sends (tenant, message) that still wait; return those that did."""
        rows = await self._connection.fetch(
            END,
            [tenant_id for tenant_id, _, _ in sends],
            [message_id for _, message_id, _ in sends],
            [refusal.code for _, _, refusal in sends],
            [refusal.reason for _, _, refusal in sends],
        )
        return [attempt_of(row) for row in rows]

    async def forget(self, tenant_id: str, before: str, most: int) -> int:
        """Delete sends that ended, with ids below `before`; return how many."""
        done = await self._connection.execute(FORGET, tenant_id, before, most)
        return int(done.rpartition(" ")[2])


def _heard(heard: Sequence[Heard]) -> tuple[list[object], ...]:
    return (
        [each.event_id for each in heard],
        [each.correlation_id for each in heard],
        [each.actor for each in heard],
        [each.hop for each in heard],
        [each.traceparent for each in heard],
    )
